"""What every adapter must answer, as plain data: a request, and status, code, challenge, headers and body.

Nothing here knows a framework. A runner builds the application that ``ROUTES`` describes over a ``World``, and for each
scenario sends the request, with the tokens that ``mint`` returns in the place of their names, and compares.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import attrs

from praetorian_core import Guard, KeyRing, LoginThrottle, Settings, generate_secret
from praetorian_core.errors import AuthenticationError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_core.token.signing import Sealer

NOW = 1_800_000_000  # the first second of a window of the throttle
ACCESS = 15 * 60
REFRESH = 30 * 86_400
PASSWORD = "canary-correct horse battery staple"
SECRET = f"canary-{generate_secret()}"
CANARY = "canary"  # is in every secret, and may be in no response and no log

CONFIG = {
    "SECRET_KEY": SECRET,
    "JWT_REALM": "legion",
    "JWT_ACCESS_LIFESPAN": ACCESS,
    "JWT_REFRESH_LIFESPAN": REFRESH,
    "PRAETORIAN_STORE": "memory://",
}

ROUTES = {
    "GET /open": "no decorator: {id: who acts, or null}",
    "GET /protected": "auth_required: {id, roles in order}",
    "GET /optional": "auth_accepted: {id: who acts, or null}",
    "GET /admin": "roles_required('admin', 'reader'): {id}",
    "GET /staff": "roles_accepted('admin', 'editor'): {id}",
    "GET /me": "auth_required, loads the user: {username}",
    "POST /login": "credentials and authenticate: {username}",
    "POST /refresh": "refreshes the request's token: {refreshed: true}",
    "POST /redeem": "redeems the request's token for the action 'confirm': {username}",
    "POST /password": "hashes the JSON body's member 'password': {changed: true}",
    "POST /collide": "issues alice a token with the custom claim SUB",
}


class FailingUsers(MemoryUsers):
    """A user source that breaks down when it is asked for one of its users."""

    def lookup(self, username):
        if username == "broken":
            raise RuntimeError(PASSWORD)
        return super().lookup(username)

    def identify(self, identity):
        if identity == 13:
            raise RuntimeError(PASSWORD)
        return super().identify(identity)


@attrs.frozen
class World:
    """Everything that an application is built over: a clock that stands still, users, options of the guard."""

    clock: FrozenClock
    users: FailingUsers
    options: dict[str, object]


_HASHER = cheapest_hasher()
_HASH = _HASHER.hash(PASSWORD)


def make_world(**options) -> World:
    """Return a fresh world; the users' names say what becomes of them."""
    clock = FrozenClock(NOW)
    users = FailingUsers(
        [
            MemoryUser(identity=1, username="alice", password=_HASH, rolenames=["reader"]),
            MemoryUser(identity=2, username="root", password=_HASH, rolenames=["reader", "admin"]),
            MemoryUser(identity=3, username="disabled", password=_HASH, valid=False),
            MemoryUser(identity=13, username="broken", password=_HASH),
        ]
    )
    throttle = LoginThrottle(per_account_and_source=3)
    return World(clock, users, {"throttle": throttle, "passwords": _HASHER, "clock": clock, **options})


def mint(guard: Guard[MemoryUser], world: World) -> dict[str, str]:
    """Return the tokens by name; the clock stands at NOW before and after."""
    alice = world.users.lookup("alice")
    root = world.users.lookup("root")

    def at(instant: int, issue: Callable[..., str], *args: object, **kwargs: object) -> str:
        world.clock.now = instant
        token = issue(*args, **kwargs)
        world.clock.now = NOW
        return token

    late = MemoryUser(identity=3, username="disabled")
    gone = MemoryUser(identity=4, username="gone")
    broken = MemoryUser(identity=13, username="broken")
    action, stop, over, spent = (
        at(issued, guard.issue_action, alice, name)
        for issued, name in ((NOW, "confirm"), (NOW, "stop"), (NOW - ACCESS, "confirm"), (NOW, "confirm"))
    )
    guard.redeem_action(spent, "confirm")
    revoked = guard.issue(alice)
    guard.revoke(revoked)
    reused = at(NOW - ACCESS - 11, guard.issue, alice)
    at(NOW - 11, guard.refresh, reused)
    good = guard.issue(alice)
    stranger = Guard(world.users, Settings(keys=KeyRing.from_secret(generate_secret())), clock=world.clock)
    claims = {"sub": "1", "id": 1, "roles": [], "iat": NOW, "exp": NOW + 9, "sid": "AAAAAAAAAAAAAAAAAAAAAA"}
    return {
        "good": good,
        "root": guard.issue(root),
        "last_second": at(NOW - ACCESS + 1, guard.issue, alice),
        "expired": at(NOW - ACCESS, guard.issue, alice),
        "last_refresh": at(NOW - REFRESH + 1, guard.issue, alice),
        "dead": at(NOW - REFRESH, guard.issue, alice),
        "foreign": stranger.issue(alice),
        "unsigned": ".".join([*good.split(".")[:2], _segment(b"\0" * 32)]),
        "none": ".".join([_segment(b'{"alg":"none","typ":"JWT"}'), good.split(".")[1], ""]),
        "claimless": Sealer(guard.settings.keys.signing_key()).seal("JWT", json.dumps(claims).encode()),
        "revoked": revoked,
        "reused": reused,
        "action": action,
        "other_action": stop,
        "expired_action": over,
        "spent_action": spent,
        "disabled": guard.issue(late),
        "disabled_expired": at(NOW - ACCESS, guard.issue, late),
        "gone": guard.issue(gone),
        "gone_expired": at(NOW - ACCESS, guard.issue, gone),
        "broken": guard.issue(broken),
        "broken_expired": at(NOW - ACCESS, guard.issue, broken),
    }


