"""``issue``, and the identities and validation methods of users."""

from __future__ import annotations

import uuid
from decimal import Decimal
from enum import Enum, IntEnum

import pytest
from tests.core.guard.world import World
from tests.support import ACCESS, HASHED, NOW, PASSWORD, both_layouts, outcome

from praetorian_core.errors import ClaimValueError, ConfigurationError, InvalidUserError, RevokedTokenError
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.token import FLASK_PRAETORIAN


class TestClock:
    @pytest.mark.parametrize("issue", ["issue", "issue_action"])
    @pytest.mark.parametrize("now", [-1, 2**53, None], ids=repr)
    def test_bad_reading(self, world, issue, now):
        """A clock that goes wrong later issues no token, which no verifier would accept."""
        arguments = [world.alice, "confirm"][: 1 + (issue == "issue_action")]

        assert type(getattr(world.at(0), issue)(*arguments)) is str
        with pytest.raises(ConfigurationError, match=f"^the clock returned {now if now is not None else 'NoneType'};"):
            getattr(world.at(now), issue)(*arguments)


class TestIssue:
    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (1, str),
            (0, InvalidUserError),
            (None, InvalidUserError),
            ("yes", ConfigurationError),
            (2, ConfigurationError),
            (object, ConfigurationError),
        ],
        ids=repr,
    )
    def test_validity(self, world, answer, expected):
        """1 means active, 0 and None not active; any other answer is a configuration error, not an outage."""
        user = type("Sloppy", (), {"identity": 1, "rolenames": [], "is_valid": lambda self: answer})()
        found = outcome(world.guard.issue, user)

        assert (expected, []) == (str if type(found) is str else found, world.kinds)

    def test_no_validity(self, world):
        """A user class without a validation method has no users that may not act."""
        user = type("Plain", (), {"identity": 1, "rolenames": []})()

        assert 1 == world.guard.verify(world.guard.issue(user)).identity

    @pytest.mark.parametrize("identity", [1, 0, -1, 2**63 - 1, "1", "alice", "ä", " "], ids=repr)
    @both_layouts
    def test_identity(self, layout, identity):
        """An identity comes back as what it was, integer or text."""
        world = World(layout=layout)
        world.alice.identity = identity
        found = world.guard.verify(world.guard.issue(world.alice)).identity

        assert (type(identity), identity) == (type(found), found)

    @both_layouts
    def test_parsed_identity(self, layout):
        """A UUID travels as its text, and comes back as ``parse_identity`` makes it."""
        world = World(layout=layout, parse_identity=uuid.UUID)
        world.alice.identity = uuid.uuid4()
        token = world.guard.issue(world.alice)

        assert world.alice.identity == world.guard.verify(token).identity
        assert "admin" in world.at(NOW + ACCESS).verify(world.guard.refresh(token)).roles

    def test_blanks_around_roles(self, world, caplog):
        """They are removed; each guard logs one warning."""
        world.alice.rolenames = [" admin ", "", "editor"]

        for _ in range(3):
            assert {"admin", "editor"} == world.guard.verify(world.guard.issue(world.alice)).roles
        assert 1 == len(caplog.records)

    @pytest.mark.parametrize("role", ["a,admin", ",", "admin,"])
    def test_comma(self, role):
        """Where roles travel with commas between them, no name may make two of itself; elsewhere any name is one."""
        legacy, standard = World(layout=FLASK_PRAETORIAN), World()
        legacy.alice.rolenames = standard.alice.rolenames = [role]

        assert ClaimValueError is outcome(legacy.guard.issue, legacy.alice)
        assert {role} == standard.guard.verify(standard.guard.issue(standard.alice)).roles

    @pytest.mark.parametrize("name", ["user", "access", "self", "claims", "token", "identity"])
    def test_no_collision(self, world, name):
        """Any other name is free, also that of a parameter that is positional."""
        assert {name: 1} == world.guard.verify(world.guard.issue(world.alice, **{name: 1})).claims

    @pytest.mark.parametrize("option", ["access_lifespan", "refresh_lifespan"])
    @pytest.mark.parametrize("lifespan", [0, -1, "", "soon", 1.5, True, {}], ids=repr)
    def test_bad_lifespan(self, world, option, lifespan):
        """A lifespan that is none is refused by its name."""
        with pytest.raises(ConfigurationError, match=f"{option} must be "):
            world.guard.issue(world.alice, **{option: lifespan})

    def test_any_lifespan(self, world):
        """Lifespans for one token are given as anywhere."""
        token = world.guard.issue(world.alice, access_lifespan="1 minute", refresh_lifespan={"hours": 1})
        principal = world.guard.verify(token)

        assert (NOW + 60, NOW + 3600) == (principal.access_expires_at, principal.refresh_expires_at)

    def test_too_long(self, world):
        """A token that would be refused for its length is not issued."""
        with pytest.raises(ConfigurationError, match="at most 7168 characters"):
            world.guard.issue(world.alice, plan="x" * 8192)


