"""The options of a guard and their checks."""

from __future__ import annotations

import gc

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.core.guard.world import HASHER, Failing, World
from tests.support import ACCESS, NOW, PASSWORD, RING, SECRET, bearer, outcome

from praetorian_core import guard as module
from praetorian_core.async_guard import AsyncGuard
from praetorian_core.errors import AuthenticationError, ConfigurationError, LoginThrottledError, RevokedTokenError
from praetorian_core.guard import Guard
from praetorian_core.login import LoginThrottle, PasswordHasher
from praetorian_core.policy import all_roles
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers
from praetorian_core.token import KeyRing


class TestStart:
    settings = Settings(keys=RING)

    @pytest.mark.parametrize("kind", [Guard, AsyncGuard])
    @pytest.mark.parametrize("name", ["lookup", "identify"])
    def test_missing_method(self, kind, name):
        """A user class without one of its two methods is refused with the line to write."""
        methods = {"lookup": Failing(None), "identify": Failing(None), name: None}
        user = type("User", (), methods)

        with pytest.raises(ConfigurationError, match=f"User has no method '{name}'; write: @classmethod def {name}"):
            kind(user, self.settings)

    def test_instance_as_source(self):
        """A user source may be an object as well as a class; it is named by its class."""
        with pytest.raises(ConfigurationError, match="MemoryUser has no method 'lookup'"):
            Guard(MemoryUser(identity=1, username="alice"), self.settings)

    @pytest.mark.parametrize("kind", [Guard, AsyncGuard])
    @pytest.mark.parametrize(
        "settings", [None, {}, {"SECRET_KEY": SECRET}, SECRET, Settings], ids=lambda value: type(value).__name__
    )
    def test_settings(self, kind, settings):
        """What is no ``Settings`` is refused, without being repeated."""
        with pytest.raises(ConfigurationError, match="expected Settings") as refusal:
            kind(MemoryUsers(), settings)

        assert SECRET not in str(refusal.value)

    @pytest.mark.parametrize("name", ["lookup", "identify", "is_valid", "save_password"])
    def test_coroutine_function(self, name):
        """A coroutine function that ``Guard`` would call is refused at start, and welcome to ``AsyncGuard``."""

        async def later(*args):
            return None

        users = MemoryUsers()
        options = {"save_password": later} if name == "save_password" else {}
        setattr(users, name, later)
        with pytest.raises(ConfigurationError, match=f"{name} is a coroutine function"):
            Guard(users, self.settings, **options)

        assert AsyncGuard is type(AsyncGuard(users, self.settings, **options))

    def test_coroutine_store(self):
        """So is a store of coroutine functions."""

        class Late(MemoryStore):
            async def get(self, *keys, now):
                return [None for _ in keys]

        with pytest.raises(ConfigurationError, match=r"store\.get is a coroutine function"):
            Guard(MemoryUsers(), self.settings, store=Late())

        assert AsyncGuard is type(AsyncGuard(MemoryUsers(), self.settings, store=Late()))

    def test_other_validation_method(self):
        """The validation method is the one that the settings name."""

        async def is_active(self):
            return True

        users = type("User", (MemoryUsers,), {"is_active": is_active})()
        settings = attrs.evolve(self.settings, validation_method="is_active")

        assert ConfigurationError is outcome(Guard, users, settings)
        assert Guard is type(Guard(users, self.settings))

    @pytest.mark.parametrize("kind", [Guard, AsyncGuard])
    def test_coroutine_sink(self, kind):
        """``on_event`` is never awaited, so a coroutine function in its place would lose every event: refused."""

        async def on_event(event):
            pass

        with pytest.raises(ConfigurationError, match="on_event is a coroutine function"):
            kind(MemoryUsers(), self.settings, on_event=on_event)

    @pytest.mark.parametrize("kind", [Guard, AsyncGuard])
    @pytest.mark.parametrize("name", ["on_event", "save_password"])
    def test_no_function(self, kind, name):
        """What cannot be called is refused by its name."""
        with pytest.raises(ConfigurationError, match=f"{name} is str; expected a function, or None"):
            kind(MemoryUsers(), self.settings, **{name: "print"})

    @pytest.mark.parametrize("clock", [None, 7, 7.5, "7"], ids=repr)
    def test_no_clock(self, clock):
        """What cannot be called is no clock, not even a good reading."""
        with pytest.raises(ConfigurationError, match=f"the clock is {type(clock).__name__}"):
            Guard(MemoryUsers(), self.settings, clock=clock)

    @pytest.mark.parametrize("reading", [7.5, True, "7", None], ids=repr)
    def test_bad_clock(self, reading):
        """A clock returns whole seconds, and ``time.time`` does not: it is refused at start."""
        with pytest.raises(ConfigurationError, match=f"the clock returned {type(reading).__name__}"):
            Guard(MemoryUsers(), self.settings, clock=Failing(reading))

    def test_clock_before_the_epoch(self):
        """A reading that no token can carry is refused at start."""
        with pytest.raises(ConfigurationError, match=r"^the clock returned -1; expected"):
            Guard(MemoryUsers(), self.settings, clock=FrozenClock(-1))

        assert Guard(MemoryUsers(), self.settings, clock=FrozenClock(0)).settings is self.settings

    def test_coroutine_clock(self, recwarn):
        """A clock that has to be awaited is none, and leaves no "was never awaited" behind."""

        async def clock():
            return NOW

        with pytest.raises(ConfigurationError, match="the clock returned coroutine"):
            Guard(MemoryUsers(), self.settings, clock=clock)
        gc.collect()

        assert [] == list(recwarn)

    def test_default_clock(self):
        """Left out, the clock is the machine's."""
        guard = Guard(MemoryUsers(), self.settings)
        alice = MemoryUser(identity=1, username="alice")

        assert guard.verify(guard.issue(alice)).issued_at > 1_700_000_000

    def test_awaitable_answers(self, world, recwarn):
        """A plain function that returns a coroutine is refused when it is called, and leaves no warning behind."""

        async def later():
            return world.alice

        world.users.lookup = lambda username: later()
        found = outcome(world.guard.authenticate, "alice", PASSWORD)
        gc.collect()

        assert (ConfigurationError, []) == (found, list(recwarn))

    def test_awaitable_validity(self, world, recwarn):
        """So is a user's validation method, which is not seen before there is a user: a coroutine is not "valid"."""

        class Late(MemoryUser):
            async def is_valid(self):
                return True

        found = outcome(world.guard.issue, Late(identity=1, username="late"))
        gc.collect()

        assert (ConfigurationError, []) == (found, list(recwarn))


