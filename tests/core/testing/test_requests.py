"""Headers of an authenticated request."""

import pytest
from tests.support import Request

from praetorian_core import errors
from praetorian_core.guard import Guard
from praetorian_core.policy import all_roles
from praetorian_core.settings import Settings
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, as_user
from praetorian_core.token.keys import KeyRing, generate_secret


@pytest.fixture
def clock():
    """Return a clock that the test moves."""
    return FrozenClock()


@pytest.fixture
def alice():
    """Return a user with a role."""
    return MemoryUser(identity=7, username="alice", rolenames=["admin"])


@pytest.fixture
def users(alice):
    """Return the source that has the user."""
    return MemoryUsers([alice])


@pytest.fixture
def build(users, clock):
    """Return a function that makes a guard of settings."""
    keys = KeyRing.from_secret(generate_secret())
    return lambda **options: Guard(users, Settings(keys=keys, **options), clock=clock, passwords=None)


class TestAsUser:
    def test_admits(self, build, alice, users):
        """A guard admits the request as that user, with the user's roles and no user-store call."""
        guard = build()
        principal = guard.admit(Request(as_user(guard, alice).items()), all_roles("admin"))

        assert (7, frozenset({"admin"})) == (principal.identity, principal.roles)
        assert 0 == users.calls

    def test_without_the_headers(self, build):
        """The same request without the headers is refused."""

        with pytest.raises(errors.MissingTokenError):
            build().admit(Request(), all_roles("admin"))

    def test_gives_no_more_than_the_user_has(self, build, alice):
        """The token has the roles of the user, and no others."""
        guard = build()

        with pytest.raises(errors.MissingRoleError):
            guard.admit(Request(as_user(guard, alice).items()), all_roles("owner"))

    def test_is_one_header(self, build, alice):
        """The result is one header with scheme and token (RFC 6750 §2.1)."""
        ((name, value),) = as_user(build(), alice).items()

        assert "Authorization" == name
        assert ["Bearer", 2] == [value.split(" ")[0], value.count(".")]

    def test_obeys_the_settings(self, build, alice):
        """The headers follow the settings."""
        guard = build(header_name="X-Token", header_type="JWT")
        headers = as_user(guard, alice)

        assert [("X-Token", True)] == [(name, value.startswith("JWT ")) for name, value in headers.items()]
        assert 7 == guard.admit(Request(headers.items())).identity

    @pytest.mark.parametrize(
        ("options", "access", "refresh"),
        [
            pytest.param({}, 900, 30 * 86_400, id="configured"),
            pytest.param({"access_lifespan": 5}, 5, 30 * 86_400, id="access"),
            pytest.param({"refresh_lifespan": "1 hour"}, 900, 3_600, id="refresh"),
            pytest.param({"access_lifespan": "1m", "refresh_lifespan": {"minutes": 2}}, 60, 120, id="both"),
            pytest.param({"refresh_lifespan": 60}, 60, 60, id="access-is-cut-at-refresh"),
        ],
    )
    def test_lifespans(self, build, alice, clock, options, access, refresh):
        """A lifespan overrides the configured one."""
        guard = build()
        principal = guard.admit(Request(as_user(guard, alice, **options).items()))

        assert (clock() + access, clock() + refresh) == (principal.access_expires_at, principal.refresh_expires_at)

    def test_an_expired_request(self, build, alice, clock):
        """A test of an expired token moves the clock and needs nothing else."""
        guard = build()
        headers = as_user(guard, alice, access_lifespan=5)
        clock.tick(5)

        with pytest.raises(errors.ExpiredAccessError):
            guard.admit(Request(headers.items()))

    def test_custom_claims(self, build, alice):
        """Custom claims are keywords, under the rules of ``issue``."""
        guard = build()

        assert {"team": "red", "level": 3} == dict(
            guard.admit(Request(as_user(guard, alice, team="red", level=3).items())).claims
        )
        with pytest.raises(errors.ClaimCollisionError):
            as_user(guard, alice, roles=["owner"])

    def test_a_user_who_may_not_act(self, build, alice):
        """A disabled user gets no headers."""
        alice.valid = False

        with pytest.raises(errors.InvalidUserError):
            as_user(build(), alice)
