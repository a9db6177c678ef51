"""Logins, passwords and claims."""

from __future__ import annotations

import json

import attrs

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import login, one
from praetorian_core.testing.adapter_suite.tokens import PASSWORD, THROTTLED
from praetorian_core.testing.adapter_suite.values import Expected, Request
from praetorian_core.web.credentials import MAX_BODY

_CLAIMED_ADDRESSES = (("X-Forwarded-For", "{}"), ("Forwarded", "for={}"), ("X-Real-IP", "{}"))

_ALICE = json.dumps({"username": "alice", "password": PASSWORD}).encode()


def _login_body(body: bytes, content_type: str = "application/json") -> Request:
    return Request(method="POST", path="/login", body=body, content_type=content_type, remote="9.9.9.6")


def _chunked(body: bytes) -> Request:
    return attrs.evolve(_login_body(body), is_chunked=True)


def _padded(length: int) -> bytes:
    """Return a login of this length."""
    return _ALICE + b" " * (length - len(_ALICE))


SCENARIOS = (
    one("login", login("alice", PASSWORD), Expected(body={"username": "alice"})),
    one("login: wrong password", login("alice", "wrong"), refused("AuthenticationError")),
    one("login: unknown username", login("nobody", PASSWORD), refused("AuthenticationError")),
    one("login: disabled account", login("disabled", PASSWORD), refused("AuthenticationError")),
    one("login: no members", Request(method="POST", path="/login", json={}), refused("AuthenticationError")),
    one(
        "login: no password",
        Request(method="POST", path="/login", json={"username": "alice"}),
        refused("AuthenticationError"),
    ),
    one("login: wrong types", login(["alice"], {"a": 1}), refused("AuthenticationError")),
    one("login: a lone surrogate", login("\ud800", "\ud800"), refused("AuthenticationError")),
    one("login: a zero byte", login("alice\0", PASSWORD), refused("AuthenticationError")),
    one("login: the user store fails", login("broken", PASSWORD), refused("ServiceUnavailableError")),
    one(
        "login: too many attempts",
        login("alice", PASSWORD, remote=THROTTLED),
        refused("LoginThrottledError", retry_after="900"),
    ),
    one(
        "login: too many attempts, unknown username",
        login("nobody", PASSWORD, remote=THROTTLED),
        refused("LoginThrottledError", retry_after="900"),
    ),
    one(
        "login: too many attempts, from another address",
        login("alice", PASSWORD, remote="9.9.9.9"),
        Expected(body={"username": "alice"}),
    ),
    one(
        "login: too many attempts, another account",
        login("root", PASSWORD, remote=THROTTLED),
        Expected(body={"username": "root"}),
    ),
    one("login: a JSON array", Request(method="POST", path="/login", json=[]), Expected(status=400)),
    one(
        "login: broken JSON",
        Request(method="POST", path="/login", body=b'{"username":', content_type="application/json"),
        Expected(status=400),
    ),
    one(
        "login: deeply nested JSON",
        Request(method="POST", path="/login", body=b"[" * 60_000, content_type="application/json"),
        Expected(status=400),
    ),
    # content types and encodings (RFC 9110 §8.3.1, RFC 8259 §8.1)
    *(
        one(f"login: content type {kind}", _login_body(_ALICE, kind), Expected(body={"username": "alice"}))
        for kind in (
            "Application/JSON",
            "application/json;charset=utf-8",
            'application/json ; charset="UTF-8"',
            "application/vnd.api+json",
        )
    ),
    one("login: a byte order mark", _login_body(b"\xef\xbb\xbf" + _ALICE), Expected(body={"username": "alice"})),
    *(
        one(f"login: {encoding}", _login_body(_ALICE.decode().encode(encoding)), Expected(status=400))
        for encoding in ("UTF-16", "UTF-16-LE", "UTF-32")
    ),
    one("login: not UTF-8", _login_body(b'{"username": "\xff"}'), Expected(status=400)),
    one("login: an empty body", _login_body(b""), Expected(status=400)),
    # length of the body
    one("login: the longest body", _login_body(_padded(MAX_BODY)), Expected(body={"username": "alice"})),
    one("login: a longer body", _login_body(_padded(MAX_BODY + 1)), Expected(status=413)),
    one("login: a chunked body", _chunked(_ALICE), Expected(body={"username": "alice"})),
    one("login: the longest chunked body", _chunked(_padded(MAX_BODY)), Expected(body={"username": "alice"})),
    one("login: a longer chunked body", _chunked(_padded(MAX_BODY + 1)), Expected(status=413)),
    one(
        "login: another content type",
        Request(method="POST", path="/login", body=b"username=alice", content_type="text/plain"),
        Expected(status=415),
    ),
    one(
        "a password that is too short",
        Request(method="POST", path="/password", json={"password": "canary"}),
        refused("WeakPasswordError", rule="too_short"),
    ),
    one(
        "a password that is long enough",
        Request(method="POST", path="/password", json={"password": PASSWORD}),
        Expected(body={"changed": True}),
    ),
    one(
        "a custom claim with a reserved name",
        Request(method="POST", path="/collide"),
        refused("ClaimCollisionError"),
    ),
    one("a custom claim that JSON cannot carry", Request(method="POST", path="/misfit"), refused("ClaimValueError")),
    # the source is the address that the server reports, whatever the client claims
    *(
        one(
            f"login: too many attempts, another address in {name}",
            login("alice", PASSWORD, remote=THROTTLED, headers=((name, value.format("9.9.9.9")),)),
            refused("LoginThrottledError", retry_after="900"),
        )
        for name, value in _CLAIMED_ADDRESSES
    ),
    *(
        one(
            f"login: a throttled address in {name}",
            login("alice", PASSWORD, remote="9.9.9.7", headers=((name, value.format(THROTTLED)),)),
            Expected(body={"username": "alice"}),
        )
        for name, value in _CLAIMED_ADDRESSES
    ),
)
