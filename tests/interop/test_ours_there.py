"""Tokens of Praetorian, presented to flask-praetorian."""

import json
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from praetorian_core import FLASK_PRAETORIAN, STANDARD, KeyRing, MemoryStore, generate_secret
from praetorian_core.errors import ConfigurationError
from praetorian_core.token import Key, verify_compact
from praetorian_core.token.claims import RESERVED

MINUTE = 60
DAY = 86_400
NAMES = ["alice", "bob", "carol", "dora"]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)
claim_names = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda name: name.casefold() not in RESERVED)


@pytest.fixture
def expired(guard, users, clock):
    """Return a token of Praetorian whose access ended a minute ago, and which can be refreshed for days to come."""
    clock.tick(-16 * MINUTE)
    token = guard.issue(users.lookup("alice"), team="blue")
    clock.tick(16 * MINUTE)
    return token


class TestAccess:
    @pytest.mark.parametrize("name", NAMES)
    def test_extracts(self, peer, guard, users, clock, name):
        """flask-praetorian reads Praetorian's tokens, claim for claim."""
        user = users.lookup(name)

        payload = peer.extract(token=guard.issue(user))

        session_id = payload.pop("jti")
        assert len(session_id) == 22
        assert payload == {
            "id": user.identity,
            "rls": ",".join(sorted(user.rolenames)),
            "iat": clock.now,
            "exp": clock.now + 15 * MINUTE,
            "rf_exp": clock.now + 30 * DAY,
        }

    @pytest.mark.parametrize("name", NAMES)
    def test_opens_a_protected_route(self, peer, guard, users, name):
        """A protected view runs for the same user, roles and custom claims."""
        user = users.lookup(name)

        answer = peer.get(path="/protected", token=guard.issue(user, team="blue", level=[1, {"deep": None}]))

        assert answer == {
            "status": 200,
            "json": {
                "user_id": user.identity,
                "username": name,
                # flask-praetorian splits the empty text into one empty name.
                "rolenames": sorted(user.rolenames) or [""],
                "claims": {"team": "blue", "level": [1, {"deep": None}]},
            },
        }

    def test_a_uuid_is_its_text(self, peer, make_guard, dora_by_uuid):
        """A UUID arrives as its text, as flask-praetorian encodes it."""
        guard = make_guard(parse_identity=UUID)

        answer = peer.get(path="/protected", token=guard.issue(dora_by_uuid))

        assert (answer["status"], answer["json"]["user_id"]) == (200, str(dora_by_uuid.identity))

    @pytest.mark.parametrize(
        ("path", "name", "status"),
        [
            ("/all", "alice", 200),
            ("/all", "bob", 403),
            ("/all", "carol", 403),
            ("/any", "alice", 200),
            ("/any", "bob", 200),
            ("/any", "dora", 403),
            ("/any", "carol", 403),
        ],
    )
    def test_roles_count(self, peer, guard, users, path, name, status):
        """roles_required and roles_accepted check the roles in Praetorian's tokens."""
        assert peer.get(path=path, token=guard.issue(users.lookup(name)))["status"] == status
        assert peer.get(path=path, token=peer.encode(username=name))["status"] == status

    def test_half_of_the_roles_are_not_all(self, peer, guard, users):
        """roles_required wants every role."""
        alice = users.lookup("alice")
        alice.rolenames = ["admin"]

        assert peer.get(path="/all", token=guard.issue(alice))["status"] == 403

    def test_a_role_with_a_comma_is_not_issued(self, peer, guard, users):
        """flask-praetorian would make two roles of it, and an admin of the guest."""
        alice = users.lookup("alice")
        alice.rolenames = ["guest,admin"]

        with pytest.raises(ConfigurationError):
            guard.issue(alice)

        alice.rolenames = ["guest", "admin"]
        assert peer.get(path="/any", token=guard.issue(alice))["status"] == 200

    def test_without_roles(self, peer, make_guard, users):
        """Where roles are disabled, no role is claimed, and flask-praetorian still reads the token."""
        token = make_guard(roles_disabled=True).issue(users.lookup("alice"))

        assert peer.get(path="/protected", token=token)["status"] == 200
        assert peer.get(path="/any", token=token)["status"] == 403

    def test_lifespans_of_one_token(self, peer, guard, users, clock):
        """Overrides stand in the claims, and access ends no later than the session."""
        token = guard.issue(users.lookup("alice"), access_lifespan="2 hours", refresh_lifespan="1 hour")

        payload = peer.extract(token=token)

        assert (payload["exp"], payload["rf_exp"]) == (clock.now + 60 * MINUTE, clock.now + 60 * MINUTE)

    def test_an_eternal_token(self, peer, guard, users, clock):
        """Praetorian can issue a lifespan of a million days, flask-praetorian's value for no expiry."""
        ever = {"days": 1_000_000}
        token = guard.issue(users.lookup("alice"), access_lifespan=ever, refresh_lifespan=ever)

        assert peer.extract(token=token)["exp"] == clock.now + 1_000_000 * DAY

    def test_a_ring_of_several_keys(self, peer, make_guard, users):
        """flask-praetorian ignores the kid in the header: the signing key must be its secret."""
        secret, alice = generate_secret(), users.lookup("alice")
        peer.start(secret=secret, users=[{"username": "alice", "identity": 1}])
        shared, other = Key.from_secret(secret), Key.from_secret(generate_secret())

        for key, status in ((shared, 200), (other, 401)):
            ring = KeyRing([other, shared], signing=key.kid)
            assert peer.get(path="/protected", token=make_guard(ring=ring).issue(alice))["status"] == status

    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(claims=st.dictionaries(claim_names, json_values, max_size=3))
    def test_custom_claims_arrive(self, peer, guard, users, claims):
        """flask-praetorian reads every JSON value of a custom claim unchanged."""
        payload = peer.extract(token=guard.issue(users.lookup("alice"), **claims))

        assert {name: payload[name] for name in claims} == claims


