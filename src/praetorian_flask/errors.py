"""The engine's errors as Flask responses."""

from __future__ import annotations

import logging
from collections.abc import Callable

from flask import Response, jsonify

from praetorian_core.errors import PraetorianError
from praetorian_core.web.responses import render
from praetorian_flask.current import state_or_none

_LOG = logging.getLogger("praetorian")

Task = Callable[[PraetorianError], object]
"""Something to do with an error before it is answered; what it returns is ignored."""


def build_error_handler(*tasks: Task) -> Callable[[PraetorianError], Response]:
    """Return an error handler for ``PraetorianError`` and every class derived from it.

    Args:
        tasks: Called with the error, in order, before the response is made: to log or to count it, say. A task that
            raises is logged, and the response still goes out.

    Example::

        app.config["DISABLE_PRAETORIAN_ERROR_HANDLER"] = True
        app.register_error_handler(PraetorianError, build_error_handler(lambda error: log.warning(error.code)))
    """

    def handle(error: PraetorianError) -> Response:
        for task in tasks:
            try:
                task(error)
            except Exception as failure:  # noqa: BLE001  (an application's task may raise anything)
                # Without the traceback: the text of an exception may hold anything.
                _LOG.error("a task of the error handler raised %s for %s", type(failure).__name__, error.code)
        state = state_or_none()
        if state is None:
            answer = render(error)
        else:
            settings = state.guard.settings
            answer = render(error, scheme=settings.header_type, realm=settings.realm)
        response = jsonify(answer.body())
        response.status_code = answer.status
        response.headers.extend(answer.headers)
        return response

    return handle
