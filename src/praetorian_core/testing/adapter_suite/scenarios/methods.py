"""Methods HEAD and OPTIONS, and CORS preflights."""

from __future__ import annotations

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import PREFLIGHT, UNKNOWN_METHOD, bearer, one, without_body
from praetorian_core.testing.adapter_suite.values import Expected, Lack, Request

SCENARIOS = (
    one(
        "HEAD without a token",
        Request(method="HEAD"),
        without_body(refused("MissingTokenError")),
        unless=(Lack.HEAD, UNKNOWN_METHOD),
    ),
    one("HEAD with a token", bearer("good", method="HEAD"), Expected(), unless=(Lack.HEAD, UNKNOWN_METHOD)),
    one(
        "HEAD without the role",
        bearer("good", method="HEAD", path="/admin"),
        without_body(refused("MissingRoleError")),
        unless=(Lack.HEAD, UNKNOWN_METHOD),
    ),
    one("HEAD of an open route", Request(method="HEAD", path="/open"), Expected(), unless=(Lack.HEAD, UNKNOWN_METHOD)),
    one("OPTIONS of the framework", Request(method="OPTIONS"), Expected(), unless=(Lack.OPTIONS, UNKNOWN_METHOD)),
    one(
        "a preflight of the framework",
        Request(method="OPTIONS", headers=PREFLIGHT),
        Expected(),
        unless=(Lack.OPTIONS, UNKNOWN_METHOD),
    ),
    one(
        "OPTIONS of the application: no token",
        Request(method="OPTIONS", path="/options"),
        refused("MissingTokenError"),
    ),
    one(
        "OPTIONS of the application: a token",
        bearer("good", method="OPTIONS", path="/options"),
        Expected(body={"id": 1}),
    ),
    one(
        "OPTIONS of the application: an invalid token",
        Request(method="OPTIONS", path="/options", headers=(("Authorization", "Bearer x"),)),
        refused("InvalidTokenError"),
    ),
    one(
        "OPTIONS with Origin alone",
        Request(method="OPTIONS", path="/options", headers=PREFLIGHT[:1]),
        refused("MissingTokenError"),
    ),
    one(
        "OPTIONS with Access-Control-Request-Method alone",
        Request(method="OPTIONS", path="/options", headers=PREFLIGHT[1:]),
        refused("MissingTokenError"),
    ),
    one("a preflight of a guarded OPTIONS", Request(method="OPTIONS", path="/options", headers=PREFLIGHT), Expected()),
    one(
        "GET with the headers of a preflight",
        Request(headers=PREFLIGHT),
        refused("MissingTokenError"),
    ),
)
