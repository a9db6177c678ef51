"""The principal: an immutable value that can be pickled, copied and encoded as JSON."""

import copy
import json
import operator
import pickle
from types import MappingProxyType

import attrs
import pytest

from praetorian_core.frozen import freeze_members
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
        """A principal has these attributes; two of them are optional."""
        optional = {"authenticated_at": None, "session_epoch": None}

        assert FACTS | optional == attrs.asdict(Principal(**FACTS), recurse=False)

    @pytest.mark.parametrize("name", FACTS)
    def test_frozen(self, name):
        """No attribute of a principal can be changed."""

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(Principal(**FACTS), name, FACTS[name])

    def test_nothing_can_be_added(self):
        """No attribute can be added."""

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            Principal(**FACTS).is_admin = True

    @pytest.mark.parametrize("name", FACTS)
    def test_every_fact_is_required(self, name):
        """A forgotten attribute raises."""

        with pytest.raises(TypeError, match=name):
            Principal(**{key: value for key, value in FACTS.items() if key != name})

    def test_facts_are_named(self):
        """Attributes are keyword arguments: positional ones could be mixed up."""

        with pytest.raises(TypeError):
            Principal(*FACTS.values())

    @pytest.mark.parametrize(
        ("name", "other"),
        [("identity", "7"), ("roles", frozenset()), ("claims", {}), ("session_id", "t"), ("issued_at", 101)],
    )
    def test_equality(self, name, other):
        """Principals are equal if every attribute is."""

        assert Principal(**FACTS) == Principal(**FACTS)
        assert Principal(**FACTS) != Principal(**{**FACTS, name: other})

    def test_can_be_hashed(self):
        """A principal can be a key of a dict, though its claims are a mapping."""

        assert 1 == len({Principal(**FACTS), Principal(**FACTS)})


class TestFromGuard:
    @pytest.fixture
    def principal(self):
        """Return the principal of an issued token."""
        users = MemoryUsers([alice := MemoryUser(identity=7, username="alice", rolenames=["admin", "staff"])])
        guard = Guard(
            users, Settings(keys=KeyRing.from_secret(generate_secret())), clock=FrozenClock(1_000), passwords=None
        )
        return guard.verify(guard.issue(alice, team="red", teams=[{"name": "red", "tags": ["x"]}]))

    def test_facts(self, principal):
        """The principal of a token has the user's identity and roles, and the token's deadlines."""
        facts = attrs.asdict(principal, recurse=False)

        assert len(facts.pop("session_id")) >= 22
        assert {
            "identity": 7,
            "roles": frozenset({"admin", "staff"}),
            "claims": {"team": "red", "teams": [{"name": "red", "tags": ["x"]}]},
            "issued_at": 1_000,
            "access_expires_at": 1_000 + 15 * 60,
            "refresh_expires_at": 1_000 + 30 * 86_400,
            "authenticated_at": 1_000,
            "session_epoch": None,
        } == facts

    def test_roles_are_a_frozenset(self, principal):
        """Roles are immutable."""

        assert frozenset is type(principal.roles)

    def test_json(self, principal):
        """A JSON encoder accepts the claims at every depth."""
        assert {"team": "red", "teams": [{"name": "red", "tags": ["x"]}]} == json.loads(json.dumps(principal.claims))

    def test_issue_again(self, principal):
        """The claims of one token can be given to another."""
        users = MemoryUsers([alice := MemoryUser(identity=7, username="alice")])
        guard = Guard(users, Settings(keys=KeyRing.from_secret(generate_secret())), passwords=None)

        assert principal.claims == guard.verify(guard.issue(alice, **principal.claims)).claims


COPIES = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
MUTATIONS = {
    "set": lambda claims: operator.setitem(claims, "team", "blue"),
    "delete": lambda claims: operator.delitem(claims, "team"),
    "update": lambda claims: claims.update(team="blue"),
    "or": lambda claims: operator.ior(claims, {"team": "blue"}),
    "pop": lambda claims: claims.pop("team"),
    "popitem": lambda claims: claims.popitem(),
    "setdefault": lambda claims: claims.setdefault("plan", "gold"),
    "clear": lambda claims: claims.clear(),
    "nested set": lambda claims: operator.setitem(claims["teams"][0], "name", "blue"),
    "nested list": lambda claims: claims["teams"][0]["tags"].append("y"),
    "list set": lambda claims: operator.setitem(claims["teams"], 0, None),
    "list delete": lambda claims: operator.delitem(claims["teams"], 0),
    "list add": lambda claims: operator.iadd(claims["teams"], [1]),
    "list multiply": lambda claims: operator.imul(claims["teams"], 2),
    "extend": lambda claims: claims["teams"].extend([1]),
    "insert": lambda claims: claims["teams"].insert(0, 1),
    "list pop": lambda claims: claims["teams"].pop(),
    "remove": lambda claims: claims["teams"].remove(claims["teams"][0]),
    "reverse": lambda claims: claims["teams"].reverse(),
    "sort": lambda claims: claims["teams"].sort(),
    "list clear": lambda claims: claims["teams"].clear(),
}
CLAIMS = {"team": "red", "teams": [{"name": "red", "tags": ["x"]}]}


class TestClaims:
    @pytest.mark.parametrize("mutate", MUTATIONS.values(), ids=MUTATIONS)
    @pytest.mark.parametrize("make", [lambda value: value, *COPIES.values()], ids=["itself", *COPIES])
    def test_immutable(self, make, mutate):
        """Claims cannot be changed at any depth, nor can those of a copy."""
        claims = make(Principal(**FACTS | {"claims": CLAIMS})).claims

        with pytest.raises(TypeError, match="cannot be changed"):
            mutate(claims)
        assert CLAIMS == claims

    @pytest.mark.parametrize("make", COPIES.values(), ids=COPIES)
    def test_copies(self, make):
        """A principal can be pickled and copied, and the copy is equal."""
        principal = Principal(**FACTS | {"claims": CLAIMS})

        assert principal == make(principal)

    def test_own_copy(self):
        """A principal keeps a copy of the claims that it was given."""
        given = {"teams": [1]}
        principal = Principal(**FACTS | {"claims": given})
        given["teams"].append(2)

        assert {"teams": [1]} == principal.claims

    def test_plain_copy(self):
        """``dict`` and ``list`` make a copy that can be changed."""
        claims = dict(Principal(**FACTS | {"claims": CLAIMS}).claims)
        claims["team"] = "blue"

        assert "blue" == claims["team"]


class TestMakePrincipal:
    def test_it_is_the_same_principal(self):
        """``make_principal`` returns what the class returns, attribute by attribute, and as immutable."""
        quick = make_principal(
            FACTS["identity"],
            FACTS["roles"],
            freeze_members(FACTS["claims"]),
            FACTS["session_id"],
            (FACTS["issued_at"], FACTS["access_expires_at"], FACTS["refresh_expires_at"]),
        )

        assert Principal(**FACTS) == quick
        assert repr(Principal(**FACTS)) == repr(quick)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            quick.roles = frozenset({"admin"})
