"""A session's life: begun by ``issue``, prolonged by ``refresh`` up to a fixed end, ended by ``revoke``.

What the store remembers, and why one entry a session is enough, is told in ``state.py``.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import attrs

from praetorian_core.errors import (
    ConfigurationError,
    MissingUserError,
    MisusedTokenError,
    ReusedTokenError,
    RevokedTokenError,
)
from praetorian_core.events import (
    SessionRevoked,
    TokenRefreshed,
    TokenReused,
    UserRevoked,
    session_digest,
)
from praetorian_core.flows.context import FlowContext, identity_and_roles, require_user, require_valid
from praetorian_core.flows.state import (
    ENDED,
    MAX_CAS_ATTEMPTS,
    SPENT,
    Epoch,
    Generation,
    access_keys,
    action_key,
    contention_error,
    entry_expiry,
    epoch_key,
    session_key,
)
from praetorian_core.principal import Principal
from praetorian_core.questions import CompareAndSetState, Emit, Flow, GetState, ask
from praetorian_core.token.claims import ActionClaims, SessionClaims, check_custom_claims, encode_identity
from praetorian_core.token.lifecycle import check_refresh


def issue(
    context: FlowContext,
    user: object,
    access_lifespan: int | None,
    refresh_lifespan: int | None,
    custom_claims: Mapping[str, object],
    now: int,
) -> Flow[str]:
    """Return the first token of a new session.

    Raises:
        MissingUserError: There is no user.
        InvalidUserError: The user may not act.
        ClaimCollisionError: A custom claim takes a reserved name.
        ClaimValueError: A custom claim cannot be carried.
        ConfigurationError: The user, the lifespans or the keys do not allow it.
    """
    check_custom_claims(custom_claims)
    if user is None:
        raise MissingUserError
    yield from require_valid(user)
    identity, roles = yield from identity_and_roles(context, user)
    settings = context.settings
    if refresh_lifespan is None:
        refresh_lifespan = settings.refresh_lifespan
    elif context.has_store and refresh_lifespan > settings.refresh_lifespan:
        # The entry that ends all sessions of a user is kept for the configured lifespan and must outlive each of them.
        detail = (
            f"refresh_lifespan is {refresh_lifespan} s; with a store expected at most JWT_REFRESH_LIFESPAN, "
            f"{settings.refresh_lifespan} s: raise that setting"
        )
        raise ConfigurationError(detail)
    refresh_expires_at = now + refresh_lifespan
    access = settings.access_lifespan if access_lifespan is None else access_lifespan
    epoch = yield from _current_epoch(context, identity, now)
    principal = Principal(
        identity=identity,
        roles=roles,
        claims=custom_claims,
        session_id=secrets.token_urlsafe(16),
        issued_at=now,
        access_expires_at=min(now + access, refresh_expires_at),
        refresh_expires_at=refresh_expires_at,
    )
    return context.codec.encode(SessionClaims(principal=principal, epoch=epoch))


def _current_epoch(context: FlowContext, identity: object, now: int) -> Flow[str | None]:
    if not context.has_store:
        return None
    key = epoch_key(identity)
    for _ in range(MAX_CAS_ATTEMPTS):
        (entry,) = yield from ask(GetState((key,), now))
        epoch = Epoch.parse(entry)
        if epoch is None:
            return None
        # Prolonged, so that it outlives the token that is about to be issued under it.
        prolonged = Epoch(epoch.name, max(epoch.expires_at, entry_expiry(now + context.settings.refresh_lifespan)))
        if (yield from ask(CompareAndSetState(key, entry, prolonged.value(), prolonged.expires_at, now))):
            return epoch.name
    raise contention_error()


def check_session(claims: SessionClaims, now: int) -> Flow[str | None]:
    """Return what the store holds of a session that is not over, in one question.

    Raises:
        RevokedTokenError: The session was ended, alone or with all of the user's.
    """
    principal = claims.principal
    values = yield from ask(GetState(access_keys(principal.identity, principal.session_id), now))
    return judge_session(claims, values)


def judge_session(claims: SessionClaims, values: list[str | None]) -> str | None:
    """Return the entry of a session that is not over, given what the store holds under its ``access_keys``.

    Raises:
        RevokedTokenError: The session was ended, alone or with all of the user's.
    """
    entry, mark = values
    epoch = Epoch.parse(mark)
    if entry == ENDED or claims.epoch != (None if epoch is None else epoch.name):
        raise RevokedTokenError
    return entry


def refresh(context: FlowContext, token: str, access_lifespan: int | None, now: int) -> Flow[str]:
    """Return the successor of a token: new access, the same end.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is an action token.
        EarlyRefreshError: It still opens routes.
        ExpiredRefreshError: Its session is over.
        RevokedTokenError: Its session was ended.
        ReusedTokenError: It had been refreshed before; its session is ended now.
        MissingUserError: The user is gone.
        InvalidUserError: The user may no longer act.
    """
    settings = context.settings
    claims = read_session(context, token, now)
    old = claims.principal
    check_refresh(old, now, settings.leeway, settings.early_refresh)
    entry = (yield from check_session(claims, now)) if context.has_store else None
    user = yield from require_user(old.identity)
    yield from require_valid(user)
    identity, roles = yield from identity_and_roles(context, user)
    if str(identity) != str(old.identity):
        detail = "identify returned a user of another identity than it was asked for"
        raise ConfigurationError(detail)
    access = settings.access_lifespan if access_lifespan is None else access_lifespan
    successor = attrs.evolve(
        old,
        identity=identity,
        roles=roles,
        issued_at=now,
        access_expires_at=min(now + access, old.refresh_expires_at),
    )
    spends = context.has_store and context.codec.layout.counts_generations
    # A token of a layout that does not count was never refreshed here.
    presented = claims.generation or 0
    generation = presented + 1 if spends else claims.generation
    # Made before anything is spent: where it cannot be made, the old one stays good.
    fresh = context.codec.encode(claims._replace(principal=successor, generation=generation))
    if spends:
        yield from _spend_generation(context, claims, presented, entry, now)
    if context.has_store and settings.check_sessions == "refresh":
        # Nobody asks about the new token until its exp, so what was ended in the meantime is asked here.
        yield from check_session(claims, now)
    digest = session_digest(old.session_id)
    yield from ask(Emit(TokenRefreshed(at=now, identity=str(identity), session=digest)))
    return fresh


def _spend_generation(
    context: FlowContext, claims: SessionClaims, presented: int, entry: str | None, now: int
) -> Flow[None]:
    """Return iff the presented generation may have its successor; each is made once (RFC 9700 §4.14.2)."""
    principal = claims.principal
    key = session_key(principal.identity, principal.session_id)
    expires_at = entry_expiry(principal.refresh_expires_at)
    for _ in range(MAX_CAS_ATTEMPTS):
        current = Generation.parse(entry)
        if presented == current.number:
            if (yield from ask(CompareAndSetState(key, entry, current.next_value(now), expires_at, now))):
                return
        elif (
            presented == current.number - 1
            and current.since is not None
            and now < current.since + context.settings.refresh_grace
        ):
            # Two tabs, or a response that got lost: the same successor once more, and no further grace for it.
            return
        elif (yield from ask(CompareAndSetState(key, entry, ENDED, expires_at, now))):
            digest = session_digest(principal.session_id)
            identity = str(principal.identity)
            yield from ask(Emit(TokenReused(at=now, identity=identity, session=digest)))
            raise ReusedTokenError
        # Somebody else wrote in between: judge anew what is there now.
        entry = yield from check_session(claims, now)
    raise contention_error()


def read_session(context: FlowContext, token: str, now: int) -> SessionClaims:
    """Return what a genuine session token says, dead or alive.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is an action token.
    """
    claims = context.codec.decode(token, now)
    if type(claims) is not SessionClaims:
        detail = "an action token was presented as a session token"
        raise MisusedTokenError(detail)
    return claims


def load_user(principal: Principal) -> Flow[object]:
    """Return the user behind a principal.

    Raises:
        MissingUserError: The user is gone.
        InvalidUserError: The user may no longer act.
    """
    user = yield from require_user(principal.identity)
    yield from require_valid(user)
    return user


def revoke(context: FlowContext, token: str, now: int) -> Flow[None]:
    """End the session that a token belongs to, or spend an action token; nothing happens to what is dead already.

    Raises:
        InvalidTokenError: The token is not genuine; nothing was changed.
        ConfigurationError: There is no store.
    """
    context.need_store("revoke")
    claims = context.codec.decode(token, now)
    if isinstance(claims, ActionClaims):
        key = action_key(claims.identity, claims.token_id)
        yield from _close(key, SPENT, entry_expiry(claims.expires_at), now)
        return
    principal = claims.principal
    key = session_key(principal.identity, principal.session_id)
    if (yield from _close(key, ENDED, entry_expiry(principal.refresh_expires_at), now)):
        digest = session_digest(principal.session_id)
        identity = str(principal.identity)
        yield from ask(Emit(SessionRevoked(at=now, identity=identity, session=digest)))


def _close(key: str, final: str, expires_at: int, now: int) -> Flow[bool]:
    """Set a key to its final value, whatever it holds; tell whether that was still to be done."""
    if now >= expires_at:
        return False
    for _ in range(MAX_CAS_ATTEMPTS):
        (entry,) = yield from ask(GetState((key,), now))
        if entry == final:
            return False
        if (yield from ask(CompareAndSetState(key, entry, final, expires_at, now))):
            return True
    raise contention_error()


def revoke_user(context: FlowContext, identity: object, now: int) -> Flow[None]:
    """End every session of a user that was issued before, and none that is issued after.

    A new random epoch is exact whatever the clocks say: a token carries the epoch of its issue, and only the current
    one passes.

    Raises:
        ConfigurationError: There is no store, or the identity cannot be anybody's.
    """
    context.need_store("revoke_user")
    # What is nobody's identity would end nobody's sessions, and not say so.
    identity = encode_identity(identity)
    key = epoch_key(identity)
    expires_at = entry_expiry(now + context.settings.refresh_lifespan)
    name = secrets.token_urlsafe(9)
    for _ in range(MAX_CAS_ATTEMPTS):
        (entry,) = yield from ask(GetState((key,), now))
        former = Epoch.parse(entry)
        fresh = Epoch(name, expires_at if former is None else max(expires_at, former.expires_at))
        if (yield from ask(CompareAndSetState(key, entry, fresh.value(), fresh.expires_at, now))):
            yield from ask(Emit(UserRevoked(at=now, identity=str(identity))))
            return
    raise contention_error()
