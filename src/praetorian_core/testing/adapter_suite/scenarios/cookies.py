"""Tokens in cookies: where they count, cross-site requests, and the refresh within a request."""

from __future__ import annotations

import attrs

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import ALICE, bearer, one, several
from praetorian_core.testing.adapter_suite.tokens import ACCESS, PASSWORD, REFRESH
from praetorian_core.testing.adapter_suite.values import Expected, Request, Scenario, Setting, Step

NAME = "__Host-access_token"
_GOOD = ("Cookie", f"{NAME}=<good>")
_CSRF = ("X-CSRF-Token", "<csrf_good>")
_OWN = (("Sec-Fetch-Site", "same-origin"), ("Origin", "http://localhost"))
_CROSS = (("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example"))
_SISTER = (("Sec-Fetch-Site", "same-site"), ("Origin", "https://sister.example"))
_TRUSTED = (("Sec-Fetch-Site", "cross-site"), ("Origin", "https://app.example"))
_JAR = ("Cookie", f"{NAME}=<cookie>; __Host-csrf_access_token=<cookie_csrf>")
_JAR_CSRF = ("X-CSRF-Token", "<cookie_csrf>")
_COUNTED = Expected(body={"count": 1})
_UNTOUCHED = (Request(path="/counter"), Expected(body={"count": 0}))


def _set(seconds: int) -> tuple[str, ...]:
    rest = f"Max-Age={seconds}; Path=/; Secure"
    return (f"{NAME}=*; {rest}; HttpOnly; SameSite=Lax", f"__Host-csrf_access_token=*; {rest}; SameSite=Lax")


def _with_cookies(expected: Expected, seconds: int = REFRESH) -> Expected:
    """Return a response that also sets the cookies."""
    return attrs.evolve(expected, cookies=_set(seconds), cache_control="no-store")


def _get(*headers: tuple[str, str], path: str = "/protected") -> Request:
    return Request(path=path, headers=headers)


def _post(*headers: tuple[str, str], path: str = "/counter") -> Request:
    return Request(method="POST", path=path, headers=headers)


def _login(*headers: tuple[str, str]) -> Request:
    body = {"username": "alice", "password": PASSWORD}
    return Request(method="POST", path="/cookie/login", json=body, headers=headers)


def _one(name: str, request: Request, expected: Expected, setting: Setting = Setting.COOKIES) -> Scenario:
    return one(f"cookie: {name}", request, expected, setting)


def _several(name: str, *steps: Step | tuple[Request, Expected], setting: Setting = Setting.COOKIES) -> Scenario:
    return several(f"cookie: {name}", *steps, setting=setting)


def _unproven(name: str, *headers: tuple[str, str]) -> Scenario:
    """Return a scenario of an unsafe request that must have no effect."""
    return _several(name, (_post(_GOOD, *headers), refused("CSRFError")), _UNTOUCHED)


_LOGGED_IN = _with_cookies(Expected(body={"username": "alice"}))
_RENEWED = _with_cookies(ALICE, REFRESH - ACCESS)

