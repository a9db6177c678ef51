"""The front door under asyncio: the same outcomes as ``Guard``, and a loop that is never held up."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import attrs
import pytest
from tests.support import (
    ACCESS,
    HASHED,
    NOW,
    PASSWORD,
    REFRESH,
    RING,
    AsyncMemoryStore,
    AsyncUsers,
    authorization,
    bearer,
)

from praetorian_core import errors
from praetorian_core.async_guard import AsyncGuard
from praetorian_core.events import CallFailed, Event, TokenRefused
from praetorian_core.guard import Guard
from praetorian_core.login import LoginThrottle
from praetorian_core.policy import any_role, authenticated_within
from praetorian_core.principal import Principal
from praetorian_core.session import IssuedSession
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher

OUTDATED = cheapest_hasher(time_cost=2).hash(PASSWORD)


class AsyncUser(MemoryUser):
    """A user whose validation method is a coroutine."""

    async def is_valid(self):
        await asyncio.sleep(0)
        return self.valid


class World:
    """A guard of either kind with its dependencies, and a log of all outcomes."""

    def __init__(self, kind, *, users=None, user=MemoryUser, store=None, save_password=None, **settings):
        self.clock = FrozenClock(NOW)
        self.hasher = cheapest_hasher()
        self.alice = user(identity=1, username="alice", password=HASHED, rolenames=["admin"])
        self.users = (users or MemoryUsers)([self.alice])
        self.heard: list[Event] = []
        self.saved = []
        self.guard = kind(
            self.users,
            Settings(keys=RING, access_lifespan=ACCESS, refresh_lifespan=REFRESH, **settings),
            store=store,
            throttle=LoginThrottle(per_account=4, per_account_and_source=3),
            passwords=self.hasher,
            clock=self.clock,
            on_event=self.heard.append,
            save_password=save_password and save_password(self.saved),
        )
        self.outcomes = []

    async def call(self, name, *args, **options):
        """Call a method of the guard, note what came of it, and return that."""
        try:
            result = getattr(self.guard, name)(*args, **options)
            if isinstance(self.guard, AsyncGuard):
                result = await result
        except errors.PraetorianError as error:
            self.outcomes.append((name, type(error), str(error)))
            return None
        self.outcomes.append((name, self.shown(result)))
        return result

    def shown(self, result):
        """Return a result without what is random in it."""
        if isinstance(result, str) and result.count(".") == 2:
            claims = self.guard._codec.decode(result, self.clock.now)
            return type(claims), self.shown(getattr(claims, "principal", None)), getattr(claims, "generation", None)
        if isinstance(result, str):
            return "a hash" if result.startswith("$argon2id$") else result
        if isinstance(result, list):
            return [attrs.evolve(session, session_id="random") for session in result]
        if isinstance(result, IssuedSession):
            return self.shown(result.token), self.shown(result.principal)
        if isinstance(result, Principal):
            return (
                result.identity,
                result.roles,
                dict(result.claims),
                result.issued_at,
                result.access_expires_at,
                result.refresh_expires_at,
                result.authenticated_at,
            )
        return getattr(result, "username", result)


def sync_saving(saved):
    """Return a ``save_password`` that is a function."""

    def save_password(user, hashed):
        saved.append((user.username, hashed[:20]))

    return save_password


def async_saving(saved):
    """Return a ``save_password`` that is a coroutine function."""

    async def save_password(user, hashed):
        await asyncio.sleep(0)
        saved.append((user.username, hashed[:20]))

    return save_password


def failing_saving(saved):
    """Return a ``save_password`` that fails."""

    def save_password(user, hashed):
        raise OSError

    return save_password


async def login(world):
    """Log in, well and badly, up to the throttle and beyond it."""
    await world.call("authenticate", "alice", PASSWORD)
    await world.call("authenticate", "alice", "wrong")
    await world.call("authenticate", "nobody", PASSWORD)
    await world.call("authenticate", None, None)
    world.alice.valid = False
    await world.call("authenticate", "alice", PASSWORD)
    world.alice.valid = True
    world.alice.password = "spoiled"
    await world.call("authenticate", "alice", PASSWORD)
    world.alice.password = OUTDATED
    await world.call("authenticate", "alice", PASSWORD, source="8.8.8.8")
    for _ in range(4):
        await world.call("authenticate", "alice", "wrong", source="8.8.8.8")
    for _ in range(3):
        await world.call("authenticate", "alice", "wrong")
    return world.hasher.computations


async def passwords(world):
    """Hash and verify passwords."""
    hashed = await world.call("hash_password", PASSWORD)
    await world.call("verify_password", PASSWORD, hashed)
    await world.call("verify_password", "wrong", hashed)
    await world.call("verify_password", PASSWORD, None)
    await world.call("hash_password", "short")


async def lifecycle(world):
    """Walk a session from its beginning to its end."""
    token = await world.call("issue", world.alice, plan="gold")
    for now in (NOW, NOW + ACCESS - 1, NOW + ACCESS):
        world.clock.now = now
        await world.call("verify", token)
        await world.call("admit", bearer(token), any_role("admin"))
        await world.call("refresh", token)
    world.alice.rolenames = ["guest"]
    fresh = await world.call("refresh", token, access_lifespan="1 minute")
    principal = await world.call("verify", fresh)
    await world.call("load_user", principal)
    await world.call("admit", bearer(fresh), any_role("admin"))
    world.clock.tick(60)
    await world.call("refresh", token)
    await world.call("refresh", fresh)
    world.clock.now = NOW + REFRESH
    await world.call("verify", fresh)
    await world.call("refresh", fresh)


async def confirmations(world):
    """Confirm the password, well and badly, up to the throttle."""
    token = await world.call("issue", world.alice, plan="gold")
    world.clock.tick(300)
    await world.call("admit", bearer(token), authenticated_within(300))
    await world.call("confirm", token, "wrong", source="8.8.8.8")
    fresh = await world.call("confirm", token, PASSWORD, source="8.8.8.8", access_lifespan="1 minute")
    await world.call("admit", bearer(fresh), authenticated_within(300))
    world.clock.tick(60)
    world.alice.valid = False
    await world.call("confirm", fresh, PASSWORD)
    world.alice.valid = True
    for _ in range(5):
        await world.call("confirm", fresh, "wrong")
    await world.call("confirm", fresh, PASSWORD)
    await world.call("confirm", token, PASSWORD)
    await world.call("confirm", None, PASSWORD)
    world.clock.now = NOW + REFRESH
    await world.call("confirm", fresh, PASSWORD)


async def users(world):
    """Do without a user, with a disabled one, and with a broken one."""
    token = await world.call("issue", world.alice)
    principal = await world.call("verify", token)
    world.clock.tick(ACCESS)
    world.alice.valid = False
    await world.call("issue", world.alice)
    await world.call("refresh", token)
    await world.call("load_user", principal)
    world.alice.valid = None
    await world.call("refresh", token)
    world.alice.valid = True
    world.alice.rolenames = "admin"
    await world.call("refresh", token)
    world.users.remove(world.alice)
    await world.call("refresh", token)
    await world.call("load_user", principal)
    await world.call("issue", None)


async def requests(world):
    """Show tokens badly."""
    for view in (
        authorization(),
        authorization("Basic eA=="),
        authorization("Bearer"),
        authorization("Bearer a", "Bearer b"),
        authorization("Bearer junk"),
    ):
        await world.call("admit", view)
        await world.call("admit_optional", view)
    for token in (None, "", "a.b.c"):
        await world.call("verify", token)
        await world.call("refresh", token)
        await world.call("revoke", token)
        await world.call("redeem_action", token, "reset")


async def ending(world):
    """End one session and all of them."""
    one, other = await world.call("issue", world.alice), await world.call("issue", world.alice)
    await world.call("revoke", one)
    await world.call("revoke", one)
    await world.call("verify", one)
    await world.call("verify", other)
    await world.call("revoke_user", 1)
    await world.call("revoke_user", None)
    await world.call("verify", other)
    await world.call("verify", await world.call("issue", world.alice))


async def listing(world):
    """List sessions, end one of them, and all others; reach the limit."""
    kept = await world.call("issue_session", world.alice, label="laptop", plan="gold")
    session_id = kept.session_id if kept else "abc"
    world.clock.tick(1)
    for label in ("phone\n", b"tablet", None):
        await world.call("issue", world.alice, label=label)
    await world.call("sessions", 1, current=session_id)
    await world.call("sessions", None)
    await world.call("revoke_session", 1, "unknown")
    await world.call("revoke_user", 1, keep=session_id)
    await world.call("revoke_user", 1, keep=5)
    if kept:
        await world.call("verify", kept.token)
    await world.call("sessions", 1, current=session_id)
    await world.call("revoke_session", 1, session_id)
    await world.call("sessions", 1)


async def actions(world):
    """Redeem action tokens, once and again, well and badly."""
    confirm = await world.call("issue_action", world.alice, "confirm", note="x")
    reset = await world.call("issue_action", world.alice, "reset", lifespan="1 minute")
    await world.call("verify", confirm)
    await world.call("redeem_action", confirm, "reset")
    for once in (False, True, True):
        await world.call("redeem_action", confirm, "confirm", once=once)
    world.alice.password = OUTDATED
    await world.call("redeem_action", reset, "reset")
    world.clock.tick(60)
    await world.call("redeem_action", reset, "reset")
    await world.call("issue_action", None, "reset")
    await world.call("issue_action", world.alice, "")


async def connections(world):
    """Open connections with tickets, prolong and end them."""
    token = await world.call("issue", world.alice, team="red")
    principal = world.guard.verify(token)
    if inspect.isawaitable(principal):
        principal = await principal
    ticket = await world.call("issue_ticket", principal)
    await world.call("verify", ticket)
    await world.call("redeem_ticket", token)
    await world.call("redeem_ticket", ticket)
    await world.call("redeem_ticket", ticket)
    await world.call("recheck", principal)
    await world.call("recheck", token)
    await world.call("admit_token", token)
    await world.call("admit_token", token, any_role("root"))
    await world.call("admit_token", token, instead_of=principal)
    await world.call("revoke", token)
    await world.call("recheck", principal)
    world.clock.tick(ACCESS)
    await world.call("recheck", principal)
    await world.call("issue_ticket", principal)


async def failures(world):
    """Let the users fail."""
    token = await world.call("issue", world.alice)
    world.clock.tick(ACCESS)

    def fail(*args):
        raise OSError

    world.users.lookup = world.users.identify = fail
    await world.call("authenticate", "alice", PASSWORD)
    await world.call("refresh", token)


SCENARIOS = [
    login,
    passwords,
    lifecycle,
    confirmations,
    users,
    requests,
    ending,
    listing,
    actions,
    connections,
    failures,
]
STORES = {"no store": lambda: None, "sync store": MemoryStore, "async store": AsyncMemoryStore}
USERS = {
    "sync users": {},
    "async users": {"users": AsyncUsers},
    "all async users": {"users": AsyncUsers, "user": AsyncUser},
}
SAVINGS = {"sync": sync_saving, "async": async_saving, "failing": failing_saving, "none": None}


def facts_of(world):
    """Return all that came of a scenario."""
    events = [
        (type(event), event.at, getattr(event, "code", None), getattr(event, "what", None)) for event in world.heard
    ]
    return world.outcomes, events, world.saved, world.hasher.computations


class TestParity:
    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda value: value.__name__)
    @pytest.mark.parametrize("store", STORES)
    @pytest.mark.parametrize("kinds", USERS)
    def test_same(self, scenario, store, kinds):
        """Every scenario comes out as with ``Guard``, events and number of hashes included, whichever methods are coroutines."""
        expected = World(Guard, store=STORES["no store" if store == "no store" else "sync store"]())
        asyncio.run(scenario(expected))
        actual = World(AsyncGuard, store=STORES[store](), **USERS[kinds])
        asyncio.run(scenario(actual))

        assert facts_of(expected) == facts_of(actual)
        assert expected.outcomes

    @pytest.mark.parametrize("saving", SAVINGS)
    def test_renewal(self, saving):
        """A password is renewed alike, whether saving is a coroutine, a function, fails or is not there."""
        expected = World(Guard, save_password=SAVINGS["sync" if saving == "async" else saving])
        asyncio.run(login(expected))
        actual = World(AsyncGuard, save_password=SAVINGS[saving])
        asyncio.run(login(actual))

        assert facts_of(expected) == facts_of(actual)
        assert (saving in {"sync", "async"}) is bool(actual.saved)

    def test_same_methods(self):
        """Both guards have the same methods with the same parameters; those that may wait are coroutines.

        ``close`` is named ``aclose`` under asyncio, as in the standard library.
        """
        plain = dict(inspect.getmembers(Guard, inspect.isfunction))
        public = {name for name in plain if not name.startswith("_")} - {"close"}
        waits = {name for name in public if inspect.iscoroutinefunction(getattr(AsyncGuard, name))}

        assert {"find_token", "token_cookies", "cleared_cookies"} == public - waits
        assert inspect.iscoroutinefunction(AsyncGuard.aclose)
        assert [] == [
            name
            for name in public
            if inspect.signature(plain[name]).parameters != inspect.signature(getattr(AsyncGuard, name)).parameters
        ]


class TestLoop:
    def watched(self, **options):
        """Return an ``AsyncGuard`` of plain dependencies, and which threads each of them ran in."""
        threads = {}

        def noting(name, call):
            def noted(*args, **given):
                threads.setdefault(name, set()).add(threading.get_ident())
                return call(*args, **given)

            return noted

        class User:
            identity = property(noting("identity", lambda self: 1))
            password = property(noting("password", lambda self: OUTDATED))
            rolenames = property(noting("rolenames", lambda self: ["admin"]))
            is_valid = noting("is_valid", lambda self: True)
            username = "alice"

        user = User()
        users = type("Users", (), {})()
        users.lookup = noting("lookup", lambda username: user)
        users.identify = noting("identify", lambda identity: user)
        store, inner = type("Store", (), {})(), MemoryStore()
        for verb in ("get", "compare_and_set", "increment"):
            setattr(store, verb, noting(verb, getattr(inner, verb)))
        hasher = cheapest_hasher()
        hasher._argon2 = noting("argon2", hasher._argon2)
        clock = FrozenClock(NOW)
        guard = AsyncGuard(
            users,
            Settings(keys=RING, access_lifespan=ACCESS),
            store=store,
            passwords=hasher,
            clock=clock,
            on_event=lambda event: None,
            save_password=noting("save_password", lambda user, hashed: None),
            **options,
        )
        return guard, clock, threads

    def test_never_held_up(self):
        """No hash, no look-up, no attribute, no store call and no callback runs in the loop's thread."""
        guard, clock, threads = self.watched()

        async def main():
            user = await guard.authenticate("alice", PASSWORD, source="8.8.8.8")
            token = await guard.issue(user)
            await guard.admit(bearer(token))
            clock.tick(ACCESS)
            token = await guard.refresh(token)
            token = await guard.confirm(token, PASSWORD, source="8.8.8.8")
            await guard.revoke(token)
            await guard.revoke_user(1)
            await guard.redeem_action(await guard.issue_action(user, "reset"), "reset")
            await guard.verify_password(PASSWORD, await guard.hash_password(PASSWORD))
            return threading.get_ident()

        loop = asyncio.run(main())
        dependencies = {
            "identity",
            "password",
            "rolenames",
            "is_valid",
            "lookup",
            "identify",
            "get",
            "compare_and_set",
            "increment",
        }

        assert dependencies | {"argon2", "save_password"} == set(threads)
        assert {} == {name: ran_in for name, ran_in in threads.items() if loop in ran_in}

    def test_access_without_store(self):
        """A check on access without a store waits for nothing: no thread, no turn of the loop."""
        world = World(AsyncGuard)

        async def main():
            token = await world.guard.issue(world.alice)
            waiting = world.guard.verify(token)
            # A coroutine that never waits ends at its first step.
            with pytest.raises(StopIteration) as done:
                waiting.send(None)
            return done.value.value.identity

        assert 1 == asyncio.run(main())

    def test_context_variables(self):
        """A plain callback in a thread sees the request's context variables."""
        request = contextvars.ContextVar("request")
        world = World(AsyncGuard)
        seen = []
        find = world.users.lookup
        world.users.lookup = lambda username: seen.append(request.get()) or find(username)

        async def one(number):
            request.set(number)
            await world.guard.authenticate("alice", PASSWORD)

        async def main():
            await asyncio.gather(*(one(number) for number in range(3)))

        asyncio.run(main())

        assert [0, 1, 2] == sorted(seen)

    def test_many_at_once(self):
        """Logins side by side on one loop come out one by one as they should."""
        world = World(AsyncGuard, store=AsyncMemoryStore())

        async def main():
            return await asyncio.gather(*(world.guard.authenticate("alice", PASSWORD) for _ in range(4)))

        assert [world.alice] * 4 == asyncio.run(main())

    def test_guesses_at_once(self):
        """Guesses side by side compute no more hashes than the throttle allows."""
        world = World(AsyncGuard, store=AsyncMemoryStore())
        before = world.hasher.computations

        async def main():
            guesses = (world.guard.authenticate("alice", "wrong") for _ in range(30))
            return await asyncio.gather(*guesses, return_exceptions=True)

        outcomes = asyncio.run(main())

        assert (4, 4) == (
            world.hasher.computations - before,
            sum(isinstance(outcome, errors.AuthenticationError) for outcome in outcomes),
        )

    def test_refreshes_at_once(self):
        """Refreshes side by side of one token make tokens of one generation, and none counts as a reuse."""
        world = World(AsyncGuard, store=AsyncMemoryStore())

        async def main():
            token = await world.guard.issue(world.alice)
            world.clock.tick(ACCESS)
            fresh = await asyncio.gather(*(world.guard.refresh(token) for _ in range(10)))
            return {world.guard._codec.decode(each, world.clock.now).generation for each in fresh}

        assert {1} == asyncio.run(main())

    def test_confirmations_at_once(self):
        """Confirmations side by side make tokens of one generation, and are throttled like logins."""
        world = World(AsyncGuard, store=AsyncMemoryStore())

        async def main():
            token = await world.guard.issue(world.alice)
            fresh = await asyncio.gather(*(world.guard.confirm(token, PASSWORD) for _ in range(4)))
            guesses = (world.guard.confirm(fresh[0], "wrong") for _ in range(30))
            return fresh, await asyncio.gather(*guesses, return_exceptions=True)

        fresh, guesses = asyncio.run(main())

        assert {1} == {world.guard._codec.decode(each, NOW).generation for each in fresh}
        assert (4, 26) == tuple(
            sum(type(guess) is kind for guess in guesses)
            for kind in (errors.AuthenticationError, errors.LoginThrottledError)
        )

    @pytest.mark.parametrize(("most", "expected"), [(None, 30), (3, 3)], ids=["no limit", "limit"])
    def test_logins_at_once(self, most, expected):
        """Logins side by side are all listed, and never more than the limit stay valid."""
        world = World(AsyncGuard, store=AsyncMemoryStore(), max_sessions=most)

        async def main():
            made = await asyncio.gather(*(world.guard.issue_session(world.alice) for _ in range(30)))
            checks = await asyncio.gather(*(world.guard.verify(each.token) for each in made), return_exceptions=True)
            valid = {each.session_id for each in checks if isinstance(each, Principal)}
            return valid, {each.session_id for each in await world.guard.sessions(1)}

        valid, listed = asyncio.run(main())

        assert (expected, valid) == (len(valid), listed)

    def test_redemptions_at_once(self):
        """Of redemptions side by side one succeeds (ASVS 15.4.2)."""
        world = World(AsyncGuard, store=AsyncMemoryStore())

        async def main():
            token = await world.guard.issue_action(world.alice, "confirm")
            calls = (world.guard.redeem_action(token, "confirm") for _ in range(10))
            return await asyncio.gather(*calls, return_exceptions=True)

        assert 1 == sum(outcome is world.alice for outcome in asyncio.run(main()))


