"""Sessions, question by question. ``TestRefresh`` and ``TestGenerations`` answer how ``refresh`` behaves."""

from __future__ import annotations

import attrs
import pytest
from tests.support import ACCESS, NOW, OTHER_RING, REFRESH, RING

from praetorian_core import errors, questions
from praetorian_core.clock import NEVER
from praetorian_core.events import SessionRevoked, TokenRefreshed, TokenReused, UserRevoked, session_digest
from praetorian_core.flows import (
    FlowContext,
    check_session,
    issue,
    issue_action,
    load_user,
    read_session,
    refresh,
    revoke,
    revoke_user,
)
from praetorian_core.flows.state import MAX_CAS_ATTEMPTS, Epoch, action_key, epoch_key, index_key, session_key
from praetorian_core.settings import Settings
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD, TokenCodec

USER = object()
YES, NO = True, False
E, F = "e" * 12, "f" * 12
FACTS = questions.UserFacts(1, ["admin"])


def context(*, has_store=False, ring=RING, layout=STANDARD, **settings):
    """Return the rules of a guard with 900 s of access in 86,400 s of refresh."""
    chosen = Settings(
        keys=ring,
        layout=layout,
        accept_layouts=(STANDARD, FLASK_PRAETORIAN),
        access_lifespan=ACCESS,
        refresh_lifespan=REFRESH,
        **settings,
    )
    codec = TokenCodec(ring=ring, layout=layout, accept_layouts=chosen.accept_layouts, leeway=chosen.leeway)
    return FlowContext(settings=chosen, codec=codec, throttle=None, has_store=has_store, renews_passwords=False)


def answered(flow, *answers):
    """Send answers and return the question that follows them."""
    question = next(flow)
    for answer in answers:
        question = flow.send(answer)
    return question


def result_of(flow, *answers):
    """Send all answers and return what the flow returns."""
    next(flow)
    for answer in answers[:-1]:
        flow.send(answer)
    with pytest.raises(StopIteration) as done:
        flow.send(answers[-1])
    return done.value.value


def issued(chosen, *, facts=FACTS, now=NOW, access=None, refresh=None, epoch=None, **custom):
    """Return the token of a user who may act."""
    state = [[None, epoch], YES] if chosen.has_store else []
    return result_of(issue(chosen, USER, access, refresh, custom, None, now), YES, facts, *state).token


def successor(chosen, token, now, *state):
    """Return the token that a refresh makes of another; the state answers are those of the swap and after."""
    first = [[None, None]] if chosen.has_store else []
    return result_of(refresh(chosen, token, None, now), *first, USER, YES, FACTS, *state, None)


def read(chosen, token, now=NOW):
    """Return what a token says."""
    return chosen.codec.decode(token, now)


def keys_of(chosen, token, now=NOW):
    """Return the two keys of a token's session in the store."""
    principal = read(chosen, token, now).principal
    return session_key(principal.identity, principal.session_id), epoch_key(principal.identity)


