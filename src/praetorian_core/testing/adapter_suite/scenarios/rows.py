"""Parts from which the tables of scenarios are made."""

from __future__ import annotations

import attrs

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.values import Expected, Lack, Request, Scenario, Setting, Step

PREFLIGHT = (("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET"))
"""Headers by which the Fetch Standard defines a CORS preflight."""

ALICE = Expected(body={"id": 1, "roles": ["reader"]})
UNKNOWN_METHOD = Expected(status=405)
OUT_OF_HOURS = attrs.evolve(
    refused("MissingRoleError"),
    code="out_of_hours",
    body={
        "error": "OutOfHoursError",
        "message": "come back tomorrow",
        "status_code": 403,
        "code": "out_of_hours",
    },
)


def one(
    name: str,
    request: Request,
    expected: Expected,
    setting: Setting = Setting.USUAL,
    *,
    unless: tuple[Lack, Expected] | None = None,
) -> Scenario:
    """Return a scenario of one request."""
    return Scenario(name=name, steps=(Step(request=request, expected=expected, unless=unless),), setting=setting)


def several(name: str, *steps: Step | tuple[Request, Expected], setting: Setting = Setting.USUAL) -> Scenario:
    """Return a scenario of several requests to one application."""
    made = (Step(request=step[0], expected=step[1]) if isinstance(step, tuple) else step for step in steps)
    return Scenario(name=name, steps=tuple(made), setting=setting)


def bearer(token: str, *, method: str = "GET", path: str = "/protected") -> Request:
    """Return a request with a token in the usual header."""
    return Request(method=method, path=path, headers=(("Authorization", f"Bearer <{token}>"),))


def header(*values: str, path: str = "/protected") -> Request:
    """Return a request with one ``Authorization`` line per value."""
    return Request(path=path, headers=tuple(("Authorization", value) for value in values))


def login(
    username: object, password: object, remote: str = "8.8.8.8", headers: tuple[tuple[str, str], ...] = ()
) -> Request:
    """Return a login."""
    body = {"username": username, "password": password}
    return Request(method="POST", path="/login", json=body, remote=remote, headers=headers)


def without_body(expected: Expected) -> Expected:
    """Return the response to HEAD: the headers of GET, no body."""
    return attrs.evolve(expected, body=None, content_type=None)
