"""``sessions``, ``revoke_session``, ``revoke_user(keep=)``, ``issue_session`` and the limit, as an application calls them."""

from __future__ import annotations

import uuid

import pytest
from tests.core.guard.world import LAYOUTS, CountingStore, World
from tests.support import ACCESS, NOW, REFRESH, KeyedStore, both_layouts, outcome

from praetorian_core.errors import (
    ConfigurationError,
    ReusedTokenError,
    RevokedTokenError,
    ServiceUnavailableError,
    SessionLimitError,
)
from praetorian_core.events import SessionLimitReached, SessionRevoked, SessionUnlisted, UserRevoked, session_digest
from praetorian_core.flows.state import index_key
from praetorian_core.session import SessionInfo
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import MemoryUser, as_user
from praetorian_core.testing.adapter_suite.world import BreakableStore
from praetorian_core.token import FLASK_PRAETORIAN


def ids(world, identity=1):
    """Return the ids of a user's sessions, as they are listed."""
    return [session.session_id for session in world.guard.sessions(identity)]


def labels(world):
    """Return the labels of alice's sessions, as they are listed."""
    return [session.label for session in world.guard.sessions(1)]


class TestIssueSession:
    @both_layouts
    @pytest.mark.parametrize("parse", [None, uuid.UUID], ids=["int", "uuid"])
    @pytest.mark.parametrize("has_store", [False, True], ids=["no store", "store"])
    def test_principal(self, layout, parse, has_store):
        """The principal is the one that ``verify`` returns, so nothing need be verified."""
        store = MemoryStore() if has_store else None
        world = World(guard={"store": store}, layout=layout, parse_identity=parse)
        if parse is not None:
            world.alice.identity = uuid.UUID(int=7)
        session = world.guard.issue_session(world.alice, plan=["gold", {"limit": 1.5}])
        principal = world.guard.verify(session.token)

        assert (principal, principal.session_id) == (session.principal, session.session_id)

    def test_after_revoke_user(self, stored):
        """The principal is the one that ``verify`` returns, also in a later epoch."""
        stored.guard.revoke_user(1)
        session = stored.guard.issue_session(stored.alice)

        assert stored.guard.verify(session.token) == session.principal

    def test_label_needs_a_store(self, world):
        """A label without a store raises, because it would be lost; it was a custom claim once."""
        with pytest.raises(ConfigurationError, match=r"a label of a session .* needs a store; set PRAETORIAN_STORE"):
            world.guard.issue(world.alice, label="Firefox")

        assert world.guard.issue(world.alice, label=None)

    def test_label_is_no_claim(self, stored):
        """A label is not in the token."""
        assert {} == stored.guard.verify(stored.guard.issue(stored.alice, label="Firefox")).claims

    def test_as_user(self, stored):
        """A test's headers may carry a session with a label."""
        as_user(stored.guard, stored.alice, label="test client")

        assert ["test client"] == labels(stored)


