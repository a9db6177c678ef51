"""The front door: what a guard promises an application, from the outside."""

from __future__ import annotations

import functools
import gc
import json
import logging
import pickle
import uuid

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core import events
from praetorian_core import guard as module
from praetorian_core.async_guard import AsyncGuard
from praetorian_core.errors import (
    AuthenticationError,
    ClaimCollisionError,
    ClaimValueError,
    ConfigurationError,
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredActionError,
    ExpiredRefreshError,
    InvalidTokenError,
    InvalidUserError,
    LoginThrottledError,
    MalformedHeaderError,
    MissingRoleError,
    MissingTokenError,
    MissingUserError,
    MisusedTokenError,
    PraetorianError,
    ReusedTokenError,
    RevokedTokenError,
    ServiceUnavailableError,
    TokenError,
    WeakPasswordError,
)
from praetorian_core.events import (
    ActionRedeemed,
    CallFailed,
    LoginFailed,
    LoginSucceeded,
    LoginThrottled,
    SessionRevoked,
    TokenRefreshed,
    TokenRefused,
    TokenReused,
    UserRevoked,
)
from praetorian_core.flows.state import epoch_key, session_key
from praetorian_core.guard import Guard
from praetorian_core.login import LoginThrottle, PasswordHasher
from praetorian_core.policy import Policy, all_roles, any_role
from praetorian_core.settings import Settings
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, as_user, cheapest_hasher
from praetorian_core.testing.adapter_suite.world import BreakableStore
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD, KeyRing, generate_secret

NOW = 1_800_000_000
ACCESS, REFRESH = 900, 86_400
SECRET = generate_secret()
RING = KeyRing.from_secret(SECRET)
PASSWORD = "correct horse battery staple"
HASHER = cheapest_hasher()
HASH = HASHER.hash(PASSWORD)
OUTDATED = cheapest_hasher(time_cost=2).hash(PASSWORD)
LAYOUTS = [STANDARD, FLASK_PRAETORIAN]
DAY = 86_400

both_layouts = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


class World:
    """A guard and everybody around it."""

    def __init__(self, *, guard=None, users=None, **settings):
        self.clock = FrozenClock(NOW)
        self.hasher = cheapest_hasher()
        self.alice = MemoryUser(identity=1, username="alice", password=HASH, rolenames=["admin", "editor"])
        self.users = MemoryUsers([self.alice]) if users is None else users
        self.heard = []
        self.settings = Settings(
            **{"keys": RING, "access_lifespan": ACCESS, "refresh_lifespan": REFRESH} | settings,
        )
        options = {"passwords": self.hasher, "clock": self.clock, "on_event": self.heard.append} | (guard or {})
        self.guard = Guard(self.users, self.settings, **options)

    @property
    def kinds(self):
        """The kinds of events that were heard."""
        return [type(event) for event in self.heard]

    def at(self, now):
        """Set the clock."""
        self.clock.now = now
        return self.guard


class View:
    """A request with some Authorization headers."""

    method = "GET"
    remote = None

    def __init__(self, *values):
        self.values = values

    def header(self, name):
        return self.values[0] if self.values else None

    def headers(self, name):
        return self.values if name == "Authorization" else ()


def bearer(token):
    """Return a request with a token."""
    return View(f"Bearer {token}")


def outcome(call, *args, **options):
    """Return what a call returns, or the class of what it refuses with."""
    try:
        return call(*args, **options)
    except PraetorianError as error:
        return type(error)


def tampered(token):
    """Return the token with another signature."""
    head, _, signature = token.rpartition(".")
    return f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def stored():
    return World(guard={"store": MemoryStore()})


class TestVerify:
    @both_layouts
    def test_principal(self, layout):
        """A principal says who acts, what they may, and until when."""
        world = World(layout=layout)
        principal = world.guard.verify(world.guard.issue(world.alice, plan="gold"))

        assert (1, {"admin", "editor"}, {"plan": "gold"}, NOW, NOW + ACCESS, NOW + REFRESH) == (
            principal.identity,
            principal.roles,
            principal.claims,
            principal.issued_at,
            principal.access_expires_at,
            principal.refresh_expires_at,
        )

    def test_read_only(self, world):
        """Nothing of a principal can be changed by whoever it is handed to."""
        principal = world.guard.verify(world.guard.issue(world.alice, plan="gold"))

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            principal.roles = frozenset({"root"})
        with pytest.raises(TypeError):
            principal.claims["plan"] = "platinum"

    @both_layouts
    @pytest.mark.parametrize("store", [None, MemoryStore()], ids=["no store", "store"])
    def test_no_user_calls(self, layout, store):
        """A check on access calls no user store, however often and whatever the outcome."""
        world = World(layout=layout, guard={"store": store})
        token = world.guard.issue(world.alice)
        before = world.users.calls
        for now in (NOW, NOW + ACCESS - 1, NOW + ACCESS, NOW + REFRESH):
            outcome(world.at(now).verify, token)
            outcome(world.at(now).admit, bearer(token), all_roles("admin"))
            outcome(world.at(now).admit_optional, View())

        assert before == world.users.calls

    @both_layouts
    @pytest.mark.parametrize(
        ("now", "refusal"),
        [
            (NOW, None),
            (NOW + ACCESS - 1, None),
            (NOW + ACCESS, ExpiredAccessError),
            (NOW + ACCESS + 1, ExpiredAccessError),
            (NOW + REFRESH - 1, ExpiredAccessError),
            (NOW + REFRESH, ExpiredRefreshError),
            (NOW + REFRESH + 1, ExpiredRefreshError),
        ],
    )
    def test_boundaries(self, layout, now, refusal):
        """Access ends at the exp second itself (RFC 7519 §4.1.4), and everything at rf_exp."""
        world = World(layout=layout)
        token = world.guard.issue(world.alice)
        found = outcome(world.at(now).verify, token)

        assert refusal is (found if isinstance(found, type) else None)

    @pytest.mark.parametrize(
        ("now", "refusal"),
        [
            (NOW + ACCESS + 29, None),
            (NOW + ACCESS + 30, ExpiredAccessError),
            (NOW + REFRESH - 1, ExpiredAccessError),
            (NOW + REFRESH, ExpiredRefreshError),
        ],
    )
    def test_leeway(self, now, refusal):
        """A leeway moves the end of access and never that of refresh."""
        world = World(leeway=30)
        token = world.guard.issue(world.alice)
        found = outcome(world.at(now).verify, token)

        assert refusal is (found if isinstance(found, type) else None)

    @pytest.mark.parametrize(("now", "refusal"), [(NOW + 3599, None), (NOW + 3600, ExpiredRefreshError)])
    def test_leeway_at_the_end(self, now, refusal):
        """Where access reaches to the end of refresh, a leeway adds nothing."""
        world = World(leeway=30)
        token = world.guard.issue(world.alice, access_lifespan=3600, refresh_lifespan=3600)
        found = outcome(world.at(now).verify, token)

        assert refusal is (found if isinstance(found, type) else None)

    @pytest.mark.parametrize(
        ("leeway", "behind", "good"),
        [(0, 0, True), (0, 1, True), (0, 10, True), (0, 11, False), (30, 30, True), (30, 31, False)],
    )
    def test_clock_behind(self, leeway, behind, good):
        """A token is accepted on a machine that is behind by up to the leeway, or 10 s (RFC 7519 §4.1.6)."""
        world = World(leeway=leeway)
        token = world.guard.issue(world.alice)

        assert good is (outcome(world.at(NOW - behind).verify, token) is not InvalidTokenError)

    def test_evidence(self, world):
        """An expiry says when it was, for the log."""
        token = world.guard.issue(world.alice)
        with pytest.raises(ExpiredAccessError) as refusal:
            world.at(NOW + ACCESS + 12).verify(token)

        assert (NOW + ACCESS, NOW + ACCESS + 12) == (refusal.value.expired_at, refusal.value.now)

    @pytest.mark.parametrize("token", [None, 7, b"a.b.c", "", "a.b", "a.b.c", "a.b.c.d", ["a.b.c"]], ids=repr)
    def test_no_token(self, world, token):
        """What is no token is refused like a forged one, whatever its type."""
        with pytest.raises(InvalidTokenError):
            world.guard.verify(token)

    def test_forged(self, world):
        """A token with another signature is refused, and so is one of another key."""
        token = world.guard.issue(world.alice)
        other = World(keys=KeyRing.from_secret(generate_secret()))

        assert (InvalidTokenError, InvalidTokenError) == (
            outcome(world.guard.verify, tampered(token)),
            outcome(other.guard.verify, token),
        )

    @both_layouts
    def test_action(self, layout):
        """An action token opens no route, in either layout (RFC 8725 §3.12)."""
        world = World(layout=layout)
        tokens = [world.guard.issue_action(world.alice, action) for action in ("registration", "reset")]

        assert [MisusedTokenError] * 2 == [outcome(world.guard.verify, token) for token in tokens]

    def test_eternal(self):
        """A token of a million days opens routes to its last second, and is dead at the next."""
        world = World(access_lifespan={"days": 1_000_000}, refresh_lifespan={"days": 1_000_000})
        token = world.guard.issue(world.alice)
        end = NOW + 1_000_000 * DAY

        assert end == world.at(end - 1).verify(token).access_expires_at
        assert ExpiredRefreshError is outcome(world.at(end).verify, token)

    def test_roles_disabled(self):
        """Without roles a token carries none, and a user needs no ``rolenames``."""
        user = type("Plain", (), {"identity": 1, "password": HASH})()
        world = World(roles_disabled=True)

        assert frozenset() == world.guard.verify(world.guard.issue(user)).roles

    @both_layouts
    def test_both_layouts(self, layout):
        """A guard that accepts both layouts reads both; one that does not refuses the other."""
        other = next(name for name in LAYOUTS if name is not layout)
        world, fleet, old = World(layout=layout), World(accept_layouts=LAYOUTS), World(layout=other)
        token = world.guard.issue(world.alice)

        assert 1 == fleet.guard.verify(token).identity
        assert InvalidTokenError is outcome(old.guard.verify, token)