class TestOptions:
    plain = Settings(keys=RING)
    memory = Settings(keys=RING, store="memory://")
    unthrottled = Settings(keys=RING, throttle=False)

    @pytest.mark.parametrize(
        ("settings", "options", "has_store"),
        [
            (plain, {}, False),
            (plain, {"store": None}, False),
            (plain, {"store": MemoryStore()}, True),
            (memory, {}, True),
        ],
    )
    def test_store(self, settings, options, has_store):
        """Left out, the store is what the settings say; None is none; an object is that."""
        guard = Guard(MemoryUsers(), settings, passwords=HASHER, **options)

        assert has_store is guard._context.has_store
        assert guard._services.store is options.get("store") or not options.get("store")

    @pytest.mark.parametrize("kind", [Guard, AsyncGuard])
    @pytest.mark.parametrize("store", [None, MemoryStore()], ids=["None", "object"])
    def test_store_contradiction(self, kind, store):
        """A store in the settings and another answer beside them contradict each other."""
        with pytest.raises(ConfigurationError, match="both store= and PRAETORIAN_STORE are given"):
            kind(MemoryUsers(), self.memory, store=store)

    @pytest.mark.parametrize("options", [{}, {"store": None}])
    @pytest.mark.parametrize(
        ("key", "changed"),
        [
            ("PRAETORIAN_CHECK_SESSIONS", {"check_sessions": "refresh"}),
            ("PRAETORIAN_WEBSOCKET_RECHECK", {"websocket_recheck": 5}),
        ],
    )
    def test_check_needs_store(self, options, key, changed):
        """A setting about checks of sessions in the store is rejected without a store."""
        with pytest.raises(ConfigurationError, match=f"{key} needs a store; set PRAETORIAN_STORE"):
            Guard(MemoryUsers(), attrs.evolve(self.plain, **changed), **options)

    def test_check_has_store(self):
        """With either way to a store it is fine."""
        refresh = attrs.evolve(self.plain, check_sessions="refresh")
        guards = [
            Guard(MemoryUsers(), refresh, store=MemoryStore()),
            Guard(MemoryUsers(), attrs.evolve(refresh, store="memory://")),
        ]

        assert [False, False] == [guard._checks_sessions for guard in guards]

    @pytest.mark.parametrize("verb", ["get", "compare_and_set", "increment"])
    def test_no_store(self, verb):
        """What lacks a verb is no store, and the verb is named."""
        verbs = {"get": Failing(None), "compare_and_set": Failing(None), "increment": Failing(None), verb: None}
        store = type("Shelf", (), verbs)()

        with pytest.raises(ConfigurationError, match=f"store is Shelf, which has no '{verb}'"):
            Guard(MemoryUsers(), self.plain, store=store)

    @pytest.mark.parametrize(
        ("settings", "options", "throttled"),
        [
            (plain, {}, True),
            (plain, {"throttle": None}, False),
            (plain, {"throttle": LoginThrottle()}, True),
            (unthrottled, {}, False),
            (unthrottled, {"throttle": None}, False),
        ],
    )
    def test_throttle(self, settings, options, throttled):
        """Left out, logins are throttled as the settings say; None is off; an object is that."""
        guard = Guard(MemoryUsers(), settings, passwords=HASHER, **options)

        assert throttled is (guard._context.throttle is not None)
        assert guard._context.throttle is options.get("throttle") or not options.get("throttle")

    def test_throttle_contradiction(self):
        """A throttle beside settings that say there is none contradicts them."""
        with pytest.raises(ConfigurationError, match="throttle= is given and PRAETORIAN_THROTTLE is False"):
            Guard(MemoryUsers(), self.unthrottled, throttle=LoginThrottle())

    @pytest.mark.parametrize("throttle", [True, 10, "on", LoginThrottle], ids=repr)
    def test_no_throttle(self, throttle):
        """What is no throttle is refused."""
        with pytest.raises(ConfigurationError, match="expected a LoginThrottle, or None for no limit"):
            Guard(MemoryUsers(), self.plain, throttle=throttle)

    def test_unthrottled(self):
        """If it is off, no login is counted."""
        world = World(guard={"throttle": None})
        found = {outcome(world.guard.authenticate, "alice", "wrong") for _ in range(150)}

        assert {AuthenticationError} == found

    def test_own_throttle(self):
        """Each guard has a throttle and, without a store, counters of its own."""
        first, second = World(), World()
        for _ in range(101):
            outcome(first.guard.authenticate, "alice", "wrong")

        assert LoginThrottledError is outcome(first.guard.authenticate, "alice", PASSWORD)
        assert second.alice is second.guard.authenticate("alice", PASSWORD)

    def test_passwords(self):
        """Left out, the hasher is argon2id at the cost of RFC 9106's second profile; an object is that."""
        default, own = Guard(MemoryUsers(), self.plain), Guard(MemoryUsers(), self.plain, passwords=HASHER)

        assert repr(PasswordHasher()) == repr(default._passwords)
        assert HASHER is own._passwords

    @pytest.mark.parametrize("passwords", [True, "argon2", PasswordHasher, object()])
    def test_no_passwords(self, passwords):
        """What is no hasher is refused."""
        with pytest.raises(ConfigurationError, match="expected a PasswordHasher, or None"):
            Guard(MemoryUsers(), self.plain, passwords=passwords)

    @pytest.mark.parametrize("call", ["authenticate", "hash_password", "verify_password"])
    def test_without_passwords(self, call):
        """Without a hasher, a call that needs one says what to write; all others work."""
        world = World(guard={"passwords": None})
        args = ("x",) if call == "hash_password" else ("x", "y")

        with pytest.raises(ConfigurationError, match=rf"{call} needs passwords.*write passwords=PasswordHasher\(\)"):
            getattr(world.guard, call)(*args)
        assert 1 == world.guard.verify(world.guard.issue(world.alice)).identity

    def test_from_settings(self):
        """The default of an option says what it means."""
        assert "FROM_SETTINGS" == repr(module.FROM_SETTINGS)

    def test_immutable_settings(self, world):
        """What was chosen cannot be changed under a running guard."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            world.guard.settings.leeway = 60


class TestWithoutUsers:
    def make(self, **options):
        clock = FrozenClock(NOW)
        return Guard(None, Settings(keys=RING, access_lifespan=ACCESS), clock=clock, **options), clock

    def test_verify(self, world):
        """A guard without users verifies what another one issued."""
        guard, _ = self.make()
        token = world.guard.issue(world.alice)

        assert (1, 1) == (guard.verify(token).identity, guard.admit(bearer(token), all_roles("admin")).identity)

    def test_revoke(self, stored):
        """It revokes on a shared store."""
        guard, _ = self.make(store=stored.guard._services.store)
        token = stored.guard.issue(stored.alice)
        other = stored.guard.issue(stored.alice)
        guard.revoke(token)
        first = outcome(stored.guard.verify, token)
        guard.revoke_user(1)

        assert (RevokedTokenError, RevokedTokenError) == (first, outcome(stored.guard.verify, other))

    @pytest.mark.parametrize(
        ("call", "args"),
        [
            ("authenticate", ("alice", PASSWORD)),
            ("issue", (MemoryUser(identity=1, username="alice"),)),
            ("refresh", ("token",)),
            ("load_user", (None,)),
            ("issue_action", (None, "confirm")),
            ("redeem_action", ("token", "confirm")),
        ],
    )
    def test_needs_users(self, call, args):
        """Each call that needs users says so, by its name and with what to write."""
        guard, _ = self.make()

        with pytest.raises(ConfigurationError, match=rf"{call} needs users.*write Guard\(User, settings\)"):
            getattr(guard, call)(*args)

    def test_no_passwords(self):
        """It builds no hasher and no throttle, which it could not use."""
        guard, _ = self.make()

        assert (None, None) == (guard._passwords, guard._context.throttle)
        assert ConfigurationError is outcome(guard.hash_password, PASSWORD)

    def test_with_passwords(self):
        """A hasher that it is given works."""
        guard, _ = self.make(passwords=HASHER)

        assert guard.verify_password(PASSWORD, guard.hash_password(PASSWORD))

    def test_verify_only_keys(self):
        """A ring of public keys verifies what another guard issued, and refuses to issue, naming what is missing."""
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        ring = KeyRing.from_pem(pem, algorithm="EdDSA")
        signer, verifier = World(keys=ring), World(keys=KeyRing.from_jwks(ring.to_jwks()))

        assert 1 == verifier.guard.verify(signer.guard.issue(signer.alice)).identity
        with pytest.raises(ConfigurationError, match="private key"):
            verifier.guard.issue(verifier.alice)
        with pytest.raises(ConfigurationError, match="private key"):
            verifier.guard.issue_action(verifier.alice, "confirm")


class TestUserClass:
    def test_not_a_class_method(self):
        """A method that is called on the class has to be a class method."""

        class User:
            def lookup(self, username):
                """Forget the decorator."""

            @staticmethod
            def identify(identity):
                """A static method is as good as a class method."""

        with pytest.raises(
            ConfigurationError, match=r"User\.lookup is called on the class; write @classmethod above it"
        ):
            Guard(User, Settings(keys=RING))
        User.lookup = classmethod(lambda cls, username: None)

        assert isinstance(Guard(User, Settings(keys=RING)), Guard)
