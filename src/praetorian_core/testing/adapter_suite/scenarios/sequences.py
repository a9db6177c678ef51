"""Several requests to one application: nothing of one request may decide another."""

from __future__ import annotations

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import ALICE, PREFLIGHT, bearer, login, one, several
from praetorian_core.testing.adapter_suite.tokens import ACCESS, PASSWORD, REFRESH
from praetorian_core.testing.adapter_suite.values import Expected, Request, Scenario, Setting, Step

_ANONYMOUS = Expected(body={"id": None})
_UNTOUCHED = (Request(path="/counter"), Expected(body={"count": 0}))
_WRITING = ("POST", "PUT", "PATCH", "DELETE")


def _guarded(method: str) -> tuple[Scenario, ...]:
    """Return the scenarios of one method with a side effect."""
    return (
        several(
            f"{method} without a token has no effect",
            (Request(method=method, path="/counter"), refused("MissingTokenError")),
            _UNTOUCHED,
        ),
        several(
            f"{method} with an invalid token has no effect",
            (bearer("foreign", method=method, path="/counter"), refused("InvalidTokenError")),
            _UNTOUCHED,
        ),
        several(
            f"{method} with a token has its effect once",
            (bearer("good", method=method, path="/counter"), Expected(body={"count": 1})),
            (Request(path="/counter"), Expected(body={"count": 1})),
        ),
    )


SCENARIOS = (
    # the principal belongs to one request
    several(
        "an anonymous request after an authenticated one",
        (bearer("root"), Expected(body={"id": 2, "roles": ["admin", "reader"]})),
        (Request(path="/open"), _ANONYMOUS),
        (Request(path="/optional"), _ANONYMOUS),
        (Request(), refused("MissingTokenError")),
    ),
    several(
        "two users in turn",
        (bearer("root", path="/me"), Expected(body={"username": "root"})),
        (bearer("good", path="/me"), Expected(body={"username": "alice"})),
        (bearer("good", path="/admin"), refused("MissingRoleError")),
        (bearer("root", path="/admin"), Expected(body={"id": 2})),
    ),
    several(
        "an anonymous request after a refused one",
        (bearer("good", path="/admin"), refused("MissingRoleError")),
        (Request(path="/open"), _ANONYMOUS),
    ),
    several(
        "an anonymous request after a login",
        (login("alice", PASSWORD), Expected(body={"username": "alice"})),
        (Request(path="/open"), _ANONYMOUS),
        (Request(), refused("MissingTokenError")),
    ),
    # each request is decided at its own time
    several(
        "one token before and after both deadlines",
        (bearer("good"), ALICE),
        Step(tick=ACCESS - 1, request=bearer("good"), expected=ALICE),
        Step(tick=1, request=bearer("good"), expected=refused("ExpiredAccessError")),
        Step(tick=REFRESH - ACCESS, request=bearer("good"), expected=refused("ExpiredRefreshError")),
    ),
    several(
        "an idle session in its last second and at its end",
        Step(tick=59, request=bearer("expired"), expected=refused("ExpiredAccessError")),
        (bearer("expired", method="POST", path="/refresh"), Expected(body={"refreshed": True})),
        Step(tick=1, request=bearer("disabled_expired"), expected=refused("ExpiredRefreshError")),
        (bearer("last_refresh", method="POST", path="/refresh"), refused("ExpiredRefreshError")),
        setting=Setting.IDLE,
    ),
    several(
        "one optional token before and after exp",
        (bearer("good", path="/optional"), Expected(body={"id": 1})),
        Step(tick=ACCESS, request=bearer("good", path="/optional"), expected=refused("ExpiredAccessError")),
    ),
    several(
        "one token before and after its logout",
        (bearer("leaver"), ALICE),
        (bearer("leaver", method="POST", path="/logout"), Expected(body={"ended": True})),
        (bearer("leaver"), refused("RevokedTokenError")),
        (bearer("good"), ALICE),
    ),
    several(
        "one action token twice",
        (bearer("action", method="POST", path="/redeem"), Expected(body={"username": "alice"})),
        (bearer("action", method="POST", path="/redeem"), refused("ReusedTokenError")),
    ),
    several(
        "a throttled login in the next window",
        (login("alice", "wrong"), refused("AuthenticationError")),
        (login("alice", "wrong"), refused("AuthenticationError")),
        (login("alice", "wrong"), refused("AuthenticationError")),
        (login("alice", PASSWORD), refused("LoginThrottledError", retry_after="900")),
        Step(tick=900, request=login("alice", PASSWORD), expected=Expected(body={"username": "alice"})),
    ),
    # the guard decides before the view runs
    *(scenario for method in _WRITING for scenario in _guarded(method)),
    several(
        "a preflight does not run the view",
        (Request(method="OPTIONS", path="/counter", headers=PREFLIGHT), Expected()),
        (
            Request(method="OPTIONS", path="/counter", headers=(*PREFLIGHT, ("Authorization", "Bearer <good>"))),
            Expected(),
        ),
        _UNTOUCHED,
    ),
    several(
        "OPTIONS without the headers of a preflight runs it with a token only",
        (Request(method="OPTIONS", path="/counter"), refused("MissingTokenError")),
        _UNTOUCHED,
        (bearer("good", method="OPTIONS", path="/counter"), Expected(body={"count": 1})),
    ),
    one(
        "the headers of a preflight on POST",
        Request(method="POST", path="/counter", headers=PREFLIGHT),
        refused("MissingTokenError"),
    ),
)
