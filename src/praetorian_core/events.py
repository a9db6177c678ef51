"""What happened, as values without secrets.

A guard hands one event to its ``on_event`` for each thing that a security team wants to see (ASVS 16.3). No event
holds a token, a password, a hash of one, a key or a custom claim; a session is named by a digest of its id, so that a
reader of the log can tell sessions apart.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import attrs

from praetorian_core.digest import digest

_LOG = logging.getLogger("praetorian")


@attrs.frozen(kw_only=True)
class Event:
    """Something that happened.

    Attributes:
        at: When, in seconds since the epoch, by the guard's clock.
    """

    level = logging.INFO

    at: int


@attrs.frozen(kw_only=True)
class LoginSucceeded(Event):
    """A user proved name and password."""

    identity: str
    source: str | None


@attrs.frozen(kw_only=True)
class LoginFailed(Event):
    """A login was refused.

    ``identity`` is known where the name was. The name itself is not kept: people type passwords into that field.
    """

    level = logging.WARNING

    identity: str | None
    source: str | None


@attrs.frozen(kw_only=True)
class LoginThrottled(Event):
    """A login was refused unseen, because there were too many before it."""

    level = logging.WARNING

    source: str | None


@attrs.frozen(kw_only=True)
class LoginUncounted(Event):
    """A login went on although it could not be counted, because ``PRAETORIAN_THROTTLE_FAILURE`` is ``allow``."""

    level = logging.ERROR

    source: str | None


@attrs.frozen(kw_only=True)
class TokenRefused(Event):
    """A presented token did not open what it was presented for; ``code`` is the error's, ``detail`` its text."""

    code: str
    detail: str


@attrs.frozen(kw_only=True)
class TokenRefreshed(Event):
    """A token was exchanged for its successor."""

    identity: str
    session: str


@attrs.frozen(kw_only=True)
class TokenReused(Event):
    """A spent generation came back, so the session was ended: somebody holds a copy."""

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
    """All sessions of a user that had been issued so far were ended."""

    identity: str


@attrs.frozen(kw_only=True)
class ActionRedeemed(Event):
    """An action token served its purpose."""

    identity: str
    action: str


@attrs.frozen(kw_only=True)
class CallFailed(Event):
    """A store or a callback of the application raised, so what depended on it was refused.

    Two failures refuse nobody: to save a renewed password, and to count a login where that may be left out.

    Attributes:
        what: Which call.
        failure: The type of what it raised; its text may hold anything, so it is not here.
        where: The file and line that raised it.
    """

    level = logging.ERROR

    what: str
    failure: str
    where: str


Sink = Callable[[Event], object]
"""Receives events. What it returns is ignored, what it raises is logged."""


def log_event(event: Event) -> None:
    """Write the event to the ``praetorian`` logger, as ``TypeName field='value' …``.

    Values are written with ``repr``, which escapes line breaks, control and bidirectional characters (ASVS 16.4.1).
    """
    if _LOG.isEnabledFor(event.level):
        fields = attrs.asdict(event)
        facts = " ".join(f"{name}={value!r}" for name, value in fields.items())
        _LOG.log(event.level, "%s %s", type(event).__name__, facts)


def session_digest(session_id: str) -> str:
    """Return what stands for a session in an event: 12 hex digits of the SHA-256 of its id."""
    return digest(session_id, 12)
