"""When a token may do what: pure judgement of claims at an instant.

     iat                exp                                   rf_exp
      |---- access ------|-------------- refresh --------------|---- dead ---->

With ``e = min(exp + leeway, rf_exp)``: access iff ``now < e``, refresh iff ``e - early <= now < rf_exp``. RFC 7519 §4.1.4:
"on or after which the JWT MUST NOT be accepted", so each deadline's own second is over the line. A leeway is for clocks
that differ between machines; it moves ``exp`` for access and for refresh alike, so that exactly one of them works at
every instant, and it never moves ``rf_exp``.

A function here returns, or raises the reason; none reads a clock.
"""

from __future__ import annotations

from praetorian_core.errors import (
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredActionError,
    ExpiredRefreshError,
    InvalidTokenError,
)
from praetorian_core.principal import Principal
from praetorian_core.token.claims import ActionClaims


def check_access(principal: Principal, now: int, leeway: int) -> None:
    """Return iff the token opens routes at this instant.

    Args:
        principal: What the token says.
        now: The present, in seconds since the epoch.
        leeway: By how many seconds clocks may differ.

    Raises:
        ExpiredRefreshError: Both lifespans are over; a refresh need not be tried.
        ExpiredAccessError: The access lifespan is over.

    See:
        RFC 7519 §4.1.4.
    """
    if now >= principal.refresh_expires_at:
        raise ExpiredRefreshError(expired_at=principal.refresh_expires_at, now=now)
    if now >= principal.access_expires_at + leeway:
        raise ExpiredAccessError(expired_at=principal.access_expires_at, now=now)


def check_refresh(principal: Principal, now: int, leeway: int, early: int) -> None:
    """Return iff the token can be exchanged at this instant.

    Args:
        principal: What the token says.
        now: The present, in seconds since the epoch.
        leeway: By how many seconds clocks may differ.
        early: How many seconds before the end of access an exchange is already allowed.

    Raises:
        ExpiredRefreshError: The refresh lifespan is over.
        EarlyRefreshError: The token still opens routes.
    """
    if now >= principal.refresh_expires_at:
        raise ExpiredRefreshError(expired_at=principal.refresh_expires_at, now=now)
    refreshable_at = min(principal.access_expires_at + leeway, principal.refresh_expires_at) - early
    if now < refreshable_at:
        raise EarlyRefreshError(refreshable_at=refreshable_at, now=now)


def check_action(claims: ActionClaims, now: int) -> None:
    """Return iff the action token is alive at this instant.

    Raises:
        ExpiredActionError: It is not.

    See:
        RFC 7519 §4.1.4.
    """
    if now >= claims.expires_at:
        raise ExpiredActionError(expired_at=claims.expires_at, now=now)


def check_not_in_future(name: str, instant: int, now: int, leeway: int) -> None:
    """Return iff a token's ``iat`` or ``nbf`` has come.

    Args:
        name: Which of the two.
        instant: Its value, in seconds since the epoch.
        now: The present, in seconds since the epoch.
        leeway: By how many seconds clocks may differ.

    Raises:
        InvalidTokenError: It lies in the future.

    See:
        RFC 7519 §4.1.5.
    """
    if instant > now + leeway:
        detail = f"claim {name!r} lies {instant - now} s in the future ({instant} > {now})"
        raise InvalidTokenError(detail)
