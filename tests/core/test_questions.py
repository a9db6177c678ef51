"""A question is a value that answers itself and shows no secret."""

from __future__ import annotations

import inspect
import types

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
    HashPassword,
    IdentifyUser,
    IncrementState,
    PasswordCheck,
    Question,
    ReadAccount,
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
    ReadAccount("a user"),
    CheckActive("a user"),
    CheckPassword("a password", "a hash"),
    HashPassword("a password"),
    RenewPassword("a user", "a password", "a hash"),
    GetState(("a", "b"), 5),
    CompareAndSetState("a", None, "b", 7, 5),
    IncrementState("a", 1, 7, 5),
    Emit(UserRevoked(at=5, identity="1")),
]


class TestAsk:
    def test_yields(self):
        """The runner receives the question itself."""
        question = FindUser("alice")

        assert question is next(ask(question))

    def test_returns(self):
        """The flow receives the answer itself."""
        answer = object()
        asking = ask(FindUser("alice"))
        next(asking)
        with pytest.raises(StopIteration) as done:
            asking.send(answer)

        assert answer is done.value.value

    def test_raises(self):
        """An error that the runner throws is raised at the question."""
        asking = ask(FindUser("alice"))
        next(asking)

        with pytest.raises(LookupError):
            asking.throw(LookupError())


class TestQuestion:
    def test_all_are_tested_here(self):
        """The list above is complete."""
        # Python 3.10 takes dict[str, object] for a class.
        members = [m for m in vars(questions).values() if inspect.isclass(m) and not isinstance(m, types.GenericAlias)]
        kinds = {kind for kind in members if issubclass(kind, Question) and not inspect.isabstract(kind)}

        assert kinds == {type(question) for question in QUESTIONS}

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
    def test_is_complete(self, question):
        """A question names its call and its valid answers, for the operator."""
        assert (str, str) == (type(question.what), type(question.valid_answer))

    def test_must_answer_itself(self):
        """A question without ``call`` cannot be created."""

        class Mute(Question[int]):
            pass

        with pytest.raises(TypeError, match="call"):
            Mute()

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
    def test_awaitable(self, question):
        """An awaitable is never a valid answer."""

        class Later:
            def __await__(self):
                return iter(())

        assert not question.is_valid(Later())

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
    def test_is_a_value(self, question):
        """Two questions about the same thing are equal, so a test can name the question that it expects."""
        assert question == attrs.evolve(question)

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
    def test_is_frozen(self, question):
        """A question cannot be changed."""
        name = attrs.fields(type(question))[0].name

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(question, name, None)

    def test_differs(self):
        """Questions about different things are not equal."""
        assert FindUser("alice") != FindUser("bob")

    @pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: type(question).__name__)
    def test_repr(self, question):
        """Neither a password nor a hash nor a user, who holds one, is in the text of a question."""
        shown = repr(question)

        assert [] == [secret for secret in ("a password", "a hash", "a user") if secret in shown]

    def test_answers_are_values(self):
        """Answers about a user or a password are compared by value."""
        expected = (UserFacts(1, ["a"]), PasswordCheck(matches=True, outdated=False))

        assert expected == (UserFacts(1, ["a"]), questions.PasswordCheck(matches=True, outdated=False))
