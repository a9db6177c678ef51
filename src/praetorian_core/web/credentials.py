"""Username and password in the JSON body of a login request."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import cast

_LOG = logging.getLogger("praetorian")

MAX_BODY = 65_536
"""The most octets of a login body: enough for the longest password, with every character escaped."""

_EXPECTED = "expected a JSON object with the members username and password"


class CredentialsError(Exception):
    """The body of a login request is not usable; the framework answers with its own page for the status.

    Attributes:
        status: HTTP status code: 400, 413 or 415.
        description: Fixed sentence for the client.
    """

    def __init__(self, status: int, description: str) -> None:
        """Keep status and description."""
        self.status = status
        self.description = description
        super().__init__(description)


def check_content_type(content_type: str | None) -> None:
    """Accept ``application/json`` and types with the suffix ``+json``, in any letter case and with any parameters.

    Raises:
        CredentialsError: 415, another type or none.
    """
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise CredentialsError(415, "expected a JSON object, of the content type application/json")


def read_body(read: Callable[[int], bytes]) -> bytes:
    """Return a body up to one octet more than ``MAX_BODY``, so that a longer one is never held in memory.

    Args:
        read: Returns at most as many octets as it is asked for, and none at the end of the body.
    """
    body = b""
    while len(body) <= MAX_BODY and (chunk := read(MAX_BODY + 1 - len(body))):
        body += chunk
    return body


def parse_body(body: bytes) -> object:
    """Return the JSON value of a body: UTF-8, with or without a byte order mark (RFC 8259 §8.1).

    Args:
        body: The body; see ``read_body``.

    Raises:
        CredentialsError: 413, the body is longer than ``MAX_BODY``; 400, it is not JSON.
    """
    if len(body) > MAX_BODY:
        raise CredentialsError(413, f"expected a JSON object of at most {MAX_BODY} octets")
    try:
        # Python would also accept UTF-16 and UTF-32, which other parsers of the same body reject.
        value: object = json.loads(body.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise CredentialsError(400, _EXPECTED) from None
    return value


def username_and_password(body: object) -> tuple[object, object]:
    """Return the members ``username`` and ``password`` of a parsed JSON body, None for an absent one.

    Raises:
        CredentialsError: 400, the value is not an object.
    """
    if not isinstance(body, dict):
        raise CredentialsError(400, _EXPECTED)
    members = cast("dict[str, object]", body)
    for name in ("username", "password"):
        # A password alone confirms a session.
        if name not in members and members.keys() != {"password"}:
            _LOG.warning("a login request has no member %r in its JSON body", name)
    return members.get("username"), members.get("password")
