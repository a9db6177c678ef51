"""The confirmation of a password during a session, question by question."""

from __future__ import annotations

import attrs
import pytest
from tests.core.flows.test_sessions import USER, context, issued, keys_of, read, result_of
from tests.support import ACCESS, NOW, OTHER_RING, REFRESH

from praetorian_core import errors
from praetorian_core.events import (
    AuthenticationConfirmed,
    LoginFailed,
    LoginThrottled,
    LoginUncounted,
    TokenReused,
    session_digest,
)
from praetorian_core.flows import confirm, issue_action
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.questions import (
    Account,
    CheckActive,
    CheckPassword,
    CompareAndSetState,
    DescribeUser,
    Emit,
    GetState,
    IdentifyUser,
    IncrementState,
    PasswordCheck,
    ReadAccount,
    RenewPassword,
    UserFacts,
)
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.token import FLASK_PRAETORIAN

HASH = "a stored hash"
SOURCE = "8.8.8.8"
LATER = NOW + 100
ACCOUNT, FACTS = Account(1, HASH), UserFacts(1, ["guest"])
MATCH = PasswordCheck(matches=True, outdated=False)
MISMATCH = PasswordCheck(matches=False, outdated=False)
OUTDATED = PasswordCheck(matches=True, outdated=True)


@attrs.define
class World:
    """Answers the questions of a confirmation, and keeps them."""

    user: object = USER
    account: Account = ACCOUNT
    facts: UserFacts = FACTS
    check: object = MATCH
    active: object = True
    failing: tuple[type, ...] = ()
    error: BaseException | None = None
    store: MemoryStore = attrs.field(factory=MemoryStore)
    asked: list[object] = attrs.field(factory=list)

    def run(self, flow):
        """Run a confirmation; return its token or its error."""
        answer, error = None, None
        self.asked.clear()
        while True:
            try:
                question = flow.send(answer) if error is None else flow.throw(error)
            except StopIteration as done:
                return done.value
            except BaseException as raised:  # noqa: BLE001  (the result of a confirmation)
                return raised
            self.asked.append(question)
            answer, error = None, None
            if isinstance(question, self.failing):
                self.failing, error = (), self.error
            else:
                answer = self.answer(question)

    def answer(self, question):
        match question:
            case IdentifyUser():
                return self.user
            case CheckActive():
                return self.active
            case ReadAccount():
                return self.account
            case CheckPassword():
                return self.check
            case DescribeUser():
                return self.facts
            case GetState(keys, now):
                return self.store.get(*keys, now=now)
            case CompareAndSetState(key, expected, new, expires_at, now):
                return self.store.compare_and_set(key, expected, new, expires_at=expires_at, now=now)
            case IncrementState(key, amount, expires_at, now):
                return self.store.increment(key, amount, expires_at=expires_at, now=now)

    @property
    def kinds(self):
        return [type(question).__name__ for question in self.asked]

    @property
    def events(self):
        return [question.event for question in self.asked if isinstance(question, Emit)]


def attempt(chosen, token, now=LATER, *, password="secret", source=None, access=None, throttle=None, renews=False):
    """Return a confirmation that waits for its first answer."""
    chosen = attrs.evolve(chosen, throttle=throttle, renews_passwords=renews)
    return confirm(chosen, token, password, source, access, now)


def confirmed(chosen, token, now=LATER, world=None, **options):
    """Return the claims of the next token."""
    found = (world or World()).run(attempt(chosen, token, now, **options))
    assert isinstance(found, str), found
    return read(chosen, found, now)


