"""Tokens of flask-praetorian, presented to Praetorian."""

from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from praetorian_core import FLASK_PRAETORIAN, STANDARD, KeyRing, MemoryStore, errors, generate_secret
from praetorian_core.token import Key, SessionClaims, TokenCodec

MINUTE = 60
DAY = 86_400
NAMES = ["alice", "bob", "carol", "dora"]
BOTH = (STANDARD, FLASK_PRAETORIAN)


@pytest.fixture
def read(guard, clock):
    """Return what reads a token in flask-praetorian's layout, expired or not, into claims."""

    def read(token, layout=FLASK_PRAETORIAN):
        codec = TokenCodec(ring=guard.settings.keys, layout=layout, accept_layouts=(layout,))
        return codec.decode(token, clock.now)

    return read


def expire(clock, principal):
    """Move on to the second in which access ends."""
    clock.now = principal.access_expires_at


class TestVerify:
    @pytest.mark.parametrize("name", NAMES)
    def test_accepts(self, peer, guard, users, clock, name):
        """Praetorian reads flask-praetorian's tokens, claim for claim."""
        user = users.lookup(name)
        token = peer.encode(username=name, claims={"team": "blue", "level": [1, {"deep": None}]})
        payload = peer.extract(token=token)

        clock.now = payload["iat"]
        principal = guard.verify(token)

        assert principal.identity == user.identity
        assert type(principal.identity) is type(user.identity)
        assert principal.roles == frozenset(user.rolenames)
        assert principal.claims == {"team": "blue", "level": [1, {"deep": None}]}
        assert principal.session_id == payload["jti"]
        assert principal.issued_at == payload["iat"]
        assert principal.access_expires_at == payload["exp"]
        assert principal.refresh_expires_at == payload["rf_exp"]
        assert guard.load_user(principal) is user

    def test_a_uuid(self, peer, make_guard, clock, dora_by_uuid):
        """With parse_identity a UUID is one again on our side."""
        guard = make_guard(parse_identity=UUID)
        token = peer.encode(username="dora")
        clock.catch_up()

        principal = guard.verify(token)

        assert principal.identity == dora_by_uuid.identity
        assert guard.load_user(principal) is dora_by_uuid

    @pytest.mark.parametrize(
        ("rolenames", "roles"),
        [
            ([], set()),
            # flask-praetorian's own SQLAlchemyUserMixin says this of a user without roles.
            ([""], set()),
            (["admin"], {"admin"}),
            (["admin", "editor", "operator"], {"admin", "editor", "operator"}),
            (["admin", " editor "], {"admin", "editor"}),
        ],
    )
    def test_roles(self, peer, guard, clock, rolenames, roles):
        """The comma string is read as flask-praetorian reads it, but the empty name is no role."""
        peer.change(username="alice", rolenames=rolenames)
        token = peer.encode(username="alice")
        clock.catch_up()

        assert guard.verify(token).roles == roles

    def test_lifespans_of_one_token(self, peer, guard, clock):
        """Overridden lifespans end in their second."""
        token = peer.encode(
            username="alice", override_access_lifespan={"minutes": 2}, override_refresh_lifespan={"minutes": 5}
        )
        issued_at = peer.extract(token=token)["iat"]

        clock.now = issued_at + 2 * MINUTE - 1
        assert guard.verify(token).refresh_expires_at == issued_at + 5 * MINUTE
        # flask-praetorian still accepts in this second; RFC 7519 §4.1.4 says that we must not.
        clock.tick()
        with pytest.raises(errors.ExpiredAccessError):
            guard.verify(token)
        clock.now = issued_at + 5 * MINUTE
        with pytest.raises(errors.ExpiredRefreshError):
            guard.verify(token)

    def test_an_eternal_token(self, peer, guard, clock):
        """The token that never expires still grants access in a thousand years, and is never refreshed."""
        token = peer.encode_eternal(username="alice", claims={"machine": "printer"})
        clock.tick(1000 * 365 * DAY)

        assert guard.verify(token).claims == {"machine": "printer"}
        with pytest.raises(errors.EarlyRefreshError):
            guard.refresh(token)

    def test_retired_secrets(self, peer, make_guard, clock):
        """Its tokens name no key: in a ring of several HMAC keys each is tried, in a ring without theirs none fits."""
        former = generate_secret()
        peer.start(secret=former, users=[{"username": "alice", "identity": 1}])
        token = peer.encode(username="alice")
        clock.catch_up()
        current, retired, strange = (Key.from_secret(text) for text in (generate_secret(), former, generate_secret()))

        assert make_guard(ring=KeyRing([current, retired], signing=current.kid)).verify(token).identity == 1
        with pytest.raises(errors.InvalidTokenError):
            make_guard(ring=KeyRing([current, strange], signing=current.kid)).verify(token)

    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        value=st.text(st.characters(codec="utf-8")) | st.floats(allow_nan=False, allow_infinity=False) | st.integers()
    )
    def test_custom_claims_arrive(self, peer, guard, clock, value):
        """Praetorian reads every JSON value of a custom claim unchanged."""
        token = peer.encode(username="alice", claims={"value": value, "nested": [{"value": value}]})
        clock.now = peer.extract(token=token)["iat"]

        assert guard.verify(token).claims == {"value": value, "nested": [{"value": value}]}


