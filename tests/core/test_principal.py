"""Who acts: a value that cannot be changed."""

from types import MappingProxyType

import attrs
import pytest

from praetorian_core.guard import Guard
from praetorian_core.principal import Principal, make_principal
from praetorian_core.settings import Settings
from praetorian_core.testing.clock import FrozenClock
from praetorian_core.testing.users import MemoryUser, MemoryUsers
from praetorian_core.token.keys import KeyRing, generate_secret

FACTS = {
    "identity": 7,
    "roles": frozenset({"admin"}),
    "claims": MappingProxyType({"team": "red"}),
    "session_id": "s",
    "issued_at": 100,
    "access_expires_at": 200,
    "refresh_expires_at": 300,
}


class TestPrincipal:
    def test_holds_the_facts(self):
        """A principal is these seven facts and no more (design §5)."""

        assert FACTS == attrs.asdict(Principal(**FACTS), recurse=False)

    @pytest.mark.parametrize("name", FACTS)
    def test_frozen(self, name):
        """No view can give the principal another identity or more roles."""

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(Principal(**FACTS), name, FACTS[name])

    def test_nothing_can_be_added(self):
        """There are no attributes besides."""

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            Principal(**FACTS).is_admin = True

    @pytest.mark.parametrize("name", FACTS)
    def test_every_fact_is_required(self, name):
        """Nothing has a default: a forgotten fact is an error where the principal is made."""

        with pytest.raises(TypeError, match=name):
            Principal(**{key: value for key, value in FACTS.items() if key != name})

    def test_facts_are_named(self):
        """Seven positional values could be mixed up, so there are none."""

        with pytest.raises(TypeError):
            Principal(*FACTS.values())

    @pytest.mark.parametrize(
        ("name", "other"),
        [("identity", "7"), ("roles", frozenset()), ("claims", {}), ("session_id", "t"), ("issued_at", 101)],
    )
    def test_equality(self, name, other):
        """Principals are equal iff every fact is."""

        assert Principal(**FACTS) == Principal(**FACTS)
        assert Principal(**FACTS) != Principal(**{**FACTS, name: other})

    def test_can_be_hashed(self):
        """A principal can be a key of a dict, though its claims are a mapping."""

        assert 1 == len({Principal(**FACTS), Principal(**FACTS)})


class TestFromGuard:
    @pytest.fixture
    def principal(self):
        """Return what a guard makes of a token that it issued."""
        users = MemoryUsers([alice := MemoryUser(identity=7, username="alice", rolenames=["admin", "staff"])])
        guard = Guard(
            users, Settings(keys=KeyRing.from_secret(generate_secret())), clock=FrozenClock(1_000), passwords=None
        )
        return guard.verify(guard.issue(alice, team="red"))

    def test_facts(self, principal):
        """A verified token speaks for whoever it was issued to, with the deadlines that it carries."""
        facts = attrs.asdict(principal, recurse=False)

        assert len(facts.pop("session_id")) >= 22
        assert {
            "identity": 7,
            "roles": frozenset({"admin", "staff"}),
            "claims": {"team": "red"},
            "issued_at": 1_000,
            "access_expires_at": 1_000 + 15 * 60,
            "refresh_expires_at": 1_000 + 30 * 86_400,
        } == facts

    def test_roles_are_a_frozenset(self, principal):
        """Roles cannot be added to."""

        assert frozenset is type(principal.roles)

    def test_claims_are_read_only(self, principal):
        """Claims can be read and not written."""

        assert "red" == principal.claims["team"]
        with pytest.raises(TypeError):
            principal.claims["team"] = "blue"
        with pytest.raises(TypeError):
            del principal.claims["team"]


class TestMakePrincipal:
    def test_it_is_the_same_principal(self):
        """The quick way gives what the class gives, attribute by attribute, and as frozen."""
        quick = make_principal(
            FACTS["identity"],
            FACTS["roles"],
            FACTS["claims"],
            FACTS["session_id"],
            (FACTS["issued_at"], FACTS["access_expires_at"], FACTS["refresh_expires_at"]),
        )

        assert Principal(**FACTS) == quick
        assert repr(Principal(**FACTS)) == repr(quick)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            quick.roles = frozenset({"admin"})
