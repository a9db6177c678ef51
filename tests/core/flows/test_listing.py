"""The list of a user's sessions, question by question: what a login reads and writes, and what a race changes."""

from __future__ import annotations

import attrs
import pytest
from tests.support import NOW, RING

from praetorian_core import errors, questions
from praetorian_core.events import SessionLimitReached, SessionUnlisted, session_digest
from praetorian_core.flows.listing import MAX_INDEX_ATTEMPTS, add_session, remove_ended
from praetorian_core.flows.session_index import Row, SessionIndex
from praetorian_core.flows.state import Epoch, list_keys, session_key
from praetorian_core.principal import Principal
from praetorian_core.session import IssuedSession
from praetorian_core.settings import Settings

YES, NO = True, False
E, F = "e" * 12, "f" * 12
END = NOW + 1000
NEW = Row("new", NOW, END, 1, "Firefox")
INDEX, EPOCH = list_keys(1)
SETTINGS = Settings(keys=RING)
PRINCIPAL = Principal(
    identity=1,
    roles=frozenset(),
    claims={},
    session_id="new",
    issued_at=NOW,
    access_expires_at=END,
    refresh_expires_at=END,
)


def settings(**choices):
    """Return settings with some choices."""
    return attrs.evolve(SETTINGS, **choices)


def row(name, age=0):
    """Return the row of a session that began some seconds ago."""
    return Row(name, NOW - age, END, 1, "")


def entry(*rows, epoch=None):
    """Return the entry of an index."""
    return SessionIndex(epoch, rows).write(NOW).value


def login(chosen=SETTINGS):
    """Return a login whose tokens are named after their epoch."""

    def sign(epoch):
        return IssuedSession(token=f"token of {epoch}", principal=PRINCIPAL)

    return add_session(chosen, 1, NEW, sign)


def answered(flow, *answers):
    """Send answers and return the question that follows them."""
    question = next(flow)
    for answer in answers:
        question = flow.send(answer)
    return question


def result_of(flow, *answers):
    """Send all answers and return what the flow returns."""
    answered(flow, *answers[:-1])
    with pytest.raises(StopIteration) as done:
        flow.send(answers[-1])
    return done.value.value


def names(write):
    """Return the ids in an index that is to be written."""
    return [found.session_id for found in SessionIndex.parse(write.new).rows]


def keys_of(*ids):
    """Return the question for the entries of some sessions."""
    return questions.GetState(tuple(session_key(1, session_id) for session_id in ids), NOW)


class TestAddSession:
    def test_one_read_and_one_write(self):
        """A login reads the index and the epoch, in this order, and writes the index: no more."""
        flow = login()

        assert questions.GetState((INDEX, EPOCH), NOW) == next(flow)
        assert questions.CompareAndSetState(INDEX, None, entry(NEW), END + 60, NOW) == flow.send([None, None])
        with pytest.raises(StopIteration) as done:
            flow.send(YES)
        assert "token of None" == done.value.value.token

    def test_beside_others(self):
        """The new session comes after the others, whose own entries are not read while there is room."""
        swap = answered(login(), [entry(row("a"), row("b")), None])

        assert (entry(row("a"), row("b")), ["a", "b", "new"]) == (swap.expected, names(swap))

    def test_expired(self):
        """A row that has expired is left out."""
        old = Row("old", NOW - 9, NOW, 1, "")

        assert ["new"] == names(answered(login(), [entry(old), None]))

    def test_earlier_epoch(self):
        """The rows of an earlier epoch are left out, except for the session that was kept."""
        epoch = Epoch(E).followed_by(F, "kept").value()
        swap = answered(login(), [entry(row("a"), row("kept"), epoch=E), epoch])

        assert (F, ["kept", "new"]) == (SessionIndex.parse(swap.new).epoch, names(swap))

    def test_race(self):
        """After a conflict both are read again: the other login stays in the list."""
        flow = login()
        swap = answered(flow, [None, None], NO, [entry(row("a")), None])

        assert (entry(row("a")), ["a", "new"]) == (swap.expected, names(swap))

    def test_epoch_race(self):
        """The token is signed again if the epoch has changed in between."""
        assert f"token of {F}" == result_of(login(), [None, E], NO, [None, F], YES).token

    def test_lost(self):
        """A login that loses every race is rejected with 503."""
        flow = login()
        answered(flow, *[[None, None], NO] * (MAX_INDEX_ATTEMPTS - 1), [None, None])
        with pytest.raises(errors.ServiceUnavailableError, match="256 conflicting writes"):
            flow.send(NO)

    def test_signed_first(self):
        """A session that cannot be signed ends no other and writes nothing."""

        def sign(epoch):
            raise errors.ConfigurationError("no key")

        flow = add_session(settings(max_sessions=1), 1, NEW, sign)
        next(flow)
        with pytest.raises(errors.ConfigurationError, match="no key"):
            flow.send([entry(row("a")), None])