class TestCancelled:
    def test_while_hashing(self):
        """A login that is cancelled while it hashes is cancelled; the hash ends in its thread and frees its slot."""
        world = World(AsyncGuard)
        hasher = cheapest_hasher(max_concurrent=1)
        world.guard = AsyncGuard(world.users, world.guard.settings, passwords=hasher, clock=world.clock)
        begun, go_on = threading.Event(), threading.Event()
        compute = hasher._argon2

        def slowly(*args, **options):
            begun.set()
            go_on.wait(10)
            return compute(*args, **options)

        async def main():
            hasher._argon2 = slowly
            task = asyncio.create_task(world.guard.authenticate("alice", PASSWORD))
            await asyncio.to_thread(begun.wait, 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            hasher._argon2 = compute
            # Its slot is taken as long as it computes: a cancelled login is no way to more hashes than slots.
            taken = len(hasher._queue._active)
            go_on.set()
            return taken, await world.guard.authenticate("alice", PASSWORD), len(hasher._queue._active)

        assert (1, world.alice, 0) == asyncio.run(main())

    @pytest.mark.parametrize("name", ["lookup", "get"])
    def test_while_waiting(self, name):
        """A call that is cancelled while it waits for users or store grants nothing and emits nothing."""
        waiting = asyncio.Event()

        async def never(*args, **options):
            waiting.set()
            await asyncio.Event().wait()

        store = AsyncMemoryStore()
        world = World(AsyncGuard, users=AsyncUsers, store=store)

        async def main():
            token = await world.guard.issue(world.alice)
            setattr(world.users if name == "lookup" else store, name, never)
            call = world.guard.verify(token) if name == "get" else world.guard.authenticate("alice", PASSWORD)
            task = asyncio.create_task(call)
            await waiting.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())

        assert [] == world.heard

    def test_timeout(self):
        """A hung store is cut by the application's own time-out (ASVS 13.1.3)."""

        async def never(*args, **options):
            await asyncio.Event().wait()

        store = AsyncMemoryStore()
        world = World(AsyncGuard, store=store)

        async def main():
            token = await world.guard.issue(world.alice)
            store.get = never
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(world.guard.verify(token), 0.01)

        asyncio.run(main())


