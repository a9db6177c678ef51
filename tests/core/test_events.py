"""Events: their fields, their log lines, and the secrets that are never in them."""

import logging

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core import events
from praetorian_core.errors import InvalidTokenError
from praetorian_core.events import Event, TokenRefused, log_event, session_digest
from praetorian_core.guard import Guard
from praetorian_core.settings import Settings
from praetorian_core.testing.clock import FrozenClock
from praetorian_core.token.keys import KeyRing, generate_secret

EXAMPLES = [
    (
        events.LoginSucceeded(at=1, identity="7", source="192.0.2.1"),
        logging.INFO,
        "LoginSucceeded at=1 identity='7' source='192.0.2.1'",
    ),
    (
        events.LoginFailed(at=1, identity=None, source=None),
        logging.WARNING,
        "LoginFailed at=1 identity=None source=None",
    ),
    (events.LoginThrottled(at=1, source="2001:db8::1"), logging.WARNING, "LoginThrottled at=1 source='2001:db8::1'"),
    (events.LoginUncounted(at=1, source=None), logging.ERROR, "LoginUncounted at=1 source=None"),
    (
        events.AuthenticationConfirmed(at=1, identity="7", session="ba7816bf8f01", source=None),
        logging.INFO,
        "AuthenticationConfirmed at=1 identity='7' session='ba7816bf8f01' source=None",
    ),
    (
        events.TokenRefused(at=1, code="invalid_token", detail="bad signature"),
        logging.INFO,
        "TokenRefused at=1 code='invalid_token' detail='bad signature'",
    ),
    (
        events.TokenRefreshed(at=1, identity="7", session="ba7816bf8f01"),
        logging.INFO,
        "TokenRefreshed at=1 identity='7' session='ba7816bf8f01'",
    ),
    (
        events.TokenReused(at=1, identity="7", session="ba7816bf8f01"),
        logging.WARNING,
        "TokenReused at=1 identity='7' session='ba7816bf8f01'",
    ),
    (
        events.SessionRevoked(at=1, identity="7", session="ba7816bf8f01"),
        logging.INFO,
        "SessionRevoked at=1 identity='7' session='ba7816bf8f01'",
    ),
    (events.UserRevoked(at=1, identity="7"), logging.INFO, "UserRevoked at=1 identity='7' kept=None"),
    (
        events.SessionLimitReached(at=1, identity="7", ended="ba7816bf8f01"),
        logging.INFO,
        "SessionLimitReached at=1 identity='7' ended='ba7816bf8f01'",
    ),
    (
        events.SessionUnlisted(at=1, identity="7", session="ba7816bf8f01"),
        logging.ERROR,
        "SessionUnlisted at=1 identity='7' session='ba7816bf8f01'",
    ),
    (
        events.ActionRedeemed(at=1, identity="7", action="reset"),
        logging.INFO,
        "ActionRedeemed at=1 identity='7' action='reset'",
    ),
    (
        events.TicketRedeemed(at=1, identity="7", session="ba7816bf8f01"),
        logging.INFO,
        "TicketRedeemed at=1 identity='7' session='ba7816bf8f01'",
    ),
    (
        events.CallFailed(at=1, what="store.get", failure="TimeoutError", where="store.py:12", target="redis://a"),
        logging.ERROR,
        "CallFailed at=1 what='store.get' failure='TimeoutError' where='store.py:12' target='redis://a'",
    ),
]


def refused(detail):
    """Return an event that carries a text from outside."""
    return TokenRefused(at=1, code="invalid_token", detail=detail)


class TestEvents:
    def test_every_kind_has_an_example(self):
        """Nothing below is true of some events only."""

        assert {kind for kind in Event.__subclasses__() if kind.__module__ == events.__name__} == {
            type(event) for event, *_ in EXAMPLES
        }

    @pytest.mark.parametrize("event", [row[0] for row in EXAMPLES], ids=lambda event: type(event).__name__)
    def test_frozen(self, event):
        """An event cannot be changed by its receiver."""

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            event.at = 2

    @pytest.mark.parametrize("event", [row[0] for row in EXAMPLES], ids=lambda event: type(event).__name__)
    def test_facts_are_named(self, event):
        """Positional facts could be mixed up, so there are none."""

        with pytest.raises(TypeError):
            type(event)(*attrs.astuple(event))

    @pytest.mark.parametrize("event", [row[0] for row in EXAMPLES], ids=lambda event: type(event).__name__)
    def test_no_field_for_a_secret(self, event):
        """ASVS 16.2.5: there is no place for a token, a password, its hash, a key, a claim or a typed name."""

        assert set(attrs.asdict(event)) <= {
            "at", "identity", "source", "code", "detail", "session", "action", "what", "failure", "where", "target", "kept",
            "ended",
        }  # fmt: skip


