"""A walk through whole lives of sessions, against a model that knows nothing but the design's formulas (§1, §7).

The model is plain dicts and integers. It imports nothing of the engine but the names of its errors, so an error of
thought in ``token/lifecycle.py`` or ``flows/sessions.py`` cannot hide in both.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from tests.support import HASHED, PASSWORD, RING, bearer

from praetorian_core.errors import (
    AuthenticationError,
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredRefreshError,
    InvalidTokenError,
    InvalidUserError,
    MissingUserError,
    PraetorianError,
    ReusedTokenError,
    RevokedTokenError,
    SessionLimitError,
    StaleAuthenticationError,
)
from praetorian_core.guard import Guard
from praetorian_core.policy import authenticated_within
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD

START = 1_800_000_000
HASHER = cheapest_hasher()
IDENTITIES = {"alice": 1, "bob": "bob"}
ROLES = st.sets(st.sampled_from(["admin", "editor", "guest"]))
LIFESPANS = st.none() | st.integers(1, 400)
NAMES = st.sampled_from(sorted(IDENTITIES))
JSON = (
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("äb", max_size=2) | st.lists(st.integers(0, 9), max_size=2)
)
CUSTOM = st.dictionaries(st.sampled_from(["plan", "limit", "Größe"]), JSON, max_size=2)


class Lifecycle(RuleBasedStateMachine):
    """Two users, their sessions, and a clock that moves by hand. A subclass chooses the layout and the store."""

    layout = STANDARD
    has_store = False

    tokens = Bundle("tokens")

    # ---------------------------------------------------------------- the beginning

    @initialize(
        access=st.integers(1, 100),
        more=st.integers(0, 300),
        leeway=st.sampled_from([0, 0, 7, 60]),
        early=st.sampled_from([0, 0, 5]),
        grace=st.sampled_from([0, 1, 10]),
        check=st.sampled_from(["always", "refresh"]),
        most=st.sampled_from([None, 1, 2, 3]),
        at_limit=st.sampled_from(["end_oldest", "refuse"]),
    )
    def begin(self, access, more, leeway, early, grace, check, most, at_limit):
        self.now = START
        self.access, self.refresh_lifespan = access, access + more
        self.leeway, self.early, self.grace = leeway, min(early, access), grace
        self.checks_access = self.has_store and check == "always"
        self.most = most if self.has_store else None
        self.at_limit = at_limit if self.most else "end_oldest"
        # What the model knows: users by name, what each token says, what became of each session and of each user.
        self.people = {name: {"roles": set(), "valid": True, "there": True} for name in IDENTITIES}
        self.said = {}
        self.sessions = {}
        self.epochs = dict.fromkeys(IDENTITIES, 0)

        self.clock = FrozenClock(self.now)
        self.users = MemoryUsers()
        self.known = {
            name: self.users.add(MemoryUser(identity=identity, username=name, password=HASHED))
            for name, identity in IDENTITIES.items()
        }
        self.guard = Guard(
            self.users,
            Settings(
                keys=RING,
                layout=self.layout,
                access_lifespan=access,
                refresh_lifespan=self.refresh_lifespan,
                leeway=leeway,
                early_refresh=self.early,
                refresh_grace=grace if self.has_store else 10,  # the default, which needs no store
                check_sessions=check if self.has_store else "always",
                max_sessions=self.most,
                session_limit=self.at_limit,
            ),
            store=MemoryStore() if self.has_store else None,
            throttle=None,
            passwords=HASHER,
            clock=self.clock,
            on_event=lambda event: None,
        )

    # ---------------------------------------------------------------- the model

    def access_ends(self, token):
        return min(token["exp"] + self.leeway, token["rf_exp"])

    def is_over(self, token):
        """Tell whether a session was ended, alone or with all of the user's."""
        if not self.has_store:
            return False
        # Of a kept session, the tokens of the last eight epochs are accepted.
        return self.sessions[token["sid"]]["ended"] or token["epoch"] < self.epochs[token["name"]] - 8

    def live(self, name):
        """Return a user's sessions that were not ended and have not expired, the oldest first."""
        return [
            session
            for session in self.sessions.values()
            if session["name"] == name and not session["ended"] and self.now < session["rf_exp"]
        ]

    def make_room(self, name):
        """End sessions as a login must; return why it is refused."""
        excess = self.live(name)[: -(self.most - 1) or None] if self.most else []
        if excess and self.at_limit == "refuse":
            return SessionLimitError
        for session in excess:
            session["ended"] = True
        return None

    def refusal_of_access(self, token):
        if self.now < token["iat"] - max(self.leeway, 10):
            return InvalidTokenError
        if self.now >= token["rf_exp"]:
            return ExpiredRefreshError
        if self.now >= self.access_ends(token):
            return ExpiredAccessError
        if self.checks_access and self.is_over(token):
            return RevokedTokenError
        return None

    def refusal_of_refresh(self, token):
        if self.now < token["iat"] - max(self.leeway, 10):
            return InvalidTokenError
        if self.now >= token["rf_exp"]:
            return ExpiredRefreshError
        if self.now < token["exp"] - self.early:
            return EarlyRefreshError
        if self.is_over(token):
            return RevokedTokenError
        return self.refusal_of_user(token["name"])

    def refusal_of_user(self, name):
        if not self.people[name]["there"]:
            return MissingUserError
        return None if self.people[name]["valid"] else InvalidUserError

    def refusal_of_confirm(self, token):
        """Return why a session cannot be confirmed, apart from reuse, its user and the password."""
        if self.now < token["iat"] - max(self.leeway, 10):
            return InvalidTokenError
        if self.now >= token["rf_exp"]:
            return ExpiredRefreshError
        return RevokedTokenError if self.is_over(token) else None

    def is_reuse(self, token):
        """Return whether a token was exchanged before, and the grace has ended."""
        if not self.has_store or self.layout is FLASK_PRAETORIAN:
            return False
        session = self.sessions[token["sid"]]
        in_grace = token["gen"] == session["gen"] - 1 and self.now < session["since"] + self.grace
        return not (token["gen"] == session["gen"] or in_grace)

    def next_generation(self, token):
        """Return which generation an exchange makes, or None where it is reuse; note what becomes of the session."""
        if not self.has_store or self.layout is FLASK_PRAETORIAN:
            return token["gen"]
        session = self.sessions[token["sid"]]
        if token["gen"] == session["gen"]:
            session.update(gen=session["gen"] + 1, since=self.now)
            return session["gen"]
        if token["gen"] == session["gen"] - 1 and self.now < session["since"] + self.grace:
            return session["gen"]
        session["ended"] = True
        return None

    # ---------------------------------------------------------------- the engine beside it

    def outcome(self, call, *args, **options):
        """Return the class of the refusal, or None and the result."""
        try:
            return None, call(*args, **options)
        except PraetorianError as error:
            return type(error), None

    def check_claims(self, text):
        """Compare what the engine says about a token with what the model says, to the last claim."""
        token = self.said[text]
        claims = self.guard._codec.decode(text, self.now)
        principal = claims.principal
        expected = (
            IDENTITIES[token["name"]],
            token["roles"],
            token["custom"],
            token["iat"],
            token["exp"],
            token["rf_exp"],
            token["auth"],
            (token["gen"] if self.layout is STANDARD else None),
        )
        actual = (
            principal.identity,
            principal.roles,
            dict(principal.claims),
            principal.issued_at,
            principal.access_expires_at,
            principal.refresh_expires_at,
            principal.authenticated_at,
            claims.generation,
        )
        assert expected == actual
        assert repr(token["custom"]) == repr(dict(principal.claims))
        assert self.sessions[token["sid"]]["session_id"] == principal.session_id

    # ---------------------------------------------------------------- what may happen

    @rule(target=tokens, name=NAMES, access=LIFESPANS, refresh=LIFESPANS, custom=CUSTOM)
    def issue(self, name, access, refresh, custom):
        if self.has_store and refresh is not None:
            refresh = min(refresh, self.refresh_lifespan)
        person = self.people[name]
        refusal, text = self.outcome(
            self.guard.issue, self.known[name], access_lifespan=access, refresh_lifespan=refresh, **custom
        )
        # The caller passes a user object; whether it is still in the user store is not asked.
        assert (self.make_room(name) if person["valid"] else InvalidUserError) is refusal
        if refusal is not None:
            return multiple()
        rf_exp = self.now + (refresh or self.refresh_lifespan)
        sid = len(self.sessions)
        session_id = self.guard._codec.decode(text, self.now).principal.session_id
        assert session_id not in {session["session_id"] for session in self.sessions.values()}
        self.sessions[sid] = {
            "session_id": session_id,
            "name": name,
            "iat": self.now,
            "rf_exp": rf_exp,
            "gen": 0,
            "since": None,
            "ended": False,
        }
        self.said[text] = {
            "name": name,
            "roles": set(person["roles"]),
            "custom": custom,
            "iat": self.now,
            "exp": min(self.now + (access or self.access), rf_exp),
            "rf_exp": rf_exp,
            "auth": self.now if self.layout is STANDARD else None,
            "sid": sid,
            "gen": 0,
            "epoch": self.epochs[name],
        }
        self.check_claims(text)
        return text

    @rule(text=tokens)
    def verify(self, text):
        calls = self.users.calls
        refusal, _ = self.outcome(self.guard.verify, text)
        assert self.refusal_of_access(self.said[text]) is refusal
        # Access makes no user-store call, so a deleted user does not matter.
        assert calls == self.users.calls
        if refusal is None:
            self.check_claims(text)

    @rule(target=tokens, text=tokens, access=LIFESPANS)
    def refresh(self, text, access):
        old = self.said[text]
        expected = self.refusal_of_refresh(old)
        generation = None
        if expected is None:
            generation = self.next_generation(old)
            expected = ReusedTokenError if generation is None else None
        refusal, fresh = self.outcome(self.guard.refresh, text, access_lifespan=access)
        assert expected is refusal
        if refusal is not None:
            return multiple()
        self.said[fresh] = old | {
            "roles": set(self.people[old["name"]]["roles"]),
            "iat": self.now,
            "exp": min(self.now + (access or self.access), old["rf_exp"]),
            "gen": generation,
            "epoch": self.epochs[old["name"]],
        }
        self.check_claims(fresh)
        return fresh

    @rule(target=tokens, text=tokens, access=LIFESPANS, password=st.sampled_from([PASSWORD, PASSWORD, "wrong"]))
    def confirm(self, text, access, password):
        """Confirm the password; only this and a login set the time of the authentication."""
        old = self.said[text]
        expected = self.refusal_of_confirm(old)
        if expected is None and self.is_reuse(old):
            assert self.next_generation(old) is None
            expected = ReusedTokenError
        expected = expected or self.refusal_of_user(old["name"])
        if expected is None and password != PASSWORD:
            expected = AuthenticationError
        generation = self.next_generation(old) if expected is None else None
        refusal, fresh = self.outcome(self.guard.confirm, text, password, access_lifespan=access)
        assert expected is refusal
        if refusal is not None:
            return multiple()
        self.said[fresh] = old | {
            "roles": set(self.people[old["name"]]["roles"]),
            "iat": self.now,
            "exp": min(self.now + (access or self.access), old["rf_exp"]),
            "auth": self.now,
            "gen": generation,
            "epoch": self.epochs[old["name"]],
        }
        self.check_claims(fresh)
        return fresh

    @rule(text=tokens, max_age=st.integers(1, 120))
    def admit_recent(self, text, max_age):
        token = self.said[text]
        is_recent = token["auth"] is not None and self.now - max_age < token["auth"] <= self.now + 60
        expected = self.refusal_of_access(token) or (None if is_recent else StaleAuthenticationError)
        refusal, _ = self.outcome(self.guard.admit, bearer(text), authenticated_within(max_age))
        assert expected is refusal

    @rule(text=tokens)
    def load_user(self, text):
        if self.refusal_of_access(self.said[text]) is not None:
            return
        name = self.said[text]["name"]
        refusal, user = self.outcome(self.guard.load_user, self.guard.verify(text))
        assert self.refusal_of_user(name) is refusal
        assert user is (self.known[name] if refusal is None else None)

    @rule(seconds=st.integers(1, 300))
    def tick(self, seconds):
        self.set_clock(self.now + seconds)

    @rule(
        text=tokens,
        boundary=st.sampled_from(["exp", "end of access", "early", "rf_exp", "grace"]),
        off=st.sampled_from([-1, 0, 0, 1]),
    )
    def tick_to_boundary(self, text, boundary, off):
        token = self.said[text]
        since = self.sessions[token["sid"]]["since"]
        at = {
            "exp": token["exp"],
            "end of access": self.access_ends(token),
            "early": token["exp"] - self.early,
            "rf_exp": token["rf_exp"],
            "grace": self.now if since is None else since + self.grace,
        }[boundary]
        if at + off > self.now:
            self.set_clock(at + off)

    @rule(seconds=st.integers(1, 60))
    def look_from_a_slow_clock(self, seconds):
        """Let a machine whose clock is behind, by as much as clocks may differ, judge all tokens once."""
        present = self.now
        self.set_clock(present - seconds)
        for text, token in self.said.items():
            refusal, _ = self.outcome(self.guard.verify, text)
            assert self.refusal_of_access(token) is refusal
        self.set_clock(present)

    def set_clock(self, now):
        self.now = self.clock.now = now

    @rule(name=NAMES, roles=ROLES)
    def change_roles(self, name, roles):
        self.people[name]["roles"] = set(roles)
        self.known[name].rolenames = sorted(roles)

    @rule(name=NAMES, valid=st.booleans())
    def set_valid(self, name, valid):
        self.people[name]["valid"] = self.known[name].valid = valid

    @rule(name=NAMES, there=st.sampled_from([False, True, True]))
    def delete_or_restore(self, name, there):
        if there is not self.people[name]["there"]:
            (self.users.add if there else self.users.remove)(self.known[name])
        self.people[name]["there"] = there

    # ---------------------------------------------------------------- what always holds

    @invariant()
    def every_deadline(self):
        """At every step every token ever made is judged like the model judges it."""
        for text, token in getattr(self, "said", {}).items():
            refusal, _ = self.outcome(self.guard.verify, text)
            assert self.refusal_of_access(token) is refusal


