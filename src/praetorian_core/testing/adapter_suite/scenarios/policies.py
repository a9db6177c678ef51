"""Roles, policies, optional tokens and routes without a guard."""

from __future__ import annotations

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import OUT_OF_HOURS, bearer, header, one
from praetorian_core.testing.adapter_suite.values import Expected, Request, Setting

SCENARIOS = (
    one("one role of two", bearer("good", path="/admin"), refused("MissingRoleError")),
    one("both roles", bearer("root", path="/admin"), Expected(body={"id": 2})),
    one("no role of two", bearer("good", path="/staff"), refused("MissingRoleError")),
    one("one role is enough", bearer("root", path="/staff"), Expected(body={"id": 2})),
    one("roles without a token", Request(path="/admin"), refused("MissingTokenError")),
    one("roles of an expired token", bearer("expired", path="/admin"), refused("ExpiredAccessError")),
    one("a satisfied policy", bearer("root", path="/policy"), Expected(body={"id": 2})),
    one("a half satisfied policy", bearer("good", path="/policy"), refused("MissingRoleError")),
    one("a policy without a token", Request(path="/policy"), refused("MissingTokenError")),
    # optional tokens
    one("optional: no token", Request(path="/optional"), Expected(body={"id": None})),
    one("optional: another scheme", header("Basic YQ==", path="/optional"), Expected(body={"id": None})),
    one("optional: a good token", bearer("good", path="/optional"), Expected(body={"id": 1})),
    one("optional: an invalid token", header("Bearer x", path="/optional"), refused("InvalidTokenError")),
    one("optional: a malformed header", header("Bearer", path="/optional"), refused("MalformedHeaderError")),
    one("optional: an expired token", bearer("expired", path="/optional"), refused("ExpiredAccessError")),
    one("optional: a revoked token", bearer("revoked", path="/optional"), refused("RevokedTokenError")),
    # routes without a guard
    one("open: no token", Request(path="/open"), Expected(body={"id": None})),
    one("open: an invalid token", header("Bearer x", path="/open"), Expected(body={"id": None})),
    one("no such route", Request(path="/nowhere"), Expected(status=404)),
    one("no such method", Request(path="/protected", method="DELETE"), Expected(status=405)),
    # A view without a guard looked for no token: that is a mistake of the programmer, not of the client.
    one("a principal without a guard: no token", Request(path="/undecorated"), refused("ConfigurationError")),
    one("a principal without a guard: a token", bearer("good", path="/undecorated"), refused("ConfigurationError")),
    # roles are disabled
    one(
        "a role is required, but roles are disabled",
        bearer("root", path="/admin"),
        refused("ConfigurationError"),
        Setting.NO_ROLES,
    ),
    one(
        "no role is required, and roles are disabled",
        bearer("root"),
        Expected(body={"id": 2, "roles": []}),
        Setting.NO_ROLES,
    ),
    one("an error that a view raises", Request(path="/forbidden"), refused("ForbiddenError")),
    one("an error class of the application", Request(path="/own"), OUT_OF_HOURS),
)
