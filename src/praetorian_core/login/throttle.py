"""Limit login attempts, counted before any hash is computed.

An attempt is *reserved* before the password is checked and taken back on success, so a hundred parallel guesses cannot
all pass a limit. These counters are kept for a window of time, aligned to the clock:

    source              one source guessing at many accounts
    (name, source)      one source guessing at one name, before the name is looked up
    (account, source)   the same for the account that was found, because many names can lead to one account
    network             a /24 or /48 guessing at many accounts
    account             many sources guessing at one account

One more counter holds the *consecutive failures* of an account over many windows, at most 100 (SP 800-63B-4 §3.2.2).
A success clears it, and a new password starts a new one, as the limit is one of the authenticator. It is the sum of two
periods of a week, the present one and the one before, so it remembers each failure for one to two weeks.

A source that has logged in to an account is *known* to it for as long as a session of that login can last. The last
three counters do not apply to it, so other clients cannot lock the owner out.

A confirmation of the password names no user: the session does. It has no counter of (name, source), and all others are
those of a login, so neither can be used to guess past the limits of the other.

An unknown name is counted like an account of that name, with the same questions to the store, so neither the answer nor
its time reveals which accounts exist. Names, identities and sources are stored as digests. A rejected attempt writes
nothing, unless it lost a race; then it takes back what it has counted.
"""

from __future__ import annotations

import logging

import attrs

from praetorian_core.digest import digest
from praetorian_core.errors import ConfigurationError, LoginThrottledError, ServiceUnavailableError
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.login.source import source_networks
from praetorian_core.login.username import compared_name
from praetorian_core.messages import shown
from praetorian_core.questions import CompareAndSetState, Flow, GetState, IncrementState, ask

_LOG = logging.getLogger("praetorian")

_MAX_KNOWN = 16
"""The most sources that one account remembers; the entry of an account is bounded."""

_MARK_ROUNDING = 86_400
"""A mark is written once a day and source, not at every login."""

_MARK_ATTEMPTS = 4
"""How often a mark is written again after a lost race; without it, the source is not known."""


def _digest(kind: str, text: str) -> str:
    return digest(f"{kind}:{text}")


@attrs.frozen(kw_only=True)
class _Limits:
    window: int
    per_account_and_source: int
    per_account: int
    per_source: int
    per_network: int
    consecutive_failures: int
    failure_memory: int


@attrs.frozen(kw_only=True)
class _Counter:
    """One counter.

    Attributes:
        key: Its key in the store.
        limit: The most attempts.
        expires_at: When it expires if this attempt creates it, in seconds since the epoch.
        retry_after: When it is below its limit again if it is full, in seconds from now.
        cleared: Whether a success clears it, instead of subtracting its own attempt.
    """

    key: str
    limit: int
    expires_at: int
    retry_after: int
    cleared: bool = False

    def check(self, count: int) -> None:
        """Raise if more attempts are counted than the limit allows."""
        if count > self.limit:
            raise LoginThrottledError(retry_after=self.retry_after)