class TestSessions:
    def test_facts(self, stored):
        """A session is listed with its times, its label and whether it is the current one; the newest comes first."""
        old = stored.guard.issue_session(stored.alice, label="Firefox\non Linux")
        new = stored.at(NOW + ACCESS).issue_session(stored.alice)
        stored.guard.refresh(old.token)

        assert stored.guard.sessions(1, current=old.session_id) == [
            SessionInfo(
                session_id=new.session_id,
                issued_at=NOW + ACCESS,
                refreshed_at=None,
                ends_at=NOW + ACCESS + REFRESH,
                label=None,
                is_current=False,
            ),
            SessionInfo(
                session_id=old.session_id,
                issued_at=NOW,
                refreshed_at=NOW + ACCESS,
                ends_at=NOW + REFRESH,
                label="Firefox on Linux",
                is_current=True,
            ),
        ]

    def test_same_second(self, stored):
        """Of two logins in one second the later one comes first."""
        made = [stored.guard.issue_session(stored.alice).session_id for _ in range(3)]

        assert made[::-1] == ids(stored)

    def test_no_sessions(self, stored):
        """A user without sessions, or none at all, has an empty list."""
        assert ([], []) == (stored.guard.sessions(1), stored.guard.sessions("unknown"))

    def test_own(self, stored):
        """Each user has a list of their own."""
        bob = stored.users.add(MemoryUser(identity=2, username="bob"))
        hers, his = stored.guard.issue_session(stored.alice), stored.guard.issue_session(bob)

        assert [[hers.session_id], [his.session_id]] == [ids(stored, 1), ids(stored, 2)]

    @both_layouts
    def test_ended(self, layout):
        """A session that was ended in any way is not listed."""
        stored = World(guard={"store": MemoryStore()}, layout=layout)
        first, second, third = (stored.guard.issue_session(stored.alice) for _ in range(3))
        stored.guard.revoke(first.token)
        assert [third.session_id, second.session_id] == ids(stored)

        assert stored.guard.revoke_session(1, second.session_id)
        assert [third.session_id] == ids(stored)

        stored.guard.revoke_user(1)
        assert [] == ids(stored)

    def test_reused(self, stored):
        """A session that a reuse has ended is not listed."""
        token = stored.guard.issue(stored.alice)
        stored.at(NOW + ACCESS).refresh(token)
        assert ReusedTokenError is outcome(stored.at(NOW + ACCESS + 10).refresh, token)

        assert [] == ids(stored)

    @pytest.mark.parametrize(("late", "count"), [(REFRESH - 1, 1), (REFRESH, 0), (REFRESH + 1, 0)])
    def test_expired(self, stored, late, count):
        """A session is not listed from its rf_exp on."""
        stored.guard.issue(stored.alice)
        stored.clock.now = NOW + late

        assert count == len(ids(stored))

    @pytest.mark.parametrize(("late", "count"), [(1999, 1), (2000, 0)])
    def test_idle(self, late, count):
        """A session that was not refreshed for the idle lifespan is not listed."""
        stored = World(guard={"store": MemoryStore()}, idle_lifespan=2000)
        token = stored.guard.issue(stored.alice)
        stored.clock.now = NOW + late

        assert count == len(ids(stored)) == (type(outcome(stored.guard.refresh, token)) is str)

    def test_layout(self):
        """A session that began in the layout FLASK_PRAETORIAN is listed; when it was refreshed is not known."""
        stored = World(guard={"store": MemoryStore()}, layout=FLASK_PRAETORIAN, idle_lifespan=2000)
        session = stored.guard.issue_session(stored.alice, label="old client")
        fresh = stored.at(NOW + 1999).refresh(session.token)
        stored.at(NOW + 2001)

        assert stored.guard.verify(fresh).session_id == session.session_id
        assert [(session.session_id, None, NOW + REFRESH, "old client")] == [
            (found.session_id, found.refreshed_at, found.ends_at, found.label) for found in stored.guard.sessions(1)
        ]

    def test_both_layouts(self):
        """One list holds the sessions of machines with different layouts."""
        store = MemoryStore()
        here, there = (World(guard={"store": store}, layout=layout, accept_layouts=LAYOUTS) for layout in LAYOUTS)
        first, second = here.guard.issue_session(here.alice), there.guard.issue_session(there.alice)

        assert [second.session_id, first.session_id] == ids(here) == ids(there)

    def test_uuid(self):
        """A user is named by a UUID or by its text."""
        stored = World(guard={"store": MemoryStore()}, parse_identity=uuid.UUID)
        stored.alice.identity = uuid.UUID(int=7)
        session = stored.guard.issue_session(stored.alice)

        assert [[session.session_id]] * 2 == [ids(stored, uuid.UUID(int=7)), ids(stored, str(uuid.UUID(int=7)))]

    def test_bound(self, stored):
        """The newest 100 sessions are listed; an older one stays valid."""
        tokens = [stored.guard.issue(stored.alice) for _ in range(101)]

        assert 100 == len(ids(stored))
        assert stored.guard.verify(tokens[0]).session_id not in ids(stored)

    def test_nothing_in_clear(self):
        """In the store, a session's id and its label are all that the index says of a user, under a key that is a digest."""
        store = KeyedStore()
        stored = World(guard={"store": store})
        stored.alice.identity = "alice@example.org"
        session = stored.guard.issue_session(stored.alice, label="Firefox", plan="canary")
        key = index_key("alice@example.org")

        expected = f'[null,[["{session.session_id}",{NOW},{NOW + REFRESH},1,"Firefox"]]]'
        assert {key: expected} == store.held(NOW)
        assert "alice" not in key

    def test_expires(self):
        """The index expires with its last session."""
        store = KeyedStore()
        stored = World(guard={"store": store})
        stored.guard.issue(stored.alice)

        assert [1, 0] == [len(store.held(NOW + REFRESH + late)) for late in (59, 60)]

    @pytest.mark.parametrize("call", ["sessions", "revoke_session", "revoke_user"])
    def test_no_store(self, world, call):
        """Without a store each call says what it needs."""
        arguments = (1, "abc") if call == "revoke_session" else (1,)
        with pytest.raises(ConfigurationError, match=f"{call} needs a store; set PRAETORIAN_STORE"):
            getattr(world.guard, call)(*arguments)

    @pytest.mark.parametrize("call", ["sessions", "revoke_session", "revoke_user"])
    @pytest.mark.parametrize("kind", ["token", "user"])
    def test_wrong_identity(self, stored, call, kind):
        """A token or a user in place of an identity is refused with what to write."""
        given = stored.guard.issue(stored.alice) if kind == "token" else stored.alice
        arguments = (given, "abc") if call == "revoke_session" else (given,)
        with pytest.raises(ConfigurationError, match=rf"{call} was given a .*; write .*{call}\(.*identity\)"):
            getattr(stored.guard, call)(*arguments)

    @pytest.mark.parametrize("current", [5, b"abc", True], ids=repr)
    def test_wrong_current(self, stored, current):
        """A current session that is no text is rejected."""
        with pytest.raises(
            ConfigurationError, match=f"current must be a session id or None; got {type(current).__name__}"
        ):
            stored.guard.sessions(1, current=current)

    def test_malformed_index(self, stored):
        """A malformed index rejects the list and a login, and no access."""
        token = stored.guard.issue(stored.alice)
        store = stored.guard._services.store
        (found,) = store.get(index_key(1), now=NOW)
        store.compare_and_set(index_key(1), found, "rubbish", expires_at=NOW + REFRESH, now=NOW)

        assert ServiceUnavailableError is outcome(stored.guard.sessions, 1)
        assert ServiceUnavailableError is outcome(stored.guard.issue, stored.alice)
        assert 1 == stored.guard.verify(token).identity