class Nameless:
    """Something without a text of its own."""


class Unspeakable:
    """Something whose text cannot be made."""

    def __str__(self):
        raise OSError(PASSWORD)


class TestIdentity:
    @pytest.mark.parametrize(
        "identity",
        [Nameless(), Nameless, Nameless().__init__, lambda: 1, [1], {"a": 1}, (1,), {1}, Unspeakable()],
        ids=["object", "class", "method", "function", "list", "dict", "tuple", "set", "raising"],
    )
    def test_without_a_text(self, world, identity):
        """What only has a representation is refused: that of a method holds the user, the hash and all."""
        world.alice.identity = identity
        with pytest.raises(ConfigurationError) as refusal:
            world.guard.issue(world.alice)

        assert HASHED not in str(refusal.value)
        assert PASSWORD not in str(refusal.value)

    def test_with_a_text(self, world):
        """A UUID has a text of its own, but without the setting no refresh could find the user."""
        world.alice.identity = uuid.UUID(int=7)

        with pytest.raises(ConfigurationError, match=r"write PRAETORIAN_PARSE_IDENTITY = .* such as uuid\.UUID"):
            world.guard.issue(world.alice)


class TestValidationMethod:
    def test_named_and_missing(self, world):
        """A method that was asked for by name must be there: a typing error would make every account active."""
        world = World(validation_method="is_actve")
        with pytest.raises(ConfigurationError, match="have no method 'is_actve'; write: def is_actve"):
            world.guard.issue(world.alice)

    def test_named_and_there(self):
        """The one that is there decides."""
        world = World(validation_method="is_valid")
        world.alice.valid = False

        with pytest.raises(InvalidUserError):
            world.guard.issue(world.alice)


class Uppercase:
    """An identity whose text is another than the token's."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text.upper()


class Number(IntEnum):
    SEVEN = 7


class Name(str, Enum):
    ALICE = "alice"


class TestParseIdentity:
    @pytest.mark.parametrize("parse", [Uppercase, {}.get, lambda _text: None], ids=["other text", "nothing", "None"])
    def test_another_text(self, parse):
        """Sessions are remembered by the text, so a value of another text would be found by no revocation."""
        world = World(parse_identity=parse)
        world.alice.identity = "alice-1"

        with pytest.raises(ConfigurationError, match="with another text"):
            world.guard.issue(world.alice)
        with pytest.raises(ConfigurationError, match="with another text"):
            world.guard.verify(World().guard.issue(world.alice))

    @pytest.mark.parametrize(
        ("identity", "parse"),
        [
            (7, None),
            ("alice", None),
            (Number.SEVEN, None),
            (Name.ALICE, None),
            (uuid.UUID(int=7), uuid.UUID),
            (Decimal("7.10"), Decimal),
        ],
        ids=["int", "str", "int enum", "str enum", "UUID", "Decimal"],
    )
    @both_layouts
    def test_what_is_issued_can_be_refreshed_and_revoked(self, layout, identity, parse):
        """A login that succeeds is never followed by a refresh that cannot find the user."""
        world = World(layout=layout, parse_identity=parse, guard={"store": MemoryStore()})
        world.alice.identity = identity
        token = world.guard.issue(world.alice)
        second = world.at(NOW + ACCESS).refresh(token)

        assert identity == world.guard.verify(second).identity
        assert world.alice is world.guard.load_user(world.guard.verify(second))
        world.guard.revoke_user(identity)
        assert RevokedTokenError is outcome(world.guard.verify, second)

    def test_the_same_text(self):
        """A UUID gives its text back, and ends up as a UUID."""
        world = World(parse_identity=uuid.UUID)
        world.alice.identity = uuid.UUID(int=7)

        assert uuid.UUID(int=7) == world.guard.verify(world.guard.issue(world.alice)).identity

    def test_a_coroutine(self):
        """A plain guard would never await it."""

        async def parse(text):
            return text

        with pytest.raises(
            ConfigurationError,
            match="PRAETORIAN_PARSE_IDENTITY must be a plain function of one str; got a coroutine function",
        ):
            World(parse_identity=parse)
