"""Action tokens, question by question."""

from __future__ import annotations

import attrs
import pytest
from tests.support import NOW, OTHER_RING, RING

from praetorian_core import errors, questions
from praetorian_core.action import Action
from praetorian_core.events import ActionRedeemed
from praetorian_core.flows import FlowContext, issue, issue_action, read_action, redeem_action, reset_password
from praetorian_core.flows.state import action_key
from praetorian_core.settings import Settings
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD, TokenCodec

USER = object()
YES, NO = True, False
IDENTITY = 1
HASH = "the stored hash"


def context(*, has_store=False, ring=RING, layout=STANDARD):
    """Return the rules of a guard."""
    return FlowContext(
        settings=Settings(keys=ring, layout=layout),
        codec=TokenCodec(ring=ring, layout=layout, accept_layouts=(layout,)),
        throttle=None,
        has_store=has_store,
        renews_passwords=False,
    )


def result_of(flow, *answers):
    """Send all answers and return what the flow returns."""
    next(flow)
    for answer in answers[:-1]:
        flow.send(answer)
    with pytest.raises(StopIteration) as done:
        flow.send(answers[-1])
    return done.value.value


def issued(chosen=None, action="confirm", lifespan=None, **custom):
    """Return an action token."""
    chosen = chosen or context()
    password = [HASH] if action == "reset" else []
    return result_of(issue_action(chosen, USER, action, lifespan, custom, NOW), IDENTITY, *password)


def read(token, chosen=None):
    """Return what an action token says."""
    return (chosen or context()).codec.decode(token, NOW)


class TestIssueAction:
    def test_order(self):
        """The user is described, and nothing else is asked: who registers is not valid yet."""
        flow = issue_action(context(), USER, "confirm", None, {}, NOW)

        assert questions.ReadIdentity(USER) == next(flow)

    def test_claims(self):
        """The token holds the identity, the action and its expiry, 15 minutes by default (ASVS 6.5.5)."""
        claims = read(issued(plan="gold"))

        assert (1, "confirm", NOW, NOW + 900, None, {"plan": "gold"}) == (
            claims.identity,
            claims.action,
            claims.issued_at,
            claims.expires_at,
            claims.fingerprint,
            claims.claims,
        )

    def test_lifespan(self):
        """Its lifespan can be chosen."""
        assert NOW + 60 == read(issued(lifespan=60)).expires_at

    def test_token_id(self):
        """Each has an id of 128 random bits of its own."""
        ids = {read(issued()).token_id for _ in range(50)}

        assert (50, {22}) == (len(ids), {len(token_id) for token_id in ids})

    def test_reset(self):
        """A reset token is bound to the stored password, which is read for it."""
        flow = issue_action(context(), USER, "reset", None, {}, NOW)
        next(flow)

        assert questions.ReadPassword(USER) == flow.send(IDENTITY)

    def test_fingerprint(self):
        """What binds it shows nothing of the hash, and is another one in each token."""
        first, second = read(issued(action="reset")), read(issued(action="reset"))

        assert first.fingerprint != second.fingerprint
        assert HASH not in first.fingerprint

    def test_hash_of_a_subclass_of_str(self):
        """A hash of a subclass of str binds the token, as it is accepted at login."""
        flow = issue_action(context(), USER, "reset", None, {}, NOW)
        next(flow)
        flow.send(IDENTITY)
        with pytest.raises(StopIteration) as done:
            flow.send(type("Hash", (str,), {})(HASH))

        assert read(done.value.value).fingerprint is not None

    @pytest.mark.parametrize("password", [b"hash", 7, ["hash"]], ids=repr)
    def test_bad_password(self, password):
        """A stored hash of another type is a mistake of the application."""
        flow = issue_action(context(), USER, "reset", None, {}, NOW)
        next(flow)
        flow.send(IDENTITY)

        with pytest.raises(errors.ConfigurationError, match=f"user.password is {type(password).__name__}"):
            flow.send(password)

    @pytest.mark.parametrize("password", [None, ""], ids=repr)
    def test_no_password(self, password):
        """A reset token for an account without a password is bound to the absence of one."""
        token = result_of(issue_action(context(), USER, "reset", None, {}, NOW), IDENTITY, password)

        assert USER is result_of(redeem_action(context(), token, "reset", NOW, once=True), USER, None, None)
        with pytest.raises(errors.RevokedTokenError):
            result_of(redeem_action(context(), token, "reset", NOW, once=True), USER, HASH, None)

    @pytest.mark.parametrize("action", [None, 7, b"reset", "", "x" * 256, "re\nset", "\u202e"], ids=repr)
    def test_bad_action(self, action):
        """An action needs a name that can be shown in a log."""
        with pytest.raises(errors.ConfigurationError, match="the action is"):
            next(issue_action(context(), USER, action, None, {}, NOW))

    @pytest.mark.parametrize("action", ["x", "x" * 255, "delete my account", "löschen"])
    def test_good_action(self, action):
        """Any printable text of up to 255 characters is a name."""
        assert action == read(issued(action=action)).action

    def test_collision(self):
        """A reserved name is refused."""
        with pytest.raises(errors.ClaimCollisionError):
            next(issue_action(context(), USER, "confirm", None, {"Action": 1}, NOW))

    def test_value(self):
        """What is no JSON value is refused."""
        with pytest.raises(errors.ClaimValueError):
            next(issue_action(context(), USER, "confirm", None, {"x": object()}, NOW))

    def test_legacy_layout(self):
        """The layout of flask-praetorian has a word for two actions and none for others."""
        chosen = context(layout=FLASK_PRAETORIAN)

        assert "registration" == read(issued(chosen, action="registration"), chosen).action
        flow = issue_action(chosen, USER, "confirm", None, {}, NOW)
        next(flow)
        with pytest.raises(errors.ConfigurationError, match="got 'confirm'"):
            flow.send(IDENTITY)