class TestRefresh:
    def test_refreshes(self, peer, guard, users, clock, read):
        """Praetorian refreshes its token: session and end are kept, roles are read anew, claims carried over."""
        token = peer.encode(username="alice", claims={"team": "blue"})
        clock.catch_up()
        old = guard.verify(token)
        users.lookup("alice").rolenames = ["operator"]
        expire(clock, old)

        fresh = guard.refresh(token)

        principal = guard.verify(fresh)
        assert read(fresh).generation is None
        assert (principal.session_id, principal.refresh_expires_at) == (old.session_id, old.refresh_expires_at)
        assert (principal.roles, principal.claims) == ({"operator"}, {"team": "blue"})
        assert (principal.issued_at, principal.access_expires_at) == (clock.now, clock.now + 15 * MINUTE)

    def test_a_refreshed_token_goes_back(self, peer, guard, clock, read):
        """flask-praetorian accepts Praetorian's successor as a token of the same session."""
        # The peer has no time but the real one: an access lifespan that is over at once stands for waiting.
        token = peer.encode(username="alice", override_access_lifespan={"seconds": 0}, claims={"team": "blue"})
        clock.catch_up()
        old = read(token).principal

        fresh = guard.refresh(token)

        payload = peer.extract(token=fresh)
        assert (payload["jti"], payload["rf_exp"]) == (old.session_id, old.refresh_expires_at)
        assert payload["team"] == "blue"
        assert peer.get(path="/protected", token=fresh)["status"] == 200

    def test_too_early(self, peer, guard, clock):
        """While its exp has not come there is nothing to refresh; in that second there is."""
        token = peer.encode(username="alice")
        clock.catch_up()
        expire(clock, guard.verify(token))

        assert guard.refresh(token)
        clock.tick(-1)
        with pytest.raises(errors.EarlyRefreshError):
            guard.refresh(token)

    def test_too_late(self, peer, guard, clock):
        """It has expired in the second of its rf_exp, and not one second before."""
        token = peer.encode(username="alice", override_refresh_lifespan={"hours": 1})
        clock.catch_up()
        clock.now = guard.verify(token).refresh_expires_at - 1

        assert guard.refresh(token)
        clock.tick()
        with pytest.raises(errors.ExpiredRefreshError):
            guard.refresh(token)

    def test_who_may_not_act_is_refused(self, peer, guard, users, clock):
        """Praetorian calls its own user class."""
        token = peer.encode(username="alice")
        clock.catch_up()
        expire(clock, guard.verify(token))
        users.lookup("alice").valid = False

        with pytest.raises(errors.InvalidUserError):
            guard.refresh(token)
        users.lookup("alice").valid = True
        assert guard.refresh(token)

    def test_a_session_can_be_ended(self, peer, make_guard, clock):
        """With a store a session of flask-praetorian's is ended like one of ours, and only that one."""
        guard = make_guard(store=MemoryStore())
        ended, other = peer.encode(username="alice"), peer.encode(username="alice")
        clock.catch_up()

        guard.revoke(ended)

        with pytest.raises(errors.RevokedTokenError):
            guard.verify(ended)
        assert guard.verify(other).identity == 1

    def test_all_sessions_can_be_ended(self, peer, make_guard, clock):
        """With a store all of a user's are ended at once, and no other user's."""
        guard = make_guard(store=MemoryStore())
        hers, his = peer.encode(username="alice"), peer.encode(username="bob")
        clock.catch_up()

        guard.revoke_user(1)

        with pytest.raises(errors.RevokedTokenError):
            guard.verify(hers)
        assert guard.verify(his).identity == 2