class TestAsyncGuard:
    def test_failing_coroutines(self):
        """An exception of a coroutine becomes a 503 with its cause, and is reported once."""
        failure = OSError("canary")

        async def fail(*args, **options):
            raise failure

        store = AsyncMemoryStore()
        world = World(AsyncGuard, users=AsyncUsers, store=store)

        async def main():
            token = await world.guard.issue(world.alice)
            store.get = fail
            with pytest.raises(errors.ServiceUnavailableError) as refusal:
                await world.guard.verify(token)
            return refusal.value

        error = asyncio.run(main())

        assert (failure, [CallFailed]) == (error.__cause__, [type(event) for event in world.heard])

    def test_passwords(self):
        """Hashing is awaited, and obeys the same rules."""
        world = World(AsyncGuard)

        async def main():
            hashed = await world.guard.hash_password(PASSWORD)
            with pytest.raises(errors.WeakPasswordError):
                await world.guard.hash_password("short")
            return await world.guard.verify_password(PASSWORD, hashed), await world.guard.verify_password("x", hashed)

        assert (True, False) == asyncio.run(main())

    def test_without_users(self):
        """``AsyncGuard(None, …)`` verifies and revokes; other calls name what is missing."""
        store = MemoryStore()
        signer = World(Guard, store=store)
        guard = AsyncGuard(None, Settings(keys=RING), store=store, clock=signer.clock)
        token = signer.guard.issue(signer.alice)

        async def main():
            principal = await guard.verify(token)
            await guard.revoke(token)
            with pytest.raises(errors.RevokedTokenError):
                await guard.verify(token)
            with pytest.raises(
                errors.ConfigurationError, match=r"refresh needs users.*write AsyncGuard\(User, settings\)"
            ):
                await guard.refresh(token)
            with pytest.raises(errors.ConfigurationError, match="hash_password needs passwords"):
                await guard.hash_password(PASSWORD)
            return principal.identity

        assert 1 == asyncio.run(main())

    def test_optional(self):
        """Without a token, ``admit`` rejects with an event and ``admit_optional`` returns None."""
        world = World(AsyncGuard)

        async def main():
            with pytest.raises(errors.MissingTokenError):
                await world.guard.admit(authorization())
            return await world.guard.admit_optional(authorization())

        assert (None, [TokenRefused]) == (asyncio.run(main()), [type(event) for event in world.heard])

    def test_default_sink(self, caplog):
        """Left out, ``on_event`` writes to the logger ``praetorian`` here too."""
        world = World(AsyncGuard)
        guard = AsyncGuard(world.users, world.guard.settings, passwords=world.hasher, clock=world.clock)
        with caplog.at_level("INFO", logger="praetorian"):
            asyncio.run(guard.authenticate("alice", PASSWORD))

        assert f"LoginSucceeded at={NOW} identity='1' source=None" in caplog.messages

    def test_repr(self):
        """Its text says which kind it is, and no secret."""
        assert repr(World(AsyncGuard).guard).startswith("<AsyncGuard KeyRing(")

    def test_actions(self):
        """An action token is read, and a password reset, as by a ``Guard``; a rejected token costs no hash."""
        world = World(AsyncGuard)

        async def main():
            guard = world.guard
            confirm = await guard.issue_action(world.alice, "confirm", email="a@example.org")
            action = await guard.read_action(confirm, "confirm")
            reset = await guard.issue_action(world.alice, "reset")
            before = world.hasher.computations
            with pytest.raises(errors.TokenError):
                await guard.reset_password("junk", "a new password")
            hashes = world.hasher.computations - before
            user, hashed = await guard.reset_password(reset, "a new password")
            return action.user, action.claims, hashes, user, await guard.verify_password("a new password", hashed)

        assert (world.alice, {"email": "a@example.org"}, 0, world.alice, True) == asyncio.run(main())