class TestConfirm:
    def test_order_without_store(self):
        """The user must be active before the password is checked, and is described after it."""
        token, world = issued(context()), World()
        digest = session_digest(read(context(), token).principal.session_id)
        world.run(attempt(context(), token, source=SOURCE))

        assert world.asked == [
            IdentifyUser(1),
            CheckActive(USER),
            ReadAccount(USER),
            CheckPassword("secret", HASH),
            DescribeUser(USER),
            Emit(AuthenticationConfirmed(at=LATER, identity="1", session=digest, source=SOURCE)),
        ]

    def test_order_with_store(self):
        """With a store the session is read first and its generation spent last (RFC 9700 §4.14.2)."""
        chosen, world = context(has_store=True), World()
        token = issued(chosen)
        session, epoch = keys_of(chosen, token)
        world.run(attempt(chosen, token))

        assert GetState((session, epoch), LATER) == world.asked[0]
        assert CompareAndSetState(session, None, f"1 {LATER}", NOW + REFRESH + 60, LATER) == world.asked[-2]
        assert ["IdentifyUser", "CheckActive", "ReadAccount", "CheckPassword", "DescribeUser"] == world.kinds[1:-2]

    def test_order_with_throttle(self):
        """The limit of the source is read before the user is loaded, and the account is counted before the hash."""
        world = World()
        world.run(attempt(context(), issued(context()), source=SOURCE, throttle=LoginThrottle()))

        assert ["GetState", "IdentifyUser", "CheckActive", "ReadAccount", "GetState", "GetState"] == world.kinds[:6]
        assert ["IncrementState"] * 5 + ["CheckPassword"] == world.kinds[6:12]

    @pytest.mark.parametrize("now", [NOW, NOW + ACCESS - 1, NOW + ACCESS, NOW + REFRESH - 1])
    def test_successor(self, now):
        """Before exp and after it: everything but access, roles and the time of the authentication stays the same."""
        token = issued(context(), plan="gold")
        old = read(context(), token)
        principal = attrs.evolve(
            old.principal,
            roles=frozenset({"guest"}),
            issued_at=now,
            access_expires_at=min(now + ACCESS, NOW + REFRESH),
            authenticated_at=now,
        )

        assert old._replace(principal=principal) == confirmed(context(), token, now)

    def test_override(self):
        """Access can be chosen for one successor."""
        found = confirmed(context(), issued(context()), access=60)

        assert LATER + 60 == found.principal.access_expires_at

    def test_generation(self):
        """With a store the successor is of the next generation."""
        chosen, world = context(has_store=True), World()
        token = issued(chosen)

        assert 1 == confirmed(chosen, token, world=world).generation

    def test_layout(self):
        """A session of flask-praetorian's layout has the time of its authentication from then on."""
        chosen = context(layout=FLASK_PRAETORIAN)
        found = confirmed(chosen, issued(chosen))

        assert (LATER, None) == (found.principal.authenticated_at, found.generation)

    def test_csrf(self):
        """The value that the page repeats stays the same."""
        chosen = context(places=["header", "cookie"])
        token = issued(chosen)

        assert read(chosen, token).csrf == confirmed(chosen, token).csrf

    def test_no_throttle(self):
        """Without a throttle nothing is counted."""
        world = World()
        world.run(attempt(context(), issued(context()), source=SOURCE))

        assert not {"GetState", "IncrementState"} & set(world.kinds)


class TestToken:
    """A token that a refresh would reject costs no hash."""

    @pytest.mark.parametrize("now", [NOW + REFRESH, NOW + REFRESH + 1])
    def test_expired(self, now):
        """A session cannot be confirmed at its rf_exp."""
        world = World()

        assert errors.ExpiredRefreshError is type(world.run(attempt(context(), issued(context()), now)))
        assert [] == world.asked

    @pytest.mark.parametrize(("late", "expected"), [(1799, str), (1800, errors.ExpiredRefreshError)])
    def test_idle(self, late, expected):
        """A session cannot be confirmed at the end of its idle lifespan."""
        chosen = context(idle_lifespan=1800)

        assert expected is type(World().run(attempt(chosen, issued(chosen), NOW + late)))

    def test_action(self):
        """An action token confirms nothing (RFC 8725 §3.12)."""
        token = result_of(issue_action(context(), USER, "confirm", None, {}, NOW), 1)

        assert errors.MisusedTokenError is type(World().run(attempt(context(), token)))

    def test_forged(self):
        """A token of another key confirms nothing."""
        token = issued(context(ring=OTHER_RING))

        assert errors.InvalidTokenError is type(World().run(attempt(context(), token)))

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            ({"user": None}, errors.MissingUserError),
            ({"active": False}, errors.InvalidUserError),
            ({"active": None}, errors.InvalidUserError),
        ],
        ids=repr,
    )
    def test_user(self, change, error):
        """The user must exist and be active; the password is not checked."""
        world = World(**change)

        assert error is type(world.run(attempt(context(), issued(context()), throttle=LoginThrottle())))
        assert not {"CheckPassword", "IncrementState"} & set(world.kinds)

    def test_other_user(self):
        """A user of another identity is a misconfiguration."""
        world = World(facts=UserFacts(2, []))

        assert errors.ConfigurationError is type(world.run(attempt(context(), issued(context()))))

    @pytest.mark.parametrize("source", [7, b"8.8.8.8"], ids=repr)
    def test_source_of_another_type(self, source):
        """A source that is neither a str nor None is a configuration error, with and without a throttle."""
        for throttle in (None, LoginThrottle()):
            found = World().run(attempt(context(), issued(context()), source=source, throttle=throttle))

            assert errors.ConfigurationError is type(found)


