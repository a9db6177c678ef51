"""An HTTP client of the API, and the three dates in a token."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import cast
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Token:
    """A token as a client reads it, without a key. Only the server can sign one.

    Attributes:
        text: The compact serialization.
        iat: The time of issue, in seconds since the epoch.
        exp: The end of access, in seconds since the epoch.
        rf_exp: The end of refresh, in seconds since the epoch.
    """

    text: str
    iat: int
    exp: int
    rf_exp: int

    @classmethod
    def read(cls, text: str) -> Token:
        """Read the dates out of a token's payload, its middle part."""
        payload = text.split(".")[1]
        claims = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return cls(text, claims["iat"], claims["exp"], claims["rf_exp"])


@dataclass(frozen=True)
class Answer:
    """The answer of a server.

    Attributes:
        status: The HTTP status.
        challenge: The ``WWW-Authenticate`` header; None if it is absent.
        body: The members of the JSON body; empty if the body is not a JSON object.
    """

    status: int
    challenge: str | None
    body: dict[str, object]

    @property
    def code(self) -> str | None:
        """The stable code of the error; None for an answer without error."""
        code = self.body.get("code")
        return code if isinstance(code, str) else None


def send(url: str, method: str, path: str, *, token: Token | None = None, body: object = None) -> Answer:
    """Send one request over a new connection and return the answer."""
    headers: dict[str, str] = {}
    payload = None
    if token is not None:
        headers["Authorization"] = f"Bearer {token.text}"
    if body is not None:
        headers["Content-Type"] = "application/json"
        payload = json.dumps(body)
    server = urlsplit(url)
    connection = HTTPConnection(server.hostname or "", server.port, timeout=20)
    try:
        connection.request(method, path, payload, headers)
        response = connection.getresponse()
        return Answer(response.status, response.getheader("WWW-Authenticate"), _members(response.read()))
    finally:
        connection.close()


def _members(octets: bytes) -> dict[str, object]:
    try:
        body: object = json.loads(octets)
    except ValueError:
        return {}
    return cast("dict[str, object]", body) if isinstance(body, dict) else {}
