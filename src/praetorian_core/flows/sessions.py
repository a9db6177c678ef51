"""The life of a session: ``issue`` begins it, ``refresh`` prolongs it up to a fixed end, ``revoke`` ends it.

``state.py`` describes the entries in the store.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import attrs

from praetorian_core.clock import NEVER
from praetorian_core.errors import ConfigurationError, MissingUserError, MisusedTokenError
from praetorian_core.events import SessionRevoked, TokenRefreshed, UserRevoked, session_digest
from praetorian_core.flows.context import FlowContext, identity_and_roles, require_active, require_user
from praetorian_core.flows.exchange import exchange, new_csrf, present
from praetorian_core.flows.listing import add_session, remove_ended
from praetorian_core.flows.session_index import Row
from praetorian_core.flows.state import (
    ENDED,
    SPENT,
    Epoch,
    Write,
    action_key,
    close_entry,
    entry_expiry,
    epoch_key,
    get_entry,
    session_key,
    update,
)
from praetorian_core.principal import Principal
from praetorian_core.questions import Emit, Flow, ask
from praetorian_core.session import IssuedSession, clean_label
from praetorian_core.token.claims import (
    ActionClaims,
    SessionClaims,
    TicketClaims,
    check_custom_claims,
    encode_named_identity,
)
from praetorian_core.token.codec import MAX_REFRESHED
from praetorian_core.token.lifecycle import check_reading, check_refresh, session_end


def issue(
    context: FlowContext,
    user: object,
    access_lifespan: int | None,
    refresh_lifespan: int | None,
    custom_claims: Mapping[str, object],
    label: str | None,
    now: int,
) -> Flow[IssuedSession]:
    """Return a new session with its first token; with a store, add it to the list of its user.

    Raises:
        MissingUserError: The user is None.
        InvalidUserError: The user's account is not active.
        ClaimCollisionError: A custom claim has a reserved name.
        ClaimValueError: A custom claim is not a JSON value.
        SessionLimitError: The user has ``PRAETORIAN_MAX_SESSIONS`` sessions, and the settings say ``refuse``.
        ConfigurationError: The user's attributes, the lifespans, the label, the keys or the clock are not usable.
    """
    check_reading(now)
    check_custom_claims(custom_claims)
    cleaned = clean_label(label)
    if label is not None:
        context.need_store("a label of a session (write another name for a custom claim)")
    if user is None:
        raise MissingUserError
    yield from require_active(user)
    identity, roles = yield from identity_and_roles(context, user)
    settings = context.settings
    access = settings.access_lifespan if access_lifespan is None else access_lifespan
    refresh_expires_at = now + (settings.refresh_lifespan if refresh_lifespan is None else refresh_lifespan)
    principal = Principal(
        identity=identity,
        roles=roles,
        claims=custom_claims,
        session_id=secrets.token_urlsafe(16),
        issued_at=now,
        access_expires_at=min(now + access, session_end(now, refresh_expires_at, settings.idle_lifespan)),
        refresh_expires_at=refresh_expires_at,
        authenticated_at=now if context.codec.layout.carries_auth_time else None,
    )
    generation = 0 if context.codec.layout.counts_generations else None
    csrf = new_csrf() if context.settings.uses_cookies else None

    def sign(epoch: str | None) -> IssuedSession:
        claims = SessionClaims(attrs.evolve(principal, session_epoch=epoch), generation, csrf)
        return IssuedSession(token=context.codec.encode(claims), principal=context.codec.as_decoded(claims).principal)

    if not context.has_store:
        return sign(None)
    row = Row(principal.session_id, now, refresh_expires_at, 0 if generation is None else 1, cleaned or "")
    # Last, so that a revocation before it is seen.
    return (yield from add_session(settings, identity, row, sign))


def check_store(context: FlowContext, now: int) -> Flow[None]:
    """Raise if the store does not answer; without a store, return.

    Raises:
        ServiceUnavailableError: The store failed.
    """
    if context.has_store:
        yield from get_entry("health", now)


def refresh(
    context: FlowContext,
    token: str | bytes,
    access_lifespan: int | None,
    now: int,
    max_length: int = MAX_REFRESHED,
) -> Flow[str]:
    """Return the successor of a token: new access, the same end.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is an action token or a ticket.
        EarlyRefreshError: It still grants access.
        ExpiredRefreshError: Its session has expired.
        RevokedTokenError: Its session was ended.
        ReusedTokenError: It was refreshed before; its session is now ended.
        MissingUserError: The user does not exist any more.
        InvalidUserError: The user's account is not active.
    """
    claims = read_session(context, token, now)
    old, settings = claims.principal, context.settings
    check_refresh(old, now, settings.early_refresh, settings.idle_lifespan)
    presented = yield from present(context, claims, now)
    user = yield from load_user(old)
    fresh = yield from exchange(context, presented, user, access_lifespan, old.authenticated_at, now, max_length)
    yield from ask(Emit(TokenRefreshed(at=now, identity=str(old.identity), session=session_digest(old.session_id))))
    return fresh


def read_session(context: FlowContext, token: str | bytes, now: int) -> SessionClaims:
    """Return the claims of a genuine session token, expired or not.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is an action token or a ticket.
    """
    claims = context.codec.decode(token, now)
    if type(claims) is not SessionClaims:
        raise MisusedTokenError("an action token or a ticket was presented as a session token")
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
        MisusedTokenError: It is a ticket.
        ConfigurationError: There is no store.
    """
    context.need_store("revoke")
    claims = context.codec.decode(token, now)
    if isinstance(claims, TicketClaims):
        raise MisusedTokenError("a ticket was presented as a session token")
    if isinstance(claims, ActionClaims):
        key = action_key(claims.identity, claims.token_id)
        yield from close_entry(key, Write(SPENT, entry_expiry(claims.expires_at)), now)
        return
    principal = claims.principal
    key = session_key(principal.identity, principal.session_id)
    if (yield from close_entry(key, Write(ENDED, entry_expiry(principal.refresh_expires_at)), now)):
        session = session_digest(principal.session_id)
        yield from ask(Emit(SessionRevoked(at=now, identity=str(principal.identity), session=session)))


def revoke_user(context: FlowContext, identity: object, keep: str | None, now: int) -> Flow[None]:
    """End every session of a user that was issued before, except for one, and none that is issued after.

    A token carries an epoch, and only the current one is accepted. So the result does not depend on clocks, lifespans or
    layouts. The entry of the new epoch names the session to keep, and the epochs that its tokens may still carry.

    Raises:
        ConfigurationError: There is no store, or an argument is not usable.
    """
    context.need_store("revoke_user")
    if keep is not None and not isinstance(keep, str):
        raise ConfigurationError(
            f"keep must be a session id or None; got {type(keep).__name__}; write keep=principal.session_id"
        )
    identity = encode_named_identity(identity, context.settings.parse_identity)
    key, name = epoch_key(identity), secrets.token_urlsafe(9)

    def begin(entry: str | None) -> Write:
        return Write(name if keep is None else Epoch.parse(entry).followed_by(name, keep).value(), NEVER)

    yield from update(key, begin, now, (yield from get_entry(key, now)))
    kept = None if keep is None else session_digest(keep)
    yield from ask(Emit(UserRevoked(at=now, identity=str(identity), kept=kept)))
    yield from remove_ended(identity, now)