class TestIssue:
    def test_order(self):
        """Validity comes first, then identity and roles; without a store that is all."""
        flow = issue(context(), USER, None, None, {}, None, NOW)

        assert (questions.CheckActive(USER), questions.DescribeUser(USER)) == (next(flow), flow.send(YES))

    def test_claims(self):
        """The token says who, which roles, and the two deadlines."""
        principal = read(context(), issued(context(), plan="gold")).principal

        assert (1, {"admin"}, {"plan": "gold"}, NOW, NOW + ACCESS, NOW + REFRESH) == (
            principal.identity,
            principal.roles,
            principal.claims,
            principal.issued_at,
            principal.access_expires_at,
            principal.refresh_expires_at,
        )

    def test_idle(self):
        """Access ends with the idle lifespan at the latest."""
        chosen = context(idle_lifespan=ACCESS + 1)

        assert NOW + ACCESS + 1 == read(chosen, issued(chosen, access=ACCESS + 2)).principal.access_expires_at

    def test_login(self):
        """The user entered the password at the second of the login; a token of flask-praetorian's layout has no such claim."""
        legacy = context(layout=FLASK_PRAETORIAN)

        assert NOW == read(context(), issued(context())).principal.authenticated_at
        assert read(legacy, issued(legacy)).principal.authenticated_at is None

    def test_csrf(self):
        """A token for a cookie holds 128 random bits that the request must repeat; another token holds none."""
        chosen = context(places=["header", "cookie"])
        values = {read(chosen, issued(chosen)).csrf for _ in range(50)}

        assert (50, {22}) == (len(values), {len(value) for value in values})
        assert read(context(), issued(context())).csrf is None

    def test_session_id(self):
        """A session's id is 128 random bits (ASVS 7.2.3), so no two are alike."""
        ids = {read(context(), issued(context())).principal.session_id for _ in range(50)}

        assert (50, {22}) == (len(ids), {len(session_id) for session_id in ids})

    def test_generation(self):
        """A new session is of generation 0 and, before anything was ended, of no epoch."""
        claims = read(context(), issued(context()))

        assert (0, None) == (claims.generation, claims.principal.session_epoch)

    def test_override(self):
        """Both lifespans can be chosen for one token."""
        principal = read(context(), issued(context(), access=60, refresh=3600)).principal

        assert (NOW + 60, NOW + 3600) == (principal.access_expires_at, principal.refresh_expires_at)

    @pytest.mark.parametrize(("access", "expected"), [(3599, 3599), (3600, 3600), (3601, 3600), (10**9, 3600)])
    def test_cut(self, access, expected):
        """Access is cut at the end of refresh."""
        principal = read(context(), issued(context(), access=access, refresh=3600)).principal

        assert NOW + expected == principal.access_expires_at

    def test_no_user(self):
        """None in place of a user is rejected, and nothing is asked."""
        with pytest.raises(errors.MissingUserError):
            next(issue(context(), None, None, None, {}, None, NOW))

    def test_invalid(self):
        """A user who may not act gets no token (CVE-2024-22513)."""
        flow = issue(context(), USER, None, None, {}, None, NOW)
        next(flow)

        with pytest.raises(errors.InvalidUserError):
            flow.send(NO)

    @pytest.mark.parametrize("name", ["sub", "SUB", "Exp", "rls", "is_prt", "gen", "epoch", "sid"])
    def test_collision(self, name):
        """A reserved name is refused in any letter case, before anything is asked."""
        with pytest.raises(errors.ClaimCollisionError):
            next(issue(context(), USER, None, None, {name: 1}, None, NOW))

    def test_value(self):
        """What is no JSON value is refused with the claim's name."""
        with pytest.raises(errors.ClaimValueError, match="'when'"):
            next(issue(context(), USER, None, None, {"when": object()}, None, NOW))

    def test_epoch_read(self):
        """With a store the user's index and epoch are read last, so that a revocation before it is seen."""
        chosen = context(has_store=True)

        assert questions.GetState((index_key(1), epoch_key(1)), NOW) == answered(
            issue(chosen, USER, None, None, {}, None, NOW), YES, FACTS
        )

    def test_epoch_carried(self):
        """The token carries the epoch of its issue."""
        chosen = context(has_store=True)

        assert E == read(chosen, issued(chosen, epoch=E)).principal.session_epoch

    @pytest.mark.parametrize("has_store", [False, True])
    def test_long_refresh(self, has_store):
        """A lifespan chosen for one token may exceed the configured one: the epoch's entry never expires."""
        chosen = context(has_store=has_store)

        assert NOW + 10**9 == read(chosen, issued(chosen, refresh=10**9)).principal.refresh_expires_at

    @pytest.mark.parametrize(("layout", "generation"), [(STANDARD, 0), (FLASK_PRAETORIAN, None)], ids=["counts", "not"])
    def test_first_generation(self, layout, generation):
        """A session begins at generation 0 if the layout counts; otherwise it has none."""
        chosen = context(layout=layout)

        assert generation == read(chosen, issued(chosen)).generation


class TestReadSession:
    def test_reads(self):
        """A session token is read whether or not it has expired."""
        token = issued(context())

        assert 1 == read_session(context(), token, NOW + 10 * REFRESH).principal.identity

    def test_action(self):
        """An action token is none (RFC 8725 §3.12)."""
        token = result_of(issue_action(context(), USER, "confirm", None, {}, NOW), 1)

        with pytest.raises(errors.MisusedTokenError):
            read_session(context(), token, NOW)

    def test_forged(self):
        """A token of another key is none."""
        with pytest.raises(errors.InvalidTokenError):
            read_session(context(), issued(context(ring=OTHER_RING)), NOW)


