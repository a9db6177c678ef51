"""Users without a database."""

import pytest
from tests.support import PASSWORD

from praetorian_core.errors import AuthenticationError, InvalidUserError, MissingUserError
from praetorian_core.guard import Guard
from praetorian_core.settings import Settings
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_core.token.keys import KeyRing, generate_secret


class TestMemoryUser:
    def test_defaults(self):
        """By default a user has no roles and no password, and is active."""
        user = MemoryUser(identity=1, username="alice")

        assert ([], None, True) == (user.rolenames, user.password, user.is_valid())

    def test_facts_are_named(self):
        """The arguments are keywords."""

        with pytest.raises(TypeError):
            MemoryUser(1, "alice")

    def test_roles_are_not_shared(self):
        """Each user has its own list of roles."""
        alice, bob = (MemoryUser(identity=number, username="x") for number in (1, 2))
        alice.rolenames.append("admin")

        assert [] == bob.rolenames

    @pytest.mark.parametrize("valid", [True, False])
    def test_may_be_changed(self, valid):
        """A test disables and enables a user by setting an attribute."""
        user = MemoryUser(identity=1, username="alice", valid=not valid)
        user.valid = valid

        assert valid is user.is_valid()

    def test_the_hash_is_not_shown(self):
        """``repr`` does not show the password hash."""
        user = MemoryUser(identity=1, username="alice", password="$argon2id$hunter2")

        assert "hunter2" not in repr(user)
        assert "alice" in repr(user)


class TestMemoryUsers:
    @pytest.fixture
    def alice(self):
        """Return a user."""
        return MemoryUser(identity=1, username="alice")

    def test_begins_empty(self):
        """An empty source finds no user."""
        users = MemoryUsers()

        assert (None, None) == (users.lookup("alice"), users.identify(1))

    def test_finds(self, alice):
        """Users are found by name and by identity."""
        users = MemoryUsers([MemoryUser(identity=2, username="bob"), alice])

        assert users.lookup("alice") is alice
        assert users.identify(1) is alice

    @pytest.mark.parametrize(("name", "identity"), [("Alice", "1"), ("", 0), ("bob", 2), ("alic", None)])
    def test_finds_no_other(self, alice, name, identity):
        """Names and identities are compared exactly."""
        users = MemoryUsers([alice])

        assert (None, None) == (users.lookup(name), users.identify(identity))

    def test_add_and_remove(self, alice):
        """Users can be added and removed at any time."""
        users = MemoryUsers()
        assert users.add(alice) is alice
        assert users.identify(1) is alice

        users.remove(alice)
        assert users.identify(1) is None

    def test_counts_calls(self, alice):
        """``lookup`` and ``identify`` are counted, with and without a result; ``add`` and ``remove`` are not."""
        users = MemoryUsers([alice])
        users.add(users.add(alice))
        users.remove(alice)
        assert 0 == users.calls

        users.lookup("alice")
        users.lookup("nobody")
        users.identify(1)
        users.identify(2)
        assert 4 == users.calls


class TestWithGuard:
    @pytest.fixture
    def users(self):
        """Return a source of one user."""
        hashed = cheapest_hasher().hash(PASSWORD)
        return MemoryUsers([MemoryUser(identity=1, username="alice", password=hashed, rolenames=["admin"])])

    @pytest.fixture
    def clock(self):
        """Return a clock that the test moves."""
        return FrozenClock()

    @pytest.fixture
    def guard(self, users, clock):
        """Return a guard for them."""
        settings = Settings(keys=KeyRing.from_secret(generate_secret()), access_lifespan=60)
        return Guard(users, settings, passwords=cheapest_hasher(), clock=clock)

    def test_log_in(self, guard, users):
        """A login makes one call."""

        assert "alice" == guard.authenticate("alice", PASSWORD).username
        assert 1 == users.calls
        with pytest.raises(AuthenticationError):
            guard.authenticate("alice", "wrong")

    def test_access(self, guard, users):
        """Access makes no call until exp."""
        token = guard.issue(users.lookup("alice"))
        users.calls = 0

        assert frozenset({"admin"}) == guard.verify(token).roles
        assert 0 == users.calls

    def test_refresh(self, guard, users, clock):
        """A refresh makes one call, and sees that the user was disabled or removed."""
        alice = users.lookup("alice")
        token = guard.issue(alice)
        clock.tick(60)
        users.calls = 0
        guard.refresh(token)
        assert 1 == users.calls

        alice.valid = False
        with pytest.raises(InvalidUserError):
            guard.refresh(token)
        users.remove(alice)
        with pytest.raises(MissingUserError):
            guard.refresh(token)
