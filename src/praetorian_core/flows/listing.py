"""The list of a user's sessions: a login adds its session, and makes room if there are too many.

A login reads the index and the epoch, and writes the index by compare-and-set. So of two logins at the same moment one
decides again, with the session of the other in the list. A session that must end to make room is ended before the index is
written, so there are never more valid sessions than ``PRAETORIAN_MAX_SESSIONS``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Final

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError, SessionLimitError
from praetorian_core.events import SessionLimitReached, SessionRevoked, SessionUnlisted, session_digest
from praetorian_core.flows.context import FlowContext
from praetorian_core.flows.session_index import LiveSession, Row, SessionIndex, live_session
from praetorian_core.flows.state import (
    ENDED,
    Epoch,
    Write,
    close_entry,
    entry_expiry,
    index_key,
    list_keys,
    session_key,
    update,
)
from praetorian_core.questions import Emit, Flow, GetState, ask
from praetorian_core.session import IssuedSession, SessionInfo
from praetorian_core.settings import MAX_SESSIONS, Settings
from praetorian_core.token.claims import encode_named_identity

MAX_INDEX_ATTEMPTS: Final = 256
"""After this many conflicting writes to one index a request is rejected; each of them was a login of the same user."""


class _SessionList:
    """A user's index and epoch, as last read."""

    def __init__(self, identity: object, now: int) -> None:
        """Hold nothing yet.

        Args:
            identity: The user's identity.
            now: The current time, in seconds since the epoch.
        """
        self._identity: Final = identity
        self._now: Final = now
        self._epoch = Epoch(None)
        self._index = SessionIndex()

    def read(self) -> Flow[str | None]:
        """Read both; return the entry of the index."""
        # The index comes first: its epoch is then never newer than the one that is read, also in a store that reads one
        # key after the other.
        entry, epoch = yield from ask(GetState(list_keys(self._identity), self._now))
        self._index, self._epoch = SessionIndex.parse(entry), Epoch.parse(epoch)
        return entry

    def rows(self) -> tuple[Row, ...]:
        """Return the rows of sessions that have not reached ``rf_exp`` and that no ``revoke_user`` has ended."""
        return self._index.valid_in(self._epoch, self._now)

    def live(self, settings: Settings) -> Flow[list[LiveSession]]:
        """Return the sessions that were not ended and have not expired, the oldest first."""
        rows = self.rows()
        if not rows:
            return []
        keys = tuple(session_key(self._identity, row.session_id) for row in rows)
        entries = yield from ask(GetState(keys, self._now))
        found = (live_session(row, entry, settings, self._now) for row, entry in zip(rows, entries, strict=True))
        return sorted((session for session in found if session is not None), key=lambda one: one.row.issued_at)

    def end(self, row: Row) -> Flow[bool]:
        """End a session; return False if it had ended already."""
        ended = Write(ENDED, entry_expiry(row.refresh_expires_at))
        return (yield from close_entry(session_key(self._identity, row.session_id), ended, self._now))

    def without_ended(self, entry: str | None) -> Write | None:
        """Return the index without the rows that a new epoch has ended."""
        if entry is None or self._index.epoch == self._epoch.current:
            return None
        return SessionIndex(self._epoch.current, self.rows()).write(self._now)


class _NewSession(_SessionList):
    """A session that is added to the list: after each read it is signed in the current epoch, and room is made for it."""

    def __init__(
        self, settings: Settings, identity: object, row: Row, sign: Callable[[str | None], IssuedSession]
    ) -> None:
        super().__init__(identity, row.issued_at)
        self._settings = settings
        self._row = row
        self._sign = functools.cache(sign)
        self._listed = SessionIndex()

    def session(self) -> IssuedSession:
        """Return the session with a token of the current epoch."""
        return self._sign(self._epoch.current)

    def prepare(self) -> Flow[str | None]:
        """Read the list and make room; return the entry of the index."""
        entry = yield from self.read()
        # First: a session that cannot be signed must not end another.
        self.session()
        rows = yield from self._make_room()
        self._listed = SessionIndex(self._epoch.current, (*rows, self._row))
        return entry

    def listed(self, _entry: str | None) -> Write:
        """Return the index with the new session."""
        return self._listed.write(self._now)

    def _make_room(self) -> Flow[tuple[Row, ...]]:
        """Return the rows that stay beside the new one."""
        limit, rows = self._settings.max_sessions, self.rows()
        room = (MAX_SESSIONS if limit is None else limit) - 1
        if len(rows) <= room:
            return rows
        live = yield from self.live(self._settings)
        excess = max(0, len(live) - room)
        if excess and limit is not None:
            yield from self._end(live[:excess])
        # Without a limit the oldest ones stay valid, and are no longer listed.
        return tuple(session.row for session in live[excess:])

    def _end(self, oldest: list[LiveSession]) -> Flow[None]:
        identity = str(self._identity)
        if self._settings.session_limit == "refuse":
            yield from ask(Emit(SessionLimitReached(at=self._now, identity=identity, ended=None)))
            raise SessionLimitError
        for session in oldest:
            if (yield from self.end(session.row)):
                ended = session_digest(session.row.session_id)
                yield from ask(Emit(SessionLimitReached(at=self._now, identity=identity, ended=ended)))