@attrs.frozen(kw_only=True)
class _KnownSources:
    """The entry of an account that names its known sources: pairs of a digest and an expiry."""

    key: str
    entry: str | None

    def expiries(self, now: int) -> dict[str, int]:
        """Return when each known source expires, the earliest first."""
        parts = (self.entry or "").split()
        try:
            expiries = dict(zip(parts[::2], map(int, parts[1::2]), strict=True))
        except ValueError:
            raise ServiceUnavailableError("the store holds an entry of known sources in an unknown form") from None
        return {source: expiry for source, expiry in expiries.items() if now < expiry}

    def add(self, source: str, expiry: int, now: int) -> Flow[None]:
        """Remember a source, in place of the one that expires first if there are too many."""
        entry = self.entry
        expiry = -(-expiry // _MARK_ROUNDING) * _MARK_ROUNDING
        for _ in range(_MARK_ATTEMPTS):
            known = attrs.evolve(self, entry=entry).expiries(now)
            if known.get(source, 0) >= expiry:
                return
            known[source] = expiry
            latest = sorted(known.items(), key=lambda item: item[1])[-_MAX_KNOWN:]
            new = " ".join(f"{name} {end}" for name, end in latest)
            if (yield from ask(CompareAndSetState(self.key, entry, new, latest[-1][1], now))):
                return
            (entry,) = yield from ask(GetState((self.key,), now))


@attrs.frozen(kw_only=True)
class Reservation:
    """A counted attempt that can be taken back.

    Attributes:
        counts: The counters that this attempt has incremented, with their totals.
        cleared: How much a success subtracts from which counter.
        known_sources: The account's known sources.
        source: The digest of the source; None without one.
        window_end: When a counter expires that taking back creates again, in seconds since the epoch.
    """

    counts: dict[str, int]
    cleared: dict[str, int]
    known_sources: _KnownSources
    source: str | None
    window_end: int

    def cancel(self, now: int) -> Flow[None]:
        """Take the attempt back, because no password was checked."""
        yield from _subtract(dict.fromkeys(self.counts, 1), self.window_end, now)

    def succeed(self, now: int, known_until: int) -> Flow[None]:
        """Take the attempt back, clear the earlier failures, and remember the source.

        Args:
            now: The current time, in seconds since the epoch.
            known_until: When the source is forgotten, in seconds since the epoch.
        """
        yield from _subtract(self.cleared, self.window_end, now)
        if self.source is not None:
            yield from self.known_sources.add(self.source, known_until, now)


def _subtract(amounts: dict[str, int], expires_at: int, now: int) -> Flow[None]:
    for key, amount in amounts.items():
        total = yield from ask(IncrementState(key, -amount, expires_at, now))
        if total < 0:
            # A parallel success has cleared the counter; a negative counter would allow additional attempts.
            yield from ask(IncrementState(key, min(amount, -total), expires_at, now))


@attrs.frozen(kw_only=True)
class LoginAttempt:
    """One login attempt that is not counted yet.

    Attributes:
        limits: The limits of the throttle.
        name: The presented name in its compared form; None if a session names the user.
        networks: The networks of the source, the smallest last; empty without a source.
        now: The current time, in seconds since the epoch.
    """

    limits: _Limits
    name: str | None
    networks: tuple[str, ...]
    now: int

    def check(self) -> Flow[LoginAttempt]:
        """Return the attempt if no limit of the source and the name is reached; called before the user is looked up.

        Raises:
            LoginThrottledError: A limit is reached; nothing was written.
        """
        for counter in self._by_name():
            yield from self._read(counter)
        return self

    def reserve(self, identity: object, hashed: object) -> Flow[Reservation]:
        """Count the attempt, under the name and under the account that was found.

        Args:
            identity: The identity of the user; None if the name is unknown.
            hashed: The stored hash; a new one starts a new counter of consecutive failures.

        Raises:
            LoginThrottledError: A limit is reached; the attempt is not counted.
        """
        limits, source = self.limits, self._source()
        account = _digest("unknown", self.name or "") if identity is None else _digest("identity", str(identity))
        former_key, failures_key = self._failures_keys(account, hashed)
        total = self._counter(account, None, limits.per_account)
        own = self._counter(account, source, limits.per_account_and_source)
        marks = f"{{{account}}}:k"
        keys = (marks, former_key, failures_key, total.key, own.key)
        entry, *values = yield from ask(GetState(keys, self.now))
        former, failed, attempts, own_attempts = map(_count, values)
        known_sources = _KnownSources(key=marks, entry=entry)
        counters = self._by_name()
        if source is not None:
            own.check(own_attempts + 1)
            counters.append(own)
        if source is None or source not in known_sources.expiries(self.now):
            failures = self._failures(failures_key, former)
            failures.check(failed + 1)
            total.check(attempts + 1)
            counters += [total, failures]
            if source is not None:
                network = self._counter(_digest("source", self.networks[-2]), None, limits.per_network)
                yield from self._read(network)
                counters.append(network)
        totals = yield from self._count(counters)
        # A success clears the consecutive failures also from a known source, which does not count its own ones.
        cleared = {former_key: former, failures_key: failed}
        cleared |= {counter.key: totals[counter.key] if counter.cleared else 1 for counter in counters}
        return Reservation(
            counts=totals,
            cleared={key: amount for key, amount in cleared.items() if amount > 0},
            known_sources=known_sources,
            source=source,
            window_end=self._window_end(),
        )

    def _failures_keys(self, account: str, hashed: object) -> tuple[str, str]:
        """Return the keys of the consecutive failures in the period before and in the present one."""
        period, password = self.now // self.limits.failure_memory, _digest("hash", str(hashed))
        return f"{{{account}}}:f:{password}:{period - 1}", f"{{{account}}}:f:{password}:{period}"

    def _failures(self, key: str, former: int) -> _Counter:
        """Return the counter of the present period, with what the period before leaves of the limit."""
        memory = self.limits.failure_memory
        period_end = (self.now // memory + 1) * memory
        return _Counter(
            key=key,
            limit=self.limits.consecutive_failures - former,
            expires_at=period_end + memory,
            retry_after=period_end - self.now + (0 if former else memory),
            cleared=True,
        )

    def _by_name(self) -> list[_Counter]:
        """Return the counters that need no look-up: of the source, and of the name from that source."""
        limits, source = self.limits, self._source()
        # The source is counted first: over its limit, it creates no counters for the names that it sends.
        counters = [] if source is None else [self._counter(source, None, limits.per_source)]
        if self.name is not None:
            limit = limits.per_account if source is None else limits.per_account_and_source
            counters.append(self._counter(_digest("name", self.name), source, limit))
        return counters

    def _source(self) -> str | None:
        return _digest("source", self.networks[-1]) if self.networks else None

    def _counter(self, slot: str, source: str | None, limit: int) -> _Counter:
        # The braces keep all keys of one account in one slot of a Redis cluster.
        key = f"{{{slot}}}:l:{self.now // self.limits.window}"
        end = self._window_end()
        return _Counter(
            key=key if source is None else f"{key}:{source}",
            limit=limit,
            expires_at=end,
            retry_after=end - self.now,
            cleared=source is not None,
        )

    def _window_end(self) -> int:
        return (self.now // self.limits.window + 1) * self.limits.window

    def _read(self, counter: _Counter) -> Flow[None]:
        (value,) = yield from ask(GetState((counter.key,), self.now))
        counter.check(_count(value) + 1)

    def _count(self, counters: list[_Counter]) -> Flow[dict[str, int]]:
        """Increment each counter; if one is over its limit or a call fails, take back what was counted."""
        totals: dict[str, int] = {}
        try:
            for counter in counters:
                totals[counter.key] = yield from ask(IncrementState(counter.key, 1, counter.expires_at, self.now))
                counter.check(totals[counter.key])
        except GeneratorExit:
            # A generator that is closed cannot ask.
            raise
        except BaseException:
            yield from _subtract(dict.fromkeys(totals, 1), self._window_end(), self.now)
            raise
        return totals


def _count(value: str | None) -> int:
    if value is None:
        return 0
    try:
        return int(value)
    except ValueError:
        raise ServiceUnavailableError("the store holds a login counter that is not a number") from None


class LoginThrottle:
    """Counts login attempts in the guard's store, or in memory if it has none.

    Args:
        window: How long attempts are counted together: seconds, or any ``Lifespan``.
        per_account_and_source: Attempts per window from one source at one account.
        per_account: Attempts per window at one account, from all sources that are not known to it.
        per_source: Attempts per window from one source (an IPv4 address or an IPv6 /64), at all accounts together.
        per_network: Attempts per window from one IPv4 /24 or IPv6 /48, at accounts to which the source is not known.
        consecutive_failures: Failures at one account since its last success, over all windows, from sources that are
            not known to it.
        failure_memory: How long consecutive failures are remembered at least, and at most twice as long: seconds, or
            any ``Lifespan``.

    Raises:
        ConfigurationError: A limit is not a positive integer, or a time is not a lifespan.

    See:
        SP 800-63B-4 §3.2.2.
    """

    __slots__ = ("_limits", "_warned")

    def __init__(
        self,
        *,
        window: Lifespan = "15 minutes",
        per_account_and_source: int = 10,
        per_account: int = 100,
        per_source: int = 100,
        per_network: int = 1000,
        consecutive_failures: int = 100,
        failure_memory: Lifespan = "7 days",
    ) -> None:
        """Validate the limits."""
        limits = {
            "per_account_and_source": per_account_and_source,
            "per_account": per_account,
            "per_source": per_source,
            "per_network": per_network,
            "consecutive_failures": consecutive_failures,
        }
        for name, limit in limits.items():
            if type(limit) is not int or limit < 1:
                raise ConfigurationError(f"{name} must be a positive integer; got {shown(limit)}")
        self._limits = _Limits(
            window=parse_lifespan(window, name="window"),
            failure_memory=parse_lifespan(failure_memory, name="failure_memory"),
            **limits,
        )
        self._warned = False

    def attempt(self, username: object, source: str | None, now: int) -> LoginAttempt:
        """Return an attempt that is not counted yet.

        Args:
            username: The presented name.
            source: The client's address as the framework reports it, or None.
            now: The current time, in seconds since the epoch.

        Raises:
            ConfigurationError: The source is neither a str nor None.
        """
        return self._attempt(compared_name(username), source, now)

    def confirmation(self, source: str | None, now: int) -> LoginAttempt:
        """Return an attempt by the user of a session, who presents no name; see ``attempt``."""
        return self._attempt(None, source, now)

    def _attempt(self, name: str | None, source: str | None, now: int) -> LoginAttempt:
        networks = source_networks(source)
        if source is not None and not networks and not self._warned:
            self._warned = True
            _LOG.warning(
                "logins come from an address that is not public, such as 127.0.0.1, so they are counted by account and not "
                "by address; behind a proxy, configure the framework to trust the proxy (Flask: "
                "werkzeug.middleware.proxy_fix.ProxyFix)"
            )
        return LoginAttempt(limits=self._limits, name=name, networks=networks, now=now)