class TestIssue:
    def test_nobody(self, world):
        """Nobody gets no token: a forgotten ``if`` after a look-up lets no one in."""
        with pytest.raises(MissingUserError):
            world.guard.issue(None)

    def test_invalid(self, world):
        """A disabled user gets no token (CVE-2024-22513)."""
        world.alice.valid = False

        with pytest.raises(InvalidUserError):
            world.guard.issue(world.alice)

    @pytest.mark.parametrize(
        ("answer", "expected"),
        [
            (1, str),
            (0, InvalidUserError),
            (None, InvalidUserError),
            ("yes", ConfigurationError),
            (2, ConfigurationError),
            (object, ConfigurationError),
        ],
        ids=repr,
    )
    def test_validity(self, world, answer, expected):
        """1 means active, 0 and None not active; any other answer is a configuration error, not an outage."""
        user = type("Sloppy", (), {"identity": 1, "rolenames": [], "is_valid": lambda self: answer})()
        found = outcome(world.guard.issue, user)

        assert (expected, []) == (str if type(found) is str else found, world.kinds)

    def test_no_validity(self, world):
        """A user class without a validation method has no users that may not act."""
        user = type("Plain", (), {"identity": 1, "rolenames": []})()

        assert 1 == world.guard.verify(world.guard.issue(user)).identity

    @pytest.mark.parametrize("identity", [1, 0, -1, 2**63 - 1, "1", "alice", "ä", " "], ids=repr)
    @both_layouts
    def test_identity(self, layout, identity):
        """An identity comes back as what it was, integer or text."""
        world = World(layout=layout)
        world.alice.identity = identity
        found = world.guard.verify(world.guard.issue(world.alice)).identity

        assert (type(identity), identity) == (type(found), found)

    @both_layouts
    def test_parsed_identity(self, layout):
        """A UUID travels as its text, and comes back as ``parse_identity`` makes it."""
        world = World(layout=layout, parse_identity=uuid.UUID)
        world.alice.identity = uuid.uuid4()
        token = world.guard.issue(world.alice)

        assert world.alice.identity == world.guard.verify(token).identity
        assert "admin" in world.at(NOW + ACCESS).verify(world.guard.refresh(token)).roles

    @pytest.mark.parametrize("rolenames", [None, "admin", 7, {"admin": 1}, [1], [None], [""]], ids=repr)
    def test_bad_roles(self, world, rolenames):
        """Role names of a wrong type are refused, never read as none or letter by letter."""
        world.alice.rolenames = rolenames

        with pytest.raises(ConfigurationError, match="rolenames"):
            world.guard.issue(world.alice)

    @pytest.mark.parametrize("role", ["a,admin", " admin", "admin "])
    def test_comma(self, role):
        """Where roles travel with commas between them, no name may make two of itself; elsewhere any name is one."""
        legacy, standard = World(layout=FLASK_PRAETORIAN), World()
        legacy.alice.rolenames = standard.alice.rolenames = [role]

        assert ClaimValueError is outcome(legacy.guard.issue, legacy.alice)
        assert {role} == standard.guard.verify(standard.guard.issue(standard.alice)).roles

    @pytest.mark.parametrize("name", ["sub", "Exp", "RF_EXP", "rls", "is_prt", "jti", "action", "pwf"])
    def test_collision(self, world, name):
        """No custom claim takes a reserved name of either layout, in any letter case."""
        with pytest.raises(ClaimCollisionError, match=name):
            world.guard.issue(world.alice, **{name: 1})

    @pytest.mark.parametrize("name", ["user", "access", "self", "claims", "token", "identity"])
    def test_no_collision(self, world, name):
        """Any other name is free, also that of a parameter that is positional."""
        assert {name: 1} == world.guard.verify(world.guard.issue(world.alice, **{name: 1})).claims

    @pytest.mark.parametrize("value", [object(), {1}, b"x", (1,), float("nan"), {1: 2}, "\ud800"])
    def test_bad_claim(self, world, value):
        """What would not come back as it was given is refused by the claim's name."""
        with pytest.raises(ClaimValueError, match="'plan'"):
            world.guard.issue(world.alice, plan=value)

    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**53), 2**53)
            | st.floats(allow_nan=False, allow_infinity=False)
            # No lone surrogates: they are no characters, and are refused above.
            | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=5), inner, max_size=4)
            ),
            max_leaves=10,
        )
    )
    def test_round_trip(self, value):
        """Whatever ``issue`` accepts for a custom claim, ``verify`` returns."""
        world = World()

        assert repr({"custom": value}) == repr(
            dict(world.guard.verify(world.guard.issue(world.alice, custom=value)).claims)
        )

    @pytest.mark.parametrize("option", ["access_lifespan", "refresh_lifespan"])
    @pytest.mark.parametrize("lifespan", [0, -1, "", "soon", 1.5, True, {}], ids=repr)
    def test_bad_lifespan(self, world, option, lifespan):
        """A lifespan that is none is refused by its name."""
        with pytest.raises(ConfigurationError, match=f"{option} must be "):
            world.guard.issue(world.alice, **{option: lifespan})

    def test_any_lifespan(self, world):
        """Lifespans for one token are given as anywhere."""
        token = world.guard.issue(world.alice, access_lifespan="1 minute", refresh_lifespan={"hours": 1})
        principal = world.guard.verify(token)

        assert (NOW + 60, NOW + 3600) == (principal.access_expires_at, principal.refresh_expires_at)

    @pytest.mark.parametrize(("access", "expected"), [(3599, 3599), (3600, 3600), (3601, 3600)])
    def test_cut(self, world, access, expected):
        """Access that is chosen for one token is cut at the end of refresh."""
        token = world.guard.issue(world.alice, access_lifespan=access, refresh_lifespan=3600)

        assert NOW + expected == world.guard.verify(token).access_expires_at

    def test_too_long(self, world):
        """A token that would be refused for its length is not minted."""
        with pytest.raises(ConfigurationError, match="8192"):
            world.guard.issue(world.alice, plan="x" * 8192)


class TestRefresh:
    @both_layouts
    @pytest.mark.parametrize(
        ("now", "refusal"),
        [
            (NOW, EarlyRefreshError),
            (NOW + ACCESS - 1, EarlyRefreshError),
            (NOW + ACCESS, None),
            (NOW + ACCESS + 1, None),
            (NOW + REFRESH - 1, None),
            (NOW + REFRESH, ExpiredRefreshError),
            (NOW + REFRESH + 1, ExpiredRefreshError),
        ],
    )
    def test_boundaries(self, layout, now, refusal):
        """Refresh begins at the exp second, where access ends, and ends at rf_exp."""
        world = World(layout=layout)
        token = world.guard.issue(world.alice)
        found = outcome(world.at(now).refresh, token)

        assert refusal is (found if isinstance(found, type) else None)

    @pytest.mark.parametrize("leeway", [0, 30])
    @pytest.mark.parametrize("late", [-1, 0, 1, 29, 30, 31])
    def test_at_least_one(self, leeway, late):
        """Access ends at exp + leeway and refresh begins at exp, so exactly one works without a leeway."""
        world = World(leeway=leeway)
        token = world.guard.issue(world.alice)
        guard = world.at(NOW + ACCESS + late)
        refused = [isinstance(outcome(call, token), type) for call in (guard.verify, guard.refresh)]

        assert [late >= leeway, late < 0] == refused

    @pytest.mark.parametrize(("late", "refusal"), [(-61, EarlyRefreshError), (-60, None), (-59, None), (0, None)])
    def test_early(self, late, refusal):
        """``early_refresh`` opens refresh that much before the end of access, which goes on to its end."""
        world = World(early_refresh=60)
        token = world.guard.issue(world.alice)
        found = outcome(world.at(NOW + ACCESS + late).refresh, token)

        assert refusal is (found if isinstance(found, type) else None)
        assert (late < 0) is not isinstance(outcome(world.guard.verify, token), type)

    @pytest.mark.parametrize(("late", "refusal"), [(-61, EarlyRefreshError), (-60, None)])
    def test_early_with_leeway(self, late, refusal):
        """It counts from exp; the leeway has no effect on it."""
        world = World(early_refresh=60, leeway=30)
        token = world.guard.issue(world.alice)
        found = outcome(world.at(NOW + ACCESS + late).refresh, token)

        assert refusal is (found if isinstance(found, type) else None)

    @both_layouts
    @pytest.mark.parametrize("store", [False, True], ids=["no store", "store"])
    @pytest.mark.parametrize("override", [None, 1, 10**9], ids=str)
    def test_chain(self, layout, store, override):
        """Over any chain of refreshes rf_exp, session and custom claims stay bit for bit, until rf_exp ends it."""
        world = World(layout=layout, guard={"store": MemoryStore() if store else None})
        custom = {"plan": "gold", "limits": [1, 2.5, {"ü": None}], "big": 2**60}
        token = world.guard.issue(world.alice, **custom)
        first = world.guard.verify(token)
        chain = 0
        while world.clock.now < first.refresh_expires_at - 1:
            world.clock.now = (
                min(world.guard.verify(token).access_expires_at, first.refresh_expires_at - 1) + 977 * chain
            )
            if world.clock.now >= first.refresh_expires_at or chain > 200:
                break
            token = world.guard.refresh(token, access_lifespan=override)
            chain += 1
            principal = world.guard.verify(token)
            assert (first.refresh_expires_at, first.session_id, custom) == (
                principal.refresh_expires_at,
                principal.session_id,
                dict(principal.claims),
            )
            assert world.clock.now < principal.access_expires_at <= first.refresh_expires_at
        assert chain > 0
        assert ExpiredRefreshError is outcome(world.at(first.refresh_expires_at).refresh, token)

    @both_layouts
    @pytest.mark.parametrize("late", [0, 1, 10**6])
    def test_never_at_the_end(self, layout, late):
        """From rf_exp on no token of the session opens or refreshes anything, however fresh it is."""
        world = World(layout=layout)
        token = world.guard.issue(world.alice)
        fresh = world.at(NOW + REFRESH - 1).refresh(token, access_lifespan=10**9)
        guard = world.at(NOW + REFRESH + late)
        outcomes = [outcome(call, each) for call in (guard.verify, guard.refresh) for each in (token, fresh)]

        assert [ExpiredRefreshError] * 4 == outcomes

    def test_override(self, world):
        """Access can be chosen for one successor."""
        token = world.guard.issue(world.alice)
        fresh = world.at(NOW + ACCESS).refresh(token, access_lifespan="1 minute")

        assert NOW + ACCESS + 60 == world.guard.verify(fresh).access_expires_at

    def test_bad_lifespan(self, world):
        """A lifespan that is none is refused by its name."""
        with pytest.raises(ConfigurationError, match="access_lifespan must be "):
            world.guard.refresh(world.guard.issue(world.alice), access_lifespan="soon")

    @both_layouts
    def test_roles(self, layout):
        """Roles are read anew: what was given counts, and what was taken is gone (ASVS 8.3.2)."""
        world = World(layout=layout)
        token = world.guard.issue(world.alice)
        world.alice.rolenames = ["guest"]
        fresh = world.at(NOW + ACCESS).refresh(token)

        assert {"guest"} == world.guard.verify(fresh).roles

    def test_missing_user(self, world):
        """A user who is gone gets no successor."""
        token = world.guard.issue(world.alice)
        world.users.remove(world.alice)

        assert MissingUserError is outcome(world.at(NOW + ACCESS).refresh, token)

    def test_disabled_user(self, world):
        """A disabled user gets none; one who is enabled again does."""
        token = world.guard.issue(world.alice)
        world.alice.valid = False
        disabled = outcome(world.at(NOW + ACCESS).refresh, token)
        world.alice.valid = True

        assert InvalidUserError is disabled
        assert 1 == world.guard.verify(world.guard.refresh(token)).identity

    def test_other_user(self, world):
        """A user source that finds somebody else is refused: a session never changes hands."""
        token = world.guard.issue(world.alice)
        world.users.identify = lambda identity: attrs.evolve(world.alice, identity=2)

        assert ConfigurationError is outcome(world.at(NOW + ACCESS).refresh, token)

    def test_forged(self, world):
        """A forged token asks nobody anything."""
        token = world.guard.issue(world.alice)
        before = world.users.calls

        assert InvalidTokenError is outcome(world.at(NOW + ACCESS).refresh, tampered(token))
        assert before == world.users.calls

    @both_layouts
    def test_action(self, layout):
        """An action token is not refreshed."""
        world = World(layout=layout)
        token = world.guard.issue_action(world.alice, "registration")

        assert MisusedTokenError is outcome(world.at(NOW + 900).refresh, token)

    @both_layouts
    def test_change_of_layout(self, layout):
        """A session goes over from one layout to the other at a refresh, and keeps its end and its id."""
        other = next(name for name in LAYOUTS if name is not layout)
        old, new = World(layout=layout), World(layout=other, accept_layouts=LAYOUTS)
        token = old.guard.issue(old.alice, plan="gold")
        before = old.guard.verify(token)
        after = new.at(NOW + ACCESS).verify(new.guard.refresh(token))

        assert attrs.evolve(before, issued_at=NOW + ACCESS, access_expires_at=NOW + 2 * ACCESS) == after


