"""``verify``, ``admit`` and ``load_user``."""

from __future__ import annotations

import attrs
import pytest
from tests.core.guard.world import LAYOUTS, World, tampered
from tests.support import ACCESS, DAY, HASHED, NOW, REFRESH, authorization, bearer, both_layouts, outcome

from praetorian_core import errors
from praetorian_core.events import TokenRefused
from praetorian_core.policy import Policy, all_roles, any_role
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import as_user
from praetorian_core.token import KeyRing, generate_secret


class TestVerify:
    @both_layouts
    def test_principal(self, layout):
        """A principal says who acts, what they may, and until when."""
        world = World(layout=layout)
        principal = world.guard.verify(world.guard.issue(world.alice, plan="gold"))

        assert (1, {"admin", "editor"}, {"plan": "gold"}, NOW, NOW + ACCESS, NOW + REFRESH) == (
            principal.identity,
            principal.roles,
            principal.claims,
            principal.issued_at,
            principal.access_expires_at,
            principal.refresh_expires_at,
        )

    def test_read_only(self, world):
        """Nothing of a principal can be changed by its receiver."""
        principal = world.guard.verify(world.guard.issue(world.alice, plan="gold"))

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            principal.roles = frozenset({"root"})
        with pytest.raises(TypeError):
            principal.claims["plan"] = "platinum"

    @both_layouts
    @pytest.mark.parametrize("store", [None, MemoryStore()], ids=["no store", "store"])
    def test_no_user_calls(self, layout, store):
        """A check on access calls no user store, however often and whatever the outcome."""
        world = World(layout=layout, guard={"store": store})
        token = world.guard.issue(world.alice)
        before = world.users.calls
        for now in (NOW, NOW + ACCESS - 1, NOW + ACCESS, NOW + REFRESH):
            outcome(world.at(now).verify, token)
            outcome(world.at(now).admit, bearer(token), all_roles("admin"))
            outcome(world.at(now).admit_optional, authorization())

        assert before == world.users.calls

    def test_forged(self, world):
        """A token with another signature is refused, and so is one of another key."""
        token = world.guard.issue(world.alice)
        other = World(keys=KeyRing.from_secret(generate_secret()))

        assert (errors.InvalidTokenError, errors.InvalidTokenError) == (
            outcome(world.guard.verify, tampered(token)),
            outcome(other.guard.verify, token),
        )

    @both_layouts
    def test_action(self, layout):
        """An action token opens no route, in either layout (RFC 8725 §3.12)."""
        world = World(layout=layout)
        tokens = [world.guard.issue_action(world.alice, action) for action in ("registration", "reset")]

        assert [errors.MisusedTokenError] * 2 == [outcome(world.guard.verify, token) for token in tokens]

    def test_eternal(self):
        """A token of a million days grants access to its last second, and has expired at the next."""
        world = World(access_lifespan={"days": 1_000_000}, refresh_lifespan={"days": 1_000_000})
        token = world.guard.issue(world.alice)
        end = NOW + 1_000_000 * DAY

        assert end == world.at(end - 1).verify(token).access_expires_at
        assert errors.ExpiredRefreshError is outcome(world.at(end).verify, token)

    def test_roles_disabled(self):
        """Without roles a token carries none, and a user needs no ``rolenames``."""
        user = type("Plain", (), {"identity": 1, "password": HASHED})()
        world = World(roles_disabled=True)

        assert frozenset() == world.guard.verify(world.guard.issue(user)).roles

    @both_layouts
    def test_both_layouts(self, layout):
        """A guard that accepts both layouts reads both; one that does not refuses the other."""
        other = next(name for name in LAYOUTS if name is not layout)
        world, fleet, old = World(layout=layout), World(accept_layouts=LAYOUTS), World(layout=other)
        token = world.guard.issue(world.alice)

        assert 1 == fleet.guard.verify(token).identity
        assert errors.InvalidTokenError is outcome(old.guard.verify, token)


