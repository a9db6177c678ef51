"""Both runners: how questions are answered, and how failed calls and invalid answers reject."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Awaitable

import attrs
import pytest
from tests.support import NOW, PASSWORD

from praetorian_core import errors
from praetorian_core.events import CallFailed, UserRevoked
from praetorian_core.executor import Executor
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
    ReadIdentity,
    ReadPassword,
    RenewPassword,
    UserFacts,
    ask,
)
from praetorian_core.runner import run_flow, run_flow_async
from praetorian_core.services import Services
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import MemoryUser, MemoryUsers, cheapest_hasher

HASHER = cheapest_hasher()
ALICE = MemoryUser(identity=1, username="alice", password=HASHER.hash(PASSWORD), rolenames=["admin"])
EVENT = UserRevoked(at=NOW, identity="1")


class _Later:
    """Awaitable, and no coroutine."""

    def __await__(self):
        return iter(())


class Replying:
    """Users and a store in one, whose every method replies the same, or raises it."""

    def __init__(self, reply=None):
        self.reply = reply

    def __call__(self, *args, **options):
        if isinstance(self.reply, BaseException):
            raise self.reply
        return self.reply

    @property
    def lookup(self):
        return self

    identify = get = compare_and_set = increment = lookup


def services(**others):
    """Return services in memory, with the given ones in their place, and the list of events."""
    heard = []
    given = {
        "users": MemoryUsers([ALICE]),
        "validation_method": "is_valid",
        "with_roles": True,
        "passwords": HASHER,
        "store": MemoryStore(),
        "save_password": lambda user, hashed: None,
        "on_event": heard.append,
        "hash_executor": HASHER.executor(),
        "store_executor": Executor("the store", threads=2, queue=2),
        "store_timeout": 2.0,
    }
    made = Services(**given | others)
    return made, heard


def run_async(flow, given, now):
    """Run a flow as an asyncio application would."""
    return asyncio.run(run_flow_async(flow, given, now))


@pytest.fixture(params=[run_flow, run_async], ids=["run_flow", "run_flow_async"])
def run(request):
    """Both runners: each fact holds for both."""
    return request.param


def answer_to(run, question, **others):
    """Return the answer to one question."""
    return run(ask(question), services(**others)[0], NOW)


def refusal_of(run, flow, given):
    """Return what a flow refused with."""
    with pytest.raises(errors.PraetorianError) as refusal:
        run(flow, given, NOW)
    return refusal.value


class TestBothRunners:
    def test_result(self, run):
        """What a flow returns is returned, and a flow need not ask anything."""

        def flow():
            return "done"
            yield

        assert "done" == run(flow(), services()[0], NOW)

    @pytest.mark.parametrize(
        ("question", "expected"),
        [
            (FindUser("alice"), ALICE),
            (FindUser("bob"), None),
            (IdentifyUser(1), ALICE),
            (ReadIdentity(ALICE), 1),
            (DescribeUser(ALICE), UserFacts(1, ["admin"])),
            (ReadPassword(ALICE), ALICE.password),
            (CheckActive(ALICE), True),
            (CheckActive(attrs.evolve(ALICE, valid=False)), False),
            (CheckPassword(PASSWORD, ALICE.password), PasswordCheck(matches=True, outdated=False)),
            (CheckPassword("wrong", ALICE.password), PasswordCheck(matches=False, outdated=False)),
            (GetState(("a", "b"), NOW), [None, None]),
            (CompareAndSetState("a", None, "x", NOW + 1, NOW), True),
            (CompareAndSetState("a", "y", "x", NOW + 1, NOW), False),
            (IncrementState("a", 3, NOW + 1, NOW), 3),
            (Emit(EVENT), None),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_answers(self, run, question, expected):
        """Each question is answered by its dependency."""
        assert expected == answer_to(run, question)

    def test_several(self, run):
        """Answers are sent back in the order of the questions, and the store remembers between them."""

        def flow():
            first = yield from ask(CompareAndSetState("a", None, "x", NOW + 1, NOW))
            second = yield from ask(GetState(("a",), NOW))
            return first, second

        assert (True, ["x"]) == run(flow(), services()[0], NOW)

    def test_roles_disabled(self, run):
        """Where roles are disabled a user needs no ``rolenames``, and they are not read."""

        class Plain:
            identity = 1

        assert UserFacts(1, None) == answer_to(run, DescribeUser(Plain()), with_roles=False)

    def test_renew(self, run):
        """A renewed password is saved with a hash of the configured cost, and the former hash."""
        saved = []
        answer_to(run, RenewPassword(ALICE, PASSWORD, ALICE.password), save_password=lambda *call: saved.append(call))
        ((user, hashed, former),) = saved

        assert (ALICE, True, ALICE.password) == (user, HASHER.verify(PASSWORD, hashed), former)

    def test_hash(self, run):
        """A new password is hashed with the configured cost, after the rules for new ones."""
        with pytest.raises(errors.WeakPasswordError):
            answer_to(run, HashPassword("short"))

        assert HASHER.verify(PASSWORD, answer_to(run, HashPassword(PASSWORD)))

    def test_announce(self, run):
        """An event goes to ``on_event`` as it is."""
        given, heard = services()
        run(ask(Emit(EVENT)), given, NOW)

        assert [EVENT] == heard

    def test_announce_fails(self, run, caplog):
        """What ``on_event`` raises is logged by its type alone, and changes nothing (ASVS 16.5.3)."""

        def sink(event):
            raise RuntimeError(PASSWORD)

        with caplog.at_level(logging.ERROR, logger="praetorian"):
            answer = answer_to(run, Emit(EVENT), on_event=sink)

        assert (None, ["on_event raised RuntimeError for UserRevoked"]) == (answer, caplog.messages)

    @pytest.mark.parametrize(
        ("question", "absent", "name"),
        [
            (FindUser("alice"), "users", "users"),
            (CheckPassword("x", None), "passwords", "passwords"),
            (RenewPassword(ALICE, PASSWORD, ALICE.password), "save_password", "save_password"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_absent(self, run, question, absent, name):
        """A question to an absent dependency is a configuration error that names the dependency."""
        error = refusal_of(run, ask(question), services(**{absent: None})[0])

        assert errors.ConfigurationError is type(error)
        assert f"this call needs {name}, and the guard has none; write " in str(error)

    @pytest.mark.parametrize(
        ("question", "what"),
        [
            (FindUser("alice"), "the user class's lookup"),
            (IdentifyUser(1), "the user class's identify"),
            (GetState(("a",), NOW), "the store's get"),
            (CompareAndSetState("a", None, "x", NOW + 1, NOW), "the store's compare_and_set"),
            (IncrementState("a", 1, NOW + 1, NOW), "the store's increment"),
            (RenewPassword(ALICE, PASSWORD, ALICE.password), "save_password"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_a_call_fails(self, run, question, what):
        """An exception of a call becomes a 503 that names the call and keeps the cause; it is reported once."""
        failure = RuntimeError(PASSWORD)
        failing = Replying(failure)
        given, heard = services(users=failing, store=failing, save_password=failing)
        error = refusal_of(run, ask(question), given)
        (event,) = heard

        assert (errors.ServiceUnavailableError, f"{what} raised RuntimeError", failure) == (
            type(error),
            str(error),
            error.__cause__,
        )
        assert (CallFailed, NOW, what, "RuntimeError") == (type(event), event.at, event.what, event.failure)
        assert event.where.startswith("test_runner.py:")

    @pytest.mark.parametrize("answer", [True, False])
    @pytest.mark.parametrize("question", [FindUser("alice"), IdentifyUser(1)], ids=lambda value: type(value).__name__)
    def test_no_user(self, run, question, answer):
        """A bool is no user: an application that returns False for None has made a mistake."""
        given, heard = services(users=Replying(answer))
        error = refusal_of(run, ask(question), given)

        assert (errors.ConfigurationError, []) == (type(error), heard)
        assert str(error).endswith("returned bool; expected a user or None")

    @pytest.mark.parametrize("call", [lambda: None, lambda a, b, c: None], ids=["none", "three"])
    def test_other_arguments(self, run, call):
        """A function that takes other arguments is a configuration error, not an outage."""
        users = MemoryUsers()
        users.lookup = call
        given, heard = services(users=users)
        error = refusal_of(run, ask(FindUser("alice")), given)

        assert (errors.ConfigurationError, []) == (type(error), heard)
        assert str(error).startswith("the user class's lookup cannot be called: ")

    def test_other_arguments_of_a_method(self, run):
        """So is a validation method that takes further arguments."""
        user = type("User", (), {"is_valid": lambda self, when: True})()

        assert errors.ConfigurationError is type(refusal_of(run, ask(CheckActive(user)), services()[0]))

    def test_a_type_error_inside(self, run):
        """The matching negative test: a ``TypeError`` from within the function is a failed call."""

        def lookup(username):
            return username + 1

        users = MemoryUsers()
        users.lookup = lookup

        assert errors.ServiceUnavailableError is type(refusal_of(run, ask(FindUser("alice")), services(users=users)[0]))

    @pytest.mark.parametrize("name", ["identity", "rolenames"])
    def test_an_attribute_fails(self, run, name):
        """An attribute that raises refuses: it is never read as "no roles" (ASVS 16.5.3)."""

        def broken(self):
            raise RuntimeError

        user = type("Broken", (), {"identity": 1, "rolenames": [], name: property(broken)})()

        assert errors.ServiceUnavailableError is type(refusal_of(run, ask(DescribeUser(user)), services()[0]))

    @pytest.mark.parametrize("name", ["identity", "rolenames", "password"])
    def test_an_attribute_is_missing(self, run, name):
        """A missing attribute is a configuration that cannot work: the user class and the attribute are named."""
        user = type("Partial", (), {key: 1 for key in ("identity", "rolenames", "password") if key != name})()
        question = ReadPassword(user) if name == "password" else DescribeUser(user)
        error = refusal_of(run, ask(question), services()[0])

        assert errors.ConfigurationError is type(error)
        assert f"Partial instances have no attribute {name!r}" in str(error)

    def test_stop_iteration(self, run):
        """A call that raises ``StopIteration`` (a bare ``next``) fails like any other, without waiting for ever."""
        error = refusal_of(run, ask(FindUser("alice")), services(users=Replying(StopIteration()))[0])

        assert "the user class's lookup raised" in str(error)

    def test_our_own_error(self, run):
        """An error of the core that a call raises passes unchanged, and no failure is reported."""
        failure = errors.InvalidUserError()
        given, heard = services(users=Replying(failure))

        assert (failure, []) == (refusal_of(run, ask(FindUser("alice")), given), heard)

    def test_our_own_unavailability(self, run):
        """A ``ServiceUnavailableError`` of a call is not wrapped, and is reported."""
        failure = errors.ServiceUnavailableError("full", retry_after=7)
        given, heard = services(users=Replying(failure))
        error = refusal_of(run, ask(FindUser("alice")), given)

        assert (failure, ["ServiceUnavailableError"]) == (error, [event.failure for event in heard])

    def test_the_flow_is_unavailable(self, run):
        """A ``ServiceUnavailableError`` of the flow itself is reported as well, once."""

        def flow():
            yield from ask(FindUser("alice"))
            raise errors.ServiceUnavailableError("the store holds rubbish")

        given, heard = services()
        refusal_of(run, flow(), given)

        assert ["the store holds rubbish"] == [event.what for event in heard]

    def test_the_flow_may_catch(self, run):
        """A flow may continue after a failure, which is reported all the same."""

        def flow():
            try:
                yield from ask(IdentifyUser(1))
            except errors.ServiceUnavailableError:
                return (yield from ask(IncrementState("a", 1, NOW + 1, NOW)))

        given, heard = services(users=Replying(RuntimeError()))

        assert (1, 1) == (run(flow(), given, NOW), len(heard))

    def test_the_flow_may_catch_and_end(self, run):
        """A flow may also take a failure for its last answer."""

        def flow():
            try:
                yield from ask(IdentifyUser(1))
            except errors.ServiceUnavailableError:
                return "went on"

        assert "went on" == run(flow(), services(users=Replying(RuntimeError()))[0], NOW)

    @pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, GeneratorExit])
    def test_base_exception(self, run, interruption):
        """What is not an ``Exception`` passes untouched: no flow can take it for a failed call."""
        seen = []

        def flow():
            try:
                yield from ask(FindUser("alice"))
            except Exception as error:  # noqa: BLE001
                seen.append(error)

        given, heard = services(users=Replying(interruption()))
        with pytest.raises(interruption):
            run(flow(), given, NOW)

        assert ([], []) == (seen, heard)

    @pytest.mark.parametrize(
        ("question", "answer"),
        [
            (GetState(("a",), NOW), None),
            (GetState(("a",), NOW), (None,)),
            (GetState(("a",), NOW), {"a": None}),
            (GetState(("a",), NOW), []),
            (GetState(("a",), NOW), [None, None]),
            (GetState(("a",), NOW), [b"x"]),
            (GetState(("a",), NOW), [1]),
            (CompareAndSetState("a", None, "x", NOW + 1, NOW), None),
            (CompareAndSetState("a", None, "x", NOW + 1, NOW), 1),
            (CompareAndSetState("a", None, "x", NOW + 1, NOW), "False"),
            (IncrementState("a", 1, NOW + 1, NOW), None),
            (IncrementState("a", 1, NOW + 1, NOW), True),
            (IncrementState("a", 1, NOW + 1, NOW), "1"),
            (IncrementState("a", 1, NOW + 1, NOW), 1.0),
        ],
        ids=repr,
    )
    def test_rubbish(self, run, question, answer):
        """A store that answers something of another shape has failed, whatever the shape might suggest."""
        given, heard = services(store=Replying(answer))
        error = refusal_of(run, ask(question), given)

        assert (errors.ServiceUnavailableError, 1) == (type(error), len(heard))
        assert f"returned {type(answer).__name__}; expected " in str(error)

    @pytest.mark.parametrize(
        ("question", "answer"),
        [
            (GetState(("a", "b"), NOW), [None, "x"]),
            (CompareAndSetState("a", None, "x", NOW + 1, NOW), True),
            (IncrementState("a", 1, NOW + 1, NOW), -1),
        ],
        ids=repr,
    )
    def test_good_answer(self, run, question, answer):
        """The nearest good answer of a store is taken as it is."""
        assert answer == answer_to(run, question, store=Replying(answer))


class TestValidity:
    @pytest.mark.parametrize("answer", [True, False, 1, 0, None], ids=repr)
    def test_yes_or_no(self, run, answer):
        """A validation method returns a bool, or what databases have for one: 1, 0 or None."""
        user = type("User", (), {"is_valid": lambda self: answer})()

        assert answer is answer_to(run, CheckActive(user))

    @pytest.mark.parametrize("answer", [2, -1, 1.0, "yes", "", [], object], ids=repr)
    @pytest.mark.parametrize("name", ["is_valid", "is_active"])
    def test_neither_yes_nor_no(self, run, answer, name):
        """Any other answer is a configuration error that names the method, not an outage."""
        user = type("Sloppy", (), {name: lambda self: answer})()
        given, heard = services(validation_method=name)
        error = refusal_of(run, ask(CheckActive(user)), given)

        assert (
            errors.ConfigurationError,
            f"Sloppy.{name} returned {type(answer).__name__}; expected True or False",
            [],
        ) == (type(error), str(error), heard)

    def test_no_method(self, run):
        """A user without a validation method may act."""
        assert True is answer_to(run, CheckActive(object()))

    def test_other_name(self, run):
        """The setting names the method, and no other is asked."""
        user = type("Named", (), {"is_valid": lambda self: False, "is_active": lambda self: True})()

        assert True is answer_to(run, CheckActive(user), validation_method="is_active")

    def test_raises(self, run):
        """A validation method that raises refuses."""
        user = type("Failing", (), {"is_valid": Replying(RuntimeError())})()

        assert errors.ServiceUnavailableError is type(refusal_of(run, ask(CheckActive(user)), services()[0]))

    def test_no_such_attribute_inside(self, run):
        """A property that fails with an ``AttributeError`` of its own is not "no method", which would admit."""

        class Lazy:
            @property
            def is_valid(self):
                return self.session.is_open

        error = refusal_of(run, ask(CheckActive(Lazy())), services()[0])

        assert (errors.ServiceUnavailableError, AttributeError) == (type(error), type(error.__cause__))

    @pytest.mark.parametrize("value", [True, False, "yes"], ids=repr)
    def test_not_a_method(self, run, value):
        """An attribute in the place of the method is refused with what to write, whatever its truth."""
        user = type("Flagged", (), {"is_valid": value})()
        error = refusal_of(run, ask(CheckActive(user)), services()[0])

        assert (
            errors.ConfigurationError,
            f"Flagged.is_valid is {type(value).__name__}; write: def is_valid(self) -> bool",
        ) == (
            type(error),
            str(error),
        )


class TestRunFlow:
    @pytest.mark.parametrize(
        ("question", "what"),
        [
            (FindUser("alice"), "the user class's lookup"),
            (GetState(("a",), NOW), "the store's get"),
            (CheckActive(type("Slow", (), {"is_valid": Replying(_Later())})()), "the user's validation method"),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_awaitable(self, question, what):
        """An answer that has to be awaited is none, and never taken for a user or a yes."""
        later = Replying(_Later())
        error = refusal_of(run_flow, ask(question), services(users=later, store=later)[0])

        assert (
            errors.ConfigurationError,
            f"{what} returned an awaitable; with async methods write AsyncGuard instead of Guard",
        ) == (
            type(error),
            str(error),
        )

    def test_coroutine(self, recwarn):
        """A coroutine is refused and closed, so no "was never awaited" appears at some later moment."""

        async def lookup(username):
            return ALICE

        users = MemoryUsers()
        users.lookup = lookup
        error = refusal_of(run_flow, ask(FindUser("alice")), services(users=users)[0])

        assert (errors.ConfigurationError, 0) == (type(error), len(recwarn))

    def test_context(self):
        """The calls are made in the caller's own thread."""
        users = MemoryUsers()
        users.lookup = lambda username: threading.get_ident()

        assert threading.get_ident() == answer_to(run_flow, FindUser("alice"), users=users)


