"""Security events, as values without secrets.

A guard hands events to its ``on_event``, one for each security-relevant operation (ASVS 16.3). No event holds a token,
a password, a password hash, a key, a label or a custom claim. A digest of its id names a session, so log entries about one
session can be related.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import attrs

from praetorian_core.digest import digest

_LOG = logging.getLogger("praetorian")


@attrs.frozen(kw_only=True)
class Event:
    """The base of all events.

    Attributes:
        at: The time of the event by the guard's clock, in seconds since the epoch.
    """

    level = logging.INFO

    at: int


@attrs.frozen(kw_only=True)
class LoginSucceeded(Event):
    """A login succeeded."""

    identity: str
    source: str | None


@attrs.frozen(kw_only=True)
class LoginFailed(Event):
    """A login failed.

    ``identity`` is None if no user has the name. The name itself is left out, because users type passwords into that
    field.
    """

    level = logging.WARNING

    identity: str | None
    source: str | None


@attrs.frozen(kw_only=True)
class LoginThrottled(Event):
    """The throttle rejected a login before the password was checked."""

    level = logging.WARNING

    source: str | None


@attrs.frozen(kw_only=True)
class LoginUncounted(Event):
    """A login was allowed although the store could not count it: ``PRAETORIAN_THROTTLE_FAILURE`` is ``allow``."""

    level = logging.ERROR

    source: str | None


@attrs.frozen(kw_only=True)
class AuthenticationConfirmed(Event):
    """The user of a session gave the password again. A failure is a ``LoginFailed`` or a ``LoginThrottled``."""

    identity: str
    session: str
    source: str | None


@attrs.frozen(kw_only=True)
class TokenRefused(Event):
    """A token was rejected; ``code`` and ``detail`` are the error's code and text."""

    code: str
    detail: str


@attrs.frozen(kw_only=True)
class TokenRefreshed(Event):
    """A token was refreshed."""

    identity: str
    session: str


@attrs.frozen(kw_only=True)
class TokenReused(Event):
    """A refreshed token was presented again, so the session was ended: the token was probably copied."""

    level = logging.WARNING

    identity: str
    session: str


@attrs.frozen(kw_only=True)
class SessionRevoked(Event):
    """A session was ended."""

    identity: str
    session: str


@attrs.frozen(kw_only=True)
class UserRevoked(Event):
    """All sessions of a user were ended, except for ``kept`` if it is not None and was valid."""

    identity: str
    kept: str | None = None


@attrs.frozen(kw_only=True)
class SessionLimitReached(Event):
    """A login would have exceeded ``PRAETORIAN_MAX_SESSIONS``.

    ``ended`` is the oldest session, which was ended; None if the login was rejected.
    """

    identity: str
    ended: str | None


@attrs.frozen(kw_only=True)
class SessionUnlisted(Event):
    """A session is not in the list of its user, because the store could be read but not written.

    The login was allowed by ``PRAETORIAN_THROTTLE_FAILURE``. The session is valid, and ``revoke_user`` ends it.
    """

    level = logging.ERROR

    identity: str
    session: str


@attrs.frozen(kw_only=True)
class ActionRedeemed(Event):
    """An action token was redeemed."""

    identity: str
    action: str


@attrs.frozen(kw_only=True)
class TicketRedeemed(Event):
    """A ticket was redeemed: it opened one connection of this session."""

    identity: str
    session: str


@attrs.frozen(kw_only=True)
class CallFailed(Event):
    """The store or a callback of the application failed, so the request was rejected.

    Three failures reject no request: saving a renewed password hash and, while ``PRAETORIAN_THROTTLE_FAILURE`` is
    ``allow``, counting a login and listing its session.

    Attributes:
        what: The call that failed.
        failure: The type of the exception; its text is left out, because it may hold a secret. For an error of the core
            itself, its text.
        where: The last file, line and function of the application that the exception comes from.
        target: The store and the setting that names it, without a password; None for another call.
    """

    level = logging.ERROR

    what: str
    failure: str
    where: str
    target: str | None = None


Sink = Callable[[Event], object]
"""Receives events. Its result is ignored; an exception that it raises is logged."""


def log_event(event: Event) -> None:
    """Log the event to the logger ``praetorian``, as ``TypeName field='value' …``.

    Values are written with ``repr``, which escapes line breaks, control and bidirectional characters (ASVS 16.4.1).
    """
    if _LOG.isEnabledFor(event.level):
        fields = attrs.asdict(event)
        facts = " ".join(f"{name}={value!r}" for name, value in fields.items())
        _LOG.log(event.level, "%s %s", type(event).__name__, facts)


def session_digest(session_id: str) -> str:
    """Return the name of a session in events: 12 hexadecimal digits of the SHA-256 of its id."""
    return digest(session_id, 12)
