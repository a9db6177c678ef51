"""What sessions, epochs and spent actions are called in the store.

Every key begins with a digest of the identity in braces, so that all keys of one operation lie in one slot of a Redis
cluster, and no key tells who is behind it. A session's key holds one of two things, so that one swap decides between a
refresh and a revocation that race:

    "3 1767225600"   generation 3 is the current one, made at that second
    "ended"          the session is over

A user's epoch is kept with its end, "Xq3… 1769817600", so that nobody who prolongs it cuts it short.
"""

from __future__ import annotations

import hashlib

import attrs

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.settings import MAX_LEEWAY

ENDED = "ended"
SPENT = "spent"

MAX_CAS_ATTEMPTS = 16
"""How often a swap that lost a race is tried anew before the request is refused."""


def _slot(identity: object) -> str:
    return hashlib.sha256(str(identity).encode()).hexdigest()[:32]


def access_keys(identity: object, session_id: str) -> tuple[str, str]:
    """Return the keys of a session and of its user's epoch: all that access asks about."""
    slot = _slot(identity)
    return f"{{{slot}}}:s:{session_id}", f"{{{slot}}}:e"


def session_key(identity: object, session_id: str) -> str:
    """Return the key under which a session is remembered."""
    return access_keys(identity, session_id)[0]


def epoch_key(identity: object) -> str:
    """Return the key under which a user's current epoch is remembered, whichever the session."""
    return access_keys(identity, "")[1]


def action_key(identity: object, token_id: str) -> str:
    """Return the key under which an action token is spent."""
    return f"{{{_slot(identity)}}}:a:{token_id}"


def entry_expiry(deadline: int) -> int:
    """Return until when an entry about a token is kept, given the token's last deadline.

    Machines whose clocks differ must all have buried the token before its entry goes.
    """
    return deadline + MAX_LEEWAY


@attrs.frozen
class Generation:
    """Which generation of a session is the current one, and since when.

    Attributes:
        number: How often the session was refreshed.
        since: When the last refresh was, in seconds since the epoch; None where there was none.
    """

    number: int
    since: int | None

    @classmethod
    def parse(cls, value: str | None) -> Generation:
        """Return what a live session's entry says; no entry means that it was never refreshed.

        Raises:
            ServiceUnavailableError: The entry says something that was never written here.
        """
        if value is None:
            return cls(0, None)
        try:
            number, since = map(int, value.split(" "))
        except ValueError:
            detail = "the store holds a session entry that is not ours; expected a generation and a time"
            raise ServiceUnavailableError(detail) from None
        return cls(number, since)

    def next_value(self, now: int) -> str:
        """Return the entry of the generation that follows."""
        return f"{self.number + 1} {now}"


@attrs.frozen
class Epoch:
    """Since when a user's sessions count: those issued under this name, and no others.

    Attributes:
        name: A random text, which tokens carry.
        until: Until when it is remembered, in seconds since the epoch.
    """

    name: str
    expires_at: int

    @classmethod
    def parse(cls, value: str | None) -> Epoch | None:
        """Return what a user's entry says; no entry means that the user's sessions were never ended all at once.

        Raises:
            ServiceUnavailableError: The entry says something that was never written here.
        """
        if value is None:
            return None
        name, _, expires_at = value.partition(" ")
        if not name or not expires_at.isdecimal():
            detail = "the store holds an epoch that is not ours; expected a name and a time"
            raise ServiceUnavailableError(detail)
        return cls(name, int(expires_at))

    def value(self) -> str:
        """Return the entry."""
        return f"{self.name} {self.expires_at}"


def contention_error() -> ServiceUnavailableError:
    """Return the refusal of an operation that others overtook again and again."""
    return ServiceUnavailableError(
        f"a store entry changed under {MAX_CAS_ATTEMPTS} attempts to write it", retry_after=1
    )