class TestExpiryAndRefresh:
    def test_expired_access_is_refused(self, peer, expired):
        """flask-praetorian respects the exp of Praetorian's tokens."""
        assert peer.refusal_of("extract", token=expired) == "ExpiredAccessError"
        assert peer.get(path="/protected", token=expired)["status"] == 401

    def test_refreshes(self, peer, guard, users, clock, expired):
        """flask-praetorian refreshes Praetorian's token: session and end are kept, roles are read anew, claims carried over."""
        peer.change(username="alice", rolenames=["operator"])

        fresh = peer.refresh(token=expired)

        before, after = peer.extract(token=expired, access_type="refresh"), peer.extract(token=fresh)
        assert (after["jti"], after["id"], after["rf_exp"]) == (before["jti"], 1, before["rf_exp"])
        assert (after["rls"], after["team"]) == ("operator", "blue")
        assert clock.now <= after["iat"] < after["exp"]

    def test_a_refreshed_token_comes_home(self, peer, guard, clock, expired):
        """Praetorian accepts flask-praetorian's successor as a token of the same session."""
        fresh = peer.refresh(token=expired, override_access_lifespan={"hours": 1})
        clock.tick(30 * MINUTE)

        principal = guard.verify(fresh)

        assert principal.identity == 1
        assert principal.refresh_expires_at == peer.extract(token=fresh)["rf_exp"]
        assert principal.claims == {"team": "blue"}

    def test_too_early(self, peer, guard, users):
        """While access lasts, flask-praetorian refuses to refresh Praetorian's token."""
        token = guard.issue(users.lookup("alice"))

        assert peer.refusal_of("refresh", token=token) == "EarlyRefreshError"

    def test_too_late(self, peer, guard, users, clock):
        """After our rf_exp flask-praetorian refuses to refresh."""
        clock.tick(-61 * MINUTE)
        token = guard.issue(users.lookup("alice"), refresh_lifespan="1 hour")

        assert peer.refusal_of("refresh", token=token) == "ExpiredRefreshError"

    def test_an_end_stays_an_end(self, peer, guard, users, clock):
        """The access of a refreshed token ends at our rf_exp, whichever of the two packages refreshes."""
        clock.tick(-16 * MINUTE)
        token = guard.issue(users.lookup("alice"), refresh_lifespan="20 minutes")
        end = clock.now + 20 * MINUTE
        clock.tick(16 * MINUTE)

        payload = peer.extract(token=peer.refresh(token=token))

        assert (payload["exp"], payload["rf_exp"]) == (end, end)

    def test_who_may_not_act_is_refused(self, peer, expired):
        """flask-praetorian calls its own user class."""
        peer.change(username="alice", valid=False)
        assert peer.refusal_of("refresh", token=expired) == "InvalidUserError"

        peer.change(username="alice", valid=True)
        assert peer.refresh(token=expired)

    def test_an_epoch_survives(self, peer, make_guard, users, clock):
        """The epoch of a user whose sessions were once ended is carried over, so our guard knows its token again."""
        guard = make_guard(store=MemoryStore())
        guard.revoke_user(1)
        clock.tick(-16 * MINUTE)
        token = guard.issue(users.lookup("alice"))
        clock.tick(16 * MINUTE)

        fresh = peer.refresh(token=token)
        clock.tick(MINUTE)

        assert guard.verify(fresh).identity == 1

    def test_a_generation_survives(self, peer, make_guard, users, clock):
        """A counted session stays counted over a refresh of theirs, so the next refresh here is no reuse."""
        store = MemoryStore()
        standard = make_guard(layout=STANDARD, store=store)
        both = make_guard(accept_layouts=(STANDARD, FLASK_PRAETORIAN), store=store)
        clock.tick(-40 * MINUTE)
        token = standard.issue(users.lookup("alice"))
        clock.tick(16 * MINUTE)
        counted = both.refresh(token, access_lifespan=MINUTE)
        clock.tick(24 * MINUTE)

        theirs = peer.refresh(token=counted)
        clock.tick(DAY)
        fresh = both.refresh(theirs)

        payloads = [verify_compact(text, both.settings.keys)[1] for text in (counted, theirs, fresh)]
        assert [1, 1, 2] == [json.loads(payload)["gen"] for payload in payloads]
        assert both.verify(fresh).identity == 1


