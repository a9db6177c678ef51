"""The event loop: threads, waiting stores, concurrent requests and cancelled requests."""

import asyncio
import contextvars
import threading

import pytest
from falcon.testing import ASGIConductor
from tests.falcon.world import PASSWORD, make_world

from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import MemoryUser
from praetorian_core.testing.passwords import _CheapestHasher
from praetorian_falcon import auth_required, authenticate, credentials, current_guard, current_user, current_user_id

LOGIN = {"username": "alice", "password": PASSWORD}
CONTEXT = contextvars.ContextVar("context", default="unset")


class Witness:
    """Notes which thread makes which call."""

    def __init__(self):
        """Start on the thread that builds the world."""
        self.calls = []

    def note(self, name):
        """Note a call."""
        self.calls.append((name, threading.get_ident(), CONTEXT.get()))

    def names(self):
        """Return which calls were made."""
        return {name for name, _, _ in self.calls}

    def on_thread(self, ident):
        """Return which calls were made on a thread."""
        return {name for name, thread, _ in self.calls if thread == ident}


class PlainUsers:
    """A user class with plain methods."""

    def __init__(self, users, witness):
        """Wrap these users."""
        self.users = users
        self.witness = witness

    def lookup(self, username):
        """Return the user of this name."""
        self.witness.note("lookup")
        return self.users.lookup(username)

    def identify(self, identity):
        """Return the user of this identity."""
        self.witness.note("identify")
        return self.users.identify(identity)


class AsyncUsers(PlainUsers):
    """A user class with coroutine methods."""

    async def lookup(self, username):
        """Return the user of this name."""
        await asyncio.sleep(0)
        return super().lookup(username)

    async def identify(self, identity):
        """Return the user of this identity."""
        await asyncio.sleep(0)
        return super().identify(identity)


class PlainStore(MemoryStore):
    """A store with plain methods."""

    def __init__(self, witness):
        """Start empty."""
        super().__init__()
        self.witness = witness

    def get(self, *keys, now):
        """Read."""
        self.witness.note("get")
        return super().get(*keys, now=now)

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        """Compare and set."""
        self.witness.note("compare_and_set")
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)

    def increment(self, key, amount, *, expires_at, now):
        """Increment."""
        self.witness.note("increment")
        return super().increment(key, amount, expires_at=expires_at, now=now)


class AsyncStore(PlainStore):
    """A store with coroutine methods."""

    async def get(self, *keys, now):
        """Read."""
        await asyncio.sleep(0)
        return super().get(*keys, now=now)

    async def compare_and_set(self, key, expected, new, *, expires_at, now):
        """Compare and set."""
        await asyncio.sleep(0)
        return super().compare_and_set(key, expected, new, expires_at=expires_at, now=now)

    async def increment(self, key, amount, *, expires_at, now):
        """Increment."""
        await asyncio.sleep(0)
        return super().increment(key, amount, expires_at=expires_at, now=now)


class Hasher(_CheapestHasher):
    """A hasher that notes its thread and can be made to wait."""

    def __init__(self, witness, gate=None, **options):
        """Wait for an event before each hash."""
        super().__init__(time_cost=1, memory_cost=8, parallelism=1, **options)
        self.witness = witness
        self.gate = gate
        self.entered = threading.Event()

    def _compute(self, *args, **kwargs):
        """Hash."""
        self.witness.note("hash")
        self.entered.set()
        if self.gate is not None:
            self.gate.wait(30)
        return super()._compute(*args, **kwargs)


class Login:
    """Logs in and returns a token."""

    async def on_post(self, req, resp):
        """Log in."""
        CONTEXT.set("of the request")
        user = await authenticate(req, *await credentials(req))
        resp.media = await current_guard(req).issue(user)


class Me:
    """Returns the current user."""

    @auth_required
    async def on_get(self, req, resp):
        """Say who."""
        CONTEXT.set("of the request")
        user = await current_user(req, MemoryUser)
        resp.media = [current_user_id(req), user.username]


def route(world):
    """Give a world its routes."""
    world.app.add_route("/login", Login())
    world.app.add_route("/me", Me())
    return world


def witnessed(users=PlainUsers, store=PlainStore, gate=None, **hasher_options):
    """Return a world in which every call is noted, with its witness and its hasher."""
    witness = Witness()
    hasher = Hasher(witness, gate, **hasher_options)
    saved = []

    def save_password(user, hashed):
        witness.note("save_password")
        saved.append(hashed)

    options = {"passwords": hasher, "save_password": save_password, "on_event": lambda event: None}
    world = make_world("asgi", users=lambda plain: users(plain, witness), store=store(witness), guard_options=options)
    # An outdated hash, so that the login renews it.
    world.alice.password = _CheapestHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    return route(world), witness, hasher


def life(world):
    """Log in and ask who acts, on an event loop; return its thread and what came back."""

    async def play():
        async with ASGIConductor(world.app) as client:
            token = (await client.simulate_post("/login", json=LOGIN)).json
            answer = await client.simulate_get("/me", headers={"Authorization": f"Bearer {token}"})
            return threading.get_ident(), answer.json

    return asyncio.run(play())