class TestLogEvent:
    @pytest.mark.parametrize(("event", "level", "line"), EXAMPLES, ids=[type(row[0]).__name__ for row in EXAMPLES])
    def test_line(self, event, level, line, caplog):
        """ASVS 16.2.1: each event is one line of the logger ``praetorian`` at the level of its kind."""
        caplog.set_level(logging.DEBUG, "praetorian")
        log_event(event)

        assert [("praetorian", level, line)] == caplog.record_tuples

    @pytest.mark.parametrize(
        ("threshold", "expected"),
        [
            pytest.param(logging.INFO, ["UserRevoked", "LoginThrottled", "CallFailed"], id="info"),
            pytest.param(logging.WARNING, ["LoginThrottled", "CallFailed"], id="warning"),
            pytest.param(logging.ERROR, ["CallFailed"], id="error"),
            pytest.param(logging.CRITICAL, [], id="critical"),
        ],
    )
    def test_level(self, threshold, expected, caplog):
        """The logger's own level decides what is written."""
        caplog.set_level(threshold, "praetorian")
        log_event(events.UserRevoked(at=1, identity="7"))
        log_event(events.LoginThrottled(at=1, source=None))
        log_event(events.CallFailed(at=1, what="w", failure="f", where="x"))

        assert expected == [record.getMessage().split()[0] for record in caplog.records]

    def test_nothing_is_written_out_below_the_level(self, caplog):
        """An event below the level of the logger is not formatted."""

        class Unprintable(str):
            __slots__ = ()

            def __repr__(self):
                raise AssertionError

        caplog.set_level(logging.WARNING, "praetorian")
        log_event(refused(Unprintable("x")))
        assert [] == caplog.records

        caplog.set_level(logging.INFO, "praetorian")
        with pytest.raises(AssertionError):
            log_event(refused(Unprintable("x")))

    @pytest.mark.parametrize(
        ("detail", "written"),
        [
            pytest.param("a\r\nINFO forged", r"'a\r\nINFO forged'", id="crlf"),
            pytest.param("a\x00\x1b[2J\x7f", r"'a\x00\x1b[2J\x7f'", id="control"),
            pytest.param("a\u0085\u2028\u2029b", r"'a\x85\u2028\u2029b'", id="unicode-line-breaks"),
            pytest.param("\u202etxt.exe\u2066\u200f\u061c", r"'\u202etxt.exe\u2066\u200f\u061c'", id="bidi"),
            pytest.param("\u200b\ufeff\u00ad", r"'\u200b\ufeff\xad'", id="invisible"),
            pytest.param("\ud800", r"'\ud800'", id="surrogate"),
            pytest.param("x' identity='1", "\"x' identity='1\"", id="quote"),
            pytest.param("100% %s %(name)s {0}", "'100% %s %(name)s {0}'", id="format"),
            pytest.param("größe \N{SNOWMAN}", "'größe \N{SNOWMAN}'", id="printable-as-it-is"),
        ],
    )
    def test_escapes(self, detail, written, caplog):
        """ASVS 16.4.1: no value from outside can begin a line, move a cursor or reverse a text in the log."""
        caplog.set_level(logging.INFO, "praetorian")
        log_event(refused(detail))

        assert [f"TokenRefused at=1 code='invalid_token' detail={written}"] == caplog.messages

    @given(st.text())
    def test_one_printable_line(self, detail):
        """Whatever comes from outside, an event is one line of printable characters."""
        logger = logging.getLogger("praetorian")
        lines = []
        handler = logging.Handler()
        handler.emit = lambda record: lines.append(record.getMessage())
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        try:
            log_event(refused(detail))
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)

        assert [f"TokenRefused at=1 code='invalid_token' detail={detail!r}"] == lines
        assert lines[0].isprintable()


class TestSessionDigest:
    def test_is_a_part_of_sha256(self):
        """FIPS 180-4, example "abc": the first 12 hex digits of its SHA-256."""

        assert "ba7816bf8f01" == session_digest("abc")

    def test_tells_sessions_apart(self):
        """Two sessions have two digests, and neither holds the id."""
        first, second = "5wK1PYKQ2rW6gcE2Qm4R0A", "5wK1PYKQ2rW6gcE2Qm4R0Q"

        assert session_digest(first) != session_digest(second)
        assert first[:6] not in session_digest(first)


class TestSink:
    @staticmethod
    def guard(**options):
        return Guard(None, Settings(keys=KeyRing.from_secret(generate_secret())), clock=FrozenClock(1_000), **options)

    def test_is_told(self):
        """``on_event`` receives the typed event; what it returns does not matter."""
        heard = []
        with pytest.raises(InvalidTokenError) as caught:
            self.guard(on_event=lambda event: heard.append(event) or "ignored").verify("hunter2.hunter2.hunter2")

        assert [TokenRefused(at=1_000, code="invalid_token", detail=str(caught.value))] == heard
        assert "hunter2" not in repr(heard)

    def test_is_the_logger_by_default(self, caplog):
        """Left out, events are written by ``log_event``."""
        caplog.set_level(logging.INFO, "praetorian")
        with pytest.raises(InvalidTokenError):
            self.guard().verify("hunter2.hunter2.hunter2")

        assert [("praetorian", logging.INFO)] == [record[:2] for record in caplog.record_tuples]
        assert caplog.messages[0].startswith("TokenRefused at=1000 code='invalid_token' detail=")
        assert "hunter2" not in caplog.text

    def test_what_it_raises_changes_nothing(self, caplog):
        """A sink that fails neither grants nor changes a refusal, and its failure is logged."""

        def fail(event):
            raise OSError("disk full")

        with pytest.raises(InvalidTokenError):
            self.guard(on_event=fail).verify("a.b.c")

        assert {"praetorian"} == {record.name for record in caplog.records}