class TestRevokeSession:
    def test_ends_one(self, stored):
        """One session ends by its id, for access and refresh, and an event names it; the other stays."""
        first, second = (stored.guard.issue_session(stored.alice) for _ in range(2))

        assert True is stored.guard.revoke_session(1, first.session_id)
        assert [SessionRevoked(at=NOW, identity="1", session=session_digest(first.session_id))] == stored.heard
        assert RevokedTokenError is outcome(stored.guard.verify, first.token)
        assert 1 == stored.guard.verify(second.token).identity
        assert RevokedTokenError is outcome(stored.at(NOW + ACCESS).refresh, first.token)

    def test_refreshed(self, stored):
        """A refreshed session ends by its id, with all of its tokens."""
        session = stored.guard.issue_session(stored.alice)
        fresh = stored.at(NOW + ACCESS).refresh(session.token)
        stored.guard.revoke_session(1, session.session_id)

        assert RevokedTokenError is outcome(stored.guard.verify, fresh)

    def test_twice(self, stored):
        """A session that has ended ends no second time."""
        session = stored.guard.issue_session(stored.alice)
        stored.guard.revoke(session.token)
        stored.heard.clear()

        assert (False, []) == (stored.guard.revoke_session(1, session.session_id), stored.heard)

    def test_other_user(self, stored):
        """The id of another user's session ends nothing."""
        bob = stored.users.add(MemoryUser(identity=2, username="bob"))
        session = stored.guard.issue_session(bob)

        assert False is stored.guard.revoke_session(1, session.session_id)
        assert 2 == stored.guard.verify(session.token).identity

    @pytest.mark.parametrize(
        "session_id", ["", "unknown", "é\ud800", "a" * 5000, "}:e", "eyJ.a.b"], ids=lambda text: ascii(text[:9])
    )
    def test_unknown(self, session_id):
        """Any other text ends nothing, raises nothing and writes nothing."""
        store = KeyedStore()
        stored = World(guard={"store": store})
        stored.guard.issue(stored.alice)
        before = store.held(NOW)

        assert (False, []) == (stored.guard.revoke_session(1, session_id), stored.heard)
        assert before == store.held(NOW)

    @pytest.mark.parametrize("session_id", [None, 5, b"abc"], ids=repr)
    def test_wrong_id(self, stored, session_id):
        """Anything but a text is a mistake of the application."""
        with pytest.raises(ConfigurationError, match=f"session_id must be a str; got {type(session_id).__name__}"):
            stored.guard.revoke_session(1, session_id)

    def test_expired(self, stored):
        """A session that has expired is no session any more."""
        session = stored.guard.issue_session(stored.alice)

        assert False is stored.at(NOW + REFRESH).revoke_session(1, session.session_id)


