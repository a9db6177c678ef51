"""Answers to CORS preflights, which carry no token (Fetch Standard, "CORS-preflight request").

The answer has the status, the methods and the length of Falcon's own answer to ``OPTIONS``, so that ``CORSMiddleware``
completes it. No guarded code runs for it, and neither does the code that Falcon would run after a guarded check:

* After a middleware method that sets ``resp.complete``, Falcon calls neither responder nor sink.
* ``falcon.before`` calls the responder whatever its hook does, unless the hook raises.
* A sink or a responder that calls a guarded function itself goes on after it. What it has written by then is discarded
  before it is sent.
"""

from __future__ import annotations

from collections.abc import Sequence

import falcon
import falcon.asgi
import falcon.routing

ANY_METHOD = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_HOOK_ARGUMENTS = 4  # request, response, resource and params


def answer_preflight(resp: falcon.Response, args: tuple[object, ...], name: str) -> None:
    """Write the answer to a preflight in place of a guarded function.

    Args:
        resp: The response.
        args: Arguments of the function; the first one of a responder is its resource.
        name: Name of the function.

    Raises:
        falcon.HTTPStatus: The function is the hook of a ``falcon.before``.
    """
    resp.status = falcon.HTTP_200
    resp.set_header("Allow", ", ".join(_methods(next(iter(args), None), name)))
    resp.content_length = 0
    resp.complete = True
    if len(args) >= _HOOK_ARGUMENTS and isinstance(args[3], dict):
        raise falcon.HTTPStatus(falcon.HTTP_200)


def discard_body(resp: falcon.Response) -> None:
    """Discard what code behind a guarded function has written into the answer to a preflight."""
    resp.status = falcon.HTTP_200
    resp.text = resp.data = resp.media = resp.stream = None
    if isinstance(resp, falcon.asgi.Response):
        resp.sse = None
    resp.content_length = 0


def _methods(owner: object, name: str) -> Sequence[str]:
    if not name.startswith("on_options"):
        # A sink does not declare its methods.
        return ANY_METHOD
    suffix = name.removeprefix("on_options").removeprefix("_") or None
    mapped = falcon.routing.map_http_methods(owner, suffix)
    return sorted(method for method in mapped if method not in {"OPTIONS", "WEBSOCKET"})
