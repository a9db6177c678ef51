"""Payloads, claims and readers that the tests of the layouts share."""

from __future__ import annotations

import pytest

from praetorian_core.principal import Principal
from praetorian_core.token.claims import ActionClaims
from praetorian_core.token.layouts import FLASK_PRAETORIAN, STANDARD

ABSENT = object()

LONG_S = "\u017f"
"""No ASCII letter, and yet its casefold is one: s."""

NO_TIMES = [True, False, 1.0, 150.0, "150", "", None, -1, 2**53, 2**64, [150], {"value": 150}]
NO_NAMES = ["", "x" * 256, 1, 0, 1.5, True, False, None, [], ["x"], {}]
NAMES = ["x", " ", "é", "x" * 255, "0", "null"]


def session(**changes):
    """Return the payload of a STANDARD session token, with changes."""
    payload = {"sub": "7", "id": 7, "roles": ["admin"], "iat": 100, "exp": 200, "rf_exp": 300, "sid": "s1"}
    return changed(payload, changes)


def action(**changes):
    """Return the payload of a STANDARD action token, with changes."""
    return changed({"sub": "7", "id": 7, "action": "invite", "jti": "j1", "iat": 100, "exp": 200}, changes)


def legacy(**changes):
    """Return the payload of a FLASK_PRAETORIAN token, with changes."""
    return changed({"jti": "s1", "id": 7, "rls": "admin", "iat": 100, "exp": 200, "rf_exp": 300}, changes)


def changed(payload, changes):
    payload = {**payload, **changes}
    return {name: value for name, value in payload.items() if value is not ABSENT}


def read_session(**changes):
    return STANDARD.read("JWT", session(**changes), with_roles=True)


def read_action(**changes):
    return STANDARD.read("action+jwt", action(**changes), with_roles=True)


def read_legacy(**changes):
    return FLASK_PRAETORIAN.read("JWT", legacy(**changes), with_roles=True)


READERS = {"session": read_session, "action": read_action, "legacy": read_legacy}


TIMES = {
    "session": ["iat", "exp", "rf_exp", "gen", "auth_time"],
    "action": ["iat", "exp"],
    "legacy": ["iat", "exp", "rf_exp", "gen", "auth_time"],
}

REQUIRED_NAMES = {"session": ["sub", "sid"], "action": ["sub", "action", "jti"], "legacy": ["jti"]}
OPTIONAL_NAMES = {"session": ["epoch", "csrf"], "action": ["pwf"], "legacy": ["epoch", "csrf"]}
ALL_NAMES = {kind: REQUIRED_NAMES[kind] + OPTIONAL_NAMES[kind] for kind in REQUIRED_NAMES}


def table(names, values):
    """Return one parameter for each kind of token, claim and value."""
    return [
        pytest.param(READERS[kind], claim, value, id=f"{kind}-{claim}-{str(value)[:12]!r}-{type(value).__name__}")
        for kind, claims in names.items()
        for claim in claims
        for value in values
    ]


def principal(**changes):
    values = {
        "identity": 7,
        "roles": frozenset({"admin"}),
        "claims": {},
        "session_id": "s1",
        "issued_at": 100,
        "access_expires_at": 200,
        "refresh_expires_at": 300,
    }
    return Principal(**{**values, **changes})


def action_claims(**changes):
    values = {"identity": 7, "action": "invite", "token_id": "j1", "issued_at": 100, "expires_at": 200}
    return ActionClaims(**{**values, **changes})
