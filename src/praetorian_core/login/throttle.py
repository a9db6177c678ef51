"""How many login attempts there may be, counted before any hash is computed.

An attempt is *reserved* first and given back on success, so a hundred parallel guesses cannot all slip under a limit.
Three counters are kept for a window of time, aligned to the clock:

    (account, source)   one guesser at one account; a success clears it, and no other
    account             many sources at one account; spares a source that has logged in to it within the window,
                        so nobody can lock an owner out of an account from elsewhere
    source              one guesser at many accounts (IPv6 by its /64, the smallest network that a customer gets)

Names that do not exist are counted like those that do: the answer says nothing of an account. Accounts and sources are
never stored in clear. Loopback and private addresses are not counted as sources: behind a proxy that is not configured
they would be everybody's.

The limits (SP 800-63B-4 §3.2.2 allows at most 100 consecutive failures an account) hold for one window each; at
the edge of two windows up to twice as many attempts can follow each other.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import unicodedata

import attrs

from praetorian_core.errors import ConfigurationError, LoginThrottledError
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.questions import CompareAndSetState, Flow, GetState, IncrementState, ask

_LOG = logging.getLogger("praetorian")

_COMPARED = 256
"""How many characters of a name tell accounts apart."""

_UNSEEN = frozenset({"Mn", "Me", "Cf", "Cc"})
"""Categories of characters that some database overlooks: marks, formats, controls."""

_PROXY = frozenset({"", "localhost"})
"""What servers on a Unix socket call the other end of it: the proxy, whoever the client is."""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _canonical_account(username: object) -> str:
    # What is no text is no account; all of it together is counted as one. Databases differ in what they take for the
    # same name (MySQL's utf8mb4_0900_ai_ci sees neither accents nor zero-width characters), so names are folded further
    # than any of them goes: two names under one counter only make it stricter.
    if type(username) is not str:
        return ""
    # To normalize is quadratic in the combining characters, and anybody can send a name.
    name = username[:_COMPARED]
    # Twice, because the case folding of a letter may have to be decomposed in its turn.
    for _ in range(2):
        letters = unicodedata.normalize("NFKD", name)
        name = "".join(letter for letter in letters if unicodedata.category(letter) not in _UNSEEN).casefold()
    return name.strip()


@attrs.frozen
class _Counter:
    key: str
    limit: int


@attrs.frozen(kw_only=True)
class Reservation:
    """One attempt that was counted and may be given back.

    Attributes:
        owed: How much is to be taken off which counter.
        known: The key that remembers a source which has logged in to the account; None without a source.
        until: When the window ends, in seconds since the epoch.
        window: The length of a window, in seconds.
    """

    owed: dict[str, int]
    known: str | None
    expires_at: int
    window: int

    def release(self, now: int) -> Flow[None]:
        """Take the attempt back, because nobody could tell whether it would have succeeded."""
        for key in self.owed:
            yield from ask(IncrementState(key, -1, self.expires_at, now))

    def succeed(self, now: int) -> Flow[None]:
        """Take the attempt back, because it succeeded, and forget this source's earlier failures at this account."""
        for key, amount in self.owed.items():
            left = yield from ask(IncrementState(key, -amount, self.expires_at, now))
            if left < 0:
                # Another success cleared the counter in between; a debt would be free attempts for a guesser.
                yield from ask(IncrementState(key, min(amount, -left), self.expires_at, now))
        if self.known is not None:
            (mark,) = yield from ask(GetState((self.known,), now))
            # Whoever else writes the mark writes the same: a lost race is no loss.
            yield from ask(CompareAndSetState(self.known, mark, "known", now + self.window, now))


class LoginThrottle:
    """Counts login attempts in the guard's store, or in memory where it has none.

    Args:
        window: How long attempts are counted together: seconds, or any ``Lifespan``.
        per_account_and_source: Attempts in a window from one source at one account.
        per_account: Attempts in a window at one account, from all sources that have not logged in to it.
        per_source: Attempts in a window from one source, at all accounts together.

    Raises:
        ConfigurationError: A limit is not a positive integer, or the window is no lifespan.
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
        """Vet the limits."""
        self._window = parse_lifespan(window, name="window")
        limits = {
            "per_account_and_source": per_account_and_source,
            "per_account": per_account,
            "per_source": per_source,
        }
        for name, limit in limits.items():
            if type(limit) is not int or limit < 1:
                detail = f"{name} is {limit!r}; expected a positive integer"
                raise ConfigurationError(detail)
        self._per_account_and_source = per_account_and_source
        self._per_account = per_account
        self._per_source = per_source
        self._warned = False

    def reserve(self, username: object, source: str | None, now: int) -> Flow[Reservation]:
        """Count an attempt before anything else is done about it.

        Args:
            username: The name as it was presented.
            source: The client's address as the framework trusts it, or None.
            now: The present, in seconds since the epoch.

        Returns:
            The reservation, to be given back on success.

        Raises:
            LoginThrottledError: A limit is reached; the attempt was not counted.
        """
        number = now // self._window
        expires_at = (number + 1) * self._window
        slot = f"{{{_digest(_canonical_account(username))}}}"
        counters = [_Counter(f"{slot}:l:{number}", self._per_account)]
        network = self._network(source)
        own = known = None
        if network is not None:
            place = _digest(network)
            known = f"{slot}:k:{place}"
            (mark,) = yield from ask(GetState((known,), now))
            if mark is not None:
                counters = []
            own = f"{slot}:l:{number}:{place}"
            # The source comes first: one that is over its limit leaves nothing behind at the names that it makes up.
            of_source = _Counter(f"{{{place}}}:l:{number}", self._per_source)
            counters = [of_source, _Counter(own, self._per_account_and_source), *counters]
        totals: dict[str, int] = {}
        for counter in counters:
            totals[counter.key] = yield from ask(IncrementState(counter.key, 1, expires_at, now))
            if totals[counter.key] > counter.limit:
                yield from Reservation(owed=totals, known=None, expires_at=expires_at, window=self._window).release(now)
                raise LoginThrottledError(retry_after=expires_at - now)
        # What is taken back on success: this attempt everywhere, and all that its own counter held.
        owed = {key: total if key == own else 1 for key, total in totals.items()}
        return Reservation(owed=owed, known=known, expires_at=expires_at, window=self._window)

    def _network(self, source: str | None) -> str | None:
        """Return what a source is counted as; None where it is nobody in particular."""
        if source is None:
            return None
        if source in _PROXY:
            self._warn()
            return None
        try:
            address = ipaddress.ip_address(source.partition("%")[0])
        except ValueError:
            # Not an address: whatever the framework trusts is a name too.
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
                "proxy, tell the framework which one to trust (Flask: werkzeug.middleware.proxy_fix.ProxyFix)"
            )