class TestRefreshOnce:
    then = NOW + ACCESS

    def test_generations(self, stored):
        """Each generation of a session makes one successor, one after the other."""
        token = stored.guard.issue(stored.alice)
        generations = []
        for step in range(1, 5):
            stored.at(NOW + step * ACCESS)
            token = stored.guard.refresh(token)
            generations.append(stored.guard._codec.decode(token, stored.clock.now).generation)

        assert [1, 2, 3, 4] == generations

    @pytest.mark.parametrize("late", [0, 1, 9])
    def test_grace(self, stored, late):
        """Within 10 s a repeat is an honest retry: it gets a token of the same generation, and nobody is alarmed."""
        token = stored.guard.issue(stored.alice)
        first = stored.at(self.then).refresh(token)
        second = stored.at(self.then + late).refresh(token)
        generations = {stored.guard._codec.decode(each, stored.clock.now).generation for each in (first, second)}

        assert ({1}, False) == (generations, TokenReused in stored.kinds)
        assert 1 == stored.guard.verify(first).identity

    @pytest.mark.parametrize("late", [10, 11, 500])
    def test_reuse(self, stored, late):
        """From the 10th second on it is reuse: the session ends, all of its tokens, and that is told once."""
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(self.then).refresh(token)
        reused = outcome(stored.at(self.then + late).refresh, token)

        assert (ReusedTokenError, 1) == (reused, stored.kinds.count(TokenReused))
        assert [RevokedTokenError] * 3 == [
            outcome(stored.guard.verify, fresh),
            outcome(stored.at(self.then + ACCESS).refresh, fresh),
            outcome(stored.guard.refresh, token),
        ]

    def test_grace_is_not_renewed(self, stored):
        """A retry within the grace earns no further grace."""
        token = stored.guard.issue(stored.alice)
        stored.at(self.then).refresh(token)
        stored.at(self.then + 9).refresh(token)

        assert ReusedTokenError is outcome(stored.at(self.then + 10).refresh, token)

    def test_grandparent(self, stored):
        """The generation before the last is reuse even within the grace."""
        stored = World(guard={"store": MemoryStore()}, access_lifespan=1)
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(NOW + 1).refresh(token)
        stored.at(NOW + 2).refresh(fresh)

        assert ReusedTokenError is outcome(stored.guard.refresh, token)

    @pytest.mark.parametrize(
        ("grace", "late", "refusal"), [(0, 0, ReusedTokenError), (60, 59, None), (60, 60, ReusedTokenError)]
    )
    def test_setting(self, grace, late, refusal):
        """The grace is a setting, and 0 means none."""
        stored = World(guard={"store": MemoryStore()}, refresh_grace=grace)
        token = stored.guard.issue(stored.alice)
        stored.at(self.then).refresh(token)
        found = outcome(stored.at(self.then + late).refresh, token)

        assert refusal is (found if isinstance(found, type) else None)

    def test_other_sessions(self, stored):
        """Reuse ends one session and none of the user's others."""
        one, other = stored.guard.issue(stored.alice), stored.guard.issue(stored.alice)
        stored.at(self.then).refresh(one)
        outcome(stored.at(self.then + 10).refresh, one)

        assert ExpiredAccessError is outcome(stored.guard.verify, other)
        assert 1 == stored.guard.verify(stored.guard.refresh(other)).identity

    def test_lost_state(self, stored):
        """A store that forgot everything refuses what it cannot judge: a generation later than it knows."""
        token = stored.at(self.then).refresh(World().guard.issue(stored.alice))
        again = World(guard={"store": MemoryStore()})

        assert ReusedTokenError is outcome(again.at(self.then + ACCESS).refresh, token)

    def test_without_store(self, world):
        """Without a store refresh is stateless: a token makes as many successors as it is shown."""
        token = world.guard.issue(world.alice)
        fresh = [world.at(self.then + late).refresh(token) for late in (0, 10, 500)]

        assert [1, 1, 1] == [world.guard.verify(each).identity for each in fresh]

    def test_legacy_layout(self):
        """Tokens of flask-praetorian's layout carry no generation, so refresh stays repeatable, store or not."""
        stored = World(layout=FLASK_PRAETORIAN, guard={"store": MemoryStore()})
        token = stored.guard.issue(stored.alice)
        fresh = [stored.at(self.then + late).refresh(token) for late in (0, 10, 500)]

        assert [1, 1, 1] == [stored.guard.verify(each).identity for each in fresh]

    def test_from_legacy_layout(self):
        """Its token is generation 0 to a guard that counts: refreshed once, then grace, then reuse."""
        store = MemoryStore()
        old = World(layout=FLASK_PRAETORIAN, guard={"store": store})
        new = World(accept_layouts=LAYOUTS, guard={"store": store})
        token = old.guard.issue(old.alice)
        found = [outcome(new.at(self.then + late).refresh, token) for late in (0, 9, 10)]

        assert [str, str, type] == [type(each) for each in found]
        assert ReusedTokenError is found[2]


