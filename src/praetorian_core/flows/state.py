"""Keys and values of sessions, epochs and spent action tokens in the store.

Every key begins with a digest of the identity in braces. So all keys of one operation are in one slot of a Redis
cluster, and a key does not reveal its user. A session's key holds one of two values, so one compare-and-set decides
between a refresh and a revocation that race:

    "3 1767225600"   generation 3 is current, refreshed at that second
    "ended"          the session was ended

A user's epoch is a random text. Tokens carry the epoch of their issue, and only tokens of the current epoch are
accepted. The entry never expires: a token may be older than every setting in use, so no shorter time is safe.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Final, NamedTuple

import attrs

from praetorian_core.digest import digest
from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.questions import CompareAndSetState, Flow, GetState, ask
from praetorian_core.settings import MAX_LEEWAY

ENDED: Final = "ended"
SPENT: Final = "spent"

MAX_CAS_ATTEMPTS: Final = 16
"""After this many conflicting writes to one entry the request is rejected."""

_EPOCH = re.compile(r"[A-Za-z0-9_-]{12}")


def access_keys(identity: object, session_id: str) -> tuple[str, str]:
    """Return the keys of a session and of its user's epoch, which a check on access reads."""
    slot = digest(str(identity))
    return f"{{{slot}}}:s:{session_id}", f"{{{slot}}}:e"


def session_key(identity: object, session_id: str) -> str:
    """Return the key of a session."""
    return access_keys(identity, session_id)[0]


def epoch_key(identity: object) -> str:
    """Return the key of a user's current epoch."""
    return access_keys(identity, "")[1]


def action_key(identity: object, token_id: str) -> str:
    """Return the key of an action token."""
    return f"{{{digest(str(identity))}}}:a:{token_id}"


def entry_expiry(deadline: int) -> int:
    """Return the expiry of an entry about a token, given the token's last deadline.

    The entry outlives the token by the largest clock skew between machines.
    """
    return deadline + MAX_LEEWAY


def parse_epoch(entry: str | None) -> str | None:
    """Return a user's current epoch; None if the user's sessions were never ended all at once.

    Raises:
        ServiceUnavailableError: No version of this library writes such an entry.
    """
    if entry is None or _EPOCH.fullmatch(entry):
        return entry
    raise ServiceUnavailableError("the store holds a malformed epoch; expected 12 base64url characters")


@attrs.frozen
class Generation:
    """The current generation of a session.

    Attributes:
        number: How often the session was refreshed.
        since: When it was last refreshed, in seconds since the epoch; None if never.
    """

    number: int
    since: int | None

    @classmethod
    def parse(cls, value: str | None) -> Generation:
        """Return the generation of a live session's entry; a session without an entry was never refreshed.

        Raises:
            ServiceUnavailableError: No version of this library writes such an entry.
        """
        if value is None:
            return cls(0, None)
        try:
            number, since = map(int, value.split(" "))
        except ValueError:
            detail = "the store holds a malformed session entry; expected a generation and a time"
            raise ServiceUnavailableError(detail) from None
        return cls(number, since)

    def next_value(self, now: int) -> str:
        """Return the entry of the next generation."""
        return f"{self.number + 1} {now}"


class Write(NamedTuple):
    """A value to write, and when it expires, in seconds since the epoch."""

    value: str
    expires_at: int


def get_entry(key: str, now: int) -> Flow[str | None]:
    """Return the live value of a key; None if there is none."""
    (entry,) = yield from ask(GetState((key,), now))
    return entry


def update(
    key: str,
    decide: Callable[[str | None], Write | None],
    now: int,
    entry: str | None,
    reread: Callable[[], Flow[str | None]] | None = None,
) -> Flow[Write | None]:
    """Write what a function decides, atomically; it decides again if the entry changed in between.

    Args:
        key: The key.
        decide: Returns what to write, given the entry; None for nothing.
        now: The current time, in seconds since the epoch.
        entry: The entry as read by the caller.
        reread: Reads the entry again after a conflict; by default ``get_entry``.

    Returns:
        What was written, or None for nothing.

    Raises:
        ServiceUnavailableError: Every attempt met a conflicting write.
    """
    if reread is None:
        reread = partial(get_entry, key, now)
    for attempt in range(MAX_CAS_ATTEMPTS):
        if attempt:
            entry = yield from reread()
        write = decide(entry)
        if write is None:
            return None
        if (yield from ask(CompareAndSetState(key, entry, write.value, write.expires_at, now))):
            return write
    raise contention_error()


def contention_error() -> ServiceUnavailableError:
    """Return the error for an entry that other requests changed during every attempt."""
    return ServiceUnavailableError(
        f"gave up after {MAX_CAS_ATTEMPTS} conflicting writes to a store entry", retry_after=1
    )