class TestActions:
    @pytest.mark.parametrize("name", [*NAMES, "emil"])
    def test_registration(self, peer, guard, users, clock, name):
        """Praetorian finds the user of its registration token, valid or not, where the caller allows a repetition."""
        token = peer.send_registration(username=name)
        clock.catch_up()

        assert guard.redeem_action(token, "registration", once=False) is users.lookup(name)

    @pytest.mark.parametrize("name", NAMES)
    def test_reset(self, peer, guard, users, clock, name):
        """Praetorian finds the user of its reset token, which is bound to no password."""
        token = peer.send_reset(username=name)
        clock.catch_up()

        assert guard.redeem_action(token, "reset", once=False) is users.lookup(name)

    @pytest.mark.parametrize("action", ["registration", "reset"])
    def test_once_needs_a_store(self, peer, guard, make_guard, clock, action):
        """Its tokens can be spent, which flask-praetorian cannot do; for that there has to be a store."""
        token = getattr(peer, f"send_{action}")(username="alice")
        clock.catch_up()
        with pytest.raises(errors.ConfigurationError):
            guard.redeem_action(token, action)

        with_store = make_guard(store=MemoryStore())
        assert with_store.redeem_action(token, action).username == "alice"
        with pytest.raises(errors.ReusedTokenError):
            with_store.redeem_action(token, action)

    @pytest.mark.parametrize("action", ["registration", "reset"])
    def test_expires(self, peer, guard, clock, action):
        """It expires in the second of its exp."""
        token = getattr(peer, f"send_{action}")(username="alice")
        kind = {"registration": "register"}.get(action, action)
        clock.now = peer.extract(token=token, access_type=kind)["exp"] - 1

        assert guard.redeem_action(token, action, once=False)
        clock.tick()
        with pytest.raises(errors.ExpiredActionError):
            guard.redeem_action(token, action, once=False)


class TestMisuse:
    @pytest.mark.parametrize("action", ["registration", "reset"])
    def test_an_action_token_is_no_session(self, peer, guard, clock, action):
        """Praetorian rejects its action tokens on routes, expired or not, and does not refresh them."""
        token = getattr(peer, f"send_{action}")(username="alice")
        clock.catch_up()
        for seconds in (0, 20 * MINUTE):
            clock.tick(seconds)
            with pytest.raises(errors.MisusedTokenError):
                guard.verify(token)
            with pytest.raises(errors.MisusedTokenError):
                guard.refresh(token)

        accepted = peer.encode(username="alice")
        clock.catch_up()
        assert guard.verify(accepted).identity == 1

    @pytest.mark.parametrize("action", ["registration", "reset"])
    def test_a_session_token_is_no_action(self, peer, guard, clock, action):
        """Praetorian performs no action for its session tokens."""
        token = peer.encode(username="alice")
        clock.catch_up()

        with pytest.raises(errors.MisusedTokenError):
            guard.redeem_action(token, action, once=False)

    @pytest.mark.parametrize(("action", "other"), [("registration", "reset"), ("reset", "registration")])
    def test_one_action_is_not_the_other(self, peer, guard, clock, action, other):
        """A token for one action is rejected for another."""
        token = getattr(peer, f"send_{action}")(username="alice")
        clock.catch_up()

        with pytest.raises(errors.MisusedTokenError):
            guard.redeem_action(token, other, once=False)

    def test_a_false_flag_is_refused(self, peer, guard, clock):
        """Only ``true`` marks an action token; to flask-praetorian any value does, so none of ours reads as a session."""
        token = peer.encode(username="alice", is_reset_token=True)
        clock.catch_up()
        with pytest.raises(errors.MisusedTokenError):
            guard.verify(token)

        assert peer.refusal_of("encode", username="alice", claims={"is_prt": False}) == "ClaimCollisionError"

    def test_another_secret(self, peer, make_guard, guard, clock):
        """A token signed with another secret is rejected; one signed with its secret is accepted."""
        token = peer.encode(username="alice")
        clock.catch_up()

        with pytest.raises(errors.InvalidTokenError):
            make_guard(secret=generate_secret()).verify(token)
        assert guard.verify(token).identity == 1

    def test_only_where_it_is_accepted(self, peer, make_guard, clock):
        """A guard that does not accept flask-praetorian's layout rejects its tokens."""
        token = peer.encode(username="alice")
        clock.catch_up()

        with pytest.raises(errors.InvalidTokenError):
            make_guard(layout=STANDARD).verify(token)
        assert make_guard(layout=STANDARD, accept_layouts=BOTH).verify(token).identity == 1

    @pytest.mark.parametrize("name", ["sub", "roles", "sid", "gen", "action", "pwf", "auth_time", "Rf_Exp"])
    def test_a_custom_claim_of_a_reserved_name(self, peer, guard, clock, name):
        """flask-praetorian issues claims that have a meaning in our own layout; such a token is refused here."""
        token = peer.encode(username="alice", claims={name: "x"})
        clock.now = peer.extract(token=token)["iat"]

        with pytest.raises(errors.InvalidTokenError):
            guard.verify(token)
        accepted = peer.encode(username="alice", claims={f"x_{name}": "x"})
        clock.now = peer.extract(token=accepted)["iat"]
        assert guard.verify(accepted).claims == {f"x_{name}": "x"}


