"""64 threads of one process use one session at the same moment. Several processes are in tests/processes."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from tests.support import outcome

from praetorian_core import Guard, KeyRing, MemoryStore, RedisStore, Settings, SQLiteStore, generate_secret
from praetorian_core.errors import (
    AuthenticationError,
    LoginThrottledError,
    ReusedTokenError,
    RevokedTokenError,
    SessionLimitError,
)
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

ACCESS = 15 * 60
THREADS = 64
ALICE = MemoryUser(identity=1, username="alice")


@pytest.fixture
def memory():
    """Return a store in memory."""
    return MemoryStore()


@pytest.fixture
def sqlite(tmp_path):
    """Return a store in a file, with a time-out for many writers."""
    store = SQLiteStore(tmp_path / "state.db", timeout=60)
    yield store
    store.close()


@pytest.fixture
def redis(valkey):
    """Return a store in a real Valkey, with a time-out for many threads."""
    store = RedisStore(valkey.url, timeout=60)
    yield store
    store.close()


@pytest.fixture
def user():
    """Return a user of this test alone: the server is shared."""
    return MemoryUser(identity=secrets.randbits(60), username="alice")


@pytest.fixture(params=["memory", "sqlite", "redis"])
def make_guard(request, valkey, user):
    """Return a function that makes a guard with some settings on each of the stores."""
    store = request.getfixturevalue(request.param)
    return lambda **choices: Guard(
        MemoryUsers([ALICE, user]),
        Settings(keys=KeyRing.from_secret(generate_secret()), **choices),
        store=store,
        clock=FrozenClock(),
        on_event=lambda _: None,
    )


@pytest.fixture
def guard(make_guard):
    """Return a guard on each of the stores."""
    return make_guard()


def together(*calls):
    """Run all calls at the same moment, each in a thread; return their outcomes."""
    barrier = threading.Barrier(len(calls))

    def begin(call):
        barrier.wait()
        return outcome(*call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


class TestRefreshOnce:
    def test_in_parallel(self, guard):
        """64 refreshes of one token make one generation, and the session stays valid."""
        token = guard.issue(ALICE)
        guard._clock.tick(ACCESS)
        found = together(*[(guard.refresh, token)] * THREADS)

        assert {str} == {type(fresh) for fresh in found}
        assert {1} == {guard._codec.decode(fresh, guard._clock()).generation for fresh in found}
        assert 1 == guard.verify(found[0]).identity


class TestRevokeRacesRefresh:
    @pytest.mark.parametrize("everything", [False, True], ids=["revoke", "revoke_user"])
    def test_revocation_holds(self, guard, everything):
        """After a revocation every token of the session is rejected, also one that a racing refresh returned."""
        for _ in range(5):
            token = guard.issue(ALICE)
            guard._clock.tick(ACCESS)
            end = (guard.revoke_user, 1) if everything else (guard.revoke, token)
            refresh = (guard.refresh, token)
            found = together(*[refresh] * 31, end, *[refresh] * 32)

            assert found.pop(31) is None
            for fresh in found:
                assert RevokedTokenError in (fresh, outcome(guard.verify, fresh))
            assert RevokedTokenError is outcome(guard.refresh, token)


def valid(guard, tokens):
    """Return the ids of the sessions whose tokens grant access."""
    found = (outcome(guard.verify, token) for token in tokens if type(token) is str)
    return {principal.session_id for principal in found if principal is not RevokedTokenError}


def listed(guard, user):
    """Return the ids of the listed sessions of a user."""
    return {session.session_id for session in guard.sessions(user.identity)}


class TestSessions:
    def test_none_is_lost(self, guard, user):
        """64 simultaneous logins of one user are all valid and all listed."""
        found = together(*[(guard.issue, user)] * THREADS)

        assert THREADS == len(valid(guard, found))
        assert valid(guard, found) == listed(guard, user)

    @pytest.mark.parametrize("most", [1, 5])
    def test_end_oldest(self, make_guard, user, most):
        """With a limit as many sessions are valid afterwards, and they are the listed ones (ASVS 7.1.2)."""
        guard = make_guard(max_sessions=most)
        before = [guard.issue(user) for _ in range(most)]
        found = together(*[(guard.issue, user)] * THREADS)

        assert {str} == {type(token) for token in found}
        assert most == len(valid(guard, before + found))
        assert valid(guard, before + found) == listed(guard, user)

    def test_refuse(self, make_guard, user):
        """With ``refuse`` as many logins succeed as there are places."""
        guard = make_guard(max_sessions=5, session_limit="refuse")
        before = [guard.issue(user) for _ in range(2)]
        found = together(*[(guard.issue, user)] * THREADS)

        assert 61 == found.count(SessionLimitError)
        assert 5 == len(valid(guard, before + found))
        assert valid(guard, before + found) == listed(guard, user)

    def test_log_out_everywhere_else(self, guard, user):
        """Among simultaneous logins and refreshes, the kept session stays, and the list holds what is valid."""
        for _ in range(5):
            kept, ended = guard.issue_session(user), guard.issue(user)
            guard._clock.tick(ACCESS)
            end = (partial(guard.revoke_user, keep=kept.session_id), user.identity)
            found = together(*[(guard.issue, user)] * 15, end, *[(guard.refresh, kept.token)] * 16)

            assert found.pop(15) is None
            assert RevokedTokenError is outcome(guard.refresh, ended)
            assert {kept.session_id} == valid(guard, found[15:])
            assert valid(guard, found) == listed(guard, user)


class TestThrottle:
    @pytest.mark.parametrize("is_known", [True, False], ids=["known", "unknown"])
    def test_one_source(self, guard, is_known):
        """100 simultaneous wrong passwords cost as many hashes as the limit allows, for any name."""
        hasher = cheapest_hasher(max_waiting=100, max_wait=60.0)
        # The server is shared, so take a name and a source that no other test uses.
        name, source = secrets.token_hex(8), f"9.{'.'.join(str(secrets.randbelow(256)) for _ in range(3))}"
        alice = MemoryUser(identity=1, username=name, password=hasher.hash("correct horse"))
        users = MemoryUsers([alice] if is_known else [])
        settings, store = guard.settings, guard._services.store
        login = Guard(users, settings, store=store, passwords=hasher, clock=guard._clock, on_event=lambda _: None)
        before = hasher.computations
        found = together(*[(partial(login.authenticate, source=source), name, "wrong")] * 100)

        assert [10, 90] == [found.count(kind) for kind in (AuthenticationError, LoginThrottledError)]
        assert 10 == hasher.computations - before


class TestRedeemOnce:
    def test_in_parallel(self, guard):
        """Of 32 simultaneous requests with one action token one succeeds (ASVS 15.4.2)."""
        action = guard.issue_action(ALICE, "confirm")
        found = together(*[(guard.redeem_action, action, "confirm")] * 32)

        assert [1, 31] == [sum(one is kind for one in found) for kind in (ALICE, ReusedTokenError)]

    def test_ticket(self, guard):
        """Of 64 simultaneous connections with one ticket one is opened."""
        principal = guard.verify(guard.issue(ALICE))
        ticket = guard.issue_ticket(principal)
        found = together(*[(guard.redeem_ticket, ticket)] * THREADS)

        assert [1, THREADS - 1] == [found.count(each) for each in (principal, ReusedTokenError)]