class TestAdmit:
    def test_token(self, world):
        """A good token in the header is a principal."""
        assert 1 == world.guard.admit(bearer(world.guard.issue(world.alice))).identity

    def test_a_policy_is_a_policy(self, world):
        """A role's name in the place of a policy is a mistake of the application, and grants nothing."""
        view = bearer(world.guard.issue(world.alice))
        with pytest.raises(errors.ConfigurationError) as refusal:
            world.guard.admit(view, "admin")

        assert "the policy is str; write all_roles('admin') or any_role('a', 'b')" == str(refusal.value)
        assert 1 == world.guard.admit(view, all_roles(*world.alice.rolenames)).identity

    def test_as_user(self, world):
        """``as_user`` returns the headers of a client that has logged in."""
        headers = as_user(world.guard, world.alice, access_lifespan=60, refresh_lifespan=120, plan="gold")
        principal = world.guard.admit(authorization(headers["Authorization"]))

        assert (NOW + 60, NOW + 120, {"plan": "gold"}) == (
            principal.access_expires_at,
            principal.refresh_expires_at,
            principal.claims,
        )

    @pytest.mark.parametrize(
        ("values", "refusal"),
        [
            ((), errors.MissingTokenError),
            (("Basic YWxpY2U6c2VjcmV0",), errors.MissingTokenError),
            (("Bearerxyz",), errors.MissingTokenError),
            (("Bearer",), errors.MalformedHeaderError),
            (("Bearer a b",), errors.MalformedHeaderError),
            (("Bearer a", "Bearer b"), errors.MalformedHeaderError),
            (("Bearer junk",), errors.InvalidTokenError),
        ],
    )
    def test_refused(self, world, values, refusal):
        """Each way not to carry a token has its own refusal (RFC 6750 §2.1, §3.1)."""
        assert refusal is outcome(world.guard.admit, authorization(*values))

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ((), None),
            (("Basic YWxpY2U6c2VjcmV0",), None),
            (("Bearer",), errors.MalformedHeaderError),
            (("Bearer junk",), errors.InvalidTokenError),
        ],
    )
    def test_optional(self, world, values, expected):
        """Where a token is optional none at all will do, and a bad one will not."""
        assert expected is outcome(world.guard.admit_optional, authorization(*values))

    def test_optional_with_token(self, world):
        """A good token makes a principal on such a route."""
        assert 1 == world.guard.admit_optional(bearer(world.guard.issue(world.alice))).identity

    @pytest.mark.parametrize(
        ("policy", "admitted"),
        [
            (None, True),
            (all_roles("admin"), True),
            (all_roles("admin", "editor"), True),
            (all_roles("admin", "root"), False),
            (any_role("root", "editor"), True),
            (any_role("root"), False),
            (any_role("ADMIN"), False),
            (all_roles("admin") & any_role("root"), False),
            (all_roles("root") | any_role("admin"), True),
        ],
        ids=str,
    )
    def test_policy(self, world, policy, admitted):
        """A policy is checked against the roles in the token."""
        found = outcome(world.guard.admit, bearer(world.guard.issue(world.alice)), policy)

        assert admitted is (found is not errors.MissingRoleError)

    def test_sloppy_policy(self, world):
        """A policy of an application's own permits only with ``True`` itself."""

        class Sloppy(Policy):
            def permits(self, principal, now):
                return "yes"

            def __str__(self):
                return "whatever"

        assert errors.MissingRoleError is outcome(world.guard.admit, bearer(world.guard.issue(world.alice)), Sloppy())

    def test_optional_policy(self, world):
        """A policy on an optional route applies to every token that is presented."""
        token = world.guard.issue(world.alice)
        outcomes = [
            outcome(world.guard.admit_optional, view, any_role("root")) for view in (bearer(token), authorization())
        ]

        assert [errors.MissingRoleError, None] == outcomes

    def test_roles_disabled(self):
        """A policy where roles are disabled is a contradiction, and grants nothing."""
        world = World(roles_disabled=True)
        token = world.guard.issue(world.alice)

        assert errors.ConfigurationError is outcome(world.guard.admit, bearer(token), any_role("admin"))
        assert 1 == world.guard.admit(bearer(token)).identity

    def test_unknown_role(self):
        """A policy that requires a name outside ``PRAETORIAN_ROLES`` is a configuration error, not a 403."""
        world = World(roles=["admin", "editor"])
        token = world.guard.issue(world.alice)

        assert errors.ConfigurationError is outcome(world.guard.admit, bearer(token), any_role("admin", "editro"))
        assert 1 == world.guard.admit(bearer(token), any_role("admin", "editor")).identity

    def test_revoked(self, stored):
        """So is a session that was ended."""
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke(token)

        assert errors.RevokedTokenError is outcome(stored.guard.admit, bearer(token))

    def test_find_token(self, world):
        """A refresh route takes the token from the request as it is, expired or not."""
        token = world.guard.issue(world.alice)
        world.clock.tick(ACCESS)

        assert token == world.guard.find_token(bearer(token))
        assert errors.MissingTokenError is outcome(world.guard.find_token, authorization())


class TestUserOf:
    def test_loads(self, world):
        """The user behind a principal is loaded anew."""
        principal = world.guard.verify(world.guard.issue(world.alice))

        assert world.alice is world.guard.load_user(principal)

    def test_missing(self, world):
        """A user who does not exist any more is rejected, and an event is emitted."""
        principal = world.guard.verify(world.guard.issue(world.alice))
        world.users.remove(world.alice)

        assert (errors.MissingUserError, [TokenRefused]) == (outcome(world.guard.load_user, principal), world.kinds)


class TestLoadUserArgument:
    @pytest.mark.parametrize("kind", ["token", "none", "user"])
    def test_not_a_principal(self, world, kind):
        """Anything but a principal is refused with what to write."""
        given = {"token": world.guard.issue(world.alice), "none": None, "user": world.alice}[kind]

        with pytest.raises(errors.ConfigurationError, match=r"write load_user\(guard\.verify\(token\)\)"):
            world.guard.load_user(given)


class TestBytes:
    def test_accepted(self, stored):
        """Every method that takes a token takes its ASCII bytes, as some frameworks hand them on."""
        guard = stored.guard
        token, other = guard.issue(stored.alice).encode(), guard.issue(stored.alice).encode()
        action = guard.issue_action(stored.alice, "confirm").encode()
        guard.revoke(other)

        assert 1 == guard.verify(token).identity
        assert errors.RevokedTokenError is outcome(guard.verify, other)
        assert stored.alice is guard.read_action(action, "confirm").user is guard.redeem_action(action, "confirm")
        assert str is type(stored.at(NOW + ACCESS).refresh(token))

    @pytest.mark.parametrize("token", ["é".encode(), b"\xff\xfe", b"", bytearray(b"a.b.c")], ids=repr)
    def test_rejected(self, stored, token):
        """Other bytes are an invalid token."""
        assert errors.InvalidTokenError is outcome(stored.guard.verify, token)
