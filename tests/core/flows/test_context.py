"""What every flow of one guard goes by, question by question."""

from __future__ import annotations

import uuid

import attrs
import pytest
from tests.support import RING

from praetorian_core.errors import ConfigurationError, InvalidUserError, MissingUserError
from praetorian_core.flows.context import FlowContext, identity_and_roles, require_active, require_user
from praetorian_core.questions import CheckActive, DescribeUser, IdentifyUser, UserFacts
from praetorian_core.settings import Settings
from praetorian_core.token import STANDARD, TokenCodec

CODEC = TokenCodec(ring=RING, layout=STANDARD, accept_layouts=(STANDARD,))
USER = object()
YES, NO = True, False


def context(*, has_store=False, **settings):
    """Return the rules of a guard."""
    return FlowContext(
        settings=Settings(keys=RING, **settings),
        codec=CODEC,
        throttle=None,
        has_store=has_store,
        renews_passwords=False,
    )


def result_of(flow, answer):
    """Send the last answer and return what the flow returns."""
    with pytest.raises(StopIteration) as done:
        flow.send(answer)
    return done.value.value


class TestRules:
    def test_frozen(self):
        """Rules cannot be changed under a running guard (ASVS 15.4.2)."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            context().has_store = True

    def test_need_store(self):
        """Without a store the call is named, and what to write."""
        with pytest.raises(ConfigurationError) as refusal:
            context().need_store("revoke")

        assert (
            "revoke needs a store; set PRAETORIAN_STORE, for example to 'sqlite:///state.db', or pass store= to the guard"
        ) == str(refusal.value)

    def test_has_store(self):
        """With a store nothing is refused."""
        assert None is context(has_store=True).need_store("revoke")


class TestRequireUser:
    @pytest.mark.parametrize("identity", [1, "1", uuid.UUID(int=1)], ids=repr)
    def test_asks(self, identity):
        """The user source is asked for the identity as it is."""
        assert IdentifyUser(identity) == next(require_user(identity))

    def test_found(self):
        """A user who is there is returned."""
        flow = require_user(1)
        next(flow)

        assert USER is result_of(flow, USER)

    def test_missing(self):
        """A user who is not there is refused."""
        flow = require_user(1)
        next(flow)

        with pytest.raises(MissingUserError):
            flow.send(None)

    @pytest.mark.parametrize("user", [0, "", [], False], ids=repr)
    def test_falsy(self, user):
        """Only ``None`` means no user: a user object may be false to Python."""
        flow = require_user(1)
        next(flow)

        assert user is result_of(flow, user)


class TestRequireValid:
    def test_asks(self):
        """The user alone is asked."""
        assert CheckActive(USER) == next(require_active(USER))

    def test_valid(self):
        """True and 1 mean an active account."""
        for answer in (YES, 1):
            flow = require_active(USER)
            next(flow)

            assert None is result_of(flow, answer)

    @pytest.mark.parametrize("answer", [NO, 0, None, 2, 1.0, "yes", "", [1], object], ids=repr)
    def test_invalid(self, answer):
        """Every other answer rejects; the runner raises earlier for those that are no answer."""
        flow = require_active(USER)
        next(flow)

        with pytest.raises(InvalidUserError):
            flow.send(answer)


class TestDescribe:
    def test_asks(self):
        """Identity and roles are one question."""
        assert DescribeUser(USER) == next(identity_and_roles(context(), USER))

    @pytest.mark.parametrize(
        ("identity", "expected"),
        [(1, 1), ("alice", "alice")],
        ids=repr,
    )
    def test_identity(self, identity, expected):
        """An integer and a str are encoded unchanged."""
        flow = identity_and_roles(context(), USER)
        next(flow)

        assert (expected, frozenset()) == result_of(flow, UserFacts(identity, []))

    def test_parsed_identity(self):
        """Another type is encoded as its text, if the setting returns it from that text."""
        identity = uuid.UUID(int=1)
        flow = identity_and_roles(context(parse_identity=uuid.UUID), USER)
        next(flow)

        assert (str(identity), frozenset()) == result_of(flow, UserFacts(identity, []))

    @pytest.mark.parametrize("identity", [None, True, 1.0, b"1", "", 2**63, "x" * 256], ids=repr)
    def test_bad_identity(self, identity):
        """An identity that cannot travel is refused."""
        flow = identity_and_roles(context(), USER)
        next(flow)

        with pytest.raises(ConfigurationError, match="identity"):
            flow.send(UserFacts(identity, []))

    @pytest.mark.parametrize("rolenames", [["b", "a"], ("a", "b"), {"a", "b"}, frozenset("ab"), ["a", "b", "a"]])
    def test_roles(self, rolenames):
        """Any collection of names is a set of roles."""
        flow = identity_and_roles(context(), USER)
        next(flow)

        assert (1, frozenset({"a", "b"})) == result_of(flow, UserFacts(1, rolenames))

    @pytest.mark.parametrize(
        "rolenames", [None, "admin", b"admin", 1, {"admin": 1}, [1], [None], [["admin"]], ["x" * 256]], ids=repr
    )
    def test_bad_roles(self, rolenames):
        """Role names of another type are refused, never read as none or letter by letter (ASVS 16.5.3)."""
        flow = identity_and_roles(context(), USER)
        next(flow)

        with pytest.raises(ConfigurationError, match="rolenames"):
            flow.send(UserFacts(1, rolenames))

    def test_roles_disabled(self):
        """If roles are disabled, the role names are ignored."""
        flow = identity_and_roles(context(roles_disabled=True), USER)
        next(flow)

        assert (1, frozenset()) == result_of(flow, UserFacts(1, None))
