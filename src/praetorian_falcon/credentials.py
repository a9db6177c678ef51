"""Username and password of a login request.

Facts:

* ``req.get_media()`` reads a body of any length, on the event loop under ASGI.
* ``req.bounded_stream`` is empty for a chunked body, which has no ``Content-Length``. ``wsgi.input_terminated`` is set by
  servers whose stream ends with the body.
* ``req.media`` returns ``req._media`` once the body was read.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import overload

import falcon
import falcon.asgi

from praetorian_core.web.credentials import (
    MAX_BODY,
    CredentialsError,
    check_content_type,
    parse_body,
    read_body,
    username_and_password,
)

# The overloads overlap as those in ``current.py`` do.


@overload
def credentials(req: falcon.asgi.Request) -> Awaitable[tuple[object, object]]: ...  # type: ignore[overload-overlap]  # pyright: ignore[reportOverlappingOverload]


@overload
def credentials(req: falcon.Request) -> tuple[object, object]: ...


def credentials(req: falcon.Request) -> tuple[object, object] | Awaitable[tuple[object, object]]:
    """Return ``username`` and ``password`` of the JSON body, of whatever type; awaitable under ASGI.

    An absent member is None. A body that is not a JSON object is answered with 400, one of more than 64 KiB with 413,
    another content type with 415. ``req.media`` returns the body afterwards.
    """
    if isinstance(req, falcon.asgi.Request):
        return _credentials_async(req)
    _check_content_type(req)
    is_chunked = req.content_length is None and bool(req.env.get("wsgi.input_terminated"))
    return _parsed(req, read_body((req.stream if is_chunked else req.bounded_stream).read))


async def _credentials_async(req: falcon.asgi.Request) -> tuple[object, object]:
    _check_content_type(req)
    return _parsed(req, await req.stream.read(MAX_BODY + 1))


def _check_content_type(req: falcon.Request) -> None:
    try:
        check_content_type(req.content_type)
    except CredentialsError as error:
        raise falcon.HTTPError(error.status, description=error.description) from None


def _parsed(req: falcon.Request, body: bytes) -> tuple[object, object]:
    try:
        if body or not _has_object(req):
            req._media = parse_body(body)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (see above)
        return username_and_password(req._media)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (see above)
    except CredentialsError as error:
        raise falcon.HTTPError(error.status, description=error.description) from None


def _has_object(req: falcon.Request) -> bool:
    return isinstance(req._media, dict)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  (see above)
