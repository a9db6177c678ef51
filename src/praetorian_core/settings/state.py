"""Settings of the store, of sessions and of login attempts."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from praetorian_core.settings.declaration import (
    check_optional_lifespan,
    declare,
    flag,
    must_be,
    one_of,
    seconds,
    to_seconds,
)
from praetorian_core.stores.url import StoreURL, to_store_url

MAX_STORE_TIMEOUT = 60
"""The longest ``PRAETORIAN_STORE_TIMEOUT``, in seconds."""

MAX_SESSIONS = 100
"""The largest ``PRAETORIAN_MAX_SESSIONS``, and the number of sessions of a user that are listed.

It bounds the entry of the index to about 45,000 characters.
"""

CheckSessions: TypeAlias = Literal["always", "refresh"]
StoreEviction: TypeAlias = Literal["refuse", "warn"]
SessionLimit: TypeAlias = Literal["end_oldest", "refuse"]
ThrottleFailure: TypeAlias = Literal["refuse", "allow"]


@attrs.frozen(kw_only=True, slots=False)
class StateSettings:
    """Settings of the store, sessions and login attempts."""

    store: StoreURL | None = attrs.field(
        default=None,
        converter=to_store_url,
        metadata=declare(
            "PRAETORIAN_STORE",
            # StoreURL checks the text.
            must_be("None or a URL", lambda value: value is None or isinstance(value, StoreURL)),
            section="Store and sessions",
            does=(
                "The store of ended sessions, refreshes and login attempts: `memory://` (one process), "
                "`sqlite:///file` (the processes of one machine) or `redis://host:6379/0` (many machines). "
                "Without a store, sessions cannot be ended; see [sessions.md](sessions.md)."
            ),
            change="Set it for logout, for refresh tokens that work once, and for more than one process.",
            example='"redis://localhost:6379/0"',
        ),
    )
    store_timeout: float = attrs.field(
        default=2.0,
        metadata=declare(
            "PRAETORIAN_STORE_TIMEOUT",
            seconds(MAX_STORE_TIMEOUT),
            needs_store=True,
            section="Store and sessions",
            unit="seconds",
            does=(
                "How long a call waits for the store before the request is answered with 503. A store object that is "
                "passed to a `Guard` has its own time-out; an `AsyncGuard` limits every store."
            ),
            change="Lower it if clients should fail fast; raise it for a slow disk or a distant server.",
            example="0.5",
        ),
    )
    check_sessions: CheckSessions = attrs.field(
        default="always",
        metadata=declare(
            "PRAETORIAN_CHECK_SESSIONS",
            one_of(("always", "refresh")),
            needs_store=True,
            section="Store and sessions",
            does=(
                "When the store is asked whether a session was ended: at every request (`always`) or only when a "
                "token is refreshed (`refresh`; an ended session then keeps access until `exp`)."
            ),
            change="Set `refresh` if a query per request costs too much and a late logout is acceptable.",
            example='"refresh"',
        ),
    )
    refresh_grace: int = attrs.field(
        default=10,
        converter=to_seconds,
        metadata=declare(
            "PRAETORIAN_REFRESH_GRACE",
            check_optional_lifespan,
            needs_store=True,
            section="Store and sessions",
            unit="lifespan",
            does=(
                "How long after a refresh the former token can be refreshed once more, because two tabs or a lost "
                "response look like that. Later it is reuse, which ends the session."
            ),
            change="Set 0 if each client sends one refresh at a time and repeats none.",
            example="0",
        ),
    )
    max_sessions: int | None = attrs.field(
        default=None,
        metadata=declare(
            "PRAETORIAN_MAX_SESSIONS",
            must_be(
                f"None or an int from 1 to {MAX_SESSIONS}",
                lambda value: value is None or (type(value) is int and 1 <= value <= MAX_SESSIONS),
            ),
            needs_store=True,
            section="Store and sessions",
            does=(
                "How many sessions a user may have at the same time; None for no limit. Sessions that were ended or have "
                "expired do not count; see [sessions.md](sessions.md#where-am-i-logged-in)."
            ),
            change="Set it if an account must not be used in many places at once (ASVS 7.1.2).",
            example="5",
        ),
    )
    session_limit: SessionLimit = attrs.field(
        default="end_oldest",
        metadata=declare(
            "PRAETORIAN_SESSION_LIMIT",
            one_of(("end_oldest", "refuse")),
            needs_store=True,
            section="Store and sessions",
            does=(
                "What a login does that would exceed `PRAETORIAN_MAX_SESSIONS`: it ends the session that began first "
                "(`end_oldest`), or is answered with 409 `session_limit` (`refuse`)."
            ),
            change="Set `refuse` if a login must not log out another device; then offer a way to end a session.",
            example='"refuse"',
        ),
    )
    store_eviction: StoreEviction = attrs.field(
        default="refuse",
        metadata=declare(
            "PRAETORIAN_STORE_EVICTION",
            one_of(("refuse", "warn")),
            needs_store=True,
            section="Store and sessions",
            does=(
                "What to do if the Redis or Valkey server may evict entries (its `maxmemory-policy` is not "
                "`noeviction`), because an evicted entry makes an ended session valid again: `refuse` (503) or `warn` "
                "(log a warning and go on)."
            ),
            change="Set `warn` if the server cannot be asked for its policy, or if its memory can never be full.",
            example='"warn"',
        ),
    )
    throttle: bool = attrs.field(
        default=True,
        metadata=declare(
            "PRAETORIAN_THROTTLE",
            flag(),
            section="Login attempts",
            does="Whether failed logins are counted and further ones are rejected with 429.",
            change="Set it to `False` only if another part of the system limits password guessing.",
            example="False",
        ),
    )
    throttle_failure: ThrottleFailure = attrs.field(
        default="refuse",
        metadata=declare(
            "PRAETORIAN_THROTTLE_FAILURE",
            one_of(("refuse", "allow")),
            needs_store=True,
            section="Login attempts",
            does=(
                "What to do when the throttle's store fails: `refuse` (503) or `allow` (log in uncounted and emit "
                "`LoginUncounted`; brute force is then unlimited). A token is issued only while the store can be read; "
                "with `PRAETORIAN_MAX_SESSIONS`, only while it can be written. Under `allow` a session that cannot be listed "
                "is issued unlisted, with the event `SessionUnlisted`."
            ),
            change="Set `allow` if logins must continue while the store can be read but not written.",
            example='"allow"',
        ),
    )