SCENARIOS = (
    # where a token counts
    _one("not a place unless configured", _get(_GOOD), refused("MissingTokenError"), Setting.USUAL),
    _one("a token", _get(_GOOD), ALICE),
    _one("among others", _get(("Cookie", f"a=1; {NAME}=<good>; b=2")), ALICE),
    _one("of another name", _get(("Cookie", "access_token=<good>")), refused("MissingTokenError")),
    _one("an empty value", _get(("Cookie", f"{NAME}=")), refused("MissingTokenError")),
    _one("not a token", _get(("Cookie", f"{NAME}=canary")), refused("InvalidTokenError")),
    _one("an expired token", _get(("Cookie", f"{NAME}=<expired>")), refused("ExpiredAccessError")),
    _one("optional", _get(_GOOD, path="/optional"), Expected(body={"id": 1})),
    _one("optional, none", _get(("Cookie", "a=1"), path="/optional"), Expected(body={"id": None})),
    _one("twice", _get(("Cookie", f"{NAME}=<good>; {NAME}=<good>")), refused("ConflictingTokensError")),
    _one("beside the same token in the header", _get(_GOOD, ("Authorization", "Bearer <good>")), ALICE),
    _one(
        "beside another token in the header",
        _get(_GOOD, ("Authorization", "Bearer <root>")),
        refused("ConflictingTokensError"),
    ),
    _one("beside a malformed header", _get(_GOOD, ("Authorization", "Bearer")), refused("MalformedHeaderError")),
    _one(
        "beside an invalid token in the header",
        _get(_GOOD, ("Authorization", "Bearer canary")),
        refused("ConflictingTokensError"),
    ),
    _one("beside a header of another scheme", _get(_GOOD, ("Authorization", "Basic YTpi")), ALICE),
    _one("a header alone needs no proof", bearer("good", method="POST", path="/counter"), _COUNTED),
    # cross-site requests
    _one("an unsafe request with its proof", _post(_GOOD, _CSRF, *_OWN), _COUNTED),
    _one("the same of a client without fetch metadata", _post(_GOOD, _CSRF), _COUNTED),
    _one("the same of a trusted origin", _post(_GOOD, _CSRF, *_TRUSTED), _COUNTED),
    _one("a safe request needs no proof", _get(_GOOD, *_CROSS), ALICE),
    _unproven("an unsafe request without proof", *_OWN),
    _unproven("the proof of another token", ("X-CSRF-Token", "<csrf_root>"), *_OWN),
    _unproven("an empty proof", ("X-CSRF-Token", ""), *_OWN),
    _several(
        "the cookie of the proof without the header",
        (_post(("Cookie", f"{NAME}=<good>; __Host-csrf_access_token=<csrf_good>"), *_OWN), refused("CSRFError")),
        _UNTOUCHED,
    ),
    _unproven("the proof from another site", _CSRF, *_CROSS),
    _unproven("the proof from a sister host", _CSRF, *_SISTER),
    _unproven("the proof from an opaque origin", _CSRF, ("Origin", "null")),
    _unproven("the proof from another origin without fetch metadata", _CSRF, ("Origin", "https://evil.example")),
    *(
        _one(f"{method} without proof", Request(method=method, path="/counter", headers=(_GOOD,)), refused("CSRFError"))
        for method in ("PUT", "PATCH", "DELETE")
    ),
    _one("refresh without proof", _post(("Cookie", f"{NAME}=<expired>"), path="/refresh"), refused("CSRFError")),
    _several(
        "logout without proof",
        (_post(("Cookie", f"{NAME}=<leaver>"), path="/logout"), refused("CSRFError")),
        (_get(("Cookie", f"{NAME}=<leaver>")), ALICE),
    ),
    _one(
        "logout with its proof",
        _post(("Cookie", f"{NAME}=<leaver>"), ("X-CSRF-Token", "<csrf_leaver>"), path="/logout"),
        Expected(body={"ended": True}),
    ),
    # login, refresh and logout of a page
    _several(
        "a session of a page",
        (_login(*_OWN), _LOGGED_IN),
        (_get(_JAR), ALICE),
        (_post(_JAR, _JAR_CSRF, *_OWN), _COUNTED),
        (_post(_JAR, *_OWN, path="/cookie/logout"), refused("CSRFError")),
        Step(
            tick=ACCESS,
            request=_post(_JAR, _JAR_CSRF, *_OWN, path="/cookie/refresh"),
            expected=_with_cookies(Expected(body={"refreshed": True}), REFRESH - ACCESS),
        ),
        (_get(_JAR), ALICE),
        (
            _post(_JAR, _JAR_CSRF, *_OWN, path="/cookie/logout"),
            _with_cookies(Expected(body={"ended": True}), 0),
        ),
        (_get(_JAR), refused("MissingTokenError")),
    ),
    _one("login of another site", _login(*_CROSS), refused("CSRFError")),
    _one("login of a sister host", _login(*_SISTER), refused("CSRFError")),
    _one("login of a trusted origin", _login(*_TRUSTED), _LOGGED_IN),
    _one("login of a client without fetch metadata", _login(), _LOGGED_IN),
    _one("cookies without the place", _login(), refused("ConfigurationError"), Setting.NO_ROLES),
    # the refresh within a request
    _one("no refresh unless configured", _get(("Cookie", f"{NAME}=<expired>")), refused("ExpiredAccessError")),
    _several(
        "refreshed within a request",
        (_get(("Cookie", f"{NAME}=<expired>")), _RENEWED),
        (_get(_JAR), ALICE),
        (
            _get(("Cookie", f"{NAME}=<expired>"), path="/me"),
            _with_cookies(Expected(body={"username": "alice"}), REFRESH - ACCESS),
        ),
        setting=Setting.COOKIE_REFRESH,
    ),
    _one(
        "refreshed within an optional request",
        _get(("Cookie", f"{NAME}=<expired>"), path="/optional"),
        _with_cookies(Expected(body={"id": 1}), REFRESH - ACCESS),
        Setting.COOKIE_REFRESH,
    ),
    _one(
        "refreshed within a refused request",
        _get(("Cookie", f"{NAME}=<expired>"), path="/admin"),
        _with_cookies(refused("MissingRoleError"), REFRESH - ACCESS),
        Setting.COOKIE_REFRESH,
    ),
    _several(
        "not refreshed without proof",
        (_post(("Cookie", f"{NAME}=<expired>")), refused("CSRFError")),
        (
            _post(("Cookie", f"{NAME}=<expired>"), ("X-CSRF-Token", "<csrf_expired>")),
            _with_cookies(_COUNTED, REFRESH - ACCESS),
        ),
        setting=Setting.COOKIE_REFRESH,
    ),
    _one("not refreshed while it grants access", _get(_GOOD), ALICE, Setting.COOKIE_REFRESH),
    _one(
        "a header is not refreshed",
        _get(("Authorization", "Bearer <expired>")),
        refused("ExpiredAccessError"),
        Setting.COOKIE_REFRESH,
    ),
    _one(
        "not refreshed after rf_exp",
        _get(("Cookie", f"{NAME}=<dead>")),
        refused("ExpiredRefreshError"),
        Setting.COOKIE_REFRESH,
    ),
    _one(
        "not refreshed for a disabled user",
        _get(("Cookie", f"{NAME}=<disabled_expired>")),
        refused("InvalidUserError"),
        Setting.COOKIE_REFRESH,
    ),
    _one(
        "not refreshed once revoked",
        _get(("Cookie", f"{NAME}=<revoked_expired>")),
        refused("RevokedTokenError"),
        Setting.COOKIE_REFRESH,
    ),
    _several(
        "a former cookie after the grace period ends the session",
        (_get(("Cookie", f"{NAME}=<expired>")), _RENEWED),
        Step(
            tick=9, request=_get(("Cookie", f"{NAME}=<expired>")), expected=_with_cookies(ALICE, REFRESH - ACCESS - 9)
        ),
        Step(tick=1, request=_get(("Cookie", f"{NAME}=<expired>")), expected=refused("ReusedTokenError")),
        (_get(_JAR), refused("RevokedTokenError")),
        setting=Setting.COOKIE_REFRESH,
    ),
)
