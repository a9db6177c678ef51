"""Limit login attempts, counted before any hash is computed.

An attempt is *reserved* first and taken back on success, so a hundred parallel guesses cannot all pass a limit. Three
counters are kept for a window of time, aligned to the clock:

    (account, source)   one source guessing at one account; a success clears this counter and no other
    account             many sources guessing at one account; it does not apply to a source that has logged in to the
                        account within the window, so the owner cannot be locked out from elsewhere
    source              one source guessing at many accounts (IPv6 by its /64, the smallest network of a customer)

Unknown names are counted like known ones, so a rejection reveals no account. Accounts and sources are stored as digests.
Loopback and private addresses are not counted as sources: behind a proxy that is not configured, every client has the
proxy's address.

The limits (SP 800-63B-4 §3.2.2 allows at most 100 consecutive failures per account) apply to one window each. Across the
boundary of two windows, up to twice as many attempts can follow each other.
"""

from __future__ import annotations

import ipaddress
import logging
import unicodedata

import attrs

from praetorian_core.digest import digest
from praetorian_core.errors import ConfigurationError, LoginThrottledError
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.questions import CompareAndSetState, Flow, GetState, IncrementState, ask

_LOG = logging.getLogger("praetorian")

_COMPARED_LENGTH = 256
"""Only this many characters of a username are compared."""

_IGNORED_CATEGORIES = frozenset({"Mn", "Me", "Cf", "Cc"})
"""Unicode categories that some collations ignore: marks, formats, controls."""

_PROXY_NAMES = frozenset({"", "localhost"})
"""Peer addresses reported behind a Unix socket; they name the proxy, not the client."""


def _canonical_account(username: object) -> str:
    # Anything but a text is no account; all of it shares one counter. Databases differ in which names they equate
    # (utf8mb4_0900_ai_ci of MySQL ignores accents and zero-width characters). Two names that share a counter only make
    # the limit stricter.
    if type(username) is not str:
        return ""
    # Normalization is quadratic in the combining characters, and the name comes from the client.
    name = username[:_COMPARED_LENGTH]
    # Twice, because a case-folded letter may need to be decomposed again.
    for _ in range(2):
        letters = unicodedata.normalize("NFKD", name)
        name = "".join(
            letter for letter in letters if unicodedata.category(letter) not in _IGNORED_CATEGORIES
        ).casefold()
    return name.strip()


@attrs.frozen
class _Counter:
    key: str
    limit: int


@attrs.frozen(kw_only=True)
class Reservation:
    """A counted attempt that can be taken back.

    Attributes:
        counts: How much to subtract from which counter.
        known: The key that marks a source as known to the account; None without a source.
        expires_at: When the window ends, in seconds since the epoch.
        window: The length of a window, in seconds.
    """

    counts: dict[str, int]
    known: str | None
    expires_at: int
    window: int

    def cancel(self, now: int) -> Flow[None]:
        """Take the attempt back, because no password was checked."""
        for key in self.counts:
            yield from ask(IncrementState(key, -1, self.expires_at, now))

    def succeed(self, now: int) -> Flow[None]:
        """Take the attempt back, because it succeeded, and clear this source's earlier failures at this account."""
        for key, amount in self.counts.items():
            total = yield from ask(IncrementState(key, -amount, self.expires_at, now))
            if total < 0:
                # A parallel success has cleared the counter; a negative counter would allow additional attempts.
                yield from ask(IncrementState(key, min(amount, -total), self.expires_at, now))
        if self.known is not None:
            (mark,) = yield from ask(GetState((self.known,), now))
            # A parallel success writes the same mark, so the result of the comparison does not matter.
            yield from ask(CompareAndSetState(self.known, mark, "known", now + self.window, now))


class LoginThrottle:
    """Counts login attempts in the guard's store, or in memory if it has none.

    Args:
        window: How long attempts are counted together: seconds, or any ``Lifespan``.
        per_account_and_source: Attempts per window from one source at one account.
        per_account: Attempts per window at one account, from all sources that have not logged in to it.
        per_source: Attempts per window from one source, at all accounts together.

    Raises:
        ConfigurationError: A limit is not a positive integer, or the window is not a lifespan.
    """

    __slots__ = ("_per_account", "_per_account_and_source", "_per_source", "_warned", "_window")

    def __init__(
        self,
        *,
        window: Lifespan = "15 minutes",
        per_account_and_source: int = 10,
        per_account: int = 100,
        per_source: int = 100,
    ) -> None:
        """Validate the limits."""
        self._window = parse_lifespan(window, name="window")
        limits = {
            "per_account_and_source": per_account_and_source,
            "per_account": per_account,
            "per_source": per_source,
        }
        for name, limit in limits.items():
            if type(limit) is not int or limit < 1:
                raise ConfigurationError(f"{name} must be a positive integer; got {limit!r}")
        self._per_account_and_source = per_account_and_source
        self._per_account = per_account
        self._per_source = per_source
        self._warned = False

    def reserve(self, username: object, source: str | None, now: int) -> Flow[Reservation]:
        """Count an attempt, before the user is looked up.

        Args:
            username: The presented name.
            source: The client's address as the framework reports it, or None.
            now: The current time, in seconds since the epoch.

        Returns:
            The reservation, which a success takes back.

        Raises:
            LoginThrottledError: A limit is reached; the attempt was not counted.
        """
        number = now // self._window
        expires_at = (number + 1) * self._window
        account = f"{{{digest(_canonical_account(username))}}}"
        counters = [_Counter(f"{account}:l:{number}", self._per_account)]
        network = self._network(source)
        own = known = None
        if network is not None:
            network_digest = digest(network)
            known = f"{account}:k:{network_digest}"
            (mark,) = yield from ask(GetState((known,), now))
            if mark is not None:
                counters = []
            own = f"{account}:l:{number}:{network_digest}"
            # The source is counted first: over its limit, it creates no counters for the names that it sends.
            of_source = _Counter(f"{{{network_digest}}}:l:{number}", self._per_source)
            counters = [of_source, _Counter(own, self._per_account_and_source), *counters]
        totals: dict[str, int] = {}
        for counter in counters:
            totals[counter.key] = yield from ask(IncrementState(counter.key, 1, expires_at, now))
            if totals[counter.key] > counter.limit:
                yield from Reservation(counts=totals, known=None, expires_at=expires_at, window=self._window).cancel(
                    now
                )
                raise LoginThrottledError(retry_after=expires_at - now)
        # A success subtracts this attempt from each counter, and clears the counter of this source at this account.
        counts = {key: total if key == own else 1 for key, total in totals.items()}
        return Reservation(counts=counts, known=known, expires_at=expires_at, window=self._window)

    def _network(self, source: str | None) -> str | None:
        """Return the network that a source is counted as; None if it identifies no client."""
        if source is None:
            return None
        if source in _PROXY_NAMES:
            self._warn()
            return None
        try:
            address = ipaddress.ip_address(source.partition("%")[0])
        except ValueError:
            # The framework may report a name.
            return source
        if address.version == 6 and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_loopback or address.is_private or address.is_unspecified:
            self._warn()
            return None
        if address.version == 6:
            return str(ipaddress.ip_network((address, 64), strict=False))
        return str(address)

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            _LOG.warning(
                "logins arrive from a loopback or private address, which is not counted as a source; behind a "
                "proxy, configure the framework to trust it (Flask: werkzeug.middleware.proxy_fix.ProxyFix)"
            )