class TestRedeemAction:
    def redemption(self, token, chosen=None, action="confirm", now=NOW, once=True):  # noqa: FBT002
        return redeem_action(chosen or context(has_store=True), token, action, now, once=once)

    def test_order(self):
        """The store is read, the user loaded, the token spent by one compare-and-set, and an event emitted (ASVS 6.5.1)."""
        token = issued(lifespan=60)
        key = action_key(1, read(token).token_id)
        flow = self.redemption(token)
        asked = [next(flow), flow.send([None]), flow.send(USER), flow.send(YES)]

        assert asked == [
            questions.GetState((key,), NOW),
            questions.IdentifyUser(1),
            questions.CompareAndSetState(key, None, "spent", NOW + 120, NOW),
            questions.Emit(ActionRedeemed(at=NOW, identity="1", action="confirm")),
        ]
        with pytest.raises(StopIteration) as done:
            flow.send(None)
        assert USER is done.value.value

    def test_reset_order(self):
        """A reset token's password is compared before the token is spent."""
        flow = self.redemption(issued(action="reset"), action="reset")
        asked = [type(next(flow)), type(flow.send([None])), type(flow.send(USER)), type(flow.send(HASH))]

        assert [
            questions.GetState,
            questions.IdentifyUser,
            questions.ReadPassword,
            questions.CompareAndSetState,
        ] == asked

    def test_without_store(self):
        """Without a store a token that need not be spent asks for its user alone."""
        flow = self.redemption(issued(), context(), once=False)

        assert (questions.IdentifyUser(1), questions.Emit) == (next(flow), type(flow.send(USER)))

    def test_not_once_with_store(self):
        """With one it is still asked whether the token was revoked, and nothing is spent."""
        flow = self.redemption(issued(), once=False)
        asked = [type(next(flow)), type(flow.send([None])), type(flow.send(USER))]

        assert [questions.GetState, questions.IdentifyUser, questions.Emit] == asked

    def test_reset_without_store(self):
        """A reset token needs no store: the change of the password spends it."""
        flow = self.redemption(issued(action="reset"), context(), action="reset")
        asked = [next(flow), flow.send(USER), type(flow.send(HASH))]

        assert [questions.IdentifyUser(1), questions.ReadPassword(USER), questions.Emit] == asked

    def test_nowhere_to_spend(self):
        """A token that has to be spent, and no store: the refusal names both ways out, before anything is asked."""
        with pytest.raises(errors.ConfigurationError, match=r"PRAETORIAN_STORE.*once=False"):
            next(self.redemption(issued(), context()))

    @pytest.mark.parametrize("once", [None, 0, "", "no"], ids=repr)
    def test_sloppy_once(self, once):
        """Only ``False`` itself lets a token be redeemed again."""
        flow = self.redemption(issued(), once=once)
        next(flow)
        flow.send([None])

        assert questions.CompareAndSetState is type(flow.send(USER))

    @pytest.mark.parametrize("once", [True, False])
    @pytest.mark.parametrize("entry", ["spent", "anything"])
    def test_spent(self, entry, once):
        """A token that was spent, or revoked, redeems no more, not even where it need not be spent."""
        flow = self.redemption(issued(), once=once)
        next(flow)

        with pytest.raises(errors.ReusedTokenError):
            flow.send([entry])

    @pytest.mark.parametrize("answer", [NO, None, 1, "written"])
    def test_race(self, answer):
        """Of two redemptions at once the swap admits one, and only True says that it succeeded (ASVS 15.4.2)."""
        flow = self.redemption(issued())
        next(flow)
        flow.send([None])
        flow.send(USER)

        with pytest.raises(errors.ReusedTokenError):
            flow.send(answer)

    def test_missing_user(self):
        """A user who is gone redeems nothing, and the token is not spent."""
        flow = self.redemption(issued())
        next(flow)
        flow.send([None])

        with pytest.raises(errors.MissingUserError):
            flow.send(None)

    def test_changed_password(self):
        """A reset token dies with the password that it was to replace, and is not spent."""
        flow = self.redemption(issued(action="reset"), action="reset")
        next(flow)
        flow.send([None])
        flow.send(USER)

        with pytest.raises(errors.RevokedTokenError):
            flow.send("another hash")

    @pytest.mark.parametrize("password", [None, ""])
    def test_lost_password(self, password):
        """A token that was bound to a password is invalid for a user without one."""
        flow = self.redemption(issued(action="reset"), action="reset")
        next(flow)
        flow.send([None])
        flow.send(USER)

        with pytest.raises(errors.RevokedTokenError):
            flow.send(password)

    @pytest.mark.parametrize(("now", "is_valid"), [(NOW + 59, True), (NOW + 60, False), (NOW + 61, False)])
    def test_expiry(self, now, is_valid):
        """It has expired from its exp second on (RFC 7519 §4.1.4)."""
        flow = self.redemption(issued(lifespan=60), now=now)

        if is_valid:
            assert questions.GetState is type(next(flow))
        else:
            with pytest.raises(errors.ExpiredActionError):
                next(flow)

    def test_other_action(self):
        """A token for one action serves no other."""
        with pytest.raises(errors.MisusedTokenError):
            next(self.redemption(issued(), action="reset"))

    def test_session(self):
        """A session token performs no action (RFC 8725 §3.12)."""
        token = result_of(
            issue(context(), USER, None, None, {}, None, NOW), YES, questions.UserFacts(1, ["admin"])
        ).token

        with pytest.raises(errors.MisusedTokenError):
            next(self.redemption(token))

    def test_forged(self):
        """A token of another key is none, and nothing is asked."""
        with pytest.raises(errors.InvalidTokenError):
            next(self.redemption(issued(context(ring=OTHER_RING))))

    @pytest.mark.parametrize("action", [None, "", 7], ids=repr)
    def test_bad_action(self, action):
        """What is no action's name is the programmer's mistake."""
        with pytest.raises(errors.ConfigurationError, match="the action is"):
            next(self.redemption(issued(), action=action))

    @pytest.mark.parametrize("fingerprint", ["é" * 43, "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 43 + "\n"], ids=ascii)
    def test_malformed_fingerprint(self, fingerprint):
        """A ``pwf`` of other characters or another length is an invalid token, and nothing is asked."""
        claims = read(issued(action="reset"))
        token = context().codec.encode(attrs.evolve(claims, fingerprint=fingerprint))

        with pytest.raises(errors.InvalidTokenError):
            next(self.redemption(token, action="reset"))


class TestReadAction:
    def reading(self, token, action="confirm", now=NOW, *, has_store=True):
        return read_action(context(has_store=has_store), token, action, now)

    def test_order(self):
        """The token is checked as for a redemption; nothing is spent and no event is emitted."""
        flow = self.reading(issued(action="reset"), "reset")
        asked = [type(next(flow)), type(flow.send([None])), type(flow.send(USER))]

        assert [questions.GetState, questions.IdentifyUser, questions.ReadPassword] == asked
        with pytest.raises(StopIteration):
            flow.send(HASH)

    def test_result(self):
        """It returns the user, the custom claims and the two times of the token."""
        action = result_of(self.reading(issued(lifespan=60, email="a@example.org")), [None], USER)

        assert (
            Action(
                user=USER,
                name="confirm",
                claims={"email": "a@example.org"},
                issued_at=NOW,
                expires_at=NOW + 60,
            )
            == action
        )

    def test_without_store(self):
        """Without a store every action token can be read."""
        assert USER is result_of(self.reading(issued(), has_store=False), USER).user

    def test_spent(self):
        """A spent token is rejected."""
        flow = self.reading(issued())
        next(flow)

        with pytest.raises(errors.ReusedTokenError):
            flow.send(["spent"])

    def test_changed_password(self):
        """So is a reset token whose password has changed."""
        flow = self.reading(issued(action="reset"), "reset")
        next(flow)
        flow.send([None])
        flow.send(USER)

        with pytest.raises(errors.RevokedTokenError):
            flow.send("another hash")

    @pytest.mark.parametrize(("action", "now", "refusal"), [
        ("confirm", NOW + 60, errors.ExpiredActionError),
        ("reset", NOW, errors.MisusedTokenError),
    ])  # fmt: skip
    def test_rejected(self, action, now, refusal):
        """So are an expired token and one for another action, and nothing is asked."""
        with pytest.raises(refusal):
            next(self.reading(issued(lifespan=60), action, now))


class TestResetPassword:
    def resetting(self, token, *, has_store=True, action="reset"):
        return reset_password(context(has_store=has_store), token, "new password", action, NOW)

    def test_order(self):
        """The token is checked, then the password is hashed, then the token is spent and an event emitted."""
        token = issued(action="reset", lifespan=60)
        key = action_key(1, read(token).token_id)
        flow = self.resetting(token)
        asked = [next(flow), flow.send([None]), flow.send(USER), flow.send(HASH), flow.send("h"), flow.send(YES)]

        assert asked == [
            questions.GetState((key,), NOW),
            questions.IdentifyUser(1),
            questions.ReadPassword(USER),
            questions.HashPassword("new password"),
            questions.CompareAndSetState(key, None, "spent", NOW + 120, NOW),
            questions.Emit(ActionRedeemed(at=NOW, identity="1", action="reset")),
        ]
        with pytest.raises(StopIteration) as done:
            flow.send(None)
        assert (USER, "h") == done.value.value

    def test_without_store(self):
        """Without a store the change of the password invalidates the token."""
        flow = self.resetting(issued(action="reset"), has_store=False)
        asked = [type(next(flow)), type(flow.send(USER)), type(flow.send(HASH)), type(flow.send("h"))]

        assert [questions.IdentifyUser, questions.ReadPassword, questions.HashPassword, questions.Emit] == asked

    def test_other_action(self):
        """A token for another action sets a first password."""
        flow = self.resetting(issued(), action="confirm")
        asked = [type(next(flow)), type(flow.send([None])), type(flow.send(USER)), type(flow.send("h"))]

        assert [
            questions.GetState,
            questions.IdentifyUser,
            questions.HashPassword,
            questions.CompareAndSetState,
        ] == asked

    @pytest.mark.parametrize(
        "failure", [errors.WeakPasswordError("short"), errors.ServiceUnavailableError("full")], ids=["weak", "full"]
    )
    def test_rejected_password(self, failure):
        """A rejected password, or a full hashing queue, does not spend the token."""
        flow = self.resetting(issued(action="reset"))
        next(flow)
        flow.send([None])
        flow.send(USER)
        flow.send(HASH)

        with pytest.raises(type(failure)):
            flow.throw(failure)

    @pytest.mark.parametrize("token", ["junk", None, "", "a.b.c"], ids=repr)
    def test_junk(self, token):
        """A token that is not genuine costs no question, and so no hash."""
        with pytest.raises(errors.InvalidTokenError):
            next(self.resetting(token))

    def test_spent(self):
        """A spent token costs no hash."""
        flow = self.resetting(issued(action="reset"))
        next(flow)

        with pytest.raises(errors.ReusedTokenError):
            flow.send(["spent"])

    def test_race(self):
        """Of two resets at once one succeeds."""
        flow = self.resetting(issued(action="reset"))
        next(flow)
        for answer in ([None], USER, HASH, "h"):
            flow.send(answer)

        with pytest.raises(errors.ReusedTokenError):
            flow.send(NO)

    def test_nowhere_to_spend(self):
        """Without a store only a token that is bound to the password is accepted."""
        with pytest.raises(errors.ConfigurationError, match="must be spent and there is no store"):
            next(self.resetting(issued(), has_store=False, action="confirm"))
