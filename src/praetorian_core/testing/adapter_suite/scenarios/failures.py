"""Errors: hooks, an absent error handler, a store that fails."""

from __future__ import annotations

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import ALICE, bearer, login, one
from praetorian_core.testing.adapter_suite.tokens import PASSWORD
from praetorian_core.testing.adapter_suite.values import Expected, Request, Setting

_UNHANDLED = Expected(status=500, is_unhandled=True)

SCENARIOS = (
    # the error handler
    one("a hook that raises: no token", Request(), refused("MissingTokenError"), Setting.RAISING_HOOK),
    one(
        "a hook that raises: no role", bearer("good", path="/admin"), refused("MissingRoleError"), Setting.RAISING_HOOK
    ),
    one("a hook that raises: a login", login("alice", "wrong"), refused("AuthenticationError"), Setting.RAISING_HOOK),
    one("a hook that raises: a good token", bearer("good"), ALICE, Setting.RAISING_HOOK),
    one("no handler: no token", Request(), _UNHANDLED, Setting.NO_HANDLER),
    one("no handler: no role", bearer("good", path="/admin"), _UNHANDLED, Setting.NO_HANDLER),
    one("no handler: a login", login("alice", "wrong"), _UNHANDLED, Setting.NO_HANDLER),
    one("no handler: a good token", bearer("good"), ALICE, Setting.NO_HANDLER),
    # a broken store: no challenge, so that clients keep their token
    one("a broken store: access", bearer("good"), refused("ServiceUnavailableError"), Setting.BROKEN_STORE),
    one(
        "a broken store: refresh",
        bearer("expired", method="POST", path="/refresh"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    one(
        "a broken store: an optional token",
        bearer("good", path="/optional"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    one(
        "a broken store: logout",
        bearer("good", method="POST", path="/logout"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    one(
        "a broken store: an action",
        bearer("action", method="POST", path="/redeem"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    one(
        "a broken store: a good login",
        login("alice", PASSWORD),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    one(
        "a broken store: a wrong password",
        login("alice", "wrong"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    one(
        "uncounted logins: a good one",
        login("alice", PASSWORD),
        Expected(body={"username": "alice"}),
        Setting.UNCOUNTED_LOGINS,
    ),
    one(
        "uncounted logins: a wrong password",
        login("alice", "wrong"),
        refused("AuthenticationError"),
        Setting.UNCOUNTED_LOGINS,
    ),
    one(
        "uncounted logins: access",
        bearer("good"),
        refused("ServiceUnavailableError"),
        Setting.UNCOUNTED_LOGINS,
    ),
    one("a broken store: no token", Request(), refused("MissingTokenError"), Setting.BROKEN_STORE),
    one("a broken store: an expired token", bearer("expired"), refused("ExpiredAccessError"), Setting.BROKEN_STORE),
    one(
        "a broken store: an open route",
        Request(path="/open"),
        Expected(body={"id": None}),
        Setting.BROKEN_STORE,
    ),
)