class TestRevoke:
    @both_layouts
    def test_ends_the_session(self, layout):
        """Every token of the session is dead at once, older and newer, for access and for refresh."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(NOW + ACCESS).refresh(token)
        stored.guard.revoke(fresh)

        assert [RevokedTokenError] * 2 == [outcome(stored.guard.verify, fresh), outcome(stored.guard.refresh, token)]
        assert RevokedTokenError is outcome(stored.at(NOW + 2 * ACCESS).refresh, fresh)

    def test_no_other(self, stored):
        """No other session ends with it."""
        one, other = stored.guard.issue(stored.alice), stored.guard.issue(stored.alice)
        stored.guard.revoke(one)

        assert 1 == stored.guard.verify(other).identity

    def test_idempotent(self, stored):
        """A second time changes nothing, and is told no second time (RFC 7009 §2.2)."""
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke(token)
        stored.guard.revoke(token)

        assert [SessionRevoked] == stored.kinds

    @pytest.mark.parametrize("now", [NOW + ACCESS, NOW + REFRESH - 1])
    def test_expired(self, stored, now):
        """An expired token revokes: who logs out late is logged out."""
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(now).refresh(token)
        stored.guard.revoke(token)

        assert RevokedTokenError is outcome(stored.guard.verify, fresh)

    def test_old_generation(self, stored):
        """So does a spent one: whoever shows it holds the session."""
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(NOW + ACCESS).refresh(token)
        stored.guard.revoke(token)

        assert RevokedTokenError is outcome(stored.guard.verify, fresh)

    def test_dead(self, stored):
        """A token that is dead on every machine is a success that leaves no entry."""
        token = stored.guard.issue(stored.alice)
        stored.at(NOW + REFRESH + 60).revoke(token)

        assert 0 == len(stored.guard._services.store)

    def test_to_the_end(self, stored):
        """It holds to the last second of rf_exp: a revoked token never comes back."""
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke(token)
        outcomes = [outcome(stored.at(NOW + late).refresh, token) for late in (ACCESS, REFRESH - 1, REFRESH)]

        assert [RevokedTokenError, RevokedTokenError, ExpiredRefreshError] == outcomes

    def test_forged(self, stored):
        """A forged token is refused and changes nothing (RFC 7009 §2.2)."""
        token = stored.guard.issue(stored.alice)

        assert InvalidTokenError is outcome(stored.guard.revoke, tampered(token))
        assert (1, 0) == (stored.guard.verify(token).identity, len(stored.guard._services.store))

    @both_layouts
    def test_action(self, layout):
        """A revoked action token redeems no more, not even where it need not be spent."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        token = stored.guard.issue_action(stored.alice, "registration")
        stored.guard.revoke(token)
        outcomes = [outcome(stored.guard.redeem_action, token, "registration", once=once) for once in (True, False)]

        assert [ReusedTokenError, ReusedTokenError] == outcomes

    def test_two_guards(self):
        """What one machine ends is over on every machine that shares the store."""
        store = MemoryStore()
        here, there = World(guard={"store": store}), World(guard={"store": store})
        token = here.guard.issue(here.alice)
        here.guard.revoke(token)

        assert RevokedTokenError is outcome(there.guard.verify, token)

    @pytest.mark.parametrize("call", ["revoke", "revoke_user"])
    def test_no_store(self, world, call):
        """Without a store the call says what it needs, instead of doing nothing."""
        with pytest.raises(ConfigurationError, match=f"{call} needs a store; set PRAETORIAN_STORE"):
            getattr(world.guard, call)(world.guard.issue(world.alice))

    def test_check_at_refresh(self):
        """With ``check_sessions="refresh"`` access asks no store, so a session ends with its access; refresh asks."""
        store = CountingStore()
        stored = World(guard={"store": store}, check_sessions="refresh")
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke(token)
        before = store.calls

        assert (1, before) == (stored.guard.verify(token).identity, store.calls)
        assert RevokedTokenError is outcome(stored.at(NOW + ACCESS).refresh, token)

    def test_check_always(self):
        """By default access asks the store one question."""
        store = CountingStore()
        stored = World(guard={"store": store})
        token = stored.guard.issue(stored.alice)
        before = store.calls
        stored.guard.verify(token)

        assert 1 == store.calls - before


class TestRevokeUser:
    @both_layouts
    def test_before_and_after(self, layout):
        """Every session from before is over and every one from after lives, within one and the same second."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        before = [stored.guard.issue(stored.alice) for _ in range(2)]
        stored.guard.revoke_user(1)
        after = stored.guard.issue(stored.alice)

        assert [RevokedTokenError] * 2 == [outcome(stored.guard.verify, token) for token in before]
        assert 1 == stored.guard.verify(after).identity
        assert [RevokedTokenError] * 2 == [outcome(stored.at(NOW + ACCESS).refresh, token) for token in before]
        assert 1 == stored.guard.verify(stored.guard.refresh(after)).identity

    def test_twice(self, stored):
        """A second call in the same second ends what was issued between the two."""
        stored.guard.revoke_user(1)
        between = stored.guard.issue(stored.alice)
        stored.guard.revoke_user(1)

        assert RevokedTokenError is outcome(stored.guard.verify, between)
        assert 1 == stored.guard.verify(stored.guard.issue(stored.alice)).identity

    def test_clock_behind(self, stored):
        """It is exact whatever the clocks say: a machine whose clock is behind ends them all the same."""
        token = stored.guard.issue(stored.alice)
        stored.at(NOW - 30).revoke_user(1)

        assert RevokedTokenError is outcome(stored.at(NOW).verify, token)

    def test_no_other_user(self, stored):
        """No other user notices."""
        bob = stored.users.add(MemoryUser(identity=2, username="bob"))
        token = stored.guard.issue(bob)
        stored.guard.revoke_user(1)

        assert 2 == stored.guard.verify(token).identity

    def test_nobody(self, stored):
        """A user without sessions, or none at all, is a success."""
        stored.guard.revoke_user("nobody")

        assert [UserRevoked] == stored.kinds

    @pytest.mark.parametrize("identity", [None, True, 1.5, b"1", ""], ids=repr)
    def test_no_identity(self, stored, identity):
        """What is nobody's identity is refused: a success that ended nothing would be believed."""
        with pytest.raises(ConfigurationError, match="identity"):
            stored.guard.revoke_user(identity)

    def test_refreshed(self, stored):
        """A refreshed token is of the epoch of its session, not of its own making."""
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(NOW + ACCESS).refresh(token)
        stored.guard.revoke_user(1)

        assert RevokedTokenError is outcome(stored.guard.verify, fresh)

    def test_outlives(self, stored):
        """The end holds until the last token from before is dead, and sessions from after outlive the entry's first term."""
        before = stored.guard.issue(stored.alice)
        stored.guard.revoke_user(1)
        last = stored.at(NOW + REFRESH - 1).issue(stored.alice)

        assert RevokedTokenError is outcome(stored.guard.refresh, before)
        assert 1 == stored.at(NOW + REFRESH + 61).verify(last).identity
        assert 1 == stored.at(NOW + 2 * REFRESH - 2).verify(stored.guard.refresh(last)).identity

    def test_long_lifespan(self, stored):
        """A session of a lifespan far beyond the setting stays ended for all of it."""
        token = stored.guard.issue(stored.alice, access_lifespan=10**9, refresh_lifespan=2 * 10**9)
        stored.guard.revoke_user(1)

        assert [RevokedTokenError] * 2 == [
            outcome(stored.at(NOW + late).verify, token) for late in (REFRESH + 61, 10**9 - 1)
        ]
        assert RevokedTokenError is outcome(stored.at(NOW + 2 * 10**9 - 1).refresh, token)

    @both_layouts
    @pytest.mark.parametrize("issuer", ["longer lifespan", "no store", "eternal"])
    def test_older_tokens(self, issuer, layout):
        """A token stays revoked to its end, whatever lifespan it was issued with and whether by a guard with a store."""
        lifespan = 5_000 * 365 * 86_400 if issuer == "eternal" else 30 * REFRESH
        options = {"layout": layout, "accept_layouts": LAYOUTS}
        before = World(guard={"store": None if issuer == "no store" else (store := MemoryStore())}, **options)
        token = before.guard.issue(before.alice, access_lifespan=lifespan - 1, refresh_lifespan=lifespan)
        lowered = World(guard={"store": MemoryStore() if issuer == "no store" else store}, **options)
        lowered.guard.revoke_user(1)
        later = [REFRESH - 1, REFRESH, REFRESH + 61, 2 * REFRESH, lifespan - 2]

        assert [RevokedTokenError] * 5 == [outcome(lowered.at(NOW + late).verify, token) for late in later]
        assert RevokedTokenError is outcome(lowered.at(NOW + lifespan - 1).refresh, token)

    def test_lowered_lifespan(self):
        """Lowering the refresh lifespan applies to new sessions: an earlier one keeps the end in its token."""
        store = MemoryStore()
        before = World(guard={"store": store}, refresh_lifespan=30 * REFRESH)
        token = before.guard.issue(before.alice)
        lowered = World(guard={"store": store}, refresh_lifespan=REFRESH)
        end = NOW + 30 * REFRESH

        assert end == lowered.at(NOW + 2 * REFRESH).verify(lowered.guard.refresh(token)).refresh_expires_at
        assert NOW + 3 * REFRESH == lowered.guard.verify(lowered.guard.issue(lowered.alice)).refresh_expires_at

    def test_login_after(self, stored):
        """A session that is issued after the end is valid for all of its lifespan."""
        stored.guard.revoke_user(1)
        token = stored.guard.issue(stored.alice)

        assert 1 == stored.at(NOW + REFRESH - 1).verify(stored.guard.refresh(token)).identity

    @pytest.mark.parametrize("kind", ["user", "principal"])
    def test_object(self, stored, kind):
        """A user or a principal in place of its identity is refused with what to write, and nothing ends."""
        token = stored.guard.issue(stored.alice)
        given = stored.alice if kind == "user" else stored.guard.verify(token)
        with pytest.raises(ConfigurationError, match=r"write revoke_user\(the .*'s \.identity\)"):
            stored.guard.revoke_user(given)

        assert 1 == stored.guard.verify(token).identity

    def test_named_object(self, stored):
        """So is a user whose text is a name: it would end the sessions of another key."""
        user = type("User", (), {"identity": 1, "__str__": lambda self: "alice"})()

        assert ConfigurationError is outcome(stored.guard.revoke_user, user)

    def test_token(self, stored):
        """So is a token."""
        with pytest.raises(ConfigurationError, match=r"given a token; write revoke\(token\)"):
            stored.guard.revoke_user(stored.guard.issue(stored.alice))

    @pytest.mark.parametrize("identity", [uuid.UUID(int=7), str(uuid.UUID(int=7))], ids=repr)
    def test_uuid(self, identity):
        """An identity ends its sessions as a UUID and as its text."""
        stored = World(guard={"store": MemoryStore()}, parse_identity=uuid.UUID)
        stored.alice.identity = uuid.UUID(int=7)
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke_user(identity)

        assert RevokedTokenError is outcome(stored.guard.verify, token)


