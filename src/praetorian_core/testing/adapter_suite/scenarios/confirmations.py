"""The age of an authentication (RFC 9470), and its confirmation by the password."""

from __future__ import annotations

import attrs

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import bearer, login, one, several
from praetorian_core.testing.adapter_suite.tokens import NOW, PASSWORD, REFRESH, THROTTLED
from praetorian_core.testing.adapter_suite.values import Expected, Request, Setting, Step

_OLD = 300
"""The age, in seconds, that the routes no longer accept."""

_ALICE = Expected(body={"id": 1})
_ROOT = Expected(body={"id": 2})
_STALE = refused("StaleAuthenticationError")
_WRONG = refused("AuthenticationError")


def _confirmed(after: int = 0) -> Expected:
    return Expected(body={"authenticated_at": NOW + after})


def _confirm(token: str, password: object = PASSWORD, remote: str = "8.8.8.8") -> Request:
    return attrs.evolve(bearer(token, method="POST", path="/confirm"), json={"password": password}, remote=remote)


SCENARIOS = (
    # a policy of time alone
    one("a recent authentication", bearer("good", path="/recent"), _ALICE),
    one("the longest age of an authentication", bearer("aging", path="/recent"), _ALICE),
    one("an authentication that is too old", bearer("aged", path="/recent"), _STALE),
    one("an authentication at an unknown time", bearer("undated", path="/recent"), _STALE),
    one("a recent authentication: no token", Request(path="/recent"), refused("MissingTokenError")),
    one("a recent authentication: an expired token", bearer("expired", path="/recent"), refused("ExpiredAccessError")),
    several(
        "one token before and at the age",
        (bearer("good", path="/recent"), _ALICE),
        Step(tick=_OLD - 1, request=bearer("good", path="/recent"), expected=_ALICE),
        Step(tick=1, request=bearer("good", path="/recent"), expected=_STALE),
        (bearer("good"), Expected(body={"id": 1, "roles": ["reader"]})),
    ),
    # with a role
    one("a recent authentication and a role", bearer("root", path="/transfer"), _ROOT),
    one("a recent authentication without the role", bearer("good", path="/transfer"), refused("MissingRoleError")),
    one("the role with an old authentication", bearer("aged_root", path="/transfer"), _STALE),
    one("neither of both", bearer("aged", path="/transfer"), refused("MissingRoleError")),
    # roles are disabled
    one("roles are disabled: a recent authentication", bearer("good", path="/recent"), _ALICE, Setting.NO_ROLES),
    one("roles are disabled: an old authentication", bearer("aged", path="/recent"), _STALE, Setting.NO_ROLES),
    one(
        "roles are disabled: a recent authentication and a role",
        bearer("root", path="/transfer"),
        refused("ConfigurationError"),
        Setting.NO_ROLES,
    ),
    # confirmation
    one("confirm", _confirm("aged"), _confirmed()),
    one("confirm: access has expired", _confirm("expired"), _confirmed()),
    # Each from its own address, because an application may get all of them within one window of the throttle.
    one("confirm: wrong password", _confirm("good", "wrong", "9.9.9.1"), _WRONG),
    one("confirm: no password", _confirm("good", None, "9.9.9.2"), _WRONG),
    one("confirm: a password of another type", _confirm("good", {"a": 1}, "9.9.9.3"), _WRONG),
    one("confirm: no token", attrs.evolve(_confirm("good"), headers=()), refused("MissingTokenError")),
    one("confirm: a forged token", _confirm("foreign"), refused("InvalidTokenError")),
    one("confirm: an action token", _confirm("action"), refused("MisusedTokenError")),
    one("confirm: the last second before rf_exp", _confirm("last_refresh"), _confirmed()),
    one("confirm: at rf_exp", _confirm("dead"), refused("ExpiredRefreshError")),
    one("confirm: a revoked session", _confirm("revoked"), refused("RevokedTokenError")),
    one("confirm: a token that was refreshed", _confirm("copied"), refused("ReusedTokenError")),
    one("confirm: a disabled user", _confirm("disabled"), refused("InvalidUserError")),
    one("confirm: a deleted user", _confirm("gone"), refused("MissingUserError")),
    one("confirm: the user store fails", _confirm("broken"), refused("ServiceUnavailableError")),
    one(
        "confirm: too many attempts",
        _confirm("good", remote=THROTTLED),
        refused("LoginThrottledError", retry_after="900"),
    ),
    one("confirm: too many attempts, another account", _confirm("root", remote=THROTTLED), _confirmed()),
    several(
        "a wrong password leaves the token as it was",
        (_confirm("good", "wrong"), _WRONG),
        Step(tick=11, request=_confirm("good"), expected=_confirmed(11)),
    ),
    several(
        "confirm: twice",
        (_confirm("good"), _confirmed()),
        Step(tick=9, request=_confirm("good"), expected=_confirmed(9)),
        Step(tick=1, request=_confirm("good"), expected=refused("ReusedTokenError")),
        (bearer("good"), refused("RevokedTokenError")),
    ),
    several(
        "confirmations and logins share their limits",
        (_confirm("good", "wrong"), _WRONG),
        (login("alice", "wrong"), _WRONG),
        (_confirm("good", "wrong"), _WRONG),
        (_confirm("good"), refused("LoginThrottledError", retry_after="900")),
        (login("alice", PASSWORD), refused("LoginThrottledError", retry_after="900")),
        Step(tick=899, request=_confirm("good"), expected=refused("LoginThrottledError", retry_after="1")),
        Step(tick=1, request=_confirm("good"), expected=_confirmed(900)),
    ),
    several(
        "a session that ends while the password is asked for",
        (_confirm("good", "wrong"), _WRONG),
        Step(tick=REFRESH, request=_confirm("good"), expected=refused("ExpiredRefreshError")),
    ),
)
