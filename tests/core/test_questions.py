"""What a question is, and what it never shows."""

from __future__ import annotations

import attrs
import pytest

from praetorian_core import questions
from praetorian_core.events import UserRevoked
from praetorian_core.questions import (
    CheckActive,
    CheckPassword,
    CompareAndSetState,
    DescribeUser,
    Emit,
    FindUser,
    GetState,
    IdentifyUser,
    IncrementState,
    PasswordCheck,
    Question,
    ReadIdentity,
    ReadPassword,
    RenewPassword,
    UserFacts,
    ask,
)

QUESTIONS = [
    FindUser("alice"),
    IdentifyUser(1),
    DescribeUser("a user"),
    ReadIdentity("a user"),
    ReadPassword("a user"),
    CheckActive("a user"),
    CheckPassword("a password", "a hash"),
    RenewPassword("a user", "a password"),
    GetState(("a", "b"), 5),
    CompareAndSetState("a", None, "b", 7, 5),
    IncrementState("a", 1, 7, 5),
    Emit(UserRevoked(at=5, identity="1")),
]


class TestAsk:
    def test_yields(self):
        """The driver is given the question itself."""
        question = FindUser("alice")

        assert question is next(ask(question))

    def test_returns(self):
        """The flow is given the driver's answer itself."""
        answer = object()
        asking = ask(FindUser("alice"))
        next(asking)
        with pytest.raises(StopIteration) as done:
            asking.send(answer)

        assert answer is done.value.value

    def test_raises(self):
        """What a driver throws is raised where the question was put."""
        asking = ask(FindUser("alice"))
        next(asking)

        with pytest.raises(LookupError):
            asking.throw(LookupError())


class TestQuestion:
    def test_all_are_tested_here(self):
        """Every question of the module stands in the list above."""
        assert {type(question) for question in QUESTIONS} == set(Question.__subclasses__())

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
    def test_is_a_value(self, question):
        """Two questions about the same thing are equal, so a test can name the question that it expects."""
        assert question == attrs.evolve(question)

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
    def test_is_frozen(self, question):
        """Nobody who handles a question can change it."""
        name = attrs.fields(type(question))[0].name

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(question, name, None)

    def test_differs(self):
        """Questions about different things are not equal."""
        assert FindUser("alice") != FindUser("bob")

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
    def test_repr(self, question):
        """Neither a password nor a hash nor a user, who holds one, is ever shown."""
        shown = repr(question)

        assert [] == [secret for secret in ("a password", "a hash", "a user") if secret in shown]

    def test_answers_are_values(self):
        """What a driver answers about a user or a password is compared by what it says."""
        expected = (UserFacts(1, ["a"]), PasswordCheck(matches=True, outdated=False))

        assert expected == (UserFacts(1, ["a"]), questions.PasswordCheck(matches=True, outdated=False))