class TestActions:
    @pytest.mark.parametrize("name", [*NAMES, "emil"])
    def test_registration(self, peer, guard, users, name):
        """flask-praetorian finds the user of our registration token, valid or not."""
        token = guard.issue_action(users.lookup(name), "registration")

        assert peer.redeem_registration(token=token) == name

    @pytest.mark.parametrize("name", NAMES)
    def test_reset(self, peer, guard, users, name):
        """flask-praetorian finds the user of our reset token."""
        assert peer.redeem_reset(token=guard.issue_action(users.lookup(name), "reset")) == name

    @pytest.mark.parametrize("action", ["registration", "reset"])
    def test_expires(self, peer, guard, users, clock, action):
        """flask-praetorian obeys the end of an action token."""
        clock.tick(-16 * MINUTE)
        token = guard.issue_action(users.lookup("alice"), action)

        assert peer.refusal_of(f"redeem_{action}", token=token) == "ExpiredAccessError"

    @pytest.mark.parametrize("action", ["invitation", "Reset", "is_ert"])
    def test_no_other_action_has_a_word(self, guard, users, action):
        """What flask-praetorian could not tell from a session token is not issued."""
        with pytest.raises(ConfigurationError):
            guard.issue_action(users.lookup("alice"), action)


class TestMisuse:
    @pytest.mark.parametrize(
        ("action", "refusal"), [("registration", "MisusedRegistrationToken"), ("reset", "MisusedResetToken")]
    )
    def test_an_action_token_is_no_session(self, peer, guard, users, clock, action, refusal):
        """flask-praetorian rejects an action token on a route, and does not refresh it."""
        token = guard.issue_action(users.lookup("alice"), action)

        assert peer.refusal_of("extract", token=token) == refusal
        assert peer.refusal_of("refresh", token=token) == refusal
        assert peer.get(path="/protected", token=token)["status"] == 401

    def test_a_session_token_is_no_action(self, peer, guard, users):
        """flask-praetorian performs no action for a session token."""
        token = guard.issue(users.lookup("alice"))

        assert peer.refusal_of("redeem_registration", token=token) == "InvalidRegistrationToken"
        assert peer.refusal_of("redeem_reset", token=token) == "InvalidResetToken"

    def test_one_action_is_not_the_other(self, peer, guard, users):
        """flask-praetorian rejects a token for another action."""
        alice = users.lookup("alice")
        registration, reset = guard.issue_action(alice, "registration"), guard.issue_action(alice, "reset")

        assert peer.refusal_of("redeem_reset", token=registration) == "MisusedRegistrationToken"
        assert peer.refusal_of("redeem_registration", token=reset) == "InvalidRegistrationToken"

    @pytest.mark.parametrize("algorithm", ["HS256", "HS384"])
    def test_another_secret(self, peer, make_guard, users, algorithm):
        """flask-praetorian rejects tokens signed with another secret, and another algorithm too."""
        ring = KeyRing.from_secret(generate_secret(), algorithm=algorithm)
        token = make_guard(ring=ring).issue(users.lookup("alice"))

        assert peer.refusal_of("extract", token=token) == "InvalidTokenHeader"
        assert peer.get(path="/protected", token=token)["status"] == 401

    @pytest.mark.parametrize("name", NAMES)
    def test_the_layout_standard_opens_nothing(self, peer, make_guard, users, name):
        """A token of our own layout lacks what flask-praetorian asks for, whatever its kind: it refuses both."""
        guard, user = make_guard(layout=STANDARD), users.lookup(name)

        for token in (guard.issue(user), guard.issue_action(user, "reset"), guard.issue_action(user, "invitation")):
            assert peer.refusal_of("extract", token=token) == "MissingClaimError"
            assert peer.refusal_of("refresh", token=token) == "MissingClaimError"
            assert peer.refusal_of("redeem_reset", token=token) == "MissingClaimError"
            assert peer.get(path="/protected", token=token)["status"] == 401

    def test_reading_both_mints_one(self, peer, make_guard, users):
        """A guard that reads both layouts and issues flask-praetorian's is understood."""
        guard = make_guard(layout=FLASK_PRAETORIAN, accept_layouts=(STANDARD, FLASK_PRAETORIAN))

        assert peer.get(path="/protected", token=guard.issue(users.lookup("alice")))["status"] == 200
