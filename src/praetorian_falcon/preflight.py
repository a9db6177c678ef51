"""Answers to CORS preflights, which carry no token (Fetch Standard, "CORS-preflight request").

The answer has the status, the methods and the length of Falcon's own answer to ``OPTIONS``, so that ``CORSMiddleware``
completes it. Guarded code does not run for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import falcon
import falcon.routing

_ANY_METHOD = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def answer_preflight(resp: falcon.Response, owner: object, name: str) -> None:
    """Write the answer to a preflight.

    Args:
        resp: The response.
        owner: First argument of the guarded function; for a responder, its resource.
        name: Name of the guarded function.
    """
    resp.status = falcon.HTTP_200
    resp.set_header("Allow", ", ".join(_methods(owner, name)))
    resp.content_length = 0


def _methods(owner: object, name: str) -> Sequence[str]:
    if not name.startswith("on_options"):
        # A sink does not declare its methods.
        return _ANY_METHOD
    suffix = name.removeprefix("on_options").removeprefix("_") or None
    mapped = falcon.routing.map_http_methods(owner, suffix)
    return sorted(method for method in mapped if method not in {"OPTIONS", "WEBSOCKET"})