class TestActions:
    @both_layouts
    @pytest.mark.parametrize("action", ["registration", "reset"])
    def test_redeem(self, layout, action):
        """An action token finds its user, who need not be valid: who registers is not yet."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        stored.alice.valid = False
        token = stored.guard.issue_action(stored.alice, action)

        assert stored.alice is stored.guard.redeem_action(token, action)

    def test_any_action(self, stored):
        """In the standard layout an action may have any name."""
        token = stored.guard.issue_action(stored.alice, "delete account", lifespan="1 minute", why="spam")

        assert stored.alice is stored.guard.redeem_action(token, "delete account")

    @pytest.mark.parametrize(
        ("store", "action", "once", "expected"),
        [
            (False, "confirm", True, [ConfigurationError, ConfigurationError]),
            (False, "confirm", False, ["alice", "alice"]),
            (False, "reset", True, ["alice", "alice"]),
            (False, "reset", False, ["alice", "alice"]),
            (True, "confirm", True, ["alice", ReusedTokenError]),
            (True, "confirm", False, ["alice", "alice"]),
            (True, "reset", True, ["alice", ReusedTokenError]),
            (True, "reset", False, ["alice", "alice"]),
        ],
    )
    def test_once(self, store, action, once, expected):
        """With a store a token is spent unless told otherwise; without one only what harms nobody is redeemed."""
        world = World(guard={"store": MemoryStore() if store else None})
        token = world.guard.issue_action(world.alice, action)
        found = [outcome(world.guard.redeem_action, token, action, once=once) for _ in range(2)]

        assert expected == [getattr(each, "username", each) for each in found]

    @pytest.mark.parametrize("store", [False, True], ids=["no store", "store"])
    def test_dies_with_the_password(self, store):
        """A reset token dies with the password that it replaces, without a store too."""
        world = World(guard={"store": MemoryStore() if store else None})
        first, second = (world.guard.issue_action(world.alice, "reset") for _ in range(2))
        world.guard.redeem_action(first, "reset")
        world.alice.password = world.guard.hash_password("another fine password")
        expected = [ReusedTokenError if store else RevokedTokenError, RevokedTokenError]

        assert expected == [outcome(world.guard.redeem_action, token, "reset") for token in (first, second)]
        assert world.alice is world.guard.redeem_action(world.guard.issue_action(world.alice, "reset"), "reset")

    def test_not_spent_in_vain(self, stored):
        """A redemption that is refused spends nothing."""
        token = stored.guard.issue_action(stored.alice, "confirm")
        stored.users.remove(stored.alice)
        refused = outcome(stored.guard.redeem_action, token, "confirm")
        stored.users.add(stored.alice)

        assert MissingUserError is refused
        assert stored.alice is stored.guard.redeem_action(token, "confirm")

    @pytest.mark.parametrize(("late", "refusal"), [(899, None), (900, ExpiredActionError), (901, ExpiredActionError)])
    def test_boundaries(self, stored, late, refusal):
        """It lives for 15 minutes and is dead at its exp second (ASVS 6.5.5)."""
        token = stored.guard.issue_action(stored.alice, "confirm")
        found = outcome(stored.at(NOW + late).redeem_action, token, "confirm")

        assert refusal is (found if isinstance(found, type) else None)

    def test_leeway(self):
        """A leeway does not prolong it."""
        stored = World(guard={"store": MemoryStore()}, leeway=60)
        token = stored.guard.issue_action(stored.alice, "confirm", lifespan=60)

        assert ExpiredActionError is outcome(stored.at(NOW + 60).redeem_action, token, "confirm")

    @both_layouts
    def test_misuse(self, layout):
        """Neither a session token nor a token for another action redeems (RFC 8725 §3.11-12)."""
        stored = World(layout=layout, guard={"store": MemoryStore()})
        session = stored.guard.issue(stored.alice)
        other = stored.guard.issue_action(stored.alice, "registration")

        assert [MisusedTokenError] * 2 == [
            outcome(stored.guard.redeem_action, token, "reset") for token in (session, other)
        ]

    def test_forged(self, stored):
        """A forged token redeems nothing."""
        token = stored.guard.issue_action(stored.alice, "confirm")

        assert InvalidTokenError is outcome(stored.guard.redeem_action, tampered(token), "confirm")

    def test_nobody(self, stored):
        """Nobody gets no token."""
        assert MissingUserError is outcome(stored.guard.issue_action, None, "confirm")

    def test_bad_lifespan(self, stored):
        """A lifespan that is none is refused by its name."""
        with pytest.raises(ConfigurationError, match="lifespan must be "):
            stored.guard.issue_action(stored.alice, "confirm", lifespan=0)


class TestUserOf:
    def test_loads(self, world):
        """The user behind a principal is loaded anew."""
        principal = world.guard.verify(world.guard.issue(world.alice))

        assert world.alice is world.guard.load_user(principal)

    def test_missing(self, world):
        """A user who is gone is refused, and that is told."""
        principal = world.guard.verify(world.guard.issue(world.alice))
        world.users.remove(world.alice)

        assert (MissingUserError, [TokenRefused]) == (outcome(world.guard.load_user, principal), world.kinds)

    def test_disabled(self, world):
        """A user who may no longer act is refused."""
        principal = world.guard.verify(world.guard.issue(world.alice))
        world.alice.valid = False

        assert InvalidUserError is outcome(world.guard.load_user, principal)


class TestAdmit:
    def test_token(self, world):
        """A good token in the header is a principal."""
        assert 1 == world.guard.admit(bearer(world.guard.issue(world.alice))).identity

    def test_a_policy_is_a_policy(self, world):
        """A role's name in the place of a policy is a mistake of the programmer's, and lets nobody in."""
        view = bearer(world.guard.issue(world.alice))
        with pytest.raises(ConfigurationError) as refusal:
            world.guard.admit(view, "admin")

        assert "the policy is str; write all_roles('admin') or any_role('a', 'b')" == str(refusal.value)
        assert 1 == world.guard.admit(view, all_roles(*world.alice.rolenames)).identity

    def test_as_user(self, world):
        """``as_user`` returns the headers of a client that has logged in."""
        headers = as_user(world.guard, world.alice, access_lifespan=60, refresh_lifespan=120, plan="gold")
        principal = world.guard.admit(View(headers["Authorization"]))

        assert (NOW + 60, NOW + 120, {"plan": "gold"}) == (
            principal.access_expires_at,
            principal.refresh_expires_at,
            principal.claims,
        )

    @pytest.mark.parametrize(
        ("values", "refusal"),
        [
            ((), MissingTokenError),
            (("Basic YWxpY2U6c2VjcmV0",), MissingTokenError),
            (("Bearerxyz",), MissingTokenError),
            (("Bearer",), MalformedHeaderError),
            (("Bearer a b",), MalformedHeaderError),
            (("Bearer a", "Bearer b"), MalformedHeaderError),
            (("Bearer junk",), InvalidTokenError),
        ],
    )
    def test_refused(self, world, values, refusal):
        """Each way not to carry a token has its own refusal (RFC 6750 §2.1, §3.1)."""
        assert refusal is outcome(world.guard.admit, View(*values))

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ((), None),
            (("Basic YWxpY2U6c2VjcmV0",), None),
            (("Bearer",), MalformedHeaderError),
            (("Bearer junk",), InvalidTokenError),
        ],
    )
    def test_optional(self, world, values, expected):
        """Where a token is optional none at all will do, and a bad one will not."""
        assert expected is outcome(world.guard.admit_optional, View(*values))

    def test_optional_with_token(self, world):
        """A good token makes a principal on such a route."""
        assert 1 == world.guard.admit_optional(bearer(world.guard.issue(world.alice))).identity

    @pytest.mark.parametrize(
        ("policy", "admitted"),
        [
            (None, True),
            (all_roles("admin"), True),
            (all_roles("admin", "editor"), True),
            (all_roles("admin", "root"), False),
            (any_role("root", "editor"), True),
            (any_role("root"), False),
            (any_role("ADMIN"), False),
            (all_roles("admin") & any_role("root"), False),
            (all_roles("root") | any_role("admin"), True),
        ],
        ids=str,
    )
    def test_policy(self, world, policy, admitted):
        """A policy is judged by the roles in the token."""
        found = outcome(world.guard.admit, bearer(world.guard.issue(world.alice)), policy)

        assert admitted is (found is not MissingRoleError)

    def test_sloppy_policy(self, world):
        """A policy of an application's own permits only with ``True`` itself."""

        class Sloppy(Policy):
            def permits(self, held):
                return "yes"

            def __str__(self):
                return "whatever"

        assert MissingRoleError is outcome(world.guard.admit, bearer(world.guard.issue(world.alice)), Sloppy())

    def test_optional_policy(self, world):
        """A policy on an optional route binds whoever shows a token."""
        token = world.guard.issue(world.alice)
        outcomes = [outcome(world.guard.admit_optional, view, any_role("root")) for view in (bearer(token), View())]

        assert [MissingRoleError, None] == outcomes

    def test_roles_disabled(self):
        """A policy where roles are disabled is a contradiction, and admits nobody."""
        world = World(roles_disabled=True)
        token = world.guard.issue(world.alice)

        assert ConfigurationError is outcome(world.guard.admit, bearer(token), any_role("admin"))
        assert 1 == world.guard.admit(bearer(token)).identity

    def test_unknown_role(self):
        """A policy that requires a name outside ``PRAETORIAN_ROLES`` is a configuration error, not a 403."""
        world = World(roles=["admin", "editor"])
        token = world.guard.issue(world.alice)

        assert ConfigurationError is outcome(world.guard.admit, bearer(token), any_role("admin", "editro"))
        assert 1 == world.guard.admit(bearer(token), any_role("admin", "editor")).identity

    @pytest.mark.parametrize(
        ("late", "refusal"), [(ACCESS - 1, None), (ACCESS, ExpiredAccessError), (REFRESH, ExpiredRefreshError)]
    )
    def test_boundaries(self, world, late, refusal):
        """Time is judged as in ``verify``."""
        token = world.guard.issue(world.alice)
        found = outcome(world.at(NOW + late).admit, bearer(token))

        assert refusal is (found if isinstance(found, type) else None)

    def test_revoked(self, stored):
        """So is a session that was ended."""
        token = stored.guard.issue(stored.alice)
        stored.guard.revoke(token)

        assert RevokedTokenError is outcome(stored.guard.admit, bearer(token))

    def test_find_token(self, world):
        """A refresh route takes the token from the request as it is, dead or alive."""
        token = world.guard.issue(world.alice)
        world.clock.tick(ACCESS)

        assert token == world.guard.find_token(bearer(token))
        assert MissingTokenError is outcome(world.guard.find_token, View())