class TestRunFlowAsync:
    def test_coroutine_function(self):
        """A coroutine function is awaited in the loop's own thread."""
        users = MemoryUsers()

        async def lookup(username):
            return threading.get_ident()

        users.lookup = lookup

        assert threading.get_ident() == answer_to(run_async, FindUser("alice"), users=users)

    def test_plain_function(self):
        """A plain function runs in another thread than the loop's, which goes on serving."""
        users = MemoryUsers()
        users.lookup = lambda username: threading.get_ident()

        assert threading.get_ident() != answer_to(run_async, FindUser("alice"), users=users)

    def test_plain_function_of_a_coroutine(self):
        """A plain function that returns an awaitable is called in a thread and its result awaited."""
        users = MemoryUsers()

        async def found():
            return ALICE

        users.lookup = lambda username: found()

        assert ALICE is answer_to(run_async, FindUser("alice"), users=users)

    @pytest.mark.parametrize(
        "question", [DescribeUser(None), ReadPassword(None), CheckActive(None)], ids=lambda value: type(value).__name__
    )
    def test_attributes(self, question):
        """A user's attributes are read in a thread too: an ORM may load them just then."""
        threads = []

        def read(self):
            threads.append(threading.get_ident())
            return lambda: True

        user = type("Lazy", (), dict.fromkeys(("identity", "rolenames", "password", "is_valid"), property(read)))()
        answer_to(run_async, attrs.evolve(question, user=user))

        assert threading.get_ident() not in threads
        assert threads

    def test_context_variables(self):
        """A plain function in a thread sees the caller's context variables."""
        request = contextvars.ContextVar("request")
        users = MemoryUsers()
        users.lookup = lambda username: request.get()

        async def main():
            request.set("this one")
            return await run_flow_async(ask(FindUser("alice")), services(users=users)[0], NOW)

        assert "this one" == asyncio.run(main())

    def test_validity(self):
        """A validation method may be a coroutine."""

        class Slow:
            async def is_valid(self):
                return True

        assert True is answer_to(run_async, CheckActive(Slow()))

    def test_awaited_rubbish(self):
        """What an awaited store answers is checked as well."""

        async def get(*keys, now):
            return [1]

        store = MemoryStore()
        late = type(
            "Late",
            (),
            {"get": staticmethod(get), "compare_and_set": store.compare_and_set, "increment": store.increment},
        )

        assert errors.ServiceUnavailableError is type(
            refusal_of(run_async, ask(GetState(("a",), NOW)), services(store=late)[0])
        )

    def test_coroutine_fails(self):
        """What a coroutine raises refuses like what a function raises."""
        users = MemoryUsers()

        async def lookup(username):
            raise RuntimeError

        users.lookup = lookup

        assert errors.ServiceUnavailableError is type(
            refusal_of(run_async, ask(FindUser("alice")), services(users=users)[0])
        )

    def test_cancelled(self):
        """A task that is cancelled is cancelled: the flow is closed at its question, and nothing is reported."""
        ended = []

        def flow():
            try:
                yield from ask(FindUser("alice"))
            except Exception as error:  # noqa: BLE001
                ended.append(error)
            finally:
                ended.append("closed")

        async def main():
            asked = asyncio.Event()

            async def lookup(username):
                asked.set()
                await asyncio.Event().wait()

            users = MemoryUsers()
            users.lookup = lookup
            given, heard = services(users=users)
            task = asyncio.create_task(run_flow_async(flow(), given, NOW))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as cancelled:
                await task
            # At once, and not when the garbage is collected: the traceback still holds the flow.
            return heard, list(ended), cancelled.value.__traceback__ is not None

        assert ([], ["closed"], True) == asyncio.run(main())

    def test_awaitables_are_recognized(self):
        """The fake above is awaitable without being a coroutine, so both ways are tested."""
        assert isinstance(_Later(), Awaitable)
