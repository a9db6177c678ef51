"""The life of a session: ``issue`` begins it, ``refresh`` prolongs it up to a fixed end, ``revoke`` ends it.

``state.py`` describes the entries in the store.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from functools import partial

import attrs

from praetorian_core.clock import NEVER
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
from praetorian_core.flows.context import FlowContext, identity_and_roles, require_active, require_user
from praetorian_core.flows.state import (
    ENDED,
    SPENT,
    Generation,
    Write,
    access_keys,
    action_key,
    entry_expiry,
    epoch_key,
    get_entry,
    parse_epoch,
    session_key,
    update,
)
from praetorian_core.principal import Principal
from praetorian_core.questions import Emit, Flow, GetState, ask
from praetorian_core.token.claims import ActionClaims, SessionClaims, check_custom_claims, encode_named_identity
from praetorian_core.token.codec import MAX_REFRESHED
from praetorian_core.token.lifecycle import check_reading, check_refresh, session_end


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
        MissingUserError: The user is None.
        InvalidUserError: The user's account is not active.
        ClaimCollisionError: A custom claim has a reserved name.
        ClaimValueError: A custom claim is not a JSON value.
        ConfigurationError: The user's attributes, the lifespans, the keys or the clock are not usable.
    """
    check_reading(now)
    check_custom_claims(custom_claims)
    if user is None:
        raise MissingUserError
    yield from require_active(user)
    identity, roles = yield from identity_and_roles(context, user)
    settings = context.settings
    access = settings.access_lifespan if access_lifespan is None else access_lifespan
    refresh_expires_at = now + (settings.refresh_lifespan if refresh_lifespan is None else refresh_lifespan)
    # Last, so that a revocation before it is seen.
    epoch = parse_epoch((yield from get_entry(epoch_key(identity), now))) if context.has_store else None
    principal = Principal(
        identity=identity,
        roles=roles,
        claims=custom_claims,
        session_id=secrets.token_urlsafe(16),
        issued_at=now,
        access_expires_at=min(now + access, session_end(now, refresh_expires_at, settings.idle_lifespan)),
        refresh_expires_at=refresh_expires_at,
        authenticated_at=now if context.codec.layout.carries_login else None,
        session_epoch=epoch,
    )
    generation = 0 if context.codec.layout.counts_generations else None
    csrf = new_csrf() if context.settings.uses_cookies else None
    return context.codec.encode(SessionClaims(principal=principal, generation=generation, csrf=csrf))


def new_csrf() -> str:
    """Return a new value of the claim ``csrf``: 128 random bits."""
    return secrets.token_urlsafe(16)


def check_session(claims: SessionClaims, now: int) -> Flow[str | None]:
    """Return the store's entry of a session that was not ended.

    Raises:
        RevokedTokenError: The session was ended, alone or with all sessions of the user.
    """
    principal = claims.principal
    entry, epoch = yield from ask(GetState(access_keys(principal.identity, principal.session_id), now))
    if entry == ENDED or principal.session_epoch != parse_epoch(epoch):
        raise RevokedTokenError
    return entry


def check_store(context: FlowContext, now: int) -> Flow[None]:
    """Raise if the store does not answer; without a store, return.

    Raises:
        ServiceUnavailableError: The store failed.
    """
    if context.has_store:
        yield from get_entry("health", now)


def refresh(context: FlowContext, token: str | bytes, access_lifespan: int | None, now: int) -> Flow[str]:
    """Return the successor of a token: new access, the same end.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is an action token.
        EarlyRefreshError: It still grants access.
        ExpiredRefreshError: Its session has expired.
        RevokedTokenError: Its session was ended.
        ReusedTokenError: It was refreshed before; its session is now ended.
        MissingUserError: The user does not exist any more.
        InvalidUserError: The user's account is not active.
    """
    settings = context.settings
    claims = read_session(context, token, now)
    old = claims.principal
    check_refresh(old, now, settings.early_refresh, settings.idle_lifespan)
    entry = (yield from check_session(claims, now)) if context.has_store else None
    user = yield from require_user(old.identity)
    yield from require_active(user)
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
    )
    # A counted session is counted under every layout, or a reuse would go unseen.
    is_counted = claims.generation is not None or entry is not None
    counts = context.has_store and (context.codec.layout.counts_generations or is_counted)
    generation = (claims.generation or 0) + 1 if counts else claims.generation
    # Before the generation is spent: if encoding fails, the presented token can still be refreshed.
    csrf = new_csrf() if claims.csrf is None and settings.uses_cookies else claims.csrf
    renewed = claims._replace(principal=successor, generation=generation, csrf=csrf)
    fresh = context.codec.encode(renewed, max_length=MAX_REFRESHED)
    if counts:
        yield from _spend_generation(claims, entry, settings.refresh_grace, now)
    if context.has_store and settings.check_sessions == "refresh":
        # Access makes no store call, so a revocation in the meantime must be seen here.
        yield from check_session(claims, now)
    session = session_digest(old.session_id)
    yield from ask(Emit(TokenRefreshed(at=now, identity=str(identity), session=session)))
    return fresh