class TestKeep:
    @both_layouts
    def test_everywhere_else(self, layout):
        """All sessions end but the kept one, which stays valid for access and refresh, and is the only one listed."""
        stored = World(guard={"store": MemoryStore()}, layout=layout)
        laptop, phone = (stored.guard.issue_session(stored.alice) for _ in range(2))
        stored.guard.revoke_user(1, keep=laptop.session_id)

        assert 1 == stored.guard.verify(laptop.token).identity
        assert RevokedTokenError is outcome(stored.guard.verify, phone.token)
        assert [laptop.session_id] == ids(stored)
        fresh = stored.at(NOW + ACCESS).refresh(laptop.token)
        assert 1 == stored.guard.verify(fresh).identity
        assert RevokedTokenError is outcome(stored.guard.refresh, phone.token)

    def test_event(self, stored):
        """The event names the kept session by its digest."""
        session = stored.guard.issue_session(stored.alice)
        stored.guard.revoke_user(1, keep=session.session_id)

        assert [UserRevoked(at=NOW, identity="1", kept=session_digest(session.session_id))] == stored.heard

    def test_moves_on(self, stored):
        """A refresh moves a kept session to the epoch in which new sessions begin."""
        session = stored.guard.issue_session(stored.alice)
        stored.guard.revoke_user(1, keep=session.session_id)
        fresh = stored.at(NOW + ACCESS).refresh(session.token)
        epoch = stored.guard.verify(fresh).session_epoch
        other = stored.guard.issue_session(stored.alice)

        assert (True, epoch) == (epoch is not None, other.principal.session_epoch)

    def test_again(self, stored):
        """A session may be kept again and again without a refresh in between: eight times."""
        session = stored.guard.issue_session(stored.alice)
        found = []
        for _ in range(9):
            stored.guard.revoke_user(1, keep=session.session_id)
            found.append(outcome(stored.guard.verify, session.token))

        assert [session.principal] * 8 + [RevokedTokenError] == found

    def test_again_after_refresh(self, stored):
        """A session may be kept any number of times with a refresh in between."""
        session = stored.guard.issue_session(stored.alice)
        token = session.token
        for turn in range(12):
            stored.guard.revoke_user(1, keep=session.session_id)
            token = stored.at(NOW + (turn + 1) * ACCESS).refresh(token)

        assert [session.session_id] == ids(stored) == [stored.guard.verify(token).session_id]

    def test_two_in_turn(self, stored):
        """Keeping another session ends the one that was kept before."""
        first = stored.guard.issue_session(stored.alice)
        stored.guard.revoke_user(1, keep=first.session_id)
        second = stored.guard.issue_session(stored.alice)
        stored.guard.revoke_user(1, keep=second.session_id)

        assert RevokedTokenError is outcome(stored.guard.verify, first.token)
        assert [second.session_id] == ids(stored)

    @pytest.mark.parametrize("end", ["revoke", "revoke_session", "revoke_user"])
    def test_ended_before(self, stored, end):
        """Keeping a session that has ended does not make it valid."""
        session = stored.guard.issue_session(stored.alice)
        {
            "revoke": lambda: stored.guard.revoke(session.token),
            "revoke_session": lambda: stored.guard.revoke_session(1, session.session_id),
            "revoke_user": lambda: stored.guard.revoke_user(1),
        }[end]()
        stored.guard.revoke_user(1, keep=session.session_id)

        assert RevokedTokenError is outcome(stored.guard.verify, session.token)
        assert [] == ids(stored)

    def test_other_user(self, stored):
        """The id of another user's session keeps nothing, and leaves that session as it is."""
        bob = stored.users.add(MemoryUser(identity=2, username="bob"))
        hers, his = stored.guard.issue_session(stored.alice), stored.guard.issue_session(bob)
        stored.guard.revoke_user(1, keep=his.session_id)

        assert RevokedTokenError is outcome(stored.guard.verify, hers.token)
        assert 2 == stored.guard.verify(his.token).identity

    def test_unlisted(self, stored):
        """Sessions that are not listed, such as those of a guard without a store, end too, and one of them can be kept."""
        older = World()
        kept, ended = (older.guard.issue_session(older.alice) for _ in range(2))
        stored.guard.revoke_user(1, keep=kept.session_id)

        assert [1, RevokedTokenError] == [
            getattr(outcome(stored.guard.verify, session.token), "identity", RevokedTokenError)
            for session in (kept, ended)
        ]

    def test_later(self, stored):
        """A session from after the call is valid beside the kept one."""
        kept = stored.guard.issue_session(stored.alice)
        stored.guard.revoke_user(1, keep=kept.session_id)
        later = stored.guard.issue_session(stored.alice)

        assert [later.session_id, kept.session_id] == ids(stored)
        assert [1, 1] == [stored.guard.verify(session.token).identity for session in (kept, later)]

    def test_token(self, stored):
        """A token in place of an id is refused with what to write, and nothing ends."""
        token = stored.guard.issue(stored.alice)
        with pytest.raises(ConfigurationError, match=r"keep was given a token; write keep=guard\.verify"):
            stored.guard.revoke_user(1, keep=token)
        with pytest.raises(ConfigurationError, match=r"current was given a token; write current=guard\.verify"):
            stored.guard.sessions(1, current=token)

        assert 1 == stored.guard.verify(token).identity