class TestAuthenticate:
    def test_success(self, world):
        """Name and password prove who it is."""
        assert world.alice is world.guard.authenticate("alice", PASSWORD)

    @pytest.mark.parametrize("spoil", ["unknown", "wrong", "disabled", "corrupt hash", "no hash"])
    def test_one_answer(self, world, spoil):
        """Unknown, wrong, disabled: one class, one code, one text (ASVS 6.3.8)."""
        username = "nobody" if spoil == "unknown" else "alice"
        password = "wrong" if spoil == "wrong" else PASSWORD
        world.alice.valid = spoil != "disabled"
        world.alice.password = {"corrupt hash": "$argon2id$junk", "no hash": None}.get(spoil, HASH)
        with pytest.raises(AuthenticationError) as refusal:
            world.guard.authenticate(username, password)

        assert (AuthenticationError, str(AuthenticationError())) == (type(refusal.value), str(refusal.value))

    def test_a_failure_does_not_read_roles(self, world):
        """Roles may cost a query, which would tell by its time that a user of this name exists (CVE-2021-29621)."""
        del world.alice.rolenames
        with pytest.raises(AuthenticationError):
            world.guard.authenticate("alice", "wrong")

        assert world.alice is world.guard.authenticate("alice", PASSWORD)

    @pytest.mark.parametrize(
        ("username", "password", "changes"),
        [
            ("nobody", PASSWORD, {}),
            ("alice", "wrong", {}),
            ("alice", PASSWORD, {"valid": False}),
            ("alice", "wrong", {"valid": False}),
            ("alice", PASSWORD, {"password": "$argon2id$junk"}),
            ("alice", PASSWORD, {"password": ""}),
            ("alice", PASSWORD, {"password": None}),
            ("alice", PASSWORD, {"password": 7}),
            (None, PASSWORD, {}),
            (7, PASSWORD, {}),
            (b"alice", PASSWORD, {}),
            ({"$ne": ""}, PASSWORD, {}),
            ("", PASSWORD, {}),
            ("a\0b", PASSWORD, {}),
            ("\ud800", PASSWORD, {}),
            ("x" * 100_000, PASSWORD, {}),
            ("alice", None, {}),
            ("alice", 7, {}),
            ("alice", b"secret", {}),
            ("alice", "", {}),
            ("alice", "\0", {}),
            ("alice", "\ud800", {}),
            ("alice", "x" * 1_000_000, {}),
            (None, None, {}),
        ],
        ids=lambda value: repr(value)[:24],
    )
    def test_cost(self, world, username, password, changes):
        """Whatever is wrong, one hash of the live cost is computed, no more and no less (CVE-2021-29621, CVE-2024-39329)."""
        for name, value in changes.items():
            setattr(world.alice, name, value)
        before = world.hasher.computations, world.hasher.work
        found = outcome(world.guard.authenticate, username, password)

        assert AuthenticationError is found
        assert (1, 8) == (world.hasher.computations - before[0], world.hasher.work - before[1])

    def test_cost_of_success(self, world):
        """A success costs the same."""
        before = world.hasher.computations
        world.guard.authenticate("alice", PASSWORD)

        assert 1 == world.hasher.computations - before

    def test_renewal(self):
        """An outdated hash is made anew at the login that finds it, and saved with the user it belongs to."""
        saved = []
        world = World(guard={"save_password": lambda *call: saved.append(call)})
        world.alice.password = cheapest_hasher(time_cost=2).hash(PASSWORD)
        world.guard.authenticate("alice", PASSWORD)
        ((user, hashed),) = saved

        assert (world.alice, True) == (user, world.guard.verify_password(PASSWORD, hashed))
        assert not world.hasher.check(PASSWORD, hashed).outdated

    @pytest.mark.parametrize(("username", "password"), [("alice", "wrong"), ("nobody", PASSWORD)])
    def test_no_renewal(self, username, password):
        """A failure renews nothing."""
        saved = []
        world = World(guard={"save_password": lambda *call: saved.append(call)})
        world.alice.password = cheapest_hasher(time_cost=2).hash(PASSWORD)
        outcome(world.guard.authenticate, username, password)

        assert [] == saved

    def test_up_to_date(self):
        """Nor does a hash of the live cost need it."""
        saved = []
        world = World(guard={"save_password": lambda *call: saved.append(call)})
        world.guard.authenticate("alice", PASSWORD)

        assert [] == saved

    def test_nowhere_to_save(self, world):
        """Without ``save_password`` an outdated hash is good as it is, and no hash is computed in vain."""
        world.alice.password = cheapest_hasher(time_cost=2).hash(PASSWORD)
        before = world.hasher.computations

        assert world.alice is world.guard.authenticate("alice", PASSWORD)
        assert 1 == world.hasher.computations - before

    def test_saving_fails(self):
        """A hash that cannot be saved keeps nobody out; the operator is told."""

        def save_password(user, hashed):
            raise OSError(hashed)

        world = World(guard={"save_password": save_password})
        world.alice.password = cheapest_hasher(time_cost=2).hash(PASSWORD)

        assert world.alice is world.guard.authenticate("alice", PASSWORD)
        assert [CallFailed, LoginSucceeded] == world.kinds

    def test_throttled(self):
        """The throttle counts attempts at a name and refuses when there were enough."""
        world = World(guard={"throttle": LoginThrottle(per_account=2)})
        found = [outcome(world.guard.authenticate, "alice", "wrong") for _ in range(3)]

        assert [AuthenticationError, AuthenticationError, LoginThrottledError] == found

    def test_source(self):
        """The source that the framework trusts is counted, and told."""
        world = World(guard={"throttle": LoginThrottle(per_account_and_source=1)})
        found = [outcome(world.guard.authenticate, "alice", "wrong", source="8.8.8.8") for _ in range(2)]

        assert [AuthenticationError, LoginThrottledError] == found
        assert ["8.8.8.8", "8.8.8.8"] == [event.source for event in world.heard]

    def test_full(self):
        """Where hashing is full the answer is 503 with a time to wait, and nobody is let in."""
        world = World(guard={"passwords": (hasher := cheapest_hasher(max_concurrent=1, max_waiting=0))})
        with hasher._queue.slot(), pytest.raises(ServiceUnavailableError) as refusal:
            world.guard.authenticate("alice", PASSWORD)

        assert (10, [CallFailed]) == (refusal.value.retry_after, world.kinds)
        assert world.alice is world.guard.authenticate("alice", PASSWORD)


class TestPasswords:
    def test_round_trip(self, world):
        """A hash is good for its password and for no other."""
        hashed = world.guard.hash_password(PASSWORD)

        assert (True, False) == (
            world.guard.verify_password(PASSWORD, hashed),
            world.guard.verify_password("wrong", hashed),
        )

    def test_weak(self, world):
        """A new password obeys the rules."""
        with pytest.raises(WeakPasswordError):
            world.guard.hash_password("short")

    def test_nobody(self, world):
        """No hash matches nothing, at the usual cost."""
        before = world.hasher.computations

        assert (False, 1) == (world.guard.verify_password(PASSWORD, None), world.hasher.computations - before)


class CountingStore(MemoryStore):
    """Counts its calls, and may fail or answer rubbish at one of them."""

    __slots__ = ("calls", "fail_at", "failure")

    def __init__(self, fail_at=None, failure=None):
        super().__init__()
        self.calls = 0
        self.fail_at = fail_at
        self.failure = failure

    def _count(self, answer):
        self.calls += 1
        if self.calls - 1 != self.fail_at:
            return answer()
        if isinstance(self.failure, BaseException):
            raise self.failure
        return self.failure

    def get(self, *keys, now):
        return self._count(lambda: MemoryStore.get(self, *keys, now=now))

    def compare_and_set(self, key, expected, new, *, expires_at, now):
        return self._count(
            lambda: MemoryStore.compare_and_set(self, key, expected, new, expires_at=expires_at, now=now)
        )

    def increment(self, key, amount, *, expires_at, now):
        return self._count(lambda: MemoryStore.increment(self, key, amount, expires_at=expires_at, now=now))


def _authenticate(world):
    return lambda: world.guard.authenticate("alice", PASSWORD, source="8.8.8.8")


def _issue(world):
    world.guard.revoke_user(1)
    return lambda: world.guard.issue(world.alice)


def _verify(world):
    token = world.guard.issue(world.alice)
    return lambda: world.guard.verify(token)


def _admit(world):
    token = world.guard.issue(world.alice)
    return lambda: world.guard.admit(bearer(token), any_role("admin"))


def _refresh(world):
    token = world.guard.issue(world.alice)
    world.clock.tick(ACCESS)
    return lambda: world.guard.refresh(token)


def _reuse(world):
    token = world.guard.issue(world.alice)
    world.at(NOW + ACCESS).refresh(token)
    world.clock.tick(60)
    return lambda: world.guard.refresh(token)


def _revoke(world):
    token = world.guard.issue(world.alice)
    return lambda: world.guard.revoke(token)


def _revoke_user(world):
    return lambda: world.guard.revoke_user(1)


def _redeem(world):
    token = world.guard.issue_action(world.alice, "confirm")
    return lambda: world.guard.redeem_action(token, "confirm")


STORE_CALLS = {
    _authenticate: 9,
    _issue: 1,
    _verify: 1,
    _admit: 1,
    _refresh: 2,
    _reuse: 2,
    _revoke: 2,
    _revoke_user: 2,
    _redeem: 2,
}
"""How often each call asks the store."""


