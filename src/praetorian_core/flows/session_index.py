"""The index of a user's sessions: one entry in the store, as JSON in ASCII.

    ["A1b2…",[["sid…",1767225600,1769817600,1,"Firefox on Linux"]]]

It holds the epoch in which it was written, and a row for each session: its id, when it began, its ``rf_exp``, whether its
refreshes are counted, and its label. A login writes it; a refresh and a check on access do not. A row does not say
whether its session was ended or refreshed: the session's own entry says that.
"""

from __future__ import annotations

import json
from typing import cast

import attrs

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.flows.state import ENDED, Epoch, Generation, Write, entry_expiry
from praetorian_core.settings import Settings
from praetorian_core.token.lifecycle import session_end

_ROW = (str, int, int, int, str)


@attrs.frozen
class Row:
    """One session of an index.

    Attributes:
        session_id: The id of the session.
        issued_at: When it began, in seconds since the epoch.
        refresh_expires_at: Its ``rf_exp``, in seconds since the epoch.
        is_counted: 1 if its refreshes are counted from the start, otherwise 0.
        label: Its label; empty if it has none.
    """

    session_id: str
    issued_at: int
    refresh_expires_at: int
    is_counted: int
    label: str


@attrs.frozen
class SessionIndex:
    """The index of one user.

    Attributes:
        epoch: The user's epoch when the index was written.
        rows: The sessions, in the order of their logins.
    """

    epoch: str | None = None
    rows: tuple[Row, ...] = ()

    @classmethod
    def parse(cls, entry: str | None) -> SessionIndex:
        """Return the index in an entry; without an entry it is empty.

        Raises:
            ServiceUnavailableError: No version of this library writes such an entry.
        """
        if entry is None:
            return cls()
        try:
            return _index(json.loads(entry))
        except (ValueError, TypeError, RecursionError):
            detail = "the store holds a malformed index of sessions; expected an epoch and rows as JSON"
            raise ServiceUnavailableError(detail) from None

    def valid_in(self, epoch: Epoch, now: int) -> tuple[Row, ...]:
        """Return the rows of sessions that have not expired and that no ``revoke_user`` has ended."""
        return tuple(
            row for row in self.rows if now < row.refresh_expires_at and epoch.accepts(row.session_id, self.epoch)
        )

    def write(self, now: int) -> Write:
        """Return the entry; it expires with the last session, and at once if there is none."""
        rows = [[row.session_id, row.issued_at, row.refresh_expires_at, row.is_counted, row.label] for row in self.rows]
        expires_at = max((entry_expiry(row.refresh_expires_at) for row in self.rows), default=now)
        return Write(json.dumps([self.epoch, rows], separators=(",", ":")), expires_at)


def _index(members: list[object]) -> SessionIndex:
    epoch, rows = members
    if not (epoch is None or type(epoch) is str) or type(rows) is not list:
        raise TypeError
    return SessionIndex(epoch, tuple(map(_row, cast("list[list[object]]", rows))))


def _row(values: list[object]) -> Row:
    if tuple(map(type, values)) != _ROW:
        raise TypeError
    return Row(*cast("tuple[str, int, int, int, str]", values))


@attrs.frozen
class LiveSession:
    """A session that was not ended and has not expired.

    Attributes:
        row: Its row.
        refreshed_at: When it was last refreshed, in seconds since the epoch; None if never, or if that is not known.
        ends_at: When it ends unless it is refreshed, in seconds since the epoch.
    """

    row: Row
    refreshed_at: int | None
    ends_at: int


def live_session(row: Row, entry: str | None, settings: Settings, now: int) -> LiveSession | None:
    """Return the session of a row and of its own entry in the store; None if it was ended or has expired.

    Raises:
        ServiceUnavailableError: No version of this library writes such an entry.
    """
    if entry == ENDED:
        return None
    refreshed_at = Generation.parse(entry).since
    ends_at = row.refresh_expires_at
    if refreshed_at is not None:
        # A repetition within the grace gets a token that begins later than the generation.
        ends_at = session_end(refreshed_at + settings.refresh_grace, ends_at, settings.idle_lifespan)
    elif row.is_counted:
        ends_at = session_end(row.issued_at, ends_at, settings.idle_lifespan)
    return LiveSession(row, refreshed_at, ends_at) if now < ends_at else None