class TestCheckSession:
    chosen = context(has_store=True)

    def opened(self, **options):
        claims = read(self.chosen, issued(self.chosen, **options))
        return claims, check_session(claims, NOW)

    def test_asks_once(self):
        """Session and epoch are read in one question, of one slot."""
        claims, flow = self.opened()
        keys = (session_key(1, claims.principal.session_id), epoch_key(1))

        assert questions.GetState(keys, NOW) == next(flow)

    @pytest.mark.parametrize("entry", [None, "1 1800000000"])
    def test_alive(self, entry):
        """No entry, or a generation, is a session that lives; the entry is handed back."""
        _, flow = self.opened()

        assert entry == result_of(flow, [entry, None])

    @pytest.mark.parametrize("state", [["ended", None], [None, E], ["1 1800000000", E], ["ended", E]])
    def test_revoked(self, state):
        """A session that was ended is rejected, and so is one of an earlier epoch."""
        _, flow = self.opened()
        next(flow)

        with pytest.raises(errors.RevokedTokenError):
            flow.send(state)

    def test_same_epoch(self):
        """A session of the current epoch is accepted."""
        _, flow = self.opened(epoch=E)

        assert None is result_of(flow, [None, E])

    @pytest.mark.parametrize("epoch", [None, "E" * 12, "e" * 11 + "f", F])
    def test_other_epoch(self, epoch):
        """Epochs are compared exactly; a store that forgot the epoch refuses rather than admits."""
        _, flow = self.opened(epoch=E)
        next(flow)

        with pytest.raises(errors.RevokedTokenError):
            flow.send([None, epoch])

    @pytest.mark.parametrize(
        "entry", ["", "e" * 11, "e" * 13, "e" * 11 + " ", "e" * 11 + "\n", "e" * 11 + "é", "ended"]
    )
    def test_rubbish_epoch(self, entry):
        """An entry that was never written here refuses as a store that failed."""
        _, flow = self.opened(epoch=E)
        next(flow)

        with pytest.raises(errors.ServiceUnavailableError, match="malformed epoch"):
            flow.send([None, entry])


