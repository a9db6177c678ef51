"""Action tokens: confirm a registration, reset a password, anything that happens once.

An action token opens no route, and a session token performs no action (RFC 8725 §3.12). It is spent in the store. A
token to reset a password is also bound to the password it is to replace: ``pwf`` is an HMAC under the stored hash, so
the token dies when the password changes, with or without a store.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from praetorian_core.errors import (
    ConfigurationError,
    MissingUserError,
    MisusedTokenError,
    ReusedTokenError,
    RevokedTokenError,
)
from praetorian_core.events import ActionRedeemed
from praetorian_core.flows.context import FlowContext, require_user
from praetorian_core.flows.state import SPENT, action_key, entry_expiry
from praetorian_core.questions import (
    CompareAndSetState,
    Emit,
    Flow,
    GetState,
    ReadIdentity,
    ReadPassword,
    ask,
)
from praetorian_core.settings import ACTION_LIFESPAN
from praetorian_core.token import base64url
from praetorian_core.token.claims import MAX_NAME, ActionClaims, check_custom_claims, encode_identity
from praetorian_core.token.lifecycle import check_action

RESET = "reset"
"""The action whose tokens are bound to the stored password."""


def issue_action(
    context: FlowContext,
    user: object,
    action: str,
    lifespan: int | None,
    custom_claims: Mapping[str, object],
    now: int,
) -> Flow[str]:
    """Return a token for one action of one user, whose validity is not asked: who registers is not valid yet.

    Raises:
        MissingUserError: There is no user.
        ClaimCollisionError: A custom claim takes a reserved name.
        ClaimValueError: A custom claim cannot be carried.
        ConfigurationError: The action has no usable name, or the user cannot be described.
    """
    _check_action_name(action)
    check_custom_claims(custom_claims)
    if user is None:
        raise MissingUserError
    identity = encode_identity((yield from ask(ReadIdentity(user))))
    token_id = secrets.token_urlsafe(16)
    fingerprint = (yield from _fingerprint(user, token_id)) if action == RESET else None
    claims = ActionClaims(
        identity=identity,
        action=action,
        token_id=token_id,
        issued_at=now,
        expires_at=now + (ACTION_LIFESPAN if lifespan is None else lifespan),
        fingerprint=fingerprint,
        claims=custom_claims,
    )
    return context.codec.encode(claims)


def redeem_action(context: FlowContext, token: str, action: str, now: int, *, once: bool) -> Flow[object]:
    """Return the user for whom an action token was issued, and spend the token last of all.

    Args:
        context: Shared context of the guard's flows.
        token: The action token.
        action: Which action is about to happen.
        now: The present, in seconds since the epoch.
        once: Whether a second redemption must fail. False only where a repetition harms nobody.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is a session token, or for another action.
        ExpiredActionError: It is too late.
        ReusedTokenError: It was spent before.
        RevokedTokenError: The password that it was to replace has changed.
        MissingUserError: The user is gone.
        ConfigurationError: It has to be spent, and there is nowhere to write that down.
    """
    _check_action_name(action)
    once = once is not False
    claims = context.codec.decode(token, now)
    if not isinstance(claims, ActionClaims):
        detail = "a session token was presented as an action token"
        raise MisusedTokenError(detail)
    if claims.action != action:
        detail = "the action token is for another action"
        raise MisusedTokenError(detail)
    check_action(claims, now)
    if once and not context.has_store and claims.fingerprint is None:
        detail = (
            f"redeem_action(…, {action!r}) must spend the token and there is no store; set PRAETORIAN_STORE, or write "
            "once=False where a repetition harms nobody"
        )
        raise ConfigurationError(detail)
    key = action_key(claims.identity, claims.token_id)
    if context.has_store:
        (entry,) = yield from ask(GetState((key,), now))
        if entry is not None:
            raise ReusedTokenError
    user = yield from require_user(claims.identity)
    if claims.fingerprint is not None:
        expected = yield from _fingerprint(user, claims.token_id)
        if not hmac.compare_digest(expected, claims.fingerprint):
            detail = "the password has changed since the action token was issued"
            raise RevokedTokenError(detail)
    if context.has_store and once:
        spent = yield from ask(CompareAndSetState(key, None, SPENT, entry_expiry(claims.expires_at), now))
        if spent is not True:
            raise ReusedTokenError
    yield from ask(Emit(ActionRedeemed(at=now, identity=str(claims.identity), action=action)))
    return user


def _check_action_name(action: object) -> None:
    if type(action) is not str or not 0 < len(action) <= MAX_NAME or not action.isprintable():
        found = f"a text of {len(action)} characters" if type(action) is str else type(action).__name__
        detail = f"the action is {found}; expected a name such as 'reset'"
        raise ConfigurationError(detail)


def _fingerprint(user: object, token_id: str) -> Flow[str]:
    hashed = yield from ask(ReadPassword(user))
    if type(hashed) is not str or not hashed:
        # Without a password there is nothing to bind to: an empty key would bind to nothing at all.
        detail = f"user.password is {type(hashed).__name__}; a reset token needs the stored hash as a str"
        raise ConfigurationError(detail)
    digest = hmac.digest(hashed.encode(), token_id.encode(), hashlib.sha256)
    return base64url.encode(digest).decode()