def add_session(
    settings: Settings, identity: object, row: Row, sign: Callable[[str | None], IssuedSession]
) -> Flow[IssuedSession]:
    """Add a new session to the list of its user.

    Args:
        settings: The settings of the guard.
        identity: The user's identity.
        row: The session.
        sign: Returns the session with its token, given the user's epoch.

    Returns:
        What ``sign`` returned for the current epoch.

    Raises:
        SessionLimitError: The user has as many sessions as are allowed, and the settings say ``refuse``.
        ServiceUnavailableError: The store failed, or every attempt met a conflicting write.
    """
    added = _NewSession(settings, identity, row, sign)
    entry = yield from added.prepare()
    try:
        yield from update(index_key(identity), added.listed, row.issued_at, entry, added.prepare, MAX_INDEX_ATTEMPTS)
    except ServiceUnavailableError:
        # Logins may be promised while the store can be read. A limit cannot be kept without the index.
        if settings.throttle_failure != "allow" or settings.max_sessions is not None:
            raise
        session = session_digest(row.session_id)
        yield from ask(Emit(SessionUnlisted(at=row.issued_at, identity=str(identity), session=session)))
    return added.session()


def remove_ended(identity: object, now: int) -> Flow[None]:
    """Remove the rows that a new epoch has ended from the index; they are ignored until then.

    Raises:
        ServiceUnavailableError: The store failed, or every attempt met a conflicting write.
    """
    sessions = _SessionList(identity, now)
    entry = yield from sessions.read()
    yield from update(index_key(identity), sessions.without_ended, now, entry, sessions.read, MAX_INDEX_ATTEMPTS)


def list_sessions(context: FlowContext, identity: object, current: str | None, now: int) -> Flow[list[SessionInfo]]:
    """Return a user's sessions, the newest first.

    Raises:
        ConfigurationError: There is no store, or an argument is not usable.
    """
    context.need_store("sessions")
    if current is not None and not isinstance(current, str):
        raise ConfigurationError(f"current must be a session id or None; got {type(current).__name__}")
    sessions = _SessionList(encode_named_identity(identity, context.settings.parse_identity), now)
    yield from sessions.read()
    live = yield from sessions.live(context.settings)
    return [
        SessionInfo(
            session_id=session.row.session_id,
            issued_at=session.row.issued_at,
            refreshed_at=session.refreshed_at,
            ends_at=session.ends_at,
            label=session.row.label or None,
            is_current=session.row.session_id == current,
        )
        for session in reversed(live)
    ]


def revoke_session(context: FlowContext, identity: object, session_id: str, now: int) -> Flow[bool]:
    """End one listed session of a user; return False if there is none that has not ended.

    Raises:
        ConfigurationError: There is no store, or an argument is not usable.
    """
    context.need_store("revoke_session")
    if not isinstance(session_id, str):
        raise ConfigurationError(f"session_id must be a str; got {type(session_id).__name__}")
    identity = encode_named_identity(identity, context.settings.parse_identity)
    sessions = _SessionList(identity, now)
    yield from sessions.read()
    # An id may come from a client, so it is compared, and becomes no key.
    row = next((row for row in sessions.rows() if row.session_id == session_id), None)
    if row is None or not (yield from sessions.end(row)):
        return False
    yield from ask(Emit(SessionRevoked(at=now, identity=str(identity), session=session_digest(row.session_id))))
    return True