class TestRefresh:
    then = NOW + ACCESS

    def test_order_without_store(self):
        """The user is loaded, must be valid, is described anew, and an event is emitted."""
        token = issued(context())
        flow = refresh(context(), token, None, self.then)
        digest = session_digest(read(context(), token).principal.session_id)

        asked = [next(flow), flow.send(USER), flow.send(YES), flow.send(FACTS)]
        assert asked == [
            questions.IdentifyUser(1),
            questions.CheckActive(USER),
            questions.DescribeUser(USER),
            questions.Emit(TokenRefreshed(at=self.then, identity="1", session=digest)),
        ]

    def test_order_with_store(self):
        """With a store the session is read first and its generation spent last (RFC 9700 §4.14.2)."""
        chosen = context(has_store=True)
        token = issued(chosen)
        session, epoch = keys_of(chosen, token)
        flow = refresh(chosen, token, None, self.then)
        asked = [next(flow), flow.send([None, None]), flow.send(USER), flow.send(YES), flow.send(FACTS)]

        assert asked == [
            questions.GetState((session, epoch), self.then),
            questions.IdentifyUser(1),
            questions.CheckActive(USER),
            questions.DescribeUser(USER),
            questions.CompareAndSetState(session, None, f"1 {self.then}", NOW + REFRESH + 60, self.then),
        ]
        assert TokenRefreshed is type(flow.send(YES).event)

    def test_successor(self):
        """The successor ends when its predecessor would have: everything but access and roles is the same."""
        old = read(context(), issued(context(), plan="gold"))
        flow = refresh(context(), issued(context(), plan="gold"), None, self.then)
        token = result_of(flow, USER, YES, questions.UserFacts(1, ["guest"]), None)
        new = read(context(), token, self.then)
        expected = old._replace(
            principal=attrs.evolve(
                old.principal,
                session_id=new.principal.session_id,
                roles=frozenset({"guest"}),
                issued_at=self.then,
                access_expires_at=self.then + ACCESS,
            ),
        )

        assert expected == new

    def test_session_id(self):
        """The session's id is kept, so ending it ends every descendant."""
        token = issued(context())
        fresh = successor(context(), token, self.then)

        assert read(context(), token).principal.session_id == read(context(), fresh, self.then).principal.session_id

    @pytest.mark.parametrize(
        ("late", "expected"), [(0, ACCESS), (REFRESH - 2 * ACCESS, ACCESS), (REFRESH - ACCESS - 1, 1)]
    )
    def test_cut(self, late, expected):
        """New access is cut at the old end of refresh."""
        now = self.then + late
        principal = read(context(), successor(context(), issued(context()), now), now).principal

        assert (now + expected, NOW + REFRESH) == (principal.access_expires_at, principal.refresh_expires_at)

    def test_override_cut(self):
        """So is access that is chosen for the one successor."""
        flow = refresh(context(), issued(context()), 10**9, self.then)
        token = result_of(flow, USER, YES, FACTS, None)

        assert NOW + REFRESH == read(context(), token, self.then).principal.access_expires_at

    def test_early(self):
        """A token that still grants access is not exchanged, and nothing is asked."""
        with pytest.raises(errors.EarlyRefreshError):
            next(refresh(context(has_store=True), issued(context()), None, self.then - 1))

    def test_dead(self):
        """At the end of refresh nothing is asked any more."""
        with pytest.raises(errors.ExpiredRefreshError):
            next(refresh(context(has_store=True), issued(context()), None, NOW + REFRESH))

    def test_revoked(self):
        """A session that was ended is rejected before the user is loaded."""
        chosen = context(has_store=True)
        flow = refresh(chosen, issued(chosen), None, self.then)
        next(flow)

        with pytest.raises(errors.RevokedTokenError):
            flow.send(["ended", None])

    def test_missing_user(self):
        """A user who is gone gets no successor."""
        flow = refresh(context(), issued(context()), None, self.then)
        next(flow)

        with pytest.raises(errors.MissingUserError):
            flow.send(None)

    def test_invalid_user(self):
        """A user who may no longer act gets no successor (CVE-2024-22513)."""
        flow = refresh(context(), issued(context()), None, self.then)
        answered(flow, USER)

        with pytest.raises(errors.InvalidUserError):
            flow.send(NO)

    @pytest.mark.parametrize("identity", [2, "2", "one"])
    def test_other_user(self, identity):
        """A user of another identity is rejected: the session would change its user."""
        flow = refresh(context(), issued(context()), None, self.then)
        answered(flow, USER, YES)

        with pytest.raises(errors.ConfigurationError, match="another identity"):
            flow.send(questions.UserFacts(identity, []))

    def test_identity_as_text(self):
        """The same identity as a text instead of an integer is the same user."""
        flow = refresh(context(), issued(context()), None, self.then)
        token = result_of(flow, USER, YES, questions.UserFacts("1", []), None)

        assert "1" == read(context(), token, self.then).principal.identity

    def test_idle(self):
        """A session that was not refreshed for the idle lifespan has expired, and so has access that would exceed it."""
        chosen = context(idle_lifespan=ACCESS + 60)
        token = issued(chosen)
        fresh = successor(chosen, token, NOW + ACCESS + 59)

        assert NOW + ACCESS + 59 == read(chosen, fresh, NOW + ACCESS + 59).principal.issued_at
        with pytest.raises(errors.ExpiredRefreshError):
            next(refresh(chosen, token, None, NOW + ACCESS + 60))

    def test_idle_access(self):
        """A longer access lifespan for one token ends with the idle lifespan too."""
        chosen = context(idle_lifespan=ACCESS + 60)
        flow = refresh(chosen, issued(chosen), ACCESS + 61, self.then)
        fresh = read(chosen, result_of(flow, USER, YES, FACTS, None), self.then).principal

        assert self.then + ACCESS + 60 == fresh.access_expires_at

    def test_login_kept(self):
        """A refresh is no login: the time of the login stays."""

        assert (
            NOW
            == read(context(), successor(context(), issued(context()), self.then), self.then).principal.authenticated_at
        )

    def test_csrf_kept(self):
        """Parallel requests still send the value of the former cookie, so it stays."""
        chosen = context(places=["cookie"])
        token = issued(chosen)

        assert read(chosen, token).csrf == read(chosen, successor(chosen, token, self.then), self.then).csrf

    def test_csrf_added(self):
        """A session from before cookies were accepted gets a value with its refresh."""
        token = issued(context())
        chosen = attrs.evolve(context(), settings=attrs.evolve(context().settings, places=("cookie",)))

        assert 22 == len(read(chosen, successor(chosen, token, self.then), self.then).csrf)

    def test_epoch_kept(self):
        """The successor is of the epoch of its predecessor, so ending all sessions ends it too."""
        chosen = context(has_store=True)
        token = issued(chosen, epoch=E)
        flow = refresh(chosen, token, None, self.then)
        fresh = result_of(flow, [None, E], USER, YES, FACTS, YES, None)

        assert E == read(chosen, fresh, self.then).principal.session_epoch

    def test_kept_session_moves_on(self):
        """The successor of a session that ``revoke_user`` kept is of the current epoch."""
        chosen = context(has_store=True)
        token = issued(chosen, epoch=E)
        entry = Epoch(E).followed_by(F, read(chosen, token).principal.session_id).value()
        flow = refresh(chosen, token, None, self.then)
        fresh = result_of(flow, [None, entry], USER, YES, FACTS, YES, None)

        assert F == read(chosen, fresh, self.then).principal.session_epoch

    @pytest.mark.parametrize("layout", [STANDARD, FLASK_PRAETORIAN], ids=["STANDARD", "FLASK_PRAETORIAN"])
    @pytest.mark.parametrize("state", [[None, E], ["ended", None]], ids=["all-sessions", "this-session"])
    def test_ended_in_between(self, state, layout):
        """If access makes no store call, the session is checked once more after its generation was spent."""
        chosen = context(has_store=True, check_sessions="refresh", layout=layout)
        flow = refresh(chosen, issued(chosen), None, self.then)
        spent = [YES] if layout is STANDARD else []
        assert isinstance(answered(flow, [None, None], USER, YES, FACTS, *spent), questions.GetState)

        with pytest.raises(errors.RevokedTokenError):
            flow.send(state)

    def test_nothing_ended_in_between(self):
        """The matching positive test: a session that was not ended gets its successor."""
        chosen = context(has_store=True, check_sessions="refresh")
        flow = refresh(chosen, issued(chosen), None, self.then)

        assert result_of(flow, [None, None], USER, YES, FACTS, YES, ["1 9", None], None)