class TestThreads:
    """Blocking work on the event loop would stall every other request."""

    def test_nothing_that_blocks_runs_on_the_loops_thread(self):
        """No hash, no plain user method and no plain store call runs on the loop's thread."""
        world, witness, _ = witnessed()

        loop_thread, answer = life(world)

        assert answer == [1, "alice"]
        assert witness.names() >= {"lookup", "identify", "hash", "save_password", "get", "increment"}
        assert witness.on_thread(loop_thread) == set()

    def test_coroutines_run_on_the_loop(self):
        """Coroutine methods run on the loop; only hashes and plain functions run in threads."""
        world, witness, _ = witnessed(AsyncUsers, AsyncStore)

        loop_thread, answer = life(world)

        assert answer == [1, "alice"]
        assert witness.on_thread(loop_thread) == witness.names() - {"hash", "save_password"}

    @pytest.mark.parametrize("users", [PlainUsers, AsyncUsers])
    @pytest.mark.parametrize("store", [PlainStore, AsyncStore])
    def test_each_mixture_works(self, users, store):
        """Plain users work with an asynchronous store, and the reverse."""
        world, _, _ = witnessed(users, store)

        assert life(world)[1] == [1, "alice"]

    @pytest.mark.parametrize("users", [PlainUsers, AsyncUsers])
    def test_context_variables_go_along(self, users):
        """Every call sees the context variables of its request."""
        world, witness, _ = witnessed(users)

        life(world)

        # A call before the variable is set.
        assert {name for name, _, context in witness.calls if context == "unset"} <= {"get"}
        assert {name for name, _, context in witness.calls if context == "of the request"} >= {
            "lookup",
            "identify",
            "hash",
        }


class TestManyRequests:
    def test_each_sees_its_own_principal(self):
        """Fifty concurrent requests each see their own principal."""
        world = make_world("asgi")
        users = [world.users.add(MemoryUser(identity=n, username=f"user{n}")) for n in range(100, 150)]
        everybody = asyncio.Event()
        waiting = []

        class Resource:
            @auth_required
            async def on_get(self, req, resp):
                before = current_user_id(req)
                waiting.append(before)
                if len(waiting) == len(users):
                    everybody.set()
                await everybody.wait()
                user = await current_user(req, MemoryUser)
                resp.media = [before, current_user_id(req), user.username]

        world.app.add_route("/", Resource())
        headers = [world.headers(user) for user in users]

        async def play():
            async with ASGIConductor(world.app) as client:
                answers = await asyncio.gather(*(client.simulate_get("/", headers=each) for each in headers))
                return [answer.json for answer in answers]

        assert asyncio.run(play()) == [[user.identity, user.identity, user.username] for user in users]

    def test_an_anonymous_one_among_them_is_refused(self):
        """Anonymous requests among authenticated ones are refused."""
        world = route(make_world("asgi"))
        headers = [world.headers() if n % 2 else {} for n in range(20)]

        async def play():
            async with ASGIConductor(world.app) as client:
                answers = await asyncio.gather(*(client.simulate_get("/me", headers=each) for each in headers))
                return [answer.status_code for answer in answers]

        assert asyncio.run(play()) == [200 if each else 401 for each in headers]


class TestCancellation:
    """A request that is cancelled leaves nothing behind."""

    def cancelled_in(self, world, entered, go_on):
        """Cancel a login once it has entered a call, then log in again and ask who acts."""

        async def play():
            async with ASGIConductor(world.app) as client:
                request = asyncio.ensure_future(client.simulate_post("/login", json=LOGIN))
                await entered()
                request.cancel()
                await asyncio.gather(request, return_exceptions=True)
                go_on()
                token = (await client.simulate_post("/login", json=LOGIN)).json
                answer = await client.simulate_get("/me", headers={"Authorization": f"Bearer {token}"})
                return request.cancelled(), answer.json

        return asyncio.run(play())

    def test_in_a_hash_frees_its_slot(self):
        """A login cancelled during its hash frees the slot of the hasher."""
        gate = threading.Event()
        world, _, hasher = witnessed(gate=gate, max_concurrent=1)

        async def entered():
            await asyncio.to_thread(hasher.entered.wait, 30)

        assert self.cancelled_in(world, entered, gate.set) == (True, [1, "alice"])

    def test_in_a_look_up_leaves_nothing_behind(self):
        """A login cancelled during a look-up leaves no context and no lock."""
        stuck = asyncio.Event()

        class Stuck(AsyncUsers):
            async def lookup(self, username):
                if not stuck.is_set():
                    stuck.set()
                    await asyncio.Event().wait()
                return await super().lookup(username)

        world, _, _ = witnessed(Stuck)

        assert self.cancelled_in(world, stuck.wait, lambda: None) == (True, [1, "alice"])

    def test_of_one_who_loads_the_user_lets_the_other_load(self):
        """If one of two loads of the user is cancelled, the other one succeeds."""
        stuck = asyncio.Event()

        class Stuck(AsyncUsers):
            async def identify(self, identity):
                if not stuck.is_set():
                    stuck.set()
                    await asyncio.Event().wait()
                return await super().identify(identity)

        world, _, _ = witnessed(Stuck)

        class Resource:
            @auth_required
            async def on_get(self, req, resp):
                first = asyncio.ensure_future(current_user(req, MemoryUser))
                await stuck.wait()
                second = asyncio.ensure_future(current_user(req, MemoryUser))
                await asyncio.sleep(0)
                first.cancel()
                resp.media = (await second).username

        world.app.add_route("/two", Resource())

        assert world.send("GET", "/two", world.headers()).json == "alice"