class RememberedLifecycle(Lifecycle):
    """The same with a store: sessions are ended, one by one and all at once."""

    has_store = True

    @rule(text=Lifecycle.tokens)
    def revoke(self, text):
        token = self.said[text]
        assert None is self.guard.revoke(text)
        # A token that is dead on every machine needs no entry, and opens nothing without one.
        if self.now < token["rf_exp"] + 60:
            self.sessions[token["sid"]]["ended"] = True

    @rule(name=NAMES)
    def revoke_user(self, name):
        assert None is self.guard.revoke_user(IDENTITIES[name])
        self.end_all(name, None)

    @rule(name=NAMES, text=Lifecycle.tokens)
    def revoke_others(self, name, text):
        """Keep the session of any token, whether it is a valid one of this user or not."""
        sid = self.said[text]["sid"]
        assert None is self.guard.revoke_user(IDENTITIES[name], keep=self.sessions[sid]["session_id"])
        self.end_all(name, sid)

    def end_all(self, name, kept):
        self.epochs[name] += 1
        for sid, session in self.sessions.items():
            if session["name"] == name and sid != kept:
                session["ended"] = True

    @rule(name=NAMES, text=Lifecycle.tokens)
    def revoke_session(self, name, text):
        session = self.sessions[self.said[text]["sid"]]
        is_live = session in self.live(name)
        assert is_live is self.guard.revoke_session(IDENTITIES[name], session["session_id"])
        session["ended"] |= is_live

    @invariant()
    def every_list(self):
        """At every step the listed sessions are those that the model knows to live, the newest first."""
        for name, identity in IDENTITIES.items() if hasattr(self, "said") else ():
            expected = [
                (session["session_id"], session["iat"], session["since"], session["rf_exp"])
                for session in reversed(self.live(name))
            ]
            assert expected == [
                (session.session_id, session.issued_at, session.refreshed_at, session.ends_at)
                for session in self.guard.sessions(identity)
            ]

    @rule(text=Lifecycle.tokens)
    def revoke_forged(self, text):
        head, _, signature = text.rpartition(".")
        forged = f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
        refusal, _ = self.outcome(self.guard.revoke, forged)
        assert InvalidTokenError is refusal


MACHINES = {
    f"{layout.name}-{'store' if base.has_store else 'no store'}": type(
        f"{base.__name__}_{layout.name}", (base,), {"layout": layout}
    )
    for base in (Lifecycle, RememberedLifecycle)
    for layout in (STANDARD, FLASK_PRAETORIAN)
}


class TestLifecycle:
    @pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
    def test_walk(self, machine):
        """On every walk the engine and the model refuse for the same reason and grant the same claims, at every step."""
        run_state_machine_as_test(machine, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