class TestGenerations:
    chosen = context(has_store=True, refresh_grace=10)
    then = NOW + ACCESS

    def before_spending(self, entry, generation=0, now=None, chosen=None):
        """Return a refresh of a generation whose next question is about its spending, and that question."""
        chosen = chosen or self.chosen
        now = self.then if now is None else now
        claims = read(chosen, issued(chosen))
        token = chosen.codec.encode(claims._replace(generation=generation))
        flow = refresh(chosen, token, None, now)
        next(flow)
        flow.send([entry, None])
        flow.send(USER)
        flow.send(YES)
        return flow

    def generation(self, flow, *answers):
        """Send the facts and the answers, and return the successor's generation."""
        for answer in (FACTS, *answers):
            flow.send(answer)
        with pytest.raises(StopIteration) as done:
            flow.send(None)
        return read(self.chosen, done.value.value, self.then + 1000).generation

    @pytest.mark.parametrize(("entry", "generation"), [(None, 0), ("1 5", 1), ("41 5", 41)])
    def test_current(self, entry, generation):
        """The current generation is spent by one swap, and its successor is the next."""
        flow = self.before_spending(entry, generation)
        swap = flow.send(FACTS)

        assert (entry, f"{generation + 1} {self.then}") == (swap.expected, swap.new)
        flow.send(YES)
        with pytest.raises(StopIteration) as done:
            flow.send(None)
        assert generation + 1 == read(self.chosen, done.value.value, self.then).generation

    @pytest.mark.parametrize("late", [0, 9])
    def test_grace(self, late):
        """Within the grace the generation just before gets a token of the current one, and nothing is written."""
        flow = self.before_spending(f"4 {self.then - late}", 3)

        assert 4 == self.generation(flow)

    @pytest.mark.parametrize("late", [10, 11])
    def test_grace_over(self, late):
        """From the end of the grace on it is reuse: the session is ended, an event emitted and the request rejected."""
        entry = f"4 {self.then - late}"
        flow = self.before_spending(entry, 3)
        swap = flow.send(FACTS)
        event = flow.send(YES).event

        assert (entry, "ended", TokenReused, "1") == (swap.expected, swap.new, type(event), event.identity)
        with pytest.raises(errors.ReusedTokenError):
            flow.send(None)

    @pytest.mark.parametrize(("ahead", "spends"), [(9, False), (10, True), (11, True), (10**9, True)])
    def test_grace_of_another_clock(self, ahead, spends):
        """A time of another machine in the future counts as its distance, so the grace always ends."""
        flow = self.before_spending(f"4 {self.then + ahead}", 3)
        question = flow.send(FACTS)

        assert spends is (isinstance(question, questions.CompareAndSetState) and question.new == "ended")

    @pytest.mark.parametrize(("entry", "generation"), [("4 {}", 2), ("4 {}", 0), ("4 {}", 5), ("4 {}", 9), (None, 1)])
    def test_reuse(self, entry, generation):
        """Anything older, or later, is reuse whatever the time (RFC 9700 §4.14.2)."""
        flow = self.before_spending(entry and entry.format(self.then), generation)

        assert "ended" == flow.send(FACTS).new

    def test_no_grace(self):
        """With a grace of 0 a second refresh is reuse in the same second."""
        chosen = context(has_store=True, refresh_grace=0)
        flow = self.before_spending(f"1 {self.then}", 0, chosen=chosen)

        assert "ended" == flow.send(FACTS).new

    def test_race(self):
        """A refresh that loses the race for a generation gets the same successor within the grace."""
        flow = self.before_spending(None)
        flow.send(FACTS)
        again = flow.send(NO)

        assert questions.GetState is type(again)
        assert TokenRefreshed is type(flow.send([f"1 {self.then}", None]).event)

    def test_revoked_in_between(self):
        """A refresh that races a revocation makes no successor: one swap decides."""
        flow = self.before_spending(None)
        flow.send(FACTS)
        flow.send(NO)

        with pytest.raises(errors.RevokedTokenError):
            flow.send(["ended", None])

    def test_all_revoked_in_between(self):
        """Nor does one that races the end of all sessions, where it looks again."""
        flow = self.before_spending(None)
        flow.send(FACTS)
        flow.send(NO)

        with pytest.raises(errors.RevokedTokenError):
            flow.send([None, E])

    def test_reuse_race(self):
        """If the write that ends a reused session loses a race, it is decided again."""
        flow = self.before_spending("4 5", 0)
        flow.send(FACTS)
        flow.send(NO)

        assert "ended" == flow.send(["5 6", None]).new

    def test_lost(self):
        """A refresh that loses every race is rejected, and may be repeated."""
        flow = self.before_spending(None)
        flow.send(FACTS)
        for _ in range(MAX_CAS_ATTEMPTS - 1):
            flow.send(NO)
            flow.send([None, None])

        with pytest.raises(errors.ServiceUnavailableError):
            flow.send(NO)

    def test_rubbish(self):
        """A malformed entry rejects."""
        flow = self.before_spending("rubbish")

        with pytest.raises(errors.ServiceUnavailableError):
            flow.send(FACTS)

    def test_layout_that_does_not_count(self):
        """A token of flask-praetorian's layout carries no generation, so none is spent."""
        chosen = context(has_store=True, layout=FLASK_PRAETORIAN)
        flow = refresh(chosen, issued(chosen), None, self.then)

        assert questions.Emit is type(answered(flow, [None, None], USER, YES, FACTS))

    def test_counted_session(self):
        """A session that was counted is counted under every layout, or a reuse would go unseen."""
        chosen = context(has_store=True, layout=FLASK_PRAETORIAN)
        token = self.chosen.codec.encode(read(self.chosen, issued(self.chosen))._replace(generation=3))
        flow = refresh(chosen, token, None, self.then)
        swap = answered(flow, ["3 5", None], USER, YES, FACTS)

        assert ("3 5", f"4 {self.then}") == (swap.expected, swap.new)

    @pytest.mark.parametrize(("entry", "new"), [(None, "1 {}"), ("1 5", "ended"), ("7 5", "ended")])
    def test_uncounted_token(self, entry, new):
        """A token without a generation precedes the first counted one: once that exists, it is a reuse."""
        token = issued(context(has_store=True, layout=FLASK_PRAETORIAN))
        swap = answered(refresh(self.chosen, token, None, self.then), [entry, None], USER, YES, FACTS)

        assert new.format(self.then) == swap.new

    def test_layout_that_begins_to_count(self):
        """Its first refresh into the standard layout spends generation 0."""
        token = issued(context(has_store=True, layout=FLASK_PRAETORIAN))
        flow = refresh(self.chosen, token, None, self.then)
        swap = answered(flow, [None, None], USER, YES, FACTS)

        assert (None, f"1 {self.then}") == (swap.expected, swap.new)