class TestFailingStore:
    @pytest.mark.parametrize(
        ("prepare", "expected"), STORE_CALLS.items(), ids=lambda value: getattr(value, "__name__", "")
    )
    def test_calls(self, prepare, expected):
        """Each call asks the store so many questions: the tests below fail each of them in turn."""
        store = CountingStore()
        world = World(guard={"store": store})
        call = prepare(world)
        before = store.calls
        outcome(call)

        assert expected == store.calls - before

    @pytest.mark.parametrize(
        ("prepare", "number"),
        [(prepare, number) for prepare, most in STORE_CALLS.items() for number in range(most)],
        ids=lambda value: getattr(value, "__name__", str(value)),
    )
    @pytest.mark.parametrize("failure", [OSError("canary"), None, 7.5, "canary", [b"x"]], ids=repr)
    def test_fails(self, prepare, number, failure):
        """Whatever a store raises or answers out of shape at whichever question refuses with 503, and is told once."""
        store = CountingStore(failure=failure)
        world = World(guard={"store": store})
        call = prepare(world)
        store.fail_at = store.calls + number
        world.heard.clear()
        with pytest.raises(ServiceUnavailableError) as refusal:
            call()

        assert [CallFailed] == world.kinds
        assert "canary" not in repr(world.heard) + str(refusal.value)
        if isinstance(failure, OSError):
            assert failure is refusal.value.__cause__

    def test_rubbish_entry(self, stored):
        """An entry that says what was never written refuses a refresh with 503, and is told once."""
        call = _refresh(stored)
        store = stored.guard._services.store
        stored.guard.revoke(World().guard.issue(stored.alice))
        token = stored.guard.issue(stored.alice)
        session_id = stored.guard.verify(token).session_id
        key = session_key(1, session_id)
        store.compare_and_set(key, None, "rubbish", expires_at=NOW + 10**6, now=stored.clock.now)
        stored.clock.tick(ACCESS)
        stored.heard.clear()

        assert (ServiceUnavailableError, [CallFailed]) == (outcome(stored.guard.refresh, token), stored.kinds)
        assert str is type(outcome(call))

    def test_rubbish_epoch(self, stored):
        """So does a user's entry on access: it opens nothing, and is told once."""
        token = stored.guard.issue(stored.alice)
        stored.guard._services.store.compare_and_set(
            epoch_key(1), None, "rubbish", expires_at=NOW + 10**6, now=stored.clock.now
        )
        stored.heard.clear()

        assert (ServiceUnavailableError, [CallFailed]) == (outcome(stored.guard.verify, token), stored.kinds)

    def test_recovers(self):
        """A store that works again is asked again: no failure is remembered."""
        store = CountingStore(failure=OSError())
        world = World(guard={"store": store})
        call = _verify(world)
        store.fail_at = store.calls

        assert (ServiceUnavailableError, 1) == (outcome(call), outcome(call).identity)


class Failing:
    """Returns or raises the same for every call."""

    def __init__(self, reply):
        self.reply = reply

    def __call__(self, *args):
        if isinstance(self.reply, Exception):
            raise self.reply
        return self.reply


class TestAwaitables:
    @pytest.mark.parametrize(
        "call",
        [
            "issue",
            "verify",
            "refresh",
            "load_user",
            "revoke",
            "revoke_user",
            "issue_action",
            "read_action",
            "redeem_action",
            "reset_password",
        ],
    )
    def test_not_awaited(self, stored, recwarn, call):
        """The result of a coroutine function that was not awaited is refused with what to write, and closed."""

        async def later():
            return stored.alice

        further = {"issue_action": ["confirm"], "read_action": ["confirm"], "redeem_action": ["confirm"],
                   "reset_password": [PASSWORD]}  # fmt: skip
        with pytest.raises(ConfigurationError, match=f"{call} was given a coroutine; write await before"):
            getattr(stored.guard, call)(later(), *further.get(call, []))

        assert ([], 0) == (stored.kinds, len(recwarn))


class TestSavePassword:
    @staticmethod
    def saved(save_password):
        """Return what a login with an outdated hash hands to ``save_password``."""
        world = World(guard={"save_password": save_password})
        world.alice.password = OUTDATED
        world.guard.authenticate("alice", PASSWORD)
        return world

    def test_two(self):
        """A function of two arguments receives the user and the new hash."""
        calls = []
        world = self.saved(lambda user, hashed: calls.append((user, hashed)))
        ((user, hashed),) = calls

        assert (world.alice, True) == (user, world.hasher.verify(PASSWORD, hashed))

    @pytest.mark.parametrize("count", [3, 2])
    def test_three(self, count):
        """A function of three receives the former hash too, required or named ``former``."""
        calls = []
        functions = {
            3: lambda user, hashed, before: calls.append((user, before)),
            2: lambda user, hashed, former=None: calls.append((user, former)),
        }
        world = self.saved(functions[count])

        assert [(world.alice, OUTDATED)] == calls

    @pytest.mark.parametrize(
        "save_password",
        [
            lambda user, hashed, commit=True: commit,
            lambda *call: len(call) == 2,
            lambda user, hashed, **options: not options,
        ],
        ids=["default", "any", "options"],
    )
    def test_other_third(self, save_password):
        """A third parameter of another meaning does not receive the hash."""
        answers = []

        @functools.wraps(save_password)
        def noting(*call, **options):
            answers.append(save_password(*call, **options))

        self.saved(noting)

        assert [True] == answers

    @pytest.mark.parametrize(
        "save_password", [lambda: None, lambda user: None, lambda a, b, c, d: None], ids=["0", "1", "4"]
    )
    def test_other_arguments(self, save_password):
        """A function of other arguments is refused with what to write, when the guard is created."""
        with pytest.raises(ConfigurationError, match=r"write def save_password\(user, hashed, former\)"):
            World(guard={"save_password": save_password})

    def test_compare_and_set(self):
        """A password that changes during the login is not overwritten."""
        world = World(guard={"save_password": None})
        changed = world.hasher.hash("another password")

        def save_password(user, hashed, former):
            user.password = changed  # another request is faster
            if user.password == former:
                user.password = hashed

        world = self.saved(save_password)

        assert changed == world.alice.password


class TestResetPassword:
    @pytest.mark.parametrize("store", [None, MemoryStore], ids=["no store", "store"])
    def test_resets(self, store):
        """A reset returns the user and the hash to store; the token cannot be used again."""
        world = World(guard={"store": store and store()})
        token = world.guard.issue_action(world.alice, "reset")
        user, hashed = world.guard.reset_password(token, "a new password")
        user.password = hashed

        assert (world.alice, True) == (user, world.guard.verify_password("a new password", hashed))
        assert (ReusedTokenError if store else RevokedTokenError) is outcome(
            world.guard.reset_password, token, "a new password"
        )

    def test_weak(self, stored):
        """A rejected password does not spend the token."""
        token = stored.guard.issue_action(stored.alice, "reset")

        assert WeakPasswordError is outcome(stored.guard.reset_password, token, "short")
        assert stored.alice is stored.guard.reset_password(token, "a new password")[0]

    @pytest.mark.parametrize("kind", ["junk", "session", "other action", "spent", "expired", "revoked"])
    def test_costs_no_hash(self, stored, kind):
        """A rejected token costs no hash, so that presenting it cannot fill the hashing queue."""
        token = {
            "junk": lambda: "junk",
            "session": lambda: stored.guard.issue(stored.alice),
            "other action": lambda: stored.guard.issue_action(stored.alice, "confirm"),
        }.get(kind, lambda: stored.guard.issue_action(stored.alice, "reset"))()
        if kind == "spent":
            stored.guard.redeem_action(token, "reset")
        elif kind == "expired":
            stored.clock.tick(900)
        elif kind == "revoked":
            stored.alice.password = stored.hasher.hash("another password")
        before = stored.hasher.computations

        assert issubclass(outcome(stored.guard.reset_password, token, "a new password"), TokenError)
        assert before == stored.hasher.computations

    def test_first_password(self, stored):
        """An account without a password sets its first one with a token for another action, or a reset token."""
        stored.alice.password = None
        for action in ("reset", "registration"):
            token = stored.guard.issue_action(stored.alice, action)
            assert stored.alice is stored.guard.reset_password(token, "a new password", action=action)[0]

    @pytest.mark.parametrize(
        ("options", "needs"), [({"users": None}, "users"), ({"guard": {"passwords": None}}, "passwords")], ids=str
    )
    def test_needs(self, options, needs):
        """A guard without users or passwords says what it needs."""
        token = World().guard.issue_action(World().alice, "reset")
        guard = World(**options).guard if needs == "passwords" else Guard(None, Settings(keys=RING))

        with pytest.raises(ConfigurationError, match=f"reset_password needs {needs}"):
            guard.reset_password(token, "a new password")


class TestReadAction:
    def test_page_then_form(self, stored):
        """A token is read for a page, any number of times, and redeemed by the form."""
        token = stored.guard.issue_action(stored.alice, "change-address", email="new@example.org")
        actions = [stored.guard.read_action(token, "change-address") for _ in range(3)]

        assert [(stored.alice, {"email": "new@example.org"}, NOW + 900)] * 3 == [
            (action.user, action.claims, action.expires_at) for action in actions
        ]
        assert stored.alice is stored.guard.redeem_action(token, "change-address")
        assert ReusedTokenError is outcome(stored.guard.read_action, token, "change-address")

    def test_claims_are_frozen(self, stored):
        """The claims cannot be changed, and a JSON encoder accepts them."""
        action = stored.guard.read_action(stored.guard.issue_action(stored.alice, "a", to=["x"]), "a")

        with pytest.raises(TypeError):
            action.claims["to"].append("y")
        assert '{"to": ["x"]}' == json.dumps(action.claims)


