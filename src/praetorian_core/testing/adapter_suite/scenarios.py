"""The table: each fact that holds on every framework, as a request and its answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from praetorian_core.testing.adapter_suite.values import Expected, Lack, Request, Scenario, Setting, refused
from praetorian_core.testing.adapter_suite.world import PASSWORD, THROTTLED

ROUTES: Mapping[str, str] = {
    "GET /open": "no decorator: {id: who acts, or null}",
    "GET /protected": "auth_required: {id, roles in order}",
    "GET /optional": "auth_accepted: {id: who acts, or null}",
    "GET /admin": "roles_required('admin', 'reader'): {id}",
    "GET /staff": "roles_accepted('admin', 'editor'): {id}",
    "GET /policy": "policy_required(all_roles('reader') & any_role('admin', 'editor')): {id}",
    "GET /me": "auth_required, loads the user: {username}",
    "OPTIONS /options": "auth_required, the application's own answer: {id}",
    "GET /forbidden": "raises ForbiddenError",
    "GET /own": "raises praetorian_core.testing.adapter_suite.OutOfHoursError",
    "POST /login": "the JSON body's members username and password are authenticated: {username}",
    "POST /refresh": "refreshes the request's token: {refreshed: true}",
    "POST /logout": "revokes the request's token: {ended: true}",
    "POST /redeem": "redeems the request's token for the action 'confirm': {username}",
    "POST /password": "hashes the JSON body's member 'password': {changed: true}",
    "POST /collide": "issues alice a token with the custom claim SUB",
    "POST /misfit": "issues alice a token with a custom claim that is an object()",
}
"""What the application of a target offers, and what it answers where nothing is refused."""


def _bearer(token: str, *, method: str = "GET", path: str = "/protected") -> Request:
    return Request(method=method, path=path, headers=(("Authorization", f"Bearer <{token}>"),))


def _header(*values: str, path: str = "/protected") -> Request:
    return Request(path=path, headers=tuple(("Authorization", value) for value in values))


def _login(username: object, password: object, remote: str = "8.8.8.8") -> Request:
    return Request(method="POST", path="/login", json={"username": username, "password": password}, remote=remote)


def _without_body(expected: Expected) -> Expected:
    return attrs.evolve(expected, body=None)


_PREFLIGHT = (("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET"))
_UNHANDLED = Expected(status=500, is_unhandled=True)
_OUT_OF_HOURS = attrs.evolve(
    refused("MissingRoleError"),
    code="out_of_hours",
    body={
        "error": "OutOfHoursError",
        "message": "come back tomorrow",
        "status_code": 403,
        "code": "out_of_hours",
    },
)
_ALICE = Expected(body={"id": 1, "roles": ["reader"]})

_Row: TypeAlias = tuple[Request, Expected] | tuple[Request, Expected, Setting]

_TABLE: dict[str, _Row] = {
    # --- where the token is: RFC 6750 §2.1, RFC 9110 §11 -------------------------------------------------------------
    "no header is no token": (Request(), refused("MissingTokenError")),
    "an empty header is no token": (_header(""), refused("MissingTokenError")),
    "another scheme is no token": (_header("Basic YWxpY2U6c2VjcmV0"), refused("MissingTokenError")),
    "a longer scheme is another scheme": (_header("Bearerxyz <good>"), refused("MissingTokenError")),
    "a scheme glued to its token is another scheme": (_header("Bearer<good>"), refused("MissingTokenError")),
    "a token without a scheme is no token": (_header("<good>"), refused("MissingTokenError")),
    "a token in another header is no token": (
        Request(headers=(("X-Authorization", "Bearer <good>"),)),
        refused("MissingTokenError"),
    ),
    "a token in the query string is no token": (
        Request(path="/protected?access_token=<good>"),
        refused("MissingTokenError"),
    ),
    "a token in a cookie is no token": (
        Request(headers=(("Cookie", "access_token=<good>"),)),
        refused("MissingTokenError"),
    ),
    "a bearer token is let in": (_header("Bearer <good>"), _ALICE),
    "the scheme in small letters": (_header("bearer <good>"), _ALICE),
    "the scheme in capitals": (_header("BEARER <good>"), _ALICE),
    "the scheme in mixed letters": (_header("bEaReR <good>"), _ALICE),
    "several spaces after the scheme": (_header("Bearer   <good>"), _ALICE),
    "the scheme alone": (_header("Bearer"), refused("MalformedHeaderError")),
    "two tokens": (_header("Bearer <good> <good>"), refused("MalformedHeaderError")),
    "something after the token": (_header("Bearer <good>;"), refused("MalformedHeaderError")),
    "a tab after the scheme": (_header("Bearer\t<good>"), refused("MalformedHeaderError")),
    "a quoted token": (_header('Bearer "<good>"'), refused("MalformedHeaderError")),
    "a parameter in the place of the token": (_header('Bearer token="x"'), refused("MalformedHeaderError")),
    "a letter outside the grammar": (_header("Bearer t\u00f6ken"), refused("MalformedHeaderError")),
    "two values in one line": (_header("Bearer <good>, Bearer <good>"), refused("MalformedHeaderError")),
    "two lines": (_header("Bearer <good>", "Bearer <good>"), refused("MalformedHeaderError")),
    "two lines, another scheme first": (_header("Basic YQ==", "Bearer <good>"), refused("MalformedHeaderError")),
    "two lines, another scheme last": (_header("Bearer <good>", "Basic YQ=="), refused("MalformedHeaderError")),
    "two lines of another scheme": (_header("Basic YQ==", "Basic YQ=="), refused("MissingTokenError")),
    # --- the gate ----------------------------------------------------------------------------------------------------
    "no compact serialization": (_header("Bearer canary"), refused("InvalidTokenError")),
    "a key of somebody else": (_bearer("foreign"), refused("InvalidTokenError")),
    "a signature of nobody": (_bearer("unsigned"), refused("InvalidTokenError")),
    "the algorithm none": (_bearer("none"), refused("InvalidTokenError")),
    "a token beyond the length cap": (_header(f"Bearer {'A' * 8193}"), refused("InvalidTokenError")),
    "a token without rf_exp": (_bearer("claimless"), refused("MissingClaimError")),
    # --- the two deadlines, to the second ----------------------------------------------------------------------------
    "access in the last second before exp": (_bearer("last_second"), _ALICE),
    "access at exp": (_bearer("expired"), refused("ExpiredAccessError")),
    "access in the last second before rf_exp": (_bearer("last_refresh"), refused("ExpiredAccessError")),
    "access at rf_exp": (_bearer("dead"), refused("ExpiredRefreshError")),
    "refresh in the last second before exp": (
        _bearer("last_second", method="POST", path="/refresh"),
        refused("EarlyRefreshError"),
    ),
    "refresh at exp": (_bearer("expired", method="POST", path="/refresh"), Expected(body={"refreshed": True})),
    "refresh in the last second before rf_exp": (
        _bearer("last_refresh", method="POST", path="/refresh"),
        Expected(body={"refreshed": True}),
    ),
    "refresh at rf_exp": (_bearer("dead", method="POST", path="/refresh"), refused("ExpiredRefreshError")),
    "refresh without a token": (Request(method="POST", path="/refresh"), refused("MissingTokenError")),
    "refresh with garbage": (
        Request(method="POST", path="/refresh", headers=(("Authorization", "Bearer x"),)),
        refused("InvalidTokenError"),
    ),
    # --- sessions that were ended ------------------------------------------------------------------------------------
    "a session that was ended": (_bearer("revoked"), refused("RevokedTokenError")),
    "a session that was ended is not refreshed": (
        _bearer("revoked_expired", method="POST", path="/refresh"),
        refused("RevokedTokenError"),
    ),
    "a session of a user whose sessions were all ended": (_bearer("ended"), refused("RevokedTokenError")),
    "nor is such a session refreshed": (
        _bearer("ended_expired", method="POST", path="/refresh"),
        refused("RevokedTokenError"),
    ),
    "a session of the same user that began after that": (
        _bearer("issued_after"),
        Expected(body={"id": 5, "roles": []}),
    ),
    "a generation that was spent": (_bearer("reused", method="POST", path="/refresh"), refused("ReusedTokenError")),
    "the successor of one that came back": (
        _bearer("robbed", method="POST", path="/refresh"),
        refused("RevokedTokenError"),
    ),
    "logout": (_bearer("leaver", method="POST", path="/logout"), Expected(body={"ended": True})),
    "logout with an expired token": (
        _bearer("leaver_expired", method="POST", path="/logout"),
        Expected(body={"ended": True}),
    ),
    "logout with a dead token": (_bearer("dead", method="POST", path="/logout"), Expected(body={"ended": True})),
    "logout of what was ended": (_bearer("revoked", method="POST", path="/logout"), Expected(body={"ended": True})),
    "logout with a forged token": (
        _bearer("foreign", method="POST", path="/logout"),
        refused("InvalidTokenError"),
    ),
    "logout without a token": (Request(method="POST", path="/logout"), refused("MissingTokenError")),
    # --- action tokens -----------------------------------------------------------------------------------------------
    "an action": (_bearer("action", method="POST", path="/redeem"), Expected(body={"username": "alice"})),
    "an action token opens no route": (_bearer("action"), refused("MisusedTokenError")),
    "an action token is not refreshed": (
        _bearer("action", method="POST", path="/refresh"),
        refused("MisusedTokenError"),
    ),
    "a session token performs no action": (
        _bearer("good", method="POST", path="/redeem"),
        refused("MisusedTokenError"),
    ),
    "a token for another action": (
        _bearer("other_action", method="POST", path="/redeem"),
        refused("MisusedTokenError"),
    ),
    "an action token at its exp": (
        _bearer("expired_action", method="POST", path="/redeem"),
        refused("ExpiredActionError"),
    ),
    "an action that was performed": (
        _bearer("spent_action", method="POST", path="/redeem"),
        refused("ReusedTokenError"),
    ),
    "an action that was withdrawn": (
        _bearer("withdrawn_action", method="POST", path="/redeem"),
        refused("ReusedTokenError"),
    ),
    # --- the user behind the token -----------------------------------------------------------------------------------
    "the user who acts": (_bearer("good", path="/me"), Expected(body={"username": "alice"})),
    "a disabled user has access until exp": (_bearer("disabled"), Expected(body={"id": 3, "roles": []})),
    "a disabled user is not loaded": (_bearer("disabled", path="/me"), refused("InvalidUserError")),
    "a disabled user is not refreshed": (
        _bearer("disabled_expired", method="POST", path="/refresh"),
        refused("InvalidUserError"),
    ),
    "a deleted user is not loaded": (_bearer("gone", path="/me"), refused("MissingUserError")),
    "a deleted user is not refreshed": (
        _bearer("gone_expired", method="POST", path="/refresh"),
        refused("MissingUserError"),
    ),
    "a broken user store opens routes": (_bearer("broken"), Expected(body={"id": 13, "roles": []})),
    "a broken user store loads nobody": (_bearer("broken", path="/me"), refused("ServiceUnavailableError")),
    "a broken user store refreshes nobody": (
        _bearer("broken_expired", method="POST", path="/refresh"),
        refused("ServiceUnavailableError"),
    ),
    # --- roles -------------------------------------------------------------------------------------------------------
    "one role of two": (_bearer("good", path="/admin"), refused("MissingRoleError")),
    "both roles": (_bearer("root", path="/admin"), Expected(body={"id": 2})),
    "no role of two": (_bearer("good", path="/staff"), refused("MissingRoleError")),
    "one role is enough": (_bearer("root", path="/staff"), Expected(body={"id": 2})),
    "roles without a token": (Request(path="/admin"), refused("MissingTokenError")),
    "roles of an expired token": (_bearer("expired", path="/admin"), refused("ExpiredAccessError")),
    # --- a token that is welcome but not needed ----------------------------------------------------------------------
    "optional: no token": (Request(path="/optional"), Expected(body={"id": None})),
    "optional: another scheme": (_header("Basic YQ==", path="/optional"), Expected(body={"id": None})),
    "optional: a good token": (_bearer("good", path="/optional"), Expected(body={"id": 1})),
    "optional: garbage": (_header("Bearer x", path="/optional"), refused("InvalidTokenError")),
    "optional: a malformed header": (_header("Bearer", path="/optional"), refused("MalformedHeaderError")),
    "optional: an expired token": (_bearer("expired", path="/optional"), refused("ExpiredAccessError")),
    "optional: a revoked token": (_bearer("revoked", path="/optional"), refused("RevokedTokenError")),
    # --- routes that nobody guards -----------------------------------------------------------------------------------
    "open: no token": (Request(path="/open"), Expected(body={"id": None})),
    "open: a token is not looked at": (_header("Bearer x", path="/open"), Expected(body={"id": None})),
    "no such route": (Request(path="/nowhere"), Expected(status=404)),
    "no such method": (Request(path="/protected", method="DELETE"), Expected(status=405)),
    # --- login -------------------------------------------------------------------------------------------------------
    "login": (_login("alice", PASSWORD), Expected(body={"username": "alice"})),
    "login: wrong password": (_login("alice", "wrong"), refused("AuthenticationError")),
    "login: unknown name": (_login("nobody", PASSWORD), refused("AuthenticationError")),
    "login: disabled account": (_login("disabled", PASSWORD), refused("AuthenticationError")),
    "login: no members": (Request(method="POST", path="/login", json={}), refused("AuthenticationError")),
    "login: no password": (
        Request(method="POST", path="/login", json={"username": "alice"}),
        refused("AuthenticationError"),
    ),
    "login: wrong types": (_login(["alice"], {"a": 1}), refused("AuthenticationError")),
    "login: half a character": (_login("\ud800", "\ud800"), refused("AuthenticationError")),
    "login: a zero byte": (_login("alice\0", PASSWORD), refused("AuthenticationError")),
    "login: a broken user store": (_login("broken", PASSWORD), refused("ServiceUnavailableError")),
    "login: too many attempts": (
        _login("alice", PASSWORD, remote=THROTTLED),
        refused("LoginThrottledError", retry_after="900"),
    ),
    "login: too many attempts at nobody's account": (
        _login("nobody", PASSWORD, remote=THROTTLED),
        refused("LoginThrottledError", retry_after="900"),
    ),
    "login: too many attempts, from elsewhere": (
        _login("alice", PASSWORD, remote="9.9.9.9"),
        Expected(body={"username": "alice"}),
    ),
    "login: too many attempts, another account": (
        _login("root", PASSWORD, remote=THROTTLED),
        Expected(body={"username": "root"}),
    ),
    "login: no JSON object": (Request(method="POST", path="/login", json=[]), Expected(status=400)),
    "login: broken JSON": (
        Request(method="POST", path="/login", body=b'{"username":', content_type="application/json"),
        Expected(status=400),
    ),
    "login: JSON without a bottom": (
        Request(method="POST", path="/login", body=b"[" * 100_000, content_type="application/json"),
        Expected(status=400),
    ),
    "login: another content type": (
        Request(method="POST", path="/login", body=b"username=alice", content_type="text/plain"),
        Expected(status=415),
    ),
    # --- the rest of design §6 ---------------------------------------------------------------------------------------
    "a password that is too short": (
        Request(method="POST", path="/password", json={"password": "canary"}),
        refused("WeakPasswordError"),
    ),
    "a password that is long enough": (
        Request(method="POST", path="/password", json={"password": PASSWORD}),
        Expected(body={"changed": True}),
    ),
    "a custom claim that takes a reserved name": (
        Request(method="POST", path="/collide"),
        refused("ClaimCollisionError"),
    ),
    "a custom claim that is no JSON": (Request(method="POST", path="/misfit"), refused("ClaimValueError")),
    "a role is demanded where there are none": (
        _bearer("root", path="/admin"),
        refused("ConfigurationError"),
        Setting.NO_ROLES,
    ),
    "no role is demanded where there are none": (
        _bearer("root"),
        Expected(body={"id": 2, "roles": []}),
        Setting.NO_ROLES,
    ),
    "an error that a view raises": (Request(path="/forbidden"), refused("ForbiddenError")),
    "an error of the application's own": (Request(path="/own"), _OUT_OF_HOURS),
    # --- policies ----------------------------------------------------------------------------------------------------
    "a policy that is satisfied": (_bearer("root", path="/policy"), Expected(body={"id": 2})),
    "a policy that is satisfied by half": (_bearer("good", path="/policy"), refused("MissingRoleError")),
    "a policy without a token": (Request(path="/policy"), refused("MissingTokenError")),
    # --- HEAD and OPTIONS --------------------------------------------------------------------------------------------
    "HEAD without a token": (Request(method="HEAD"), _without_body(refused("MissingTokenError"))),
    "HEAD with a token": (_bearer("good", method="HEAD"), Expected()),
    "HEAD without the role": (
        _bearer("good", method="HEAD", path="/admin"),
        _without_body(refused("MissingRoleError")),
    ),
    "HEAD of an open route": (Request(method="HEAD", path="/open"), Expected()),
    "OPTIONS is the framework's": (Request(method="OPTIONS"), Expected()),
    "a preflight is the framework's": (Request(method="OPTIONS", headers=_PREFLIGHT), Expected()),
    "OPTIONS that the application answers: no token": (
        Request(method="OPTIONS", path="/options"),
        refused("MissingTokenError"),
    ),
    "OPTIONS that the application answers: a token": (
        _bearer("good", method="OPTIONS", path="/options"),
        Expected(body={"id": 1}),
    ),
    "OPTIONS that the application answers: garbage": (
        Request(method="OPTIONS", path="/options", headers=(("Authorization", "Bearer x"),)),
        refused("InvalidTokenError"),
    ),
    "OPTIONS with an origin alone": (
        Request(method="OPTIONS", path="/options", headers=_PREFLIGHT[:1]),
        refused("MissingTokenError"),
    ),
    "OPTIONS with a method alone": (
        Request(method="OPTIONS", path="/options", headers=_PREFLIGHT[1:]),
        refused("MissingTokenError"),
    ),
    "a preflight needs no token": (Request(method="OPTIONS", path="/options", headers=_PREFLIGHT), Expected()),
    "the headers of a preflight open no other method": (
        Request(headers=_PREFLIGHT),
        refused("MissingTokenError"),
    ),
    # --- the error handler -------------------------------------------------------------------------------------------
    "a task that raises: no token": (Request(), refused("MissingTokenError"), Setting.RAISING_TASK),
    "a task that raises: no role": (_bearer("good", path="/admin"), refused("MissingRoleError"), Setting.RAISING_TASK),
    "a task that raises: a login": (_login("alice", "wrong"), refused("AuthenticationError"), Setting.RAISING_TASK),
    "a task that raises: nothing is wrong": (_bearer("good"), _ALICE, Setting.RAISING_TASK),
    "no handler: an error is the framework's": (Request(), _UNHANDLED, Setting.NO_HANDLER),
    "no handler: a role too": (_bearer("good", path="/admin"), _UNHANDLED, Setting.NO_HANDLER),
    "no handler: a login too": (_login("alice", "wrong"), _UNHANDLED, Setting.NO_HANDLER),
    "no handler: a good token": (_bearer("good"), _ALICE, Setting.NO_HANDLER),
    # --- a store that is down: no challenge, so that clients keep their session --------------------------------------
    "a broken store: access": (_bearer("good"), refused("ServiceUnavailableError"), Setting.BROKEN_STORE),
    "a broken store: refresh": (
        _bearer("expired", method="POST", path="/refresh"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    "a broken store: an optional token": (
        _bearer("good", path="/optional"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    "a broken store: logout": (
        _bearer("good", method="POST", path="/logout"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    "a broken store: an action": (
        _bearer("action", method="POST", path="/redeem"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    "a broken store: a good login": (
        _login("alice", PASSWORD),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    "a broken store: a wrong password": (
        _login("alice", "wrong"),
        refused("ServiceUnavailableError"),
        Setting.BROKEN_STORE,
    ),
    "logins that cannot be counted: a good one": (
        _login("alice", PASSWORD),
        Expected(body={"username": "alice"}),
        Setting.UNCOUNTED_LOGINS,
    ),
    "logins that cannot be counted: a wrong password": (
        _login("alice", "wrong"),
        refused("AuthenticationError"),
        Setting.UNCOUNTED_LOGINS,
    ),
    "logins that cannot be counted: access": (
        _bearer("good"),
        refused("ServiceUnavailableError"),
        Setting.UNCOUNTED_LOGINS,
    ),
    "a broken store: no token": (Request(), refused("MissingTokenError"), Setting.BROKEN_STORE),
    "a broken store: an expired token": (_bearer("expired"), refused("ExpiredAccessError"), Setting.BROKEN_STORE),
    "a broken store: an open route": (
        Request(path="/open"),
        Expected(body={"id": None}),
        Setting.BROKEN_STORE,
    ),
}

# What comes back where a framework lacks something: it does not know a method then.
_UNKNOWN_METHOD = Expected(status=405)
_UNLESS = {
    "HEAD without a token": (Lack.HEAD, _UNKNOWN_METHOD),
    "HEAD with a token": (Lack.HEAD, _UNKNOWN_METHOD),
    "HEAD without the role": (Lack.HEAD, _UNKNOWN_METHOD),
    "HEAD of an open route": (Lack.HEAD, _UNKNOWN_METHOD),
    "OPTIONS is the framework's": (Lack.OPTIONS, _UNKNOWN_METHOD),
    "a preflight is the framework's": (Lack.OPTIONS, _UNKNOWN_METHOD),
}


def _scenario(name: str, row: _Row) -> Scenario:
    return Scenario(
        name=name,
        request=row[0],
        expected=row[1],
        setting=row[2] if len(row) == 3 else Setting.USUAL,
        unless=_UNLESS.get(name),
    )


SCENARIOS: tuple[Scenario, ...] = tuple(_scenario(name, row) for name, row in _TABLE.items())

CORE: tuple[Scenario, ...] = tuple(
    scenario
    for scenario in SCENARIOS
    if scenario.name
    in {
        "no header is no token",
        "a bearer token is let in",
        "two tokens",
        "two lines",
        "two lines, another scheme first",
        "two lines, another scheme last",
        "the algorithm none",
        "access in the last second before exp",
        "access at exp",
        "access at rf_exp",
        "refresh in the last second before exp",
        "refresh at exp",
        "refresh in the last second before rf_exp",
        "refresh at rf_exp",
        "a session that was ended",
        "a generation that was spent",
        "an action token opens no route",
        "one role of two",
        "both roles",
        "optional: no token",
        "optional: garbage",
        "login",
        "login: wrong password",
        "login: no JSON object",
        "a broken user store loads nobody",
        "a custom claim that takes a reserved name",
        "HEAD without a token",
        "OPTIONS that the application answers: no token",
        "a preflight needs no token",
    }
)
"""What is worth a real server: it can be played in one world, in any order."""