def _spend_generation(claims: SessionClaims, entry: str | None, grace: int, now: int) -> Flow[None]:
    """Spend the presented generation; each has one successor (RFC 9700 §4.14.2).

    A token without a generation precedes the first counted one.

    Raises:
        ReusedTokenError: The generation was spent before; the session is now ended.
        RevokedTokenError: The session was ended in between.
    """
    principal = claims.principal
    expires_at = entry_expiry(principal.refresh_expires_at)
    presented = claims.generation or 0

    def decide(entry: str | None) -> Write | None:
        current = Generation.parse(entry)
        if presented == current.number:
            return Write(current.next_value(now), expires_at)
        # Two tabs, or a lost response: the same successor once more. The clocks of two machines may differ either way.
        if presented == current.number - 1 and current.since is not None and abs(now - current.since) < grace:
            return None
        return Write(ENDED, expires_at)

    key = session_key(principal.identity, principal.session_id)
    written = yield from update(key, decide, now, entry, partial(check_session, claims, now))
    if written is not None and written.value == ENDED:
        session = session_digest(principal.session_id)
        yield from ask(Emit(TokenReused(at=now, identity=str(principal.identity), session=session)))
        raise ReusedTokenError


def read_session(context: FlowContext, token: str | bytes, now: int) -> SessionClaims:
    """Return the claims of a genuine session token, expired or not.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is an action token.
    """
    claims = context.codec.decode(token, now)
    if type(claims) is not SessionClaims:
        raise MisusedTokenError("an action token was presented as a session token")
    return claims


def load_user(principal: Principal) -> Flow[object]:
    """Return the user of a principal.

    Raises:
        MissingUserError: The user does not exist any more.
        InvalidUserError: The user's account is not active.
    """
    user = yield from require_user(principal.identity)
    yield from require_active(user)
    return user


def revoke(context: FlowContext, token: str | bytes, now: int) -> Flow[None]:
    """End the session of a token, or spend an action token; nothing happens if that was done before.

    Raises:
        InvalidTokenError: The token is not genuine; nothing was changed.
        ConfigurationError: There is no store.
    """
    context.need_store("revoke")
    claims = context.codec.decode(token, now)
    if isinstance(claims, ActionClaims):
        key = action_key(claims.identity, claims.token_id)
        yield from _close(key, Write(SPENT, entry_expiry(claims.expires_at)), now)
        return
    principal = claims.principal
    key = session_key(principal.identity, principal.session_id)
    if (yield from _close(key, Write(ENDED, entry_expiry(principal.refresh_expires_at)), now)):
        session = session_digest(principal.session_id)
        yield from ask(Emit(SessionRevoked(at=now, identity=str(principal.identity), session=session)))


def _close(key: str, final: Write, now: int) -> Flow[bool]:
    """Set a key to its final value; return False if it had it already, or if its token has expired everywhere."""
    if now >= final.expires_at:
        return False
    entry = yield from get_entry(key, now)
    written = yield from update(key, lambda entry: None if entry == final.value else final, now, entry)
    return written is not None


def revoke_user(context: FlowContext, identity: object, now: int) -> Flow[None]:
    """End every session of a user that was issued before, and none that is issued after.

    A token carries the epoch of its issue, and only the current epoch is accepted. So the result does not depend on
    clocks, lifespans or layouts.

    Raises:
        ConfigurationError: There is no store, or the identity cannot be a user's.
    """
    context.need_store("revoke_user")
    identity = encode_named_identity(identity, context.settings.parse_identity)
    key = epoch_key(identity)
    fresh = Write(secrets.token_urlsafe(9), NEVER)
    yield from update(key, lambda _: fresh, now, (yield from get_entry(key, now)))
    yield from ask(Emit(UserRevoked(at=now, identity=str(identity))))