class TestFailingUsers:
    @pytest.mark.parametrize("name", ["lookup", "identify"])
    def test_source_fails(self, world, name):
        """A user source that raises refuses with 503, keeps the cause and is told once, without its text."""
        failure = OSError("canary")
        token = world.guard.issue(world.alice)
        setattr(world.users, name, Failing(failure))
        world.clock.tick(ACCESS)
        call = functools.partial(world.guard.refresh, token) if name == "identify" else _authenticate(world)
        with pytest.raises(ServiceUnavailableError) as refusal:
            call()

        assert (failure, [CallFailed]) == (refusal.value.__cause__, world.kinds)
        assert "canary" not in repr(world.heard) + str(refusal.value)

    @pytest.mark.parametrize("name", ["identity", "rolenames", "is_valid"])
    def test_user_fails(self, world, name):
        """So does a user whose attribute or method raises."""
        failure = OSError("canary")
        broken = property(Failing(failure)) if name != "is_valid" else Failing(failure)
        user = type("Broken", (), {"identity": 1, "rolenames": [], name: broken})()
        with pytest.raises(ServiceUnavailableError) as refusal:
            world.guard.issue(user)

        assert (failure, [CallFailed]) == (refusal.value.__cause__, world.kinds)

    def test_password_fails(self, world):
        """So does a stored hash that cannot be read."""
        failure = OSError("canary")
        world.users.lookup = lambda username: type("Broken", (), {"password": property(Failing(failure))})()

        assert (ServiceUnavailableError, [CallFailed]) == (
            outcome(world.guard.authenticate, "alice", PASSWORD),
            world.kinds,
        )

    def test_parse_identity_fails(self):
        """So does a ``parse_identity`` that raises, on every call that reads a token."""
        failure = OSError("canary")
        world = World(guard={"store": MemoryStore()}, parse_identity=Failing(failure))
        world.alice.identity = "alice"
        token = world.guard.issue(world.alice)
        calls = [
            world.guard.verify,
            world.guard.refresh,
            world.guard.revoke,
            lambda token: world.guard.admit(bearer(token)),
        ]
        for call in calls:
            world.heard.clear()
            with pytest.raises(ServiceUnavailableError) as refusal:
                call(token)
            assert (failure, [CallFailed]) == (refusal.value.__cause__, world.kinds)
            assert "canary" not in repr(world.heard) + str(refusal.value)

    def test_parse_identity_refuses(self):
        """With a ValueError it says that the token is not good, and no call failed."""
        world = World(parse_identity=uuid.UUID)
        world.alice.identity = "alice"

        assert (InvalidTokenError, [TokenRefused]) == (
            outcome(world.guard.verify, world.guard.issue(world.alice)),
            world.kinds,
        )

    @pytest.mark.parametrize("name", ["identity", "rolenames", "password"])
    def test_missing_attribute(self, world, name):
        """A missing attribute is named, with the class and what it should be, at the first instance."""
        attributes = {"identity": 1, "rolenames": [], "password": HASH}
        del attributes[name]
        user = type("Partial", (), attributes)()
        world.users.lookup = lambda username: user
        call = _authenticate(world) if name == "password" else functools.partial(world.guard.issue, user)
        with pytest.raises(ConfigurationError, match=f"Partial instances have no attribute '{name}'; give them one"):
            call()

    def test_interrupted(self, world):
        """An interrupt passes untouched, tells nothing and leaves nothing behind."""

        def lookup(username):
            raise KeyboardInterrupt

        world.users.lookup = lookup
        with pytest.raises(KeyboardInterrupt):
            world.guard.authenticate("alice", PASSWORD)
        del world.users.lookup

        assert (world.alice, [LoginSucceeded]) == (world.guard.authenticate("alice", PASSWORD), world.kinds)


class TestEvents:
    def scenario(self, guard, clock, alice, bob):
        """Do everything that is told, and return all tokens that there were."""
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
        outcome(guard.admit, View("Bearer"))
        outcome(guard.admit, bearer(session), any_role("root"))
        fresh = keep(guard.refresh(session))
        outcome(guard.admit, bearer(fresh), any_role("root"))
        guard.admit(bearer(fresh))
        clock.tick(60)
        outcome(guard.refresh, session)
        outcome(guard.verify, fresh)
        last = keep(guard.issue(alice))
        guard.revoke(last)
        outcome(guard.redeem_action, last, "reset")
        guard.revoke_user(1)
        action = keep(guard.issue_action(alice, "reset", note="c-canary-claim"))
        guard.redeem_action(action, "reset")
        outcome(guard.redeem_action, action, "reset")
        outcome(guard.issue, bob)
        guard._services.store.is_broken = True
        guard.authenticate("alice", PASSWORD)
        return tokens

    def play(self, on_event=None):
        users = MemoryUsers()
        alice = users.add(MemoryUser(identity=1, username="alice", password=HASH, rolenames=["admin"]))
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
        return guard, self.scenario(guard, clock, alice, bob)

    def secrets_of(self, tokens):
        """Return all that no event may hold."""
        segments = [segment for token in tokens for segment in token.split(".")[1:]]
        sessions = [
            Guard(None, Settings(keys=RING), throttle=None)._codec.decode(tokens[0], NOW + 10**6).principal.session_id
        ]
        return [*segments, *sessions, PASSWORD, HASH, HASH.rpartition("$")[2], SECRET, "canary"]

    def test_each_kind(self):
        """Everything that a security team wants to see is told (ASVS 16.3)."""
        heard = []
        self.play(heard.append)

        assert set(events.Event.__subclasses__()) == {type(event) for event in heard}

    def test_without_secrets(self):
        """No event holds a token, a password, a hash, a key, a session's id, a custom claim or a name that was typed in."""
        heard = []
        _, tokens = self.play(heard.append)
        told = repr(heard)

        assert [] == [secret for secret in self.secrets_of(tokens) if secret in told]

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
        """A refusal is told with the error's code and its text."""
        token = world.guard.issue(world.alice)
        outcome(world.at(NOW + ACCESS).verify, token)
        expected = TokenRefused(
            at=NOW + ACCESS,
            code="expired_access",
            detail=str(ExpiredAccessError(expired_at=NOW + ACCESS, now=NOW + ACCESS)),
        )

        assert [expected] == world.heard

    def test_misconfigured(self):
        """What is wrong with us is no refused token: an error says it."""
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
        """A redeemed action is told by its name."""
        stored.guard.redeem_action(stored.guard.issue_action(stored.alice, "confirm"), "confirm")

        assert [ActionRedeemed(at=NOW, identity="1", action="confirm")] == stored.heard

    def test_throttled(self):
        """A throttled login is told without the name that was tried."""
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

        assert [] == [secret for secret in (SECRET, PASSWORD, HASH) if secret in shown]
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
        secrets = [SECRET, PASSWORD, HASH, "canary", *token.split(".")[1:]]

        assert len(errors) >= 6
        assert [] == [secret for secret in secrets if secret in shown]


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
    def test_check_needs_store(self, options):
        """``check_sessions`` says when a store is asked, and is nothing without one."""
        with pytest.raises(ConfigurationError, match="needs a store; set PRAETORIAN_STORE"):
            Guard(MemoryUsers(), attrs.evolve(self.plain, check_sessions="refresh"), **options)

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
        """Where it is off, nobody counts."""
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
        """It builds no hasher and no throttle, which nobody could use."""
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


class Nameless:
    """Something without a text of its own."""


class Unspeakable:
    """Something whose text cannot be made."""

    def __str__(self):
        raise OSError(PASSWORD)


class TestIdentity:
    @pytest.mark.parametrize(
        "identity",
        [Nameless(), Nameless, Nameless().__init__, lambda: 1, [1], {"a": 1}, (1,), {1}, Unspeakable()],
        ids=["object", "class", "method", "function", "list", "dict", "tuple", "set", "raising"],
    )
    def test_without_a_text(self, world, identity):
        """What only has a representation is refused: that of a method holds the user, the hash and all."""
        world.alice.identity = identity
        with pytest.raises(ConfigurationError) as refusal:
            world.guard.issue(world.alice)

        assert HASH not in str(refusal.value)
        assert PASSWORD not in str(refusal.value)

    def test_with_a_text(self, world):
        """A UUID has a text of its own."""
        world.alice.identity = uuid.UUID(int=7)

        assert str(uuid.UUID(int=7)) == world.guard.verify(world.guard.issue(world.alice)).identity


class TestValidationMethod:
    def test_named_and_missing(self, world):
        """A method that was asked for by name must be there: a slip of the pen would make everybody valid."""
        world = World(validation_method="is_actve")
        with pytest.raises(ConfigurationError, match="have no method 'is_actve'; write: def is_actve"):
            world.guard.issue(world.alice)

    def test_named_and_there(self):
        """The one that is there decides."""
        world = World(validation_method="is_valid")
        world.alice.valid = False

        with pytest.raises(InvalidUserError):
            world.guard.issue(world.alice)


class Uppercase:
    """An identity whose text is another than the token's."""

    def __init__(self, text):
        self.text = text

    def __str__(self):
        return self.text.upper()


class TestParseIdentity:
    @pytest.mark.parametrize("parse", [Uppercase, {}.get, lambda _text: None], ids=["other text", "nothing", "None"])
    def test_another_text(self, parse):
        """Sessions are remembered by the text, so a value of another text would be found by no revocation."""
        world = World(parse_identity=parse)
        world.alice.identity = "alice-1"

        with pytest.raises(ConfigurationError, match="with another text"):
            world.guard.verify(world.guard.issue(world.alice))

    def test_the_same_text(self):
        """A UUID gives its text back, and ends up as a UUID."""
        world = World(parse_identity=uuid.UUID)
        world.alice.identity = uuid.UUID(int=7)

        assert uuid.UUID(int=7) == world.guard.verify(world.guard.issue(world.alice)).identity

    def test_a_coroutine(self):
        """Nobody would await it (facts 111)."""

        async def parse(text):
            return text

        with pytest.raises(
            ConfigurationError,
            match="PRAETORIAN_PARSE_IDENTITY must be a plain function of one str; got a coroutine function",
        ):
            World(parse_identity=parse)


class TestRefreshThatCannotBeMade:
    def test_nothing_is_spent(self):
        """A successor that cannot be encoded spends nothing: when the roles are mended, the old token still refreshes."""
        world = World(guard={"store": MemoryStore()})
        token = world.guard.issue(world.alice)
        world.clock.tick(ACCESS)
        world.alice.rolenames = [f"{number:0>250}" for number in range(40)]
        with pytest.raises(ConfigurationError, match="to be accepted; got"):
            world.guard.refresh(token)
        world.clock.tick(60)
        world.alice.rolenames = ["editor"]

        assert {"editor"} == world.guard.verify(world.guard.refresh(token)).roles


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