class TestUserOf:
    def test_order(self):
        """The user must exist and be valid."""
        principal = read(context(), issued(context())).principal
        flow = load_user(principal)
        asked = [next(flow), flow.send(USER)]

        assert asked == [questions.IdentifyUser(1), questions.CheckActive(USER)]
        with pytest.raises(StopIteration) as done:
            flow.send(YES)
        assert USER is done.value.value

    def test_missing(self):
        """A user who does not exist any more is rejected."""
        flow = load_user(read(context(), issued(context())).principal)
        next(flow)

        with pytest.raises(errors.MissingUserError):
            flow.send(None)

    def test_invalid(self):
        """A user who may no longer act is refused."""
        flow = load_user(read(context(), issued(context())).principal)
        answered(flow, USER)

        with pytest.raises(errors.InvalidUserError):
            flow.send(NO)


class TestRevoke:
    chosen = context(has_store=True)

    def test_order(self):
        """The session's entry is read, replaced by its end until its tokens have expired everywhere, and an event is emitted."""
        token = issued(self.chosen)
        session, _ = keys_of(self.chosen, token)
        digest = session_digest(read(self.chosen, token).principal.session_id)
        flow = revoke(self.chosen, token, NOW)
        asked = [next(flow), flow.send(["2 5"]), flow.send(YES)]

        assert asked == [
            questions.GetState((session,), NOW),
            questions.CompareAndSetState(session, "2 5", "ended", NOW + REFRESH + 60, NOW),
            questions.Emit(SessionRevoked(at=NOW, identity="1", session=digest)),
        ]

    def test_again(self):
        """An ended session stays ended: nothing is written or emitted (RFC 7009 §2.2)."""
        flow = revoke(self.chosen, issued(self.chosen), NOW)

        assert None is result_of(flow, ["ended"])

    def test_race(self):
        """A refresh in between is overtaken at the next attempt."""
        flow = revoke(self.chosen, issued(self.chosen), NOW)
        swap = answered(flow, [None], NO, ["1 5"])

        assert ("1 5", "ended") == (swap.expected, swap.new)

    def test_lost(self):
        """A revocation that loses every race raises: its caller must not believe that it happened."""
        flow = revoke(self.chosen, issued(self.chosen), NOW)
        answered(flow, *[[None], NO] * (MAX_CAS_ATTEMPTS - 1), [None])

        with pytest.raises(errors.ServiceUnavailableError):
            flow.send(NO)

    @pytest.mark.parametrize("now", [NOW + ACCESS, NOW + REFRESH, NOW + REFRESH + 59])
    def test_expired(self, now):
        """An expired token will do, as long as some machine may still accept it."""
        assert questions.GetState is type(next(revoke(self.chosen, issued(self.chosen), now)))

    def test_long_dead(self):
        """A token that has expired on every machine needs no entry."""
        flow = revoke(self.chosen, issued(self.chosen), NOW + REFRESH + 60)

        with pytest.raises(StopIteration):
            next(flow)

    def test_forged(self):
        """A forged token changes nothing: nothing is asked (RFC 7009 §2.2)."""
        with pytest.raises(errors.InvalidTokenError):
            next(revoke(self.chosen, issued(context(ring=OTHER_RING)), NOW))

    def test_no_store(self):
        """Without a store nothing can be ended, which is said."""
        with pytest.raises(errors.ConfigurationError, match="revoke needs a store"):
            next(revoke(context(), issued(context()), NOW))

    def test_action(self):
        """An action token is spent instead, and no event is emitted."""
        token = result_of(issue_action(self.chosen, USER, "confirm", 60, {}, NOW), 1)
        key = action_key(1, read(self.chosen, token).token_id)
        flow = revoke(self.chosen, token, NOW)
        asked = [next(flow), flow.send([None])]

        assert asked == [
            questions.GetState((key,), NOW),
            questions.CompareAndSetState(key, None, "spent", NOW + 120, NOW),
        ]
        with pytest.raises(StopIteration):
            flow.send(YES)


