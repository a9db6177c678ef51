"""Tokens of a world, each under a name that says in which state it is."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import ParamSpec, TypeVar

from praetorian_core.errors import PraetorianError
from praetorian_core.guard import Guard
from praetorian_core.settings import Settings
from praetorian_core.testing.clock import FrozenClock
from praetorian_core.testing.users import MemoryUser, MemoryUsers
from praetorian_core.token import base64url, verify_compact
from praetorian_core.token.jws import JWSSigner
from praetorian_core.token.keys import KeyRing, generate_secret

P = ParamSpec("P")
R = TypeVar("R")

NOW = 1_800_000_000  # first second of a window of the throttle
ACCESS = 15 * 60
REFRESH = 30 * 86_400
TICKET = 30
PASSWORD = "canary-correct horse battery staple"  # noqa: S105  (of users for tests)
THROTTLED = "8.8.4.4"
"""Address from which logins as ``alice`` and as ``nobody`` are throttled."""

_ALICE = MemoryUser(identity=1, username="alice", rolenames=["reader"])
_ROOT = MemoryUser(identity=2, username="root", rolenames=["reader", "admin"])
_DISABLED = MemoryUser(identity=3, username="disabled")
_GONE = MemoryUser(identity=4, username="gone")
_OUSTED = MemoryUser(identity=5, username="ousted")
_CAROL = MemoryUser(identity=6, username="carol")
_DAVE = MemoryUser(identity=7, username="dave")
_BROKEN = MemoryUser(identity=13, username="broken")


def issue_tokens(guard: Guard[MemoryUser], clock: FrozenClock) -> dict[str, str]:
    """Return the tokens, and the ids of carol's sessions, by name; the clock stands at ``NOW`` before and after."""

    def at(instant: int, call: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        clock.now = instant
        result = call(*args, **kwargs)
        clock.now = NOW
        return result

    good = guard.issue(_ALICE)
    tokens = {
        "good": good,
        "leaver": guard.issue(_ALICE),
        "leaver_expired": at(NOW - ACCESS, guard.issue, _ALICE),
        "root": guard.issue(_ROOT),
        "ten_seconds_ahead": at(NOW + 10, guard.issue, _ALICE),
        "eleven_seconds_ahead": at(NOW + 11, guard.issue, _ALICE),
        "last_second": at(NOW - ACCESS + 1, guard.issue, _ALICE),
        "aging": at(NOW - 299, guard.issue, _ALICE),
        "aged": at(NOW - 300, guard.issue, _ALICE),
        "aged_root": at(NOW - 300, guard.issue, _ROOT),
        "undated": _signed(guard, {"rf_exp": NOW + REFRESH}),
        "expired": at(NOW - ACCESS, guard.issue, _ALICE),
        "last_refresh": at(NOW - REFRESH + 1, guard.issue, _ALICE),
        "dead": at(NOW - REFRESH, guard.issue, _ALICE),
        "foreign": Guard(MemoryUsers(), Settings(keys=KeyRing.from_secret(generate_secret())), clock=clock).issue(
            _ALICE
        ),
        "unsigned": ".".join([*good.split(".")[:2], _segment(b"\0" * 32)]),
        "none": ".".join([_segment(b'{"alg":"none","typ":"JWT"}'), good.split(".")[1], ""]),
        "claimless": _signed(guard, {}),
        "disabled": guard.issue(_DISABLED),
        "disabled_expired": at(NOW - ACCESS, guard.issue, _DISABLED),
        "gone": guard.issue(_GONE),
        "gone_expired": at(NOW - ACCESS, guard.issue, _GONE),
        "broken": guard.issue(_BROKEN),
        "broken_expired": at(NOW - ACCESS, guard.issue, _BROKEN),
        "revoked": guard.issue(_ALICE),
        "revoked_expired": at(NOW - ACCESS, guard.issue, _ALICE),
        "ended": guard.issue(_OUSTED),
        "ended_expired": at(NOW - ACCESS, guard.issue, _OUSTED),
        "reused": at(NOW - ACCESS - 11, guard.issue, _ALICE),
        "copied": at(NOW - ACCESS - 11, guard.issue, _ALICE),
        "action": guard.issue_action(_ALICE, "confirm"),
        "other_action": guard.issue_action(_ALICE, "stop"),
        "expired_action": at(NOW - ACCESS, guard.issue_action, _ALICE, "confirm"),
        "spent_action": guard.issue_action(_ALICE, "confirm"),
        "withdrawn_action": guard.issue_action(_ALICE, "confirm"),
    }
    for name, token in (("ticket", "good"), ("other_ticket", "good"), ("revoked_ticket", "revoked")):
        tokens[name] = guard.issue_ticket(guard.verify(tokens[token]), lifespan=TICKET)
    guard.redeem_action(tokens["spent_action"], "confirm")
    for name in ("withdrawn_action", "revoked", "revoked_expired"):
        guard.revoke(tokens[name])
    guard.revoke_user(5)
    for name in ("reused", "copied"):
        at(NOW - 11, guard.refresh, tokens[name])
    stolen = at(NOW - ACCESS * 2 - 11, guard.issue, _ALICE)
    tokens["robbed"] = at(NOW - ACCESS, guard.refresh, stolen)
    with suppress(PraetorianError):
        guard.refresh(stolen)  # a second refresh of one generation revokes the session
    tokens["issued_after"] = guard.issue(_OUSTED)
    tokens["only_session"] = guard.issue(_DAVE)
    for name in ("laptop", "phone", "tablet"):
        session = guard.issue_session(_CAROL, label=name)
        tokens |= {name: session.token, f"{name}_id": session.session_id}
    return tokens


def csrf_values(guard: Guard[MemoryUser], tokens: Mapping[str, str]) -> dict[str, str]:
    """Return the claim ``csrf`` of each genuine token, as ``csrf_<name>``."""
    values: dict[str, str] = {}
    for name, token in tokens.items():
        with suppress(PraetorianError):
            _, payload = verify_compact(token, guard.settings.keys)
            csrf = json.loads(payload).get("csrf")
            if csrf is not None:
                values[f"csrf_{name}"] = csrf
    return values


def exhaust_attempts(guard: Guard[MemoryUser]) -> None:
    """Fail to log in from ``THROTTLED`` until the throttle rejects, for an existing and for an unknown name."""
    for username in ("alice", "nobody"):
        for _ in range(3):
            with suppress(PraetorianError):
                guard.authenticate(username, "wrong", source=THROTTLED)


def _signed(guard: Guard[MemoryUser], further: Mapping[str, object]) -> str:
    """Return a signed token without the claims ``rf_exp`` and ``auth_time``, with further claims."""
    claims: dict[str, object] = {
        "sub": "1",
        "id": 1,
        "roles": [],
        "iat": NOW,
        "exp": NOW + 9,
        "sid": "AAAAAAAAAAAAAAAAAAAAAA",
        **further,
    }
    return JWSSigner(guard.settings.keys.signing_key()).sign("JWT", json.dumps(claims).encode())


def _segment(octets: bytes) -> str:
    return base64url.encode(octets).decode()