class TestLimit:
    def test_end_oldest(self):
        """The session that began first is ended before the index is written, and an event names it."""
        flow = login(settings(max_sessions=2))
        asked = [
            answered(flow, [entry(row("b", 5), row("a", 9)), None]),
            flow.send([None, f"1 {NOW}"]),
            flow.send([f"1 {NOW}"]),
            flow.send(YES),
        ]

        assert asked == [
            keys_of("b", "a"),
            questions.GetState((session_key(1, "a"),), NOW),
            questions.CompareAndSetState(session_key(1, "a"), f"1 {NOW}", "ended", END + 60, NOW),
            questions.Emit(SessionLimitReached(at=NOW, identity="1", ended=session_digest("a"))),
        ]
        assert ["b", "new"] == names(flow.send(None))

    def test_ended_meanwhile(self):
        """One that has ended in between needs no event."""
        flow = login(settings(max_sessions=1))
        swap = answered(flow, [entry(row("a")), None], [None], ["ended"])

        assert ["new"] == names(swap)

    def test_ended_before(self):
        """Sessions that were ended do not count, and leave the list."""
        flow = login(settings(max_sessions=2))
        swap = answered(flow, [entry(row("a"), row("b")), None], ["ended", None])

        assert ["b", "new"] == names(swap)

    def test_below(self):
        """Below the limit the sessions' own entries are not read."""
        flow = login(settings(max_sessions=3))

        assert ["a", "b", "new"] == names(answered(flow, [entry(row("a"), row("b")), None]))

    def test_lowered(self):
        """A lower limit than before ends as many as needed, the oldest first."""
        flow = login(settings(max_sessions=2))
        index = entry(row("a", 3), row("b", 2), row("c", 1))
        swap = answered(flow, [index, None], [None] * 3, [None], YES, None, [None], YES, None)

        assert ["c", "new"] == names(swap)

    def test_refuse(self):
        """``refuse`` ends nothing and writes nothing; an event says so."""
        flow = login(settings(max_sessions=1, session_limit="refuse"))
        emit = answered(flow, [entry(row("a")), None], [None])

        assert questions.Emit(SessionLimitReached(at=NOW, identity="1", ended=None)) == emit
        with pytest.raises(errors.SessionLimitError):
            flow.send(None)

    def test_refuse_race(self):
        """A login that finds the last place taken by another one is refused."""
        flow = login(settings(max_sessions=1, session_limit="refuse"))
        answered(flow, [None, None], NO, [entry(row("a")), None], [None])
        with pytest.raises(errors.SessionLimitError):
            flow.send(None)

    def test_no_limit(self):
        """Without a limit the 101st session pushes the oldest one out of the list, and ends none."""
        flow = login()
        full = [row(f"s{number}", 100 - number) for number in range(100)]
        swap = answered(flow, [entry(*full), None], [None] * 100)

        assert [f"s{number}" for number in range(1, 100)] + ["new"] == names(swap)

    def test_no_limit_ended(self):
        """Without a limit the 101st session pushes none out of the list if one of the others was ended."""
        flow = login()
        full = [row(f"s{number}", 100 - number) for number in range(100)]
        swap = answered(flow, [entry(*full), None], [*[None] * 99, "ended"])

        assert [f"s{number}" for number in range(99)] + ["new"] == names(swap)


class TestUnlisted:
    failure = errors.ServiceUnavailableError("the disk is full")

    def thrown(self, flow, *answers):
        """Let the write fail that follows these answers; return the next question."""
        answered(flow, *answers)
        return flow.throw(self.failure)

    def test_allowed(self):
        """``allow`` issues the session while the store can be read but not written; an event says that it is not listed."""
        flow = login(settings(throttle_failure="allow"))
        emit = self.thrown(flow, [None, E])

        assert questions.Emit(SessionUnlisted(at=NOW, identity="1", session=session_digest("new"))) == emit
        with pytest.raises(StopIteration) as done:
            flow.send(None)
        assert f"token of {E}" == done.value.value.token

    @pytest.mark.parametrize(
        "chosen", [settings(), settings(throttle_failure="allow", max_sessions=5)], ids=["refuse", "limit"]
    )
    def test_not_allowed(self, chosen):
        """By default, and with a limit, it is rejected: the limit cannot be kept."""
        with pytest.raises(errors.ServiceUnavailableError, match="the disk is full"):
            self.thrown(login(chosen), [None, None])

    def test_not_read(self):
        """While the store cannot be read, no token is issued."""
        flow = login(settings(throttle_failure="allow"))
        next(flow)
        with pytest.raises(errors.ServiceUnavailableError, match="the disk is full"):
            flow.throw(self.failure)


class TestRemoveEnded:
    def test_rewritten(self):
        """The rows that the new epoch has ended are removed."""
        epoch = Epoch(E).followed_by(F, "kept").value()
        index = entry(row("a"), row("kept"), epoch=E)
        swap = answered(remove_ended(1, NOW), [index, epoch])

        assert (index, entry(row("kept"), epoch=F)) == (swap.expected, swap.new)

    def test_emptied(self):
        """An index of which nothing is left expires at once."""
        assert NOW == answered(remove_ended(1, NOW), [entry(row("a"), epoch=E), F]).expires_at

    @pytest.mark.parametrize("index", [None, entry(row("a"), epoch=F)], ids=["no-index", "current"])
    def test_nothing_to_do(self, index):
        """Without an index, or after a login in the new epoch, nothing is written."""
        assert None is result_of(remove_ended(1, NOW), [index, F])

    def test_race(self):
        """After a conflict both are read again, so a login in a still newer epoch stays in the list."""
        assert None is result_of(
            remove_ended(1, NOW), [entry(row("a"), epoch=None), E], NO, [entry(row("b"), epoch=F), F]
        )