class TestRevokeUser:
    chosen = context(has_store=True)

    def test_order(self):
        """The user's epoch is replaced by a new random one that never expires, and an event is emitted."""
        flow = revoke_user(self.chosen, 1, None, NOW)
        read_question = next(flow)
        swap = flow.send([E])

        assert (questions.GetState((epoch_key(1),), NOW), epoch_key(1), E, NEVER) == (
            read_question,
            swap.key,
            swap.expected,
            swap.expires_at,
        )
        assert questions.Emit(UserRevoked(at=NOW, identity="1")) == flow.send(YES)
        assert questions.GetState((index_key(1), epoch_key(1)), NOW) == flow.send(None)

    def test_keep(self):
        """The entry of the new epoch names the session to keep and the epoch that its tokens carry; so does the event."""
        flow = revoke_user(self.chosen, 1, "abc", NOW)
        next(flow)
        epoch = Epoch.parse(flow.send([E]).new)

        assert [True, False] == [epoch.accepts(session_id, E) for session_id in ("abc", "abd")]
        expected = UserRevoked(at=NOW, identity="1", kept=session_digest("abc"))
        assert questions.Emit(expected) == flow.send(YES)

    def test_keep_race(self):
        """After a conflict the session is kept only if the other call kept it too."""
        for keep, is_kept in (("abc", True), ("other", False)):
            between = Epoch(E).followed_by(F, keep).value()
            swap = answered(revoke_user(self.chosen, 1, "abc", NOW), [E], NO, [between])

            assert is_kept is Epoch.parse(swap.new).accepts("abc", E)

    def test_keep_malformed(self):
        """What a malformed epoch accepted is not known, so nothing can be kept; without ``keep`` it is replaced."""
        flow = revoke_user(self.chosen, 1, "abc", NOW)
        next(flow)
        with pytest.raises(errors.ServiceUnavailableError, match="malformed epoch"):
            flow.send(["rubbish"])

        assert "rubbish" == answered(revoke_user(self.chosen, 1, None, NOW), ["rubbish"]).expected

    @pytest.mark.parametrize("keep", [5, b"abc", True, ["abc"]], ids=repr)
    def test_keep_is_no_text(self, keep):
        """Anything but a text is refused, and nothing ends."""
        with pytest.raises(
            errors.ConfigurationError, match=f"keep must be a session id or None; got {type(keep).__name__}"
        ):
            next(revoke_user(self.chosen, 1, keep, NOW))

    def test_random(self):
        """No two epochs are alike, so the second one in a second counts as well."""
        epochs = {answered(revoke_user(self.chosen, 1, None, NOW), [None]).new for _ in range(50)}

        assert 50 == len(epochs)

    def test_race(self):
        """Another end of all sessions in between is followed by this one."""
        assert F == answered(revoke_user(self.chosen, 1, None, NOW), [E], NO, [F]).expected

    def test_lost(self):
        """One that loses every race says so."""
        flow = revoke_user(self.chosen, 1, None, NOW)
        answered(flow, *[[E], NO] * (MAX_CAS_ATTEMPTS - 1), [E])

        with pytest.raises(errors.ServiceUnavailableError):
            flow.send(NO)

    def test_no_store(self):
        """Without a store nothing can be ended, which is said."""
        with pytest.raises(errors.ConfigurationError, match="revoke_user needs a store"):
            next(revoke_user(context(), 1, None, NOW))

    @pytest.mark.parametrize("identity", [None, True, 1.0, b"1", "", 2**64], ids=repr)
    def test_no_identity(self, identity):
        """A value that cannot be an identity is refused: it would silently end no session."""
        with pytest.raises(errors.ConfigurationError, match="identity"):
            next(revoke_user(self.chosen, identity, None, NOW))
