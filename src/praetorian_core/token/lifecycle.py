"""Checks of a token's times against the current time.

     iat                exp                                   rf_exp
      |---- access ------|-------------- refresh --------------|---- expired ---->

Access is granted while ``now < min(exp + leeway, rf_exp)``, refresh while ``exp - early <= now < rf_exp``. RFC 7519 §4.1.4:
"on or after which the JWT MUST NOT be accepted", so a token has expired at the second of its deadline.

The leeway is for clocks that differ between machines. It prolongs access and nothing else, so on machines whose clocks
differ by at most the leeway there is no second at which one machine rejects access and another rejects the refresh as too
early. Without a leeway exactly one of access and refresh works at every second. Nothing moves ``rf_exp``.

Each function returns, or raises the reason; none reads a clock.
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

MIN_FUTURE_TOLERANCE = 10
"""How far ``iat`` and ``nbf`` may lie in the future even without a leeway, in seconds.

A token is often checked on another machine within its first second. A tolerance for these two claims prolongs nothing.
"""


def check_access(principal: Principal, now: int, leeway: int) -> None:
    """Raise if the token is not valid for access at `now`.

    Args:
        principal: The principal of the token.
        now: The current time, in seconds since the epoch.
        leeway: The maximum difference between clocks, in seconds.

    Raises:
        ExpiredRefreshError: Both lifespans have ended, so a refresh would fail too.
        ExpiredAccessError: The access lifespan has ended.

    See:
        RFC 7519 §4.1.4.
    """
    if now >= principal.refresh_expires_at:
        raise ExpiredRefreshError(expired_at=principal.refresh_expires_at, now=now)
    if now >= principal.access_expires_at + leeway:
        raise ExpiredAccessError(expired_at=principal.access_expires_at, now=now)


def check_refresh(principal: Principal, now: int, early: int) -> None:
    """Raise if the token cannot be refreshed at `now`.

    Args:
        principal: The principal of the token.
        now: The current time, in seconds since the epoch.
        early: How many seconds before ``exp`` a refresh is already allowed.

    Raises:
        ExpiredRefreshError: The refresh lifespan has ended.
        EarlyRefreshError: The access lifespan has not ended yet.
    """
    if now >= principal.refresh_expires_at:
        raise ExpiredRefreshError(expired_at=principal.refresh_expires_at, now=now)
    refreshable_at = principal.access_expires_at - early
    if now < refreshable_at:
        raise EarlyRefreshError(refreshable_at=refreshable_at, now=now)


def check_action(claims: ActionClaims, now: int) -> None:
    """Raise if the action token has expired at `now`.

    Raises:
        ExpiredActionError: It has expired.

    See:
        RFC 7519 §4.1.4.
    """
    if now >= claims.expires_at:
        raise ExpiredActionError(expired_at=claims.expires_at, now=now)


def check_not_in_future(name: str, instant: int, now: int, leeway: int) -> None:
    """Raise if ``iat`` or ``nbf`` lies further in the future than clocks may differ.

    Args:
        name: The claim, ``iat`` or ``nbf``.
        instant: Its value, in seconds since the epoch.
        now: The current time, in seconds since the epoch.
        leeway: The maximum difference between clocks, in seconds; at least ``MIN_FUTURE_TOLERANCE`` is tolerated.

    Raises:
        InvalidTokenError: It lies further in the future.

    See:
        RFC 7519 §4.1.5.
    """
    tolerance = max(leeway, MIN_FUTURE_TOLERANCE)
    if instant > now + tolerance:
        raise InvalidTokenError(
            f"claim {name!r} lies {instant - now} s in the future ({instant} > {now}); expected at most {tolerance} s: "
            "synchronize the clocks of the machines, or see JWT_LEEWAY"
        )
