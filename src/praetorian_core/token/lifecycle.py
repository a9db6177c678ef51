"""Checks of a token's times against the current time.

     iat                exp                                   rf_exp
      |---- access ------|-------------- refresh --------------|---- expired ---->

Access is granted while ``now < min(exp + leeway, rf_exp)``, refresh while ``exp - early <= now < rf_exp``. RFC 7519 §4.1.4:
"on or after which the JWT MUST NOT be accepted", so a token has expired at the second of its deadline.

The leeway is for clocks that differ between machines. It prolongs access and nothing else, so on machines whose clocks
differ by at most the leeway there is no second at which one machine rejects access and another rejects the refresh as too
early. Without a leeway exactly one of access and refresh works at every second. Nothing moves ``rf_exp``. With an idle
lifespan, a session ends at the earlier of ``rf_exp`` and ``iat`` plus the idle lifespan.

Each function returns, or raises the reason; none reads a clock.
"""

from __future__ import annotations

from praetorian_core.errors import (
    ConfigurationError,
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredActionError,
    ExpiredRefreshError,
    ExpiredTicketError,
    InvalidTokenError,
)
from praetorian_core.principal import Principal
from praetorian_core.token.claims import MAX_TIME, ActionClaims, TicketClaims

MIN_FUTURE_TOLERANCE = 10
"""How far ``iat`` and ``nbf`` may lie in the future even without a leeway, in seconds.

A token is often checked on another machine within its first second. A tolerance for these two claims prolongs nothing.
"""


def check_reading(reading: object) -> None:
    """Raise if a clock returned something other than whole seconds since the epoch.

    Args:
        reading: The value that the clock returned.

    Raises:
        ConfigurationError: It is not an int from 0 to 2**53 - 1.

    See:
        RFC 7519 §2, NumericDate.
    """
    if type(reading) is not int or not 0 <= reading <= MAX_TIME:
        found = reading if type(reading) is int else type(reading).__name__
        raise ConfigurationError(
            f"the clock returned {found}; expected a function that returns whole seconds as an int from 0 to 2**53 - 1"
        )


def session_end(issued_at: int, refresh_expires_at: int, idle_lifespan: int | None) -> int:
    """Return when a session ends unless it is refreshed, in seconds since the epoch.

    Args:
        issued_at: When its newest token was issued, in seconds since the epoch.
        refresh_expires_at: When its refresh lifespan ends, in seconds since the epoch.
        idle_lifespan: How long a session may last without a refresh, in seconds; None for no limit.

    See:
        ASVS 7.3.1.
    """
    return refresh_expires_at if idle_lifespan is None else min(refresh_expires_at, issued_at + idle_lifespan)


def check_session_end(principal: Principal, now: int, idle_lifespan: int | None) -> None:
    """Raise if the session has expired at `now`.

    Args:
        principal: The principal of the token.
        now: The current time, in seconds since the epoch.
        idle_lifespan: See ``session_end``.

    Raises:
        ExpiredRefreshError: The refresh lifespan has ended, or the session was not refreshed for the idle lifespan.
    """
    ends_at = session_end(principal.issued_at, principal.refresh_expires_at, idle_lifespan)
    if now >= ends_at:
        raise ExpiredRefreshError(expired_at=ends_at, now=now)


def check_access(principal: Principal, now: int, leeway: int, idle_lifespan: int | None) -> None:
    """Raise if the token is not valid for access at `now`.

    Args:
        principal: The principal of the token.
        now: The current time, in seconds since the epoch.
        leeway: The maximum difference between clocks, in seconds.
        idle_lifespan: See ``session_end``.

    Raises:
        ExpiredRefreshError: Both lifespans have ended, so a refresh would fail too.
        ExpiredAccessError: The access lifespan has ended.

    See:
        RFC 7519 §4.1.4.
    """
    # The comparison spares a call on the hot path.
    if idle_lifespan is not None or now >= principal.refresh_expires_at:
        check_session_end(principal, now, idle_lifespan)
    if now >= principal.access_expires_at + leeway:
        raise ExpiredAccessError(expired_at=principal.access_expires_at, now=now)


def access_end(principal: Principal, leeway: int, idle_lifespan: int | None) -> int:
    """Return the first second at which ``check_access`` raises.

    Args:
        principal: The principal of the token.
        leeway: The maximum difference between clocks, in seconds.
        idle_lifespan: See ``session_end``.
    """
    ends_at = session_end(principal.issued_at, principal.refresh_expires_at, idle_lifespan)
    return min(principal.access_expires_at + leeway, ends_at)


def check_refresh(principal: Principal, now: int, early: int, idle_lifespan: int | None) -> None:
    """Raise if the token cannot be refreshed at `now`.

    Args:
        principal: The principal of the token.
        now: The current time, in seconds since the epoch.
        early: How many seconds before ``exp`` a refresh is already allowed.
        idle_lifespan: See ``session_end``.

    Raises:
        ExpiredRefreshError: The refresh lifespan has ended, or the session was not refreshed for the idle lifespan.
        EarlyRefreshError: The access lifespan has not ended yet.
    """
    check_session_end(principal, now, idle_lifespan)
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


def check_ticket(claims: TicketClaims, now: int) -> None:
    """Raise if the ticket has expired at `now`.

    Raises:
        ExpiredTicketError: It has expired.

    See:
        RFC 7519 §4.1.4.
    """
    if now >= claims.expires_at:
        raise ExpiredTicketError(expired_at=claims.expires_at, now=now)


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
