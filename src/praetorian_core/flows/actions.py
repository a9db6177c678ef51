"""Action tokens: confirm a registration, reset a password, or anything else that happens once.

An action token grants no access, and a session token performs no action (RFC 8725 §3.12). The store marks a token as
spent. A token to reset a password is also bound to the password that it replaces: ``pwf`` is an HMAC under the stored
hash, so a change of the password invalidates the token, with or without a store.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple

from praetorian_core.action import Action
from praetorian_core.errors import (
    ConfigurationError,
    InvalidTokenError,
    MissingUserError,
    MisusedTokenError,
    ReusedTokenError,
    RevokedTokenError,
)
from praetorian_core.events import ActionRedeemed
from praetorian_core.flows.context import FlowContext, require_user
from praetorian_core.flows.state import SPENT, action_key, entry_expiry, get_entry
from praetorian_core.questions import (
    CompareAndSetState,
    Emit,
    Flow,
    HashPassword,
    ReadIdentity,
    ReadPassword,
    ask,
)
from praetorian_core.settings import ACTION_LIFESPAN
from praetorian_core.token import base64url
from praetorian_core.token.claims import MAX_NAME, ActionClaims, check_custom_claims, encode_identity
from praetorian_core.token.lifecycle import check_action, check_reading

RESET = "reset"
"""The action whose tokens are bound to the stored password."""

_FINGERPRINT = re.compile(r"[A-Za-z0-9_-]{43}")

_NO_PASSWORD = "none"  # noqa: S105  (stands for the absence of a password)


class _Checked(NamedTuple):
    claims: ActionClaims
    user: object


def issue_action(
    context: FlowContext,
    user: object,
    action: str,
    lifespan: int | None,
    custom_claims: Mapping[str, object],
    now: int,
) -> Flow[str]:
    """Return a token for one action of one user. A user who registers is not active yet, so that is not checked.

    Raises:
        MissingUserError: The user is None.
        ClaimCollisionError: A custom claim has a reserved name.
        ClaimValueError: A custom claim is not a JSON value.
        ConfigurationError: The name of the action, an attribute of the user or the clock is not usable.
    """
    check_reading(now)
    _check_name(action)
    check_custom_claims(custom_claims)
    if user is None:
        raise MissingUserError
    identity = encode_identity((yield from ask(ReadIdentity(user))), context.settings.parse_identity)
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


def read_action(context: FlowContext, token: str | bytes, action: str, now: int) -> Flow[Action[object]]:
    """Check an action token without spending it.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is a session token or a ticket, or for another action.
        ExpiredActionError: It has expired.
        ReusedTokenError: It was spent before.
        RevokedTokenError: The password that it was to replace has changed.
        MissingUserError: The user does not exist any more.
    """
    claims, user = yield from _check(context, token, action, now)
    return Action(
        user=user,
        name=action,
        claims=claims.claims,
        issued_at=claims.issued_at,
        expires_at=claims.expires_at,
    )


def redeem_action(context: FlowContext, token: str | bytes, action: str, now: int, *, once: bool) -> Flow[object]:
    """Return the user of an action token, and spend the token in the last step.

    Args:
        context: Shared context of the guard's flows.
        token: The action token.
        action: The name of the action.
        now: The current time, in seconds since the epoch.
        once: Whether a second redemption must fail. False only if a repetition does no harm.

    Raises:
        ConfigurationError: It must be spent, and there is no store.
        PraetorianError: Every error of ``read_action``.
    """
    once = once is not False
    claims, user = yield from _check(context, token, action, now, must_spend=once)
    if once:
        yield from _spend(context, claims, now)
    yield from ask(Emit(ActionRedeemed(at=now, identity=str(claims.identity), action=action)))
    return user


def reset_password(
    context: FlowContext, token: str | bytes, password: object, action: str, now: int
) -> Flow[tuple[object, str]]:
    """Return the user of an action token and the hash of a new password.

    A rejected token costs no hash, and a rejected password does not spend the token.

    Raises:
        WeakPasswordError: The password breaks a rule for new passwords; the token was not spent.
        ServiceUnavailableError: The hashing queue is full, or the store failed; the token was not spent.
        PraetorianError: Every error of ``redeem_action``.
    """
    claims, user = yield from _check(context, token, action, now, must_spend=True)
    hashed = yield from ask(HashPassword(password))
    yield from _spend(context, claims, now)
    yield from ask(Emit(ActionRedeemed(at=now, identity=str(claims.identity), action=action)))
    return user, hashed


def _check(
    context: FlowContext, token: str | bytes, action: str, now: int, *, must_spend: bool = False
) -> Flow[_Checked]:
    _check_name(action)
    claims = context.codec.decode(token, now)
    if not isinstance(claims, ActionClaims):
        raise MisusedTokenError("a session token or a ticket was presented as an action token")
    if claims.action != action:
        raise MisusedTokenError("the action token is for another action")
    check_action(claims, now)
    if claims.fingerprint is not None and not _FINGERPRINT.fullmatch(claims.fingerprint):
        raise InvalidTokenError("claim 'pwf' is malformed; expected 43 base64url characters")
    if must_spend and not context.has_store and claims.fingerprint is None:
        raise ConfigurationError(
            f"the token for {action!r} must be spent and there is no store; set PRAETORIAN_STORE, or write "
            f"redeem_action(…, {action!r}, once=False) if a repetition does no harm"
        )
    if context.has_store and (yield from get_entry(action_key(claims.identity, claims.token_id), now)) is not None:
        raise ReusedTokenError
    user = yield from require_user(claims.identity)
    if claims.fingerprint is not None:
        expected = yield from _fingerprint(user, claims.token_id)
        if not hmac.compare_digest(expected, claims.fingerprint):
            raise RevokedTokenError("the password has changed since the action token was issued")
    return _Checked(claims, user)


def _spend(context: FlowContext, claims: ActionClaims, now: int) -> Flow[None]:
    if not context.has_store:
        # The change of the password will invalidate the token.
        return
    key = action_key(claims.identity, claims.token_id)
    spent = yield from ask(CompareAndSetState(key, None, SPENT, entry_expiry(claims.expires_at), now))
    if spent is not True:
        raise ReusedTokenError


def _check_name(action: object) -> None:
    if type(action) is not str or not 0 < len(action) <= MAX_NAME or not action.isprintable():
        found = f"a text of {len(action)} characters" if type(action) is str else type(action).__name__
        raise ConfigurationError(f"the action is {found}; expected a name such as 'reset'")


def _fingerprint(user: object, token_id: str) -> Flow[str]:
    hashed = yield from ask(ReadPassword(user))
    if hashed is not None and not isinstance(hashed, str):
        raise ConfigurationError(
            f"user.password is {type(hashed).__name__}; a reset token needs the stored hash as a str, or None"
        )
    key = hashed or _NO_PASSWORD
    return base64url.encode(hmac.digest(key.encode(), token_id.encode(), hashlib.sha256)).decode()