class TestPassword:
    chosen = context(has_store=True)

    @pytest.mark.parametrize("check", [MISMATCH, PasswordCheck(matches=1, outdated=False)], ids=["wrong", "truthy"])
    def test_wrong(self, check):
        """A wrong password spends no generation, so the token can be presented again; only ``True`` is a match."""
        world = World(check=check)
        token = issued(self.chosen)

        assert errors.AuthenticationError is type(world.run(attempt(self.chosen, token, source=SOURCE)))
        assert "CompareAndSetState" not in world.kinds
        assert [LoginFailed(at=LATER, identity="1", source=SOURCE)] == world.events
        world.check = MATCH
        assert 1 == confirmed(self.chosen, token, LATER + 1000, world).generation

    @pytest.mark.parametrize("throttle", [None, LoginThrottle()], ids=["no throttle", "throttle"])
    def test_equal_work(self, throttle):
        """Every failure asks the same questions: a wrong password, no password, a user without a hash."""
        kinds = []
        for password, hashed in (("wrong", HASH), (None, HASH), ({"$ne": ""}, HASH), ("secret", None), ("secret", 7)):
            world = World(check=MISMATCH, account=Account(1, hashed))
            flow = attempt(self.chosen, issued(self.chosen), password=password, source=SOURCE, throttle=throttle)
            assert errors.AuthenticationError is type(world.run(flow))
            assert CheckPassword(password, hashed) in world.asked
            kinds.append(world.kinds)

        assert [kinds[0]] * 5 == kinds

    @pytest.mark.parametrize("renews", [True, False])
    def test_renewal(self, renews):
        """An outdated hash is renewed like at a login."""
        world = World(check=OUTDATED)
        world.run(attempt(self.chosen, issued(self.chosen), renews=renews))

        assert renews is (RenewPassword(USER, "secret", HASH) in world.asked)

    def test_renewal_fails(self):
        """A hash that could not be saved rejects nothing."""
        world = World(check=OUTDATED, failing=(RenewPassword,), error=errors.ServiceUnavailableError())

        assert LATER == confirmed(self.chosen, issued(self.chosen), world=world, renews=True).principal.authenticated_at

    def test_turn(self):
        """The hash waits in the line of the client's networks."""
        world = World()
        world.run(attempt(context(), issued(context()), source="8.8.8.8:51234"))
        (question,) = [question for question in world.asked if isinstance(question, CheckPassword)]

        assert ("8.8.8.0/24", "8.8.8.8/32") == question.turn.networks


class TestThrottled:
    def test_rejected(self):
        """Over the limit of the account no hash is computed, and an event is emitted."""
        world, throttle, token = World(check=MISMATCH), LoginThrottle(per_account_and_source=2), issued(context())
        for _ in range(2):
            world.run(attempt(context(), token, source=SOURCE, throttle=throttle))
        world.check = MATCH

        assert errors.LoginThrottledError is type(
            world.run(attempt(context(), token, source=SOURCE, throttle=throttle))
        )
        assert ["GetState", "IdentifyUser", "CheckActive", "ReadAccount", "GetState", "Emit"] == world.kinds
        assert [LoginThrottled(at=LATER, source=SOURCE)] == world.events

    def test_another_token(self):
        """Attempts are counted under the account, whichever session presents them."""
        world, throttle = World(check=MISMATCH), LoginThrottle(per_account=2)
        found = [type(world.run(attempt(context(), issued(context()), throttle=throttle))) for _ in range(3)]

        assert [errors.AuthenticationError] * 2 + [errors.LoginThrottledError] == found

    def test_success_takes_back(self):
        """A success clears the failures before it."""
        world, throttle, token = World(), LoginThrottle(per_account_and_source=2), issued(context())
        for check in (MISMATCH, MATCH, MISMATCH):
            world.check = check
            world.run(attempt(context(), token, source=SOURCE, throttle=throttle))
        world.check = MATCH

        assert str is type(world.run(attempt(context(), token, source=SOURCE, throttle=throttle)))

    def test_hashing_failed(self):
        """If the hasher failed, no password was checked, so the attempt does not count."""
        world, throttle = (
            World(failing=(CheckPassword,), error=errors.ServiceUnavailableError()),
            LoginThrottle(per_account=1),
        )
        token = issued(context())

        assert world.error is world.run(attempt(context(), token, throttle=throttle))
        assert str is type(world.run(attempt(context(), token, throttle=throttle)))

    def test_no_counting(self):
        """If counting fails and the settings allow it, the confirmation goes on uncounted, with one event."""
        world = World(failing=(GetState,), error=errors.ServiceUnavailableError())
        flow = attempt(context(throttle_failure="allow"), issued(context()), throttle=LoginThrottle())

        assert str is type(world.run(flow))
        assert [LoginUncounted, AuthenticationConfirmed] == [type(event) for event in world.events]

    @pytest.mark.parametrize("kind", [GetState, IdentifyUser, ReadAccount, IncrementState, CheckPassword, CheckActive])
    def test_failed_call(self, kind):
        """A failed call rejects the confirmation."""
        world = World(failing=(kind,), error=errors.ServiceUnavailableError())

        assert world.error is world.run(attempt(context(), issued(context()), throttle=LoginThrottle()))


