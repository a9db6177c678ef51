"""Username and password of a login request."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress
from typing import overload

import falcon
import falcon.asgi

from praetorian_core.web.credentials import CredentialsError, check_content_type, username_and_password

# The overloads overlap as those in ``current.py`` do.


@overload
def credentials(req: falcon.asgi.Request) -> Awaitable[tuple[object, object]]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def credentials(req: falcon.Request) -> tuple[object, object]: ...


def credentials(req: falcon.Request) -> tuple[object, object] | Awaitable[tuple[object, object]]:
    """Return ``username`` and ``password`` of the JSON body, of whatever type; awaitable under ASGI.

    An absent member is None. A body that is not a JSON object is answered with 400, another content type with 415.
    """
    if isinstance(req, falcon.asgi.Request):
        return _credentials_async(req)
    try:
        check_content_type(req.content_type)
        body: object = None
        # Falcon does not expect RecursionError, which Python's parser raises for deep nesting.
        with suppress(RecursionError):
            body = req.get_media()
        return username_and_password(body)
    except CredentialsError as error:
        raise falcon.HTTPError(error.status, description=error.description) from None


async def _credentials_async(req: falcon.asgi.Request) -> tuple[object, object]:
    try:
        check_content_type(req.content_type)
        body: object = None
        with suppress(RecursionError):
            body = await req.get_media()
        return username_and_password(body)
    except CredentialsError as error:
        raise falcon.HTTPError(error.status, description=error.description) from None
