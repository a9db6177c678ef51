"""What several processes do at the same moment to one session, one token or one account.

Everything runs on SQLite and on a real Valkey, with threads beside the processes.
"""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
from tests.processes.crew import Crew
from tests.processes.worker import PASSWORD, USERS
from tests.support import outcome

from praetorian_core.errors import ReusedTokenError, RevokedTokenError

ACCESS = 15 * 60
ROUNDS = 10
NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def on_sqlite(tmp_path_factory):
    """Return processes that share a file."""
    crew = Crew(f"sqlite:///{tmp_path_factory.mktemp('races')}/state.db", 8)
    yield crew
    crew.stop()


@pytest.fixture(scope="module")
def on_valkey(valkey):
    """Return processes that share a real Valkey."""
    crew = Crew(valkey.url, 8)
    yield crew
    crew.stop()


def pytest_generate_tests(metafunc):
    """Run every test that uses a crew on both."""
    if "crew" in metafunc.fixturenames:
        metafunc.parametrize("crew", ["on_sqlite", "on_valkey"], indirect=True)


@pytest.fixture
def crew(request, valkey):
    """Return the processes of a store."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def user():
    """Return a user whom no other test knows."""
    return USERS.identify(next(NUMBERS))


def expired(crew, user):
    """Return a token whose access has just expired."""
    token = crew.guard.issue(user)
    crew.clock.tick(ACCESS)
    return token


def generation(crew, token):
    """Return how often the session of a token had been refreshed."""
    return crew.guard._codec.decode(token, crew.clock.now).generation


class TestRefreshOnce:
    def test_in_parallel(self, crew, user):
        """RFC 9700 §4.14.2, honestly: 64 refreshes of one token make one generation, and nobody is signed out."""
        for _ in range(ROUNDS):
            token = expired(crew, user)
            found = crew.all(do="refresh", token=token, threads=8)

            assert {"ok": 64} == found["codes"]
            assert {1} == {generation(crew, fresh) for fresh in found["tokens"]}
            assert user.identity == crew.guard.verify(found["tokens"][0]).identity

    def test_after_the_grace(self, crew, user):
        """The twin: once the grace is over, the same 64 are reuse, and end the session for everybody."""
        token = expired(crew, user)
        fresh = crew.guard.refresh(token)
        crew.clock.tick(10)
        found = crew.all(do="refresh", token=token, threads=8)

        # Only whoever ended it is told of the reuse; the others find it ended.
        assert {"reused_token": 1, "revoked_token": 63} == found["codes"]
        assert RevokedTokenError is outcome(crew.guard.verify, fresh)

    def test_generations_in_a_row(self, crew, user):
        """However often it is refreshed side by side, a session goes on generation by generation."""
        token = expired(crew, user)
        for number in range(1, 6):
            found = crew.all(do="refresh", token=token, threads=2)
            assert {"ok": 16} == found["codes"]
            assert {number} == {generation(crew, fresh) for fresh in found["tokens"]}
            token = found["tokens"][0]
            crew.clock.tick(ACCESS)


@pytest.mark.parametrize("check_sessions", ["always", "refresh"])
@pytest.mark.parametrize("end", ["revoke", "revoke_user"])
class TestRevokeRacesRefresh:
    def test_nothing_gets_past(self, crew, user, end, check_sessions):
        """Whatever a racing refresh brought home is of a session that is over, on every process (ASVS 7.4.1)."""
        seen = Counter()
        for turn in range(10 * ROUNDS):
            if turn >= ROUNDS and {"ok", "revoked_token"} <= set(seen):
                break
            token = expired(crew, user)
            ended, *others = crew.together(
                # A millisecond later each time, so that now this one comes first and now another.
                {"do": end, "token": token, "user": user.identity, "delay": turn % 8 / 1000},
                *[{"do": "refresh", "token": token, "threads": 4, "check_sessions": check_sessions}] * 7,
            )
            assert {"ok": 1} == ended["codes"]
            seen += sum((Counter(other["codes"]) for other in others), Counter())
            later = crew.all(do="refresh", token=token, check_sessions=check_sessions)
            assert {"revoked_token": 8} == later["codes"]
            for fresh in (fresh for other in others for fresh in other["tokens"]):
                assert RevokedTokenError is outcome(crew.guard.verify, fresh)

        # Now one came first and now another, or nothing raced.
        assert {"ok", "revoked_token"} == set(seen)


class TestRevoke:
    def test_at_once_everywhere(self, crew, user):
        """A session that one process ended is over on all of them, its descendants too, and others live."""
        token, other = expired(crew, user), crew.guard.issue(user)
        fresh = crew.guard.refresh(token)
        # An expired token can still be used to log out; to do so twice is no error.
        assert {"ok": 4} == crew.all(do="revoke", token=token, processes=4)["codes"]

        assert {"revoked_token": 8} == crew.all(do="verify", token=fresh)["codes"]
        assert {"ok": 8} == crew.all(do="verify", token=other)["codes"]


class TestRevokeUser:
    def test_at_once_everywhere(self, crew, user):
        """Every session issued before is over on every process, every one after lives: in the same second."""
        before = [crew.guard.issue(user) for _ in range(3)]
        crew.together({"do": "revoke_user", "user": user.identity})
        after = crew.guard.issue(user)

        for token in before:
            assert {"revoked_token": 8} == crew.all(do="verify", token=token)["codes"]
        assert {"ok": 8} == crew.all(do="verify", token=after)["codes"]


class TestRedeemOnce:
    def test_in_parallel(self, crew, user):
        """ASVS 15.4.2: of 32 who redeem one action token one succeeds."""
        for _ in range(ROUNDS):
            action = crew.guard.issue_action(user, "confirm")
            found = crew.all(do="redeem", token=action, processes=4, threads=8)

            assert {"ok": 1, "reused_token": 31} == found["codes"]
            assert ReusedTokenError is outcome(crew.guard.redeem_action, action, "confirm")


@pytest.fixture(params=["known", "unknown"])
def username(request, user):
    """Return a name that somebody has, and one that nobody has."""
    return user.username if request.param == "known" else f"nobody{user.identity}"


@pytest.fixture
def place():
    """Return the beginning of addresses from which no other test logs in."""
    number = next(NUMBERS)
    return f"9.{number // 256}.{number % 256}"


class TestThrottle:
    def test_one_source(self, crew, username, place):
        """100 wrong passwords at once from one source: as many hashes as the limit allows, known name or not."""
        found = crew.all(do="login", username=username, password="wrong", source=f"{place}.1", processes=4, threads=25)

        assert {"bad_credentials": 10, "login_throttled": 90} == found["codes"]
        assert 10 == found["hashes"]

    def test_one_account_from_everywhere(self, crew, username):
        """So it is where each of them comes from a source of its own."""
        tasks = [
            {"do": "login", "username": username, "password": "wrong", "threads": 25, "source": f"{group}.8.8.{{}}"}
            for group in (41, 42, 43, 44)
        ]
        results = crew.together(*tasks)
        codes = sum((Counter(result["codes"]) for result in results), Counter())

        # Attempts over the limit are counted for a moment, so that others may be refused beside them: never let through.
        assert 1 <= codes["bad_credentials"] == sum(result["hashes"] for result in results) <= 20
        assert 100 == codes["bad_credentials"] + codes["login_throttled"]

    def test_the_owner_beside_them(self, crew, user, place):
        """A hundred guesses from elsewhere do not keep an owner out who has logged in from home."""
        home = f"{place}.1"
        crew.guard.authenticate(user.username, PASSWORD, source=home)
        crew.all(do="login", username=user.username, password="wrong", source="45.8.8.{}", processes=4, threads=25)

        owner = {"do": "login", "username": user.username, "password": PASSWORD}
        assert {"ok": 4} == crew.all(**owner, source=home, processes=4)["codes"]
        assert {"login_throttled": 4} == crew.all(**owner, source="46.8.8.8", processes=4)["codes"]
