"""Exchange a token for the next one of its session, as ``refresh`` and ``confirm`` do.

Each generation has one successor (RFC 9700 §4.14.2). ``state.py`` describes the entries in the store.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import NamedTuple

import attrs

from praetorian_core.errors import ConfigurationError, ReusedTokenError, RevokedTokenError
from praetorian_core.events import TokenReused, session_digest
from praetorian_core.flows.context import FlowContext, identity_and_roles
from praetorian_core.flows.state import (
    ENDED,
    Epoch,
    Generation,
    Write,
    access_keys,
    entry_expiry,
    session_key,
    update,
)
from praetorian_core.questions import Emit, Flow, GetState, ask
from praetorian_core.token.claims import SessionClaims
from praetorian_core.token.codec import MAX_REFRESHED
from praetorian_core.token.lifecycle import session_end


def check_session(claims: SessionClaims, now: int) -> Flow[str | None]:
    """Return the store's entry of a session that was not ended.

    Raises:
        RevokedTokenError: The session was ended, alone or with all sessions of the user.
    """
    return (yield from _read_state(claims, now))[0]


def _read_state(claims: SessionClaims, now: int) -> Flow[tuple[str | None, str | None]]:
    """Return the entry of a session that was not ended, and the current epoch of its user; see ``check_session``."""
    principal = claims.principal
    entry, found = yield from ask(GetState(access_keys(principal.identity, principal.session_id), now))
    epoch = Epoch.parse(found)
    if entry == ENDED or not epoch.accepts(principal.session_id, principal.session_epoch):
        raise RevokedTokenError
    return entry, epoch.current


class Presented(NamedTuple):
    """A token that may be exchanged for the next one of its session.

    Attributes:
        claims: Its claims.
        entry: The store's entry of its session; None if there is none.
        epoch: The epoch of the next token: the user's current one.
    """

    claims: SessionClaims
    entry: str | None
    epoch: str | None


def present(context: FlowContext, claims: SessionClaims, now: int) -> Flow[Presented]:
    """Return what an exchange needs of a token whose times were checked.

    Raises:
        RevokedTokenError: Its session was ended.
    """
    if not context.has_store:
        return Presented(claims, None, claims.principal.session_epoch)
    return Presented(claims, *(yield from _read_state(claims, now)))


def check_unspent(context: FlowContext, presented: Presented, now: int) -> Flow[None]:
    """Raise if the token was exchanged before; a token that was not stays unspent.

    Raises:
        ReusedTokenError: It was exchanged before; its session is now ended.
    """
    claims, entry, _ = presented
    if _counts(context, presented):
        decided = _decide(claims, entry, context.settings.refresh_grace, now)
        if decided is not None and decided.value == ENDED:
            yield from _spend_generation(claims, entry, context.settings.refresh_grace, now)


def exchange(
    context: FlowContext,
    presented: Presented,
    user: object,
    access_lifespan: int | None,
    authenticated_at: int | None,
    now: int,
    max_length: int = MAX_REFRESHED,
) -> Flow[str]:
    """Return the next token of a session: new access, the current roles, the same end; the generation is spent.

    Args:
        context: Shared context of the guard's flows.
        presented: The presented token.
        user: The user, who is active.
        access_lifespan: Replaces the configured one, in seconds.
        authenticated_at: When the user last proved their identity, in seconds since the epoch; None if unknown.
        now: The current time, in seconds since the epoch.
        max_length: The maximum length of the next token, in characters.

    Raises:
        RevokedTokenError: The session was ended in between.
        ReusedTokenError: The token was exchanged before; its session is now ended.
        ConfigurationError: The user has another identity than the token, or the next token would be too long.
    """
    settings = context.settings
    claims, entry, epoch = presented
    old = claims.principal
    identity, roles = yield from identity_and_roles(context, user)
    if str(identity) != str(old.identity):
        raise ConfigurationError("identify returned a user of another identity than it was asked for")
    access = settings.access_lifespan if access_lifespan is None else access_lifespan
    successor = attrs.evolve(
        old,
        identity=identity,
        roles=roles,
        issued_at=now,
        access_expires_at=min(now + access, session_end(now, old.refresh_expires_at, settings.idle_lifespan)),
        authenticated_at=authenticated_at,
        # A session that ``revoke_user`` kept moves on to the current epoch.
        session_epoch=epoch,
    )
    counts = _counts(context, presented)
    generation = (claims.generation or 0) + 1 if counts else claims.generation
    # Before the generation is spent: if encoding fails, the presented token can still be exchanged.
    csrf = new_csrf() if claims.csrf is None and settings.uses_cookies else claims.csrf
    renewed = claims._replace(principal=successor, generation=generation, csrf=csrf)
    fresh = context.codec.encode(renewed, max_length=max_length)
    if counts:
        yield from _spend_generation(claims, entry, settings.refresh_grace, now)
    if context.has_store and settings.check_sessions == "refresh":
        # Access makes no store call, so a revocation in the meantime must be seen here.
        yield from check_session(claims, now)
    return fresh


def _counts(context: FlowContext, presented: Presented) -> bool:
    """Return whether the session counts its generations."""
    # A counted session is counted under every layout, or a reuse would go unseen.
    is_counted = presented.claims.generation is not None or presented.entry is not None
    return context.has_store and (context.codec.layout.counts_generations or is_counted)


def _spend_generation(claims: SessionClaims, entry: str | None, grace: int, now: int) -> Flow[None]:
    """Spend the presented generation; each has one successor (RFC 9700 §4.14.2).

    A token without a generation precedes the first counted one.

    Raises:
        ReusedTokenError: The generation was spent before; the session is now ended.
        RevokedTokenError: The session was ended in between.
    """
    principal = claims.principal
    key = session_key(principal.identity, principal.session_id)
    reread = partial(check_session, claims, now)
    written = yield from update(key, lambda entry: _decide(claims, entry, grace, now), now, entry, reread)
    if written is not None and written.value == ENDED:
        session = session_digest(principal.session_id)
        yield from ask(Emit(TokenReused(at=now, identity=str(principal.identity), session=session)))
        raise ReusedTokenError


def _decide(claims: SessionClaims, entry: str | None, grace: int, now: int) -> Write | None:
    """Return what to write to a session's entry when a generation is presented; None if nothing changes."""
    expires_at = entry_expiry(claims.principal.refresh_expires_at)
    presented, current = claims.generation or 0, Generation.parse(entry)
    if presented == current.number:
        return Write(current.next_value(grace, now), expires_at)
    # Two tabs, or a lost response: the successor once more.
    if current.tolerates(presented, grace, now):
        return None
    return Write(ENDED, expires_at)


def new_csrf() -> str:
    """Return a new value of the claim ``csrf``: 128 random bits."""
    return secrets.token_urlsafe(16)