def _segment(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def exhaust(guard: Guard[MemoryUser], username: str, source: str) -> None:
    """Fail to log in until no further attempt is allowed."""
    for _ in range(3):
        try:
            guard.authenticate(username, "wrong", source=source)
        except AuthenticationError:
            continue


@attrs.frozen(kw_only=True)
class Request:
    """A request. ``<name>`` in a header's value stands for the token of that name.

    Attributes:
        method: The method.
        path: The path.
        headers: Names and values, each on a line of its own.
        json: The JSON body; None for none.
        body: A body as it is, in place of ``json``.
        content_type: The content type of ``body``.
        remote: The client's address, a public one: nobody's network, everybody's source.
    """

    method: str = "GET"
    path: str = "/protected"
    headers: tuple[tuple[str, str], ...] = ()
    json: object = None
    body: bytes | None = None
    content_type: str | None = None
    remote: str = "8.8.8.8"


@attrs.frozen(kw_only=True)
class Expected:
    """What must come back.

    Attributes:
        status: The status code.
        body: The JSON body; None where only the status counts.
        cache_control: The Cache-Control header.
        challenge: The WWW-Authenticate header.
        retry_after: The Retry-After header.
    """

    status: int = 200
    body: dict[str, object] | None = None
    cache_control: str | None = None
    challenge: str | None = None
    retry_after: str | None = None


@attrs.frozen(kw_only=True)
class Scenario:
    """One request and what must come back.

    Attributes:
        name: The fact that is tested.
        request: What is sent.
        expected: What must come back.
    """

    name: str
    request: Request
    expected: Expected


_NONE = None
_BARE = 'Bearer realm="legion"'
_REQUEST = 'Bearer realm="legion", error="invalid_request"'
_TOKEN = 'Bearer realm="legion", error="invalid_token"'
_SCOPE = 'Bearer realm="legion", error="insufficient_scope"'

# Design §6, row by row: class, code, status, challenge, public message.
ANSWERS = {
    "MissingTokenError": ("missing_token", 401, _BARE, "a bearer token is required"),
    "MalformedHeaderError": ("malformed_header", 400, _REQUEST, "the authorization header is malformed"),
    "InvalidTokenError": ("invalid_token", 401, _TOKEN, "the token is invalid"),
    "MissingClaimError": ("invalid_token", 401, _TOKEN, "the token is invalid"),
    "ExpiredAccessError": ("expired_access", 401, _TOKEN, "the token's access lifespan has expired"),
    "ExpiredRefreshError": ("expired_refresh", 401, _TOKEN, "the token's refresh lifespan has expired"),
    "ExpiredActionError": ("expired_action", 401, _TOKEN, "the action token has expired"),
    "EarlyRefreshError": ("early_refresh", 400, _NONE, "the token's access lifespan has not expired yet"),
    "RevokedTokenError": ("revoked_token", 401, _TOKEN, "the token has been revoked"),
    "ReusedTokenError": ("reused_token", 401, _TOKEN, "the token has already been used"),
    "MisusedTokenError": ("misused_token", 401, _TOKEN, "the token is not meant for this purpose"),
    "MissingUserError": ("missing_user", 401, _TOKEN, "the user does not exist"),
    "InvalidUserError": ("invalid_user", 401, _TOKEN, "the user may no longer act"),
    "AuthenticationError": ("bad_credentials", 401, _BARE, "the username or password is incorrect"),
    "MissingRoleError": ("missing_role", 403, _SCOPE, "this token does not grant access to this resource"),
    "CSRFError": ("csrf_failed", 403, _NONE, "the CSRF check failed"),
    "WeakPasswordError": ("weak_password", 400, _NONE, "the password does not meet the requirements"),
    "LoginThrottledError": ("login_throttled", 429, _NONE, "too many login attempts, try again later"),
    "ServiceUnavailableError": ("unavailable", 503, _NONE, "the service is temporarily unavailable"),
    "ConfigurationError": ("configuration", 500, _NONE, "the server is misconfigured"),
    "ClaimCollisionError": ("claim_collision", 500, _NONE, "the server is misconfigured"),
    "ClaimValueError": ("claim_value", 500, _NONE, "the server is misconfigured"),
}


def refused(error: str, *, retry_after: str | None = None) -> Expected:
    """Return what a refusal looks like, by the name of its class."""
    code, status, challenge, message = ANSWERS[error]
    return Expected(
        status=status,
        body={"error": error, "message": message, "status_code": status, "code": code},
        cache_control="no-store",
        challenge=challenge,
        retry_after=retry_after,
    )


def _bearer(token: str, *, method: str = "GET", path: str = "/protected") -> Request:
    return Request(method=method, path=path, headers=(("Authorization", f"Bearer <{token}>"),))


def _header(*values: str, path: str = "/protected") -> Request:
    return Request(path=path, headers=tuple(("Authorization", value) for value in values))


def _login(username: object, password: object, remote: str = "8.8.8.8") -> Request:
    return Request(method="POST", path="/login", json={"username": username, "password": password}, remote=remote)


_ALICE = Expected(body={"id": 1, "roles": ["reader"]})

_TABLE: dict[str, tuple[Request, Expected]] = {
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
    "a generation that was spent": (_bearer("reused", method="POST", path="/refresh"), refused("ReusedTokenError")),
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
        _login("alice", PASSWORD, remote="8.8.4.4"),
        refused("LoginThrottledError", retry_after="900"),
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
}

SCENARIOS = [Scenario(name=name, request=request, expected=expected) for name, (request, expected) in _TABLE.items()]