class TestAfterThreadCall:
    """``after_thread_call``, for thread-local state such as a SQLAlchemy session."""

    def run(self, users, use, **options):
        """Run a coroutine function on a guard; return what was called, each with its thread."""
        seen = []

        def note(name):
            seen.append((name, threading.get_ident()))

        guard = AsyncGuard(
            users(note), Settings(keys=RING), clock=FrozenClock(NOW), after_thread_call=lambda: note("after"), **options
        )

        async def main():
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
            with suppress(errors.PraetorianError):
                await use(guard)

        asyncio.run(main())
        return seen

    def test_follows_each_call_in_its_thread(self):
        """After every plain method of the user class the function is called in the same thread."""

        class Users(MemoryUsers):
            def __init__(self, note):
                super().__init__([MemoryUser(identity=1, username="alice", password=HASHED)])
                self.note = note

            def lookup(self, username):
                self.note("lookup")
                return super().lookup(username)

        seen = self.run(Users, lambda guard: guard.authenticate("alice", PASSWORD), passwords=cheapest_hasher())
        names = [name for name, _ in seen]

        assert ["lookup", "after"] == names[:2]
        assert "after" == names[-1]
        assert 1 == len({thread for _, thread in seen})
        assert threading.get_ident() != seen[0][1]

    def test_follows_a_call_that_raises(self):
        """The function is called after a failed call as well."""

        class Users(MemoryUsers):
            def __init__(self, note):
                super().__init__()
                self.note = note

            def lookup(self, username):
                self.note("lookup")
                raise OSError

        seen = self.run(Users, lambda guard: guard.authenticate("alice", PASSWORD), passwords=cheapest_hasher())

        assert ["lookup", "after"] == [name for name, _ in seen][:2]

    def test_is_not_called_for_coroutines(self):
        """Coroutine methods run on the event loop, where no thread has to be cleaned up."""

        class Users(AsyncUsers):
            def __init__(self, note):
                super().__init__([AsyncUser(identity=1, username="alice", password=HASHED)])
                self.note = note

            async def lookup(self, username):
                self.note("lookup")
                return await super().lookup(username)

        seen = self.run(Users, lambda guard: guard.authenticate("nobody", PASSWORD), passwords=cheapest_hasher())

        # Reading attributes and asking for validity are plain calls, made for unknown names too.
        assert ["lookup", "after", "after"] == [name for name, _ in seen]
        assert threading.get_ident() == seen[0][1]

    def test_failure_rejects_the_request(self):
        """A function that raises leaves the thread in an unknown state, so the call counts as failed."""

        def fail():
            raise OSError

        users = MemoryUsers([MemoryUser(identity=1, username="alice", password=HASHED)])
        guard = AsyncGuard(users, Settings(keys=RING), passwords=cheapest_hasher(), after_thread_call=fail)

        with pytest.raises(errors.ServiceUnavailableError):
            asyncio.run(guard.authenticate("alice", PASSWORD))

    @pytest.mark.parametrize("call", [7, "remove", asyncio.sleep], ids=["int", "str", "coroutine function"])
    def test_refuses_what_cannot_be_called(self, call):
        """Only a plain function is accepted."""

        with pytest.raises(errors.ConfigurationError, match="after_thread_call is "):
            AsyncGuard(MemoryUsers(), Settings(keys=RING), after_thread_call=call)