class TestReuse:
    """A token that was exchanged before is handled as by a refresh."""

    chosen = context(has_store=True, refresh_grace=10)

    def exchanged(self):
        """Return a token that was confirmed at ``LATER``, and its world."""
        world, token = World(), issued(self.chosen)
        world.run(attempt(self.chosen, token))
        return token, world

    @pytest.mark.parametrize("late", [0, 9])
    def test_grace(self, late):
        """Within the grace it gets a token of the same generation, for the right password."""
        token, world = self.exchanged()

        assert 1 == confirmed(self.chosen, token, LATER + late, world).generation
        assert "CompareAndSetState" not in world.kinds

    @pytest.mark.parametrize("check", [MATCH, MISMATCH], ids=["right password", "wrong password"])
    @pytest.mark.parametrize("late", [10, 11])
    def test_reuse(self, late, check):
        """From the end of the grace on the session ends, before the password is checked."""
        token, world = self.exchanged()
        world.check = check

        assert errors.ReusedTokenError is type(world.run(attempt(self.chosen, token, LATER + late)))
        assert ["GetState", "CompareAndSetState", "Emit"] == world.kinds
        assert TokenReused is type(world.events[0])
        assert errors.RevokedTokenError is type(world.run(attempt(self.chosen, token, LATER + late)))

    def test_reused_in_between(self):
        """A token that was exchanged, and its successor too, while the password was checked, ends the session."""
        world, token = World(), issued(self.chosen)
        flow = attempt(self.chosen, token)
        question = next(flow)
        while not isinstance(question, CompareAndSetState):
            question = flow.send(world.answer(question))
        world.store.compare_and_set(question.key, None, f"2 {LATER}", expires_at=NOW + REFRESH, now=LATER)

        assert False is world.answer(question)
        question = flow.send(False)  # noqa: FBT003  (the answer of the store)
        assert ("ended", errors.ReusedTokenError) == self.end(flow, world, question)

    def end(self, flow, world, question):
        """Answer to the end; return the last value that was set, and the class of the error."""
        last = None
        while True:
            last = question.new if isinstance(question, CompareAndSetState) else last
            try:
                question = flow.send(world.answer(question))
            except errors.PraetorianError as error:
                return last, type(error)

    def test_revoked_in_between(self):
        """A session that is ended while the password is checked is not continued."""
        world, token = World(), issued(self.chosen)
        session, _ = keys_of(self.chosen, token)
        flow = attempt(self.chosen, token)
        question = next(flow)
        while not isinstance(question, CheckPassword):
            question = flow.send(world.answer(question))
        world.store.compare_and_set(session, None, "ended", expires_at=NOW + REFRESH, now=LATER)

        assert errors.RevokedTokenError is self.end(flow, world, question)[1]

    def test_layout_that_does_not_count(self):
        """A session without generations is not spent."""
        chosen, world = context(has_store=True, layout=FLASK_PRAETORIAN), World()
        token = issued(chosen)
        for late in (0, 500):
            assert LATER + late == confirmed(chosen, token, LATER + late, world).principal.authenticated_at
        assert "CompareAndSetState" not in world.kinds
