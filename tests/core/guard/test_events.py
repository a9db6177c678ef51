"""Events, and the secrets that neither events nor errors hold."""

from __future__ import annotations

import logging
import pickle

import pytest
from tests.core.guard.world import STORE_CALLS, Failing, World, tampered
from tests.support import ACCESS, HASHED, NOW, PASSWORD, REFRESH, RING, SECRET, authorization, bearer, outcome

from praetorian_core import events
from praetorian_core.errors import ExpiredAccessError, PraetorianError
from praetorian_core.events import (
    ActionRedeemed,
    LoginFailed,
    LoginSucceeded,
    LoginThrottled,
    SessionRevoked,
    TokenRefreshed,
    TokenRefused,
    TokenReused,
    UserRevoked,
)
from praetorian_core.guard import Guard
from praetorian_core.login import LoginThrottle
from praetorian_core.policy import any_role
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_core.testing.adapter_suite.world import BreakableStore


class TestEvents:
    def limited(self, clock, alice, on_event):
        """Return the tokens of two sessions where one is allowed."""
        guard = Guard(
            MemoryUsers([alice]),
            Settings(keys=RING, max_sessions=1),
            store=MemoryStore(),
            passwords=None,
            throttle=None,
            clock=clock,
            on_event=on_event,
        )
        return [guard.issue(alice, label="l-canary-label") for _ in range(2)]

    def scenario(self, guard, clock, alice, bob, on_event):
        """Cause every event, and return all tokens."""
        tokens = []

        def keep(token):
            tokens.append(token)
            return token

        guard.authenticate("alice", PASSWORD, source="8.8.8.8")
        outcome(guard.authenticate, "alice", "w-canary-password", source="8.8.8.8")
        outcome(guard.authenticate, "u-canary-name", "w-canary-password", source="9.9.9.9")
        for _ in range(3):
            outcome(guard.authenticate, "u-canary-name", "w-canary-password", source="9.9.9.9")
        session = keep(guard.issue(alice, plan="c-canary-claim"))
        clock.tick(ACCESS)
        outcome(guard.verify, session)
        outcome(guard.verify, tampered(session))
        outcome(guard.verify, "not.a.token")
        outcome(guard.admit, authorization("Bearer"))
        outcome(guard.admit, bearer(session), any_role("root"))
        fresh = keep(guard.refresh(session))
        ticket = keep(guard.issue_ticket(guard.verify(fresh)))
        outcome(guard.verify, ticket)
        guard.redeem_ticket(ticket)
        outcome(guard.redeem_ticket, ticket)
        outcome(guard.redeem_ticket, fresh)
        outcome(guard.admit, bearer(fresh), any_role("root"))
        guard.admit(bearer(fresh))
        clock.tick(60)
        outcome(guard.refresh, session)
        outcome(guard.verify, fresh)
        last = keep(guard.issue(alice))
        outcome(guard.confirm, last, "w-canary-password", source="8.8.8.8")
        keep(guard.confirm(last, PASSWORD, source="8.8.8.8"))
        guard.revoke(last)
        outcome(guard.redeem_action, last, "reset")
        guard.revoke_user(1)
        action = keep(guard.issue_action(alice, "reset", note="c-canary-claim"))
        guard.redeem_action(action, "reset")
        outcome(guard.redeem_action, action, "reset")
        outcome(guard.issue, bob)
        for token in self.limited(clock, alice, on_event):
            keep(token)
        guard._services.store.is_read_only = True
        keep(guard.issue(alice))
        guard._services.store.is_broken = True
        guard.authenticate("alice", PASSWORD)
        return tokens

    def play(self, on_event=None):
        users = MemoryUsers()
        alice = users.add(MemoryUser(identity=1, username="alice", password=HASHED, rolenames=["admin"]))
        bob = type("Broken", (), {"identity": 2, "rolenames": [], "is_valid": Failing(OSError("f-canary-failure"))})()
        clock = FrozenClock(NOW)
        guard = Guard(
            users,
            Settings(keys=RING, access_lifespan=ACCESS, refresh_lifespan=REFRESH, throttle_failure="allow"),
            store=BreakableStore(),
            throttle=LoginThrottle(per_account=3),
            passwords=cheapest_hasher(),
            clock=clock,
            on_event=on_event,
        )
        return guard, self.scenario(guard, clock, alice, bob, on_event)

    def secrets_of(self, tokens):
        """Return all that no event may hold."""
        segments = [segment for token in tokens for segment in token.split(".")[1:]]
        sessions = [
            Guard(None, Settings(keys=RING), throttle=None)._codec.decode(tokens[0], NOW + 10**6).principal.session_id
        ]
        return [*segments, *sessions, PASSWORD, HASHED, HASHED.rpartition("$")[2], SECRET, "canary"]

    def test_each_kind(self):
        """Every security-relevant operation emits its event (ASVS 16.3)."""
        heard = []
        self.play(heard.append)

        assert set(events.Event.__subclasses__()) == {type(event) for event in heard}

    def test_without_secrets(self):
        """No event holds a token, a password, a hash, a key, a session's id, a custom claim or a name that was typed in."""
        heard = []
        _, tokens = self.play(heard.append)
        shown = repr(heard)

        assert [] == [secret for secret in self.secrets_of(tokens) if secret in shown]

    def test_log(self, caplog):
        """Neither does the log, to which events go by default."""
        with caplog.at_level(logging.DEBUG):
            _, tokens = self.play()

        assert [] == [secret for secret in self.secrets_of(tokens) if secret in caplog.text]
        assert "TokenReused" in caplog.text

    def test_failing_sink(self, caplog):
        """A sink that raises at every event changes nothing at all (ASVS 16.5.3)."""

        heard = []
        _, expected = self.play(heard.append)
        caplog.clear()
        _, tokens = self.play(Failing(RuntimeError("canary")))
        raised = [message for message in caplog.messages if message.startswith("on_event raised RuntimeError for ")]

        assert (len(expected), len(heard)) == (len(tokens), len(raised))
        assert "canary" not in caplog.text

    def test_reasons(self, world):
        """A rejected token emits the error's code and its text."""
        token = world.guard.issue(world.alice)
        outcome(world.at(NOW + ACCESS).verify, token)
        expected = TokenRefused(
            at=NOW + ACCESS,
            code="expired_access",
            detail=str(ExpiredAccessError(expired_at=NOW + ACCESS, now=NOW + ACCESS)),
        )

        assert [expected] == world.heard

    def test_misconfigured(self):
        """A misconfiguration emits no event of a refused token."""
        world = World(roles_disabled=True)
        token = world.guard.issue(world.alice)
        outcome(world.guard.admit, bearer(token), any_role("admin"))

        assert [] == world.heard

    @pytest.mark.parametrize(
        ("happen", "expected"),
        [
            (
                lambda world: world.guard.authenticate("alice", PASSWORD),
                LoginSucceeded(at=NOW, identity="1", source=None),
            ),
            (
                lambda world: outcome(world.guard.authenticate, "alice", ""),
                LoginFailed(at=NOW, identity="1", source=None),
            ),
            (
                lambda world: outcome(world.guard.authenticate, "bob", ""),
                LoginFailed(at=NOW, identity=None, source=None),
            ),
            (lambda world: world.guard.revoke_user(1), UserRevoked(at=NOW, identity="1")),
            (
                lambda world: world.guard.revoke_user(1, keep="abc"),
                UserRevoked(at=NOW, identity="1", kept="ba7816bf8f01"),
            ),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_facts(self, stored, happen, expected):
        """An event names who and when."""
        happen(stored)

        assert [expected] == stored.heard

    def test_session(self, stored):
        """Events of one session bear one digest, so a reader can put them together."""
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(NOW + ACCESS).refresh(token)
        outcome(stored.at(NOW + ACCESS + 10).refresh, token)
        stored.guard.revoke(stored.guard.issue(stored.alice))
        kinds = [event for event in stored.heard if isinstance(event, TokenRefreshed | TokenReused | SessionRevoked)]

        assert [True, False] == [kinds[0].session == event.session for event in kinds[1:]]
        assert fresh

    def test_action(self, stored):
        """A redeemed action emits its name."""
        stored.guard.redeem_action(stored.guard.issue_action(stored.alice, "confirm"), "confirm")

        assert [ActionRedeemed(at=NOW, identity="1", action="confirm")] == stored.heard

    def test_throttled(self):
        """A throttled login emits no name that was tried."""
        world = World(guard={"throttle": LoginThrottle(per_account=1)})
        for _ in range(2):
            outcome(world.guard.authenticate, "alice", "", source=None)

        assert LoginThrottled(at=NOW, source=None) == world.heard[-1]


class TestSecrets:
    def test_repr(self):
        """Neither key nor password is in the text of a guard, its settings, its parts or a principal."""
        world = World(guard={"store": MemoryStore()})
        principal = world.guard.verify(world.guard.issue(world.alice))
        guard = world.guard
        shown = " ".join(
            text(each)
            for each in (guard, guard.settings, guard._codec, guard._context, guard._services, principal)
            for text in (repr, str)
        )

        assert [] == [secret for secret in (SECRET, PASSWORD, HASHED) if secret in shown]
        assert "<Guard KeyRing(" in repr(guard)

    @pytest.mark.parametrize("prepare", STORE_CALLS, ids=lambda value: value.__name__)
    def test_errors(self, prepare):
        """Nor is anything in the text, the attributes or the pickle of an error."""
        world = World(guard={"store": MemoryStore()})
        call = prepare(world)
        token = world.guard.issue(world.alice)
        errors = []
        for refused in (
            lambda: world.guard.verify(tampered(token)),
            lambda: world.guard.verify(token + PASSWORD),
            lambda: world.guard.authenticate("alice", "canary"),
            lambda: world.guard.hash_password("canary"),
            lambda: world.guard.issue(world.alice, sub=PASSWORD),
            lambda: world.guard.issue(world.alice, plan={PASSWORD}),
            call,
            call,
        ):
            try:
                refused()
            except PraetorianError as error:
                errors.append(error)
        shown = "".join(f"{error!r} {error} {vars(error)} {pickle.dumps(error)}" for error in errors)
        secrets = [SECRET, PASSWORD, HASHED, "canary", *token.split(".")[1:]]

        assert len(errors) >= 6
        assert [] == [secret for secret in secrets if secret in shown]
