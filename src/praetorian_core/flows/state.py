"""Keys and values of sessions, epochs, spent action tokens and spent tickets in the store.

Every key begins with a digest of the identity in braces. So all keys of one operation are in one slot of a Redis
cluster, and a key does not reveal its user. A session's key holds one of two values, so one compare-and-set decides
between a refresh and a revocation that race:

    "3 1767225600"   generation 3 is current, refreshed at that second; the times of earlier ones may follow
    "ended"          the session was ended

A user's epoch is a random text. Tokens carry the epoch of their issue or refresh, and only tokens of the current epoch
are accepted, except for one session that was kept when the epoch began:

    "A1b2…"                  the current epoch
    "A1b2… 0f1e2d… none"     the same, and the session with this digest may also be of no epoch
    "A1b2… 0f1e2d… C3… D4…"  or of these epochs, the newest first

The entry never expires: a token may be older than every setting in use, so no shorter time is safe.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from itertools import islice, takewhile
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

MAX_TOLERATED: Final = 4
"""How many spent generations may be presented again at most: a refresh and a confirmation may follow one another."""

MAX_FORMER_EPOCHS: Final = 8
"""How many former epochs of a kept session are accepted. An older token of it is rejected."""

_EPOCH = r"[A-Za-z0-9_-]{12}"
_NO_EPOCH = "none"
_GENERATION_ENTRY = re.compile(rf"[0-9]{{1,16}}(?: [0-9]{{1,16}}){{1,{MAX_TOLERATED}}}")
_EPOCH_ENTRY = re.compile(rf"{_EPOCH}(?: [0-9a-f]{{32}}(?: (?:{_EPOCH}|{_NO_EPOCH})){{1,{MAX_FORMER_EPOCHS}}})?")


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


def index_key(identity: object) -> str:
    """Return the key of the index of a user's sessions."""
    return list_keys(identity)[0]


def list_keys(identity: object) -> tuple[str, str]:
    """Return the keys of the index of a user's sessions and of the user's epoch, which a login reads."""
    slot = digest(str(identity))
    return f"{{{slot}}}:i", f"{{{slot}}}:e"


def action_key(identity: object, token_id: str) -> str:
    """Return the key of an action token."""
    return f"{{{digest(str(identity))}}}:a:{token_id}"


def ticket_key(identity: object, token_id: str) -> str:
    """Return the key of a ticket."""
    return f"{{{digest(str(identity))}}}:t:{token_id}"


def entry_expiry(deadline: int) -> int:
    """Return the expiry of an entry about a token, given the token's last deadline.

    The entry outlives the token by the largest clock skew between machines.
    """
    return deadline + MAX_LEEWAY


@attrs.frozen
class Epoch:
    """The epochs that the tokens of a user may carry.

    Attributes:
        current: The epoch of new tokens; None before the first ``revoke_user``.
        kept: The digest of the session that was kept when the epoch began; None if none was.
        former: The earlier epochs that tokens of the kept session may carry, the newest first.
    """

    current: str | None
    kept: str | None = None
    former: tuple[str | None, ...] = ()

    @classmethod
    def parse(cls, entry: str | None) -> Epoch:
        """Return what an entry says; without one, the user's sessions were never ended all at once.

        Raises:
            ServiceUnavailableError: No version of this library writes such an entry.
        """
        if entry is None:
            return cls(None)
        if not _EPOCH_ENTRY.fullmatch(entry):
            raise ServiceUnavailableError(
                "the store holds a malformed epoch; expected 12 base64url characters, and a kept session or none"
            )
        current, *kept = entry.split(" ")
        if not kept:
            return cls(current)
        return cls(current, kept[0], tuple(None if name == _NO_EPOCH else name for name in kept[1:]))

    def accepts(self, session_id: str, epoch: str | None) -> bool:
        """Return whether a token of this session may carry this epoch."""
        return epoch == self.current or (epoch in self.former and digest(session_id) == self.kept)

    def followed_by(self, name: str, keep: str) -> Epoch:
        """Return the next epoch, which keeps a session unless this epoch has ended it."""
        kept = digest(keep)
        former = (self.current, *(self.former if kept == self.kept else ()))
        return Epoch(name, kept, former[:MAX_FORMER_EPOCHS])

    def value(self) -> str:
        """Return the entry of an epoch that keeps a session."""
        return " ".join([str(self.current), str(self.kept), *(name or _NO_EPOCH for name in self.former)])


@attrs.frozen
class Generation:
    """The current generation of a session.

    Attributes:
        number: How often the session was refreshed.
        began: When the newest generations began, in seconds since the epoch, the current one first; empty if the session
            was never refreshed.
    """

    number: int
    began: tuple[int, ...] = ()

    @classmethod
    def parse(cls, value: str | None) -> Generation:
        """Return the generation of a live session's entry; a session without an entry was never refreshed.

        Raises:
            ServiceUnavailableError: No version of this library writes such an entry.
        """
        if value is None:
            return cls(0)
        if not _GENERATION_ENTRY.fullmatch(value):
            raise ServiceUnavailableError(
                f"the store holds a malformed session entry; expected a generation and 1 to {MAX_TOLERATED} times"
            )
        number, *began = map(int, value.split(" "))
        return cls(number, tuple(began))

    @property
    def since(self) -> int | None:
        """When the session was last refreshed, in seconds since the epoch; None if never."""
        return self.began[0] if self.began else None

    def tolerates(self, generation: int, grace: int, now: int) -> bool:
        """Return whether a spent generation was spent so shortly ago that it may be presented again.

        The clocks of two machines may differ either way.
        """
        index = self.number - generation - 1
        return 0 <= index < len(self.began) and abs(now - self.began[index]) < grace

    def next_value(self, grace: int, now: int) -> str:
        """Return the entry of the next generation, with the times of those before it that are still tolerated."""
        earlier = takewhile(lambda began: abs(now - began) < grace, self.began)
        return " ".join(map(str, (self.number + 1, now, *islice(earlier, MAX_TOLERATED - 1))))


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
    attempts: int = MAX_CAS_ATTEMPTS,
) -> Flow[Write | None]:
    """Write what a function decides, atomically; it decides again if the entry changed in between.

    Args:
        key: The key.
        decide: Returns what to write, given the entry; None for nothing.
        now: The current time, in seconds since the epoch.
        entry: The entry as read by the caller.
        reread: Reads the entry again after a conflict; by default ``get_entry``.
        attempts: How many conflicting writes are tolerated.

    Returns:
        What was written, or None for nothing.

    Raises:
        ServiceUnavailableError: Every attempt met a conflicting write.
    """
    if reread is None:
        reread = partial(get_entry, key, now)
    for attempt in range(attempts):
        if attempt:
            entry = yield from reread()
        write = decide(entry)
        if write is None:
            return None
        if (yield from ask(CompareAndSetState(key, entry, write.value, write.expires_at, now))):
            return write
    raise contention_error(attempts)


def close_entry(key: str, final: Write, now: int) -> Flow[bool]:
    """Set a key to its final value; return False if it had it already, or if its token has expired everywhere."""
    if now >= final.expires_at:
        return False
    entry = yield from get_entry(key, now)
    written = yield from update(key, lambda entry: None if entry == final.value else final, now, entry)
    return written is not None


def contention_error(attempts: int = MAX_CAS_ATTEMPTS) -> ServiceUnavailableError:
    """Return the error for an entry that other requests changed during every attempt."""
    return ServiceUnavailableError(f"gave up after {attempts} conflicting writes to a store entry", retry_after=1)