class TestChangeOver:
    """A fleet that issues STANDARD and still reads flask-praetorian's: no user has to log in again."""

    def test_an_old_token_goes_on(self, peer, make_guard, clock, read):
        """An old token grants access, and its successor is of the new layout: same session, same end."""
        guard = make_guard(layout=STANDARD, accept_layouts=BOTH)
        token = peer.encode(username="alice", claims={"team": "blue"})
        payload = peer.extract(token=token)
        clock.catch_up()
        old = guard.verify(token)
        expire(clock, old)

        fresh = guard.refresh(token)

        claims = read(fresh, STANDARD)
        assert type(claims) is SessionClaims
        assert claims.principal.session_id == payload["jti"]
        assert claims.principal.refresh_expires_at == payload["rf_exp"]
        assert claims.principal.identity == payload["id"]
        assert claims.principal.roles == {"admin", "editor"}
        assert claims.principal.claims == {"team": "blue"}
        assert guard.verify(fresh) == claims.principal

    @pytest.mark.parametrize("name", NAMES)
    def test_it_ends_when_it_would_have_ended(self, peer, make_guard, clock, name):
        """However often it is refreshed after the change, rf_exp is the one that flask-praetorian set."""
        guard = make_guard(layout=STANDARD, accept_layouts=BOTH)
        token = peer.encode(username=name, override_refresh_lifespan={"hours": 1})
        end = peer.extract(token=token)["rf_exp"]
        clock.catch_up()

        for _ in range(4):
            principal = guard.verify(token)
            assert principal.refresh_expires_at == end
            if principal.access_expires_at == end:
                break
            expire(clock, principal)
            token = guard.refresh(token)

        clock.now = end
        with pytest.raises(errors.ExpiredRefreshError):
            guard.refresh(token)

    def test_old_tokens_become_single_use(self, peer, make_guard, clock):
        """With a store the old token is refreshed once, as a new one is; its repetition ends the session."""
        guard = make_guard(layout=STANDARD, accept_layouts=BOTH, store=MemoryStore())
        token = peer.encode(username="alice")
        clock.catch_up()
        expire(clock, guard.verify(token))
        fresh = guard.refresh(token)
        assert guard.verify(fresh).identity == 1

        clock.tick(11)
        with pytest.raises(errors.ReusedTokenError):
            guard.refresh(token)
        with pytest.raises(errors.RevokedTokenError):
            guard.verify(fresh)

    def test_machines_change_one_by_one(self, peer, make_guard, users, clock):
        """First all read both, then all issue the new layout: in between every machine reads what any other issues."""
        before = make_guard(layout=FLASK_PRAETORIAN, accept_layouts=BOTH)
        after = make_guard(layout=STANDARD, accept_layouts=BOTH)
        token = peer.encode(username="alice")
        clock.catch_up()
        end = before.verify(token).refresh_expires_at

        for machine in (before, after, before, after):
            expire(clock, machine.verify(token))
            token = machine.refresh(token)
            assert before.verify(token) == after.verify(token)
            assert after.verify(token).refresh_expires_at == end

    def test_actions_go_on(self, peer, make_guard, users, clock):
        """A registration that was mailed before the change is confirmed after it."""
        guard = make_guard(layout=STANDARD, accept_layouts=BOTH)
        token = peer.send_registration(username="emil")
        clock.catch_up()

        assert guard.redeem_action(token, "registration", once=False) is users.lookup("emil")