class TestLimit:
    def test_end_oldest(self):
        """A login beyond the limit ends the session that began first."""
        stored = World(guard={"store": MemoryStore()}, max_sessions=2)
        first, second, third = (stored.at(NOW + late).issue_session(stored.alice) for late in range(3))

        expected = SessionLimitReached(at=NOW + 2, identity="1", ended=session_digest(first.session_id))
        assert [expected] == stored.heard
        assert [third.session_id, second.session_id] == ids(stored)
        assert RevokedTokenError is outcome(stored.guard.verify, first.token)
        assert [1, 1] == [stored.guard.verify(session.token).identity for session in (second, third)]

    def test_refuse(self):
        """With ``refuse`` it is rejected, until a session has ended."""
        stored = World(guard={"store": MemoryStore()}, max_sessions=1, session_limit="refuse")
        session = stored.guard.issue_session(stored.alice)

        assert SessionLimitError is outcome(stored.guard.issue, stored.alice)
        assert [SessionLimitReached(at=NOW, identity="1", ended=None)] == stored.heard
        assert 1 == stored.guard.verify(session.token).identity
        stored.guard.revoke(session.token)
        assert str is type(outcome(stored.guard.issue, stored.alice))

    @pytest.mark.parametrize(("late", "expected"), [(REFRESH - 1, SessionLimitError), (REFRESH, str)])
    def test_expired(self, late, expected):
        """An expired session does not count."""
        stored = World(guard={"store": MemoryStore()}, max_sessions=1, session_limit="refuse")
        stored.guard.issue(stored.alice)
        found = outcome(stored.at(NOW + late).issue, stored.alice)

        assert expected is (str if type(found) is str else found)

    @pytest.mark.parametrize(("late", "expected"), [(1999, SessionLimitError), (2000, str)])
    def test_idle(self, late, expected):
        """A session that was not refreshed for the idle lifespan does not count."""
        options = {"max_sessions": 1, "session_limit": "refuse", "idle_lifespan": 2000}
        stored = World(guard={"store": MemoryStore()}, **options)
        stored.guard.issue(stored.alice)
        found = outcome(stored.at(NOW + late).issue, stored.alice)

        assert expected is (str if type(found) is str else found)

    def test_repeated_refresh(self):
        """A session counts as long as a token of it may live, also one of a repeated refresh within the grace."""
        options = {"max_sessions": 1, "session_limit": "refuse", "idle_lifespan": 2000}
        stored = World(guard={"store": MemoryStore()}, **options)
        token = stored.guard.issue(stored.alice)
        stored.at(NOW + ACCESS).refresh(token)
        repeated = stored.at(NOW + ACCESS + 9).refresh(token)
        late = stored.at(NOW + ACCESS + 2000)

        assert SessionLimitError is outcome(late.issue, stored.alice)
        assert str is type(outcome(late.refresh, repeated))

    def test_kept(self):
        """A session that ``revoke_user`` kept counts."""
        stored = World(guard={"store": MemoryStore()}, max_sessions=1, session_limit="refuse")
        session = stored.guard.issue_session(stored.alice)
        stored.guard.revoke_user(1, keep=session.session_id)
        assert SessionLimitError is outcome(stored.guard.issue, stored.alice)

        stored.guard.revoke_user(1)
        assert str is type(outcome(stored.guard.issue, stored.alice))

    def test_inactive(self):
        """A user who gets no token ends no session."""
        stored = World(guard={"store": MemoryStore()}, max_sessions=1)
        session = stored.guard.issue_session(stored.alice)
        stored.alice.valid = False
        outcome(stored.guard.issue, stored.alice)

        assert [session.session_id] == ids(stored)


class TestUnlisted:
    def test_allowed(self):
        """``allow`` issues tokens while the store can be read but not written; the session is valid and not listed."""
        store = BreakableStore()
        stored = World(guard={"store": store}, throttle_failure="allow")
        listed = stored.guard.issue_session(stored.alice)
        store.is_read_only = True
        session = stored.guard.issue_session(stored.alice)
        kinds = stored.kinds
        store.is_read_only = False

        assert SessionUnlisted is kinds[-1]
        assert [listed.session_id] == ids(stored)
        assert 1 == stored.guard.verify(session.token).identity
        stored.guard.revoke_user(1)
        assert RevokedTokenError is outcome(stored.guard.verify, session.token)

    @pytest.mark.parametrize(
        "options", [{}, {"throttle_failure": "allow", "max_sessions": 9}], ids=["default", "limit"]
    )
    def test_rejected(self, options):
        """By default, and with a limit, a login is then answered with 503."""
        store = BreakableStore()
        stored = World(guard={"store": store}, **options)
        store.is_read_only = True

        assert ServiceUnavailableError is outcome(stored.guard.issue, stored.alice)


class TestCost:
    @pytest.mark.parametrize("count", [0, 1, 50])
    def test_calls(self, count):
        """A user's other sessions cost no further call: not at access, refresh or the end, and not at a login."""
        store = CountingStore()
        stored = World(guard={"store": store}, max_sessions=99)
        for _ in range(count):
            stored.guard.issue(stored.alice)
        calls = []

        def counted(call, *arguments):
            before = store.calls
            result = call(*arguments)
            calls.append(store.calls - before)
            return result

        token = counted(stored.guard.issue, stored.alice)
        counted(stored.guard.verify, token)
        fresh = counted(stored.at(NOW + ACCESS).refresh, token)
        counted(stored.guard.revoke, fresh)

        assert [2, 1, 2, 2] == calls

    def test_refresh_writes_no_index(self):
        """A refresh and a check on access leave the index as it is."""
        store = KeyedStore()
        stored = World(guard={"store": store})
        token = stored.guard.issue(stored.alice)
        before = store.get(index_key(1), now=NOW)
        stored.guard.verify(token)
        stored.guard.revoke(stored.at(NOW + ACCESS).refresh(token))

        assert before == store.get(index_key(1), now=NOW)
