"""What a password hasher takes, what it answers, what it costs, and how many hash at once."""

from __future__ import annotations

import logging
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial

import argon2
import pytest
from argon2.exceptions import HashingError
from hypothesis import given, settings
from hypothesis import strategies as st

from praetorian_core.errors import (
    ConfigurationError,
    ServiceUnavailableError,
    WeakPasswordError,
)
from praetorian_core.login import PasswordCheck, PasswordHasher
from praetorian_core.login import passwords as module
from praetorian_core.testing.passwords import cheapest_hasher

GOOD = "correct horse battery staple"
NO_MATCH = PasswordCheck(matches=False, outdated=False)
MATCH = PasswordCheck(matches=True, outdated=False)
OUTDATED = PasswordCheck(matches=True, outdated=True)

Cheapest = type(cheapest_hasher())
CHEAP = {"time_cost": 1, "memory_cost": 8, "parallelism": 1}

# What Argon2 and UTF-8 can carry: no surrogates, no NUL.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4096)


def encoded(raw=GOOD, **parameters):
    """Return what argon2-cffi itself would store, with 1 pass over 8 KiB unless told otherwise."""
    options = CHEAP | parameters
    return argon2.low_level.hash_secret(
        raw.encode(),
        options.pop("salt", b"0123456789abcdef"),
        hash_len=options.pop("hash_len", 32),
        type=options.pop("type", argon2.Type.ID),
        **options,
    ).decode()


def spent(hasher, raw, hashed):
    """Return the answer of a check, its number of computations and their work."""
    computations, work = hasher.computations, hasher.work
    answer = hasher.check(raw, hashed)
    return answer, hasher.computations - computations, hasher.work - work


def eventually(condition):
    """Wait for another thread to get somewhere."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.001)


@pytest.fixture
def hasher():
    return cheapest_hasher()


class TestPasswordHasher:
    def test_defaults(self):
        """The default is RFC 9106's second recommended option, as argon2-cffi names it."""
        profile = argon2.profiles.RFC_9106_LOW_MEMORY
        expected = (profile.time_cost, profile.memory_cost, profile.parallelism)
        live = PasswordHasher()._live

        assert expected == (live.passes, live.memory, live.lanes)
        assert (profile.salt_len, profile.hash_len) == (module._SALT_BYTES, module._TAG_BYTES)

    def test_repr(self):
        """The repr shows the parameters and nothing else."""
        expected = (
            "PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4, min_length=8,"
            " max_bytes=4096, max_concurrent=2, max_waiting=32, max_wait=10.0)"
        )

        assert expected == repr(PasswordHasher(max_concurrent=2))

    def test_cores(self, monkeypatch):
        """By default as many hash at once as there are cores, and one where nobody knows."""
        monkeypatch.setattr("os.cpu_count", lambda: 3)
        assert "max_concurrent=3, max_waiting=48" in repr(PasswordHasher())
        monkeypatch.setattr("os.cpu_count", lambda: None)
        assert "max_concurrent=1, max_waiting=16" in repr(PasswordHasher())

    @pytest.mark.parametrize(
        ("bad", "good"),
        [
            # OWASP Password Storage Cheat Sheet; ASVS 5.0, Appendix C.
            ({"memory_cost": 19_455}, {"memory_cost": 19_456}),
            ({"memory_cost": 19_455, "time_cost": 64}, {"memory_cost": 19_456, "time_cost": 64}),
            ({"memory_cost": 19_455, "time_cost": 2}, {"memory_cost": 19_456, "time_cost": 2}),
            ({"memory_cost": 47_103, "time_cost": 1}, {"memory_cost": 47_104, "time_cost": 1}),
            ({"memory_cost": 4_194_305}, {"memory_cost": 4_194_304}),
            ({"memory_cost": 65_536.0}, {"memory_cost": 65_536}),
            ({"time_cost": 0}, {"time_cost": 1}),
            ({"time_cost": 65}, {"time_cost": 64}),
            ({"time_cost": "3"}, {"time_cost": 3}),
            ({"time_cost": True}, {"time_cost": 1}),
            ({"time_cost": None}, {"time_cost": 3}),
            ({"parallelism": 0}, {"parallelism": 1}),
            ({"parallelism": 65}, {"parallelism": 64}),
            # SP 800-63B-4 §3.1.1.2: never below 8 characters, 64 always allowed.
            ({"min_length": 7}, {"min_length": 8}),
            ({"min_length": 65}, {"min_length": 64}),
            ({"max_bytes": 63}, {"max_bytes": 64}),
            ({"max_bytes": 1_048_577}, {"max_bytes": 1_048_576}),
            ({"reject": "password"}, {"reject": {"password"}.__contains__}),
            ({"max_concurrent": 0}, {"max_concurrent": 1}),
            ({"max_concurrent": 4097}, {"max_concurrent": 4096}),
            ({"max_waiting": -1}, {"max_waiting": 0}),
            ({"max_waiting": 1_048_577}, {"max_waiting": 1_048_576}),
            ({"max_wait": 0}, {"max_wait": 0.001}),
            ({"max_wait": 3600.1}, {"max_wait": 3600}),
            ({"max_wait": float("nan")}, {"max_wait": 10.0}),
            ({"max_wait": float("inf")}, {"max_wait": 10.0}),
            ({"max_wait": True}, {"max_wait": 1}),
            ({"max_wait": "10"}, {"max_wait": 10}),
        ],
    )
    def test_bounds(self, bad, good):
        """A value out of bounds is refused by its name, and the nearest one within passes."""
        with pytest.raises(ConfigurationError, match=next(iter(bad))):
            PasswordHasher(**bad)
        PasswordHasher(**good)

    def test_message(self):
        """A cost below the floor is refused with what to write."""
        expected = (
            "memory_cost is 8 KiB, expected at least 47104 KiB with time_cost=1 and parallelism=4"
            " (OWASP; RFC 9106 §3.1); write memory_cost=47104 or more, best 65536"
        )

        with pytest.raises(ConfigurationError) as caught:
            PasswordHasher(memory_cost=8, time_cost=1)
        assert expected == str(caught.value)

    def test_argon2_is_deferred(self):
        """Importing the module does not import argon2; building a hasher does."""
        program = (
            "import sys, praetorian_core.login.passwords as m\n"
            "assert 'argon2' not in sys.modules\n"
            "m.PasswordHasher()\n"
            "assert 'argon2' in sys.modules\n"
        )
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            env={"PYTHONPATH": ":".join(filter(None, sys.path))},
        )


class TestHash:
    def test_encoded(self, hasher):
        """A hash is the encoded form that argon2-cffi writes and verifies."""
        found = hasher.hash(GOOD)

        assert re.fullmatch(r"\$argon2id\$v=19\$m=8,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}", found)
        assert argon2.PasswordHasher().verify(found, GOOD)

    def test_salt(self, hasher):
        """The same password hashed twice gives two hashes."""
        assert hasher.hash(GOOD) != hasher.hash(GOOD)

    def test_one_computation(self, hasher):
        """Hashing is one computation of the live work."""
        hasher.hash(GOOD)

        assert (1, 8) == (hasher.computations, hasher.work)

    @pytest.mark.parametrize(
        ("bad", "good", "detail"),
        [
            (None, GOOD, "is of type NoneType, expected str"),
            (GOOD.encode(), GOOD, "is of type bytes, expected str"),
            (12345678, "12345678", "is of type int, expected str"),
            ("", GOOD, "is empty"),
            ("7 chars", "8 chars.", "is 7 characters, expected at least 8"),
            # Characters, not bytes: SP 800-63B-4 §3.1.1.2.
            ("\N{HORSE}" * 7, "\N{HORSE}" * 8, "is 7 characters, expected at least 8"),
            ("x" * 4097, "x" * 4096, "is 4097 characters, expected at most 4096 bytes"),
            ("\u00e9" * 2048 + "x", "\u00e9" * 2048, "is 4097 bytes, expected at most 4096"),
            ("\N{HORSE}" * 1025, "\N{HORSE}" * 1024, "is 4100 bytes, expected at most 4096"),
            ("zero\0zero", "zero zero", "holds a NUL character"),
            ("half a \ud83d", "whole \U0001f434!", "holds a lone surrogate"),
        ],
    )
    def test_refused(self, hasher, bad, good, detail):
        """What cannot be a password is refused before anything is computed, without a word of it."""
        with pytest.raises(WeakPasswordError, match=detail) as caught:
            hasher.hash(bad)
        assert hasher.computations == 0
        assert not bad or str(bad) not in str(caught.value)
        assert caught.value.__context__ is None
        assert hasher.check(good, hasher.hash(good)) == MATCH

    @pytest.mark.parametrize("good", ["x" * 64, "        ", "aaaaaaaa", "\n\t\r \x7f\x01\x02\x03"])
    def test_no_composition_rule(self, hasher, good):
        """Length is the only rule (SP 800-63B-4 §3.1.1.2): no kinds of characters, no trimming."""
        assert hasher.verify(good, hasher.hash(good))

    def test_limits(self):
        """Both limits are the operator's."""
        hasher = cheapest_hasher(min_length=15, max_bytes=64)

        for bad in ("x" * 14, "x" * 65):
            with pytest.raises(WeakPasswordError):
                hasher.hash(bad)
        for good in ("x" * 15, "x" * 64):
            assert hasher.verify(good, hasher.hash(good))


class TestReject:
    def test_rejected(self):
        """A new password that is on the list is refused, another is not."""
        hasher = cheapest_hasher(reject={GOOD}.__contains__)

        with pytest.raises(WeakPasswordError, match="password was rejected"):
            hasher.hash(GOOD)
        assert hasher.hash(GOOD + "r")

    def test_asked_once(self):
        """It is asked once for each new password, exactly as it was given."""
        asked = []
        hasher = cheapest_hasher(reject=lambda raw: bool(asked.append(raw)))
        hasher.hash(" Caf\u00e9 Cafe\u0301 ")

        assert [" Caf\u00e9 Cafe\u0301 "] == asked

    def test_not_asked(self):
        """It is not asked about a password that breaks the rules, and never at login."""
        asked = []
        hasher = cheapest_hasher(reject=lambda raw: bool(asked.append(raw)))
        with pytest.raises(WeakPasswordError):
            hasher.hash("short")

        assert hasher.check(GOOD, encoded()) == MATCH
        assert [] == asked

    def test_failure(self):
        """Where it fails, the password is not taken and the failure is the cause."""
        failure = OSError(f"no list to look {GOOD} up in")

        def reject(raw):
            raise failure

        with pytest.raises(ServiceUnavailableError) as caught:
            cheapest_hasher(reject=reject).hash(GOOD)
        assert failure is caught.value.__cause__
        assert str(caught.value) == "reject raised OSError"

    def test_interrupt(self):
        """An interrupt while it is asked is no failure of it, and passes."""

        def reject(raw):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            cheapest_hasher(reject=reject).hash(GOOD)

    @pytest.mark.parametrize("answer", [None, 0, 1, "no"])
    def test_no_answer(self, answer):
        """Anything but True and False is a mistake of the programmer, not a verdict."""
        with pytest.raises(ConfigurationError, match=f"returned {type(answer).__name__}, expected"):
            cheapest_hasher(reject=lambda raw: answer).hash(GOOD)


class TestCheck:
    def test_match(self, hasher):
        """The password that was hashed matches, at one computation."""
        hashed = hasher.hash(GOOD)

        assert (MATCH, 1, 8) == spent(hasher, GOOD, hashed)
        assert hasher.verify(GOOD, hashed) is True

    @pytest.mark.parametrize(
        "other",
        [GOOD + " ", " " + GOOD, GOOD.upper(), GOOD[:-1], GOOD + "\0", "x", "\u202e" + GOOD],
    )
    def test_mismatch(self, hasher, other):
        """Any other password does not."""
        hashed = hasher.hash(GOOD)

        assert hasher.check(other, hashed) == NO_MATCH
        assert hasher.verify(other, hashed) is False

    def test_as_received(self, hasher):
        """A password is used as received: another Unicode form of it is another password."""
        hashed = hasher.hash("Caf\u00e9 au lait")

        assert hasher.check("Caf\u00e9 au lait", hashed) == MATCH
        assert hasher.check("Cafe\u0301 au lait", hashed) == NO_MATCH

    def test_short_at_login(self, hasher):
        """The minimum length is a rule for new passwords: an old short one still logs in."""
        assert hasher.check("x", encoded("x")) == MATCH

    @settings(deadline=None)
    @given(raw=TEXTS.filter(lambda raw: 8 <= len(raw) and len(raw.encode()) <= 4096))
    def test_any_text(self, raw):
        """Any text within the limits hashes, verifies, and is never truncated."""
        hasher = cheapest_hasher()
        hashed = hasher.hash(raw)

        assert hasher.check(raw, hashed) == MATCH
        assert argon2.PasswordHasher().verify(hashed, raw)
        assert hasher.check(raw[:-1], hashed) == NO_MATCH
        assert hasher.check(raw + "x", hashed) == NO_MATCH
        assert hasher.check(raw[:-1] + chr(ord(raw[-1]) ^ 1 or 2), hashed) == NO_MATCH

    @pytest.mark.parametrize("raw", ["x" * 4096, "\u00e9" * 2048, "\N{HORSE}" * 1024])
    def test_longest(self, hasher, raw):
        """The longest password counts to its last character."""
        hashed = hasher.hash(raw)

        assert hasher.check(raw, hashed) == MATCH
        assert hasher.check(raw[:-1] + "y", hashed) == NO_MATCH

    @settings(deadline=None)
    @given(raw=TEXTS, other=TEXTS)
    def test_different(self, raw, other):
        """Two texts match each other's hash only where they are equal."""
        hasher = cheapest_hasher(min_length=1)
        if raw and len(raw.encode()) <= 4096:
            assert (raw == other) is hasher.verify(other, hasher.hash(raw))

    @settings(deadline=None)
    @given(
        raw=st.none() | st.booleans() | st.integers() | st.binary() | st.text() | st.just("\ud800"),
        hashed=st.none() | st.integers() | st.binary() | st.text() | st.from_regex(module._STORED, fullmatch=True),
    )
    def test_never_raises(self, raw, hashed):
        """Whatever is presented and whatever is stored: no match, no error, one live hash."""
        hasher = cheapest_hasher(memory_cost=16, time_cost=2)
        hasher._tolerated_memory = 64  # So that made-up hashes stay quick.

        assert hasher.check(raw, hashed) == NO_MATCH
        assert hasher.work >= 32 - 1


class TestOutdated:
    @pytest.mark.parametrize(
        "parameters",
        [
            {"time_cost": 2},
            {"time_cost": 4},
            {"memory_cost": 63},
            {"memory_cost": 128},
            {"parallelism": 1},
            {"type": argon2.Type.I},
            {"version": 16},
            {"salt": b"8 bytes."},
            {"hash_len": 16},
            {"hash_len": 64},
        ],
    )
    def test_other_parameters(self, parameters):
        """A match of a hash with any other parameter is outdated, as argon2-cffi would say."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64, parallelism=2)
        live = {"time_cost": 3, "memory_cost": 64, "parallelism": 2}
        hashed = encoded(**(live | parameters))
        reference = argon2.PasswordHasher(**live)

        assert reference.check_needs_rehash(hashed)
        assert hasher.check(GOOD, hashed) == OUTDATED
        assert hasher.check("wrong", hashed) == NO_MATCH
        assert not reference.check_needs_rehash(encoded(**live))
        assert hasher.check(GOOD, encoded(**live)) == MATCH

    def test_match_costs_no_more(self):
        """A match of a cheaper hash is not made up for: it is hashed anew anyway."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64)

        assert (OUTDATED, 1, 8) == spent(hasher, GOOD, encoded())


HASH = "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
TAG = encoded().removeprefix(HASH)
UNUSABLE = {
    "empty": "",
    "unusable in Django": "!",
    "plain password": GOOD,
    "bcrypt": "$2b$12$" + "x" * 53,
    "pbkdf2 of passlib": "$pbkdf2-sha512$25000$" + "x" * 22 + "$" + "x" * 86,
    "pbkdf2 of Django": "pbkdf2_sha256$600000$salt$" + "x" * 43 + "=",
    "argon2 of Django": "argon2" + HASH + TAG,
    "argon2d": encoded(type=argon2.Type.D),
    "no version": (HASH + TAG).replace("$v=19", ""),
    "unknown version": (HASH + TAG).replace("v=19", "v=20"),
    "no tag": HASH,
    "no salt": HASH[:27] + "$" + TAG,
    "truncated tag": (HASH + TAG)[:-30],
    "short salt": HASH[:27] + "MDEyMzQ1Ng$" + TAG,
    "blank before": " " + HASH + TAG,
    "newline after": HASH + TAG + "\n",
    "text after": HASH + TAG + "$x",
    "padding": HASH + TAG + "=",
    "stray bits in the salt": HASH[:-2] + "h$" + TAG,
    "impossible salt": HASH[:-1] + "xxx$" + TAG,
    "stray bits in the tag": HASH + TAG[:-1] + chr(ord(TAG[-1]) + 1),
    "impossible tag": HASH + TAG + "xx",
    "URL-safe alphabet": HASH + "-" + TAG[1:],
    "other order": (HASH + TAG).replace("m=8,t=1", "t=1,m=8"),
    "leading zero": (HASH + TAG).replace("m=8", "m=08"),
    "negative": (HASH + TAG).replace("t=1", "t=-1"),
    "Arabic digits": (HASH + TAG).replace("m=8", "m=\u0668"),
    "more parameters": (HASH + TAG).replace("p=1", "p=1,data=x"),
    "too long": HASH + TAG + "x" * 512,
    "bytes": (HASH + TAG).encode(),
    "number": 7,
    "False": False,
    # Bounds: what verify would obey, and a poisoned store could ask for.
    "no memory": (HASH + TAG).replace("m=8", "m=0"),
    "too little memory for a lane": (HASH + TAG).replace("m=8", "m=7"),
    "too little memory for the lanes": (HASH + TAG).replace("p=1", "p=2"),
    "much memory": (HASH + TAG).replace("m=8", "m=262145"),
    "all memory": (HASH + TAG).replace("m=8", "m=4294967295"),
    "no pass": (HASH + TAG).replace("t=1", "t=0"),
    "many passes": (HASH + TAG).replace("t=1", "t=65"),
    "all passes": (HASH + TAG).replace("t=1", "t=4294967295"),
    "many lanes": (HASH + TAG).replace("m=8,t=1,p=1", "m=8192,t=1,p=65"),
    "much work": (HASH + TAG).replace("m=8,t=1", "m=262144,t=7"),
}


class TestStoredHash:
    def test_sample(self, hasher):
        """The sample that is spoiled below is good as it stands, and no two spoils are equal."""
        assert hasher.check(GOOD, HASH + TAG) == MATCH
        assert len(UNUSABLE) == len(set(UNUSABLE.values()))

    @pytest.mark.parametrize("hashed", UNUSABLE.values(), ids=UNUSABLE)
    def test_unusable(self, hasher, hashed, caplog):
        """A spoiled, foreign or poisoned hash matches nothing, and is logged once, unshown."""
        assert (NO_MATCH, 1, 8) == spent(hasher, GOOD, hashed)

        ((name, level, message),) = caplog.record_tuples
        assert ("praetorian", logging.WARNING) == (name, level)
        assert message.startswith("a stored password hash matches nothing: it ")
        assert TAG[:20] not in message
        assert "MDEyMzQ" not in message
        assert GOOD not in message

    @pytest.mark.parametrize("hashed", [None, HASH + TAG])
    def test_no_log(self, hasher, hashed, caplog):
        """An unknown user and a wrong password are no matter for the log of the hasher."""
        assert hasher.check("wrong", hashed) == NO_MATCH
        assert [] == caplog.record_tuples

    def test_message(self, hasher, caplog):
        """Parameters out of bounds are shown with the bounds: they are no secret."""
        hasher.check(GOOD, UNUSABLE["all memory"])
        expected = (
            "a stored password hash matches nothing: it asks for m=4294967295, t=1, p=1, expected"
            " t <= 64, p <= 64, m from 8*p to 262144, m*t <= 1572864"
        )

        assert [expected] == caplog.messages

    @pytest.mark.parametrize(
        ("cost", "work"),
        [
            ({"time_cost": 64}, 512),
            ({"memory_cost": 512, "parallelism": 64}, 512),
            ({"salt": b"x" * 96}, 8),
            ({"hash_len": 192}, 8),
        ],
    )
    def test_edges(self, hasher, cost, work):
        """A stored hash at a bound is verified."""
        assert (OUTDATED, 1, work) == spent(hasher, GOOD, encoded(**cost))

    def test_tolerance(self):
        """A dear hasher tolerates four times its own memory and eight times its own work."""
        hasher = PasswordHasher(time_cost=4, memory_cost=131_072)

        assert hasher._tolerated_memory == 4 * 131_072
        assert hasher._tolerated_work == 8 * 4 * 131_072


FAILURES = {
    "unknown user": (GOOD, None),
    "wrong password": ("wrong", "good"),
    "no password": (None, "good"),
    "empty password": ("", "good"),
    "password of bytes": (GOOD.encode(), "good"),
    "surrogate": ("\ud800" + GOOD, "good"),
    "NUL": (GOOD + "\0", "good"),
    "too many characters": ("x" * 4097, "good"),
    "huge": ("x" * 1_000_000, "good"),
    "too many bytes": ("\u00e9" * 2049, "good"),
    "longest password": ("x" * 4096, "good"),
    "neither": (None, None),
    "too long and unknown": ("x" * 4097, None),
    "surrogate and unknown": ("\ud800", None),
    "empty hash": (GOOD, ""),
    "foreign hash": (GOOD, "$2b$12$" + "x" * 53),
    "corrupt hash": (GOOD, HASH + TAG[:-1]),
    "poisoned hash": (GOOD, UNUSABLE["all memory"]),
    "nothing usable": ("", "x"),
}


class TestCost:
    @pytest.mark.parametrize(("raw", "hashed"), FAILURES.values(), ids=FAILURES)
    def test_failures(self, raw, hashed):
        """Every failure is one computation with the live parameters (CVE-2025-22234, -39329)."""
        seen = []

        class Witness(Cheapest):
            def _compute(self, secret, salt, cost, **options):
                seen.append((cost.passes, cost.memory, cost.lanes))
                return super()._compute(secret, salt, cost, **options)

        hasher = Witness(time_cost=3, memory_cost=64, parallelism=2)
        if hashed == "good":
            hashed = encoded(time_cost=3, memory_cost=64, parallelism=2)

        assert (NO_MATCH, 1, 192) == spent(hasher, raw, hashed)
        assert [(3, 64, 2)] == seen

    def test_first_unknown_user(self):
        """The first unknown user of a hasher's life costs what every later one does."""
        hasher = cheapest_hasher()

        assert (0, 0) == (hasher.computations, hasher.work)
        assert spent(hasher, GOOD, None) == spent(hasher, GOOD, None) == (NO_MATCH, 1, 8)

    @settings(deadline=None)
    @given(passes=st.integers(1, 6), memory=st.integers(8, 150), lanes=st.integers(1, 2), raw=TEXTS)
    def test_cheaper_hash(self, passes, memory, lanes, raw):
        """The failure of a cheaper stored hash is made up to the live work, of a dearer one not."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64, parallelism=2)
        memory = max(memory, 8 * lanes)
        hashed = encoded("unguessable", time_cost=passes, memory_cost=memory, parallelism=lanes)
        answer, computations, work = spent(hasher, raw or "x", hashed)

        assert answer == NO_MATCH
        paid = passes * memory
        if paid >= 192:
            assert (1, paid) == (computations, work)
        else:
            assert computations == 2
            # Less by what a division by up to three passes leaves, more by the least of a hash.
            assert 192 - 2 <= work < 192 + 16

    def test_make_up_stays_small(self):
        """What makes up takes no more memory than a live hash."""
        hasher = PasswordHasher()
        seen = []
        hasher._compute = lambda secret, salt, cost: seen.append(cost)

        for paid in range(0, 196_608, 4_999):
            hasher._make_up(paid)
        assert all(1 <= cost.passes <= 3 and cost.memory <= 65_536 for cost in seen)
        assert 40 == len(seen)

    def test_bad_password_of_a_cheaper_hash(self):
        """A password that cannot be hashed costs the live work whatever is stored."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64)

        assert (NO_MATCH, 1, 192) == spent(hasher, None, encoded())


class TestFailingArgon2:
    @pytest.mark.parametrize("failure", [HashingError("Memory allocation error"), MemoryError()])
    def test_refused(self, failure):
        """Where argon2 fails nobody knows the answer, so there is none; the slot is given back."""
        hasher = cheapest_hasher(max_concurrent=1, max_waiting=0)
        hashed, compute = hasher.hash(GOOD), hasher._argon2

        def fail(*args, **options):
            raise failure

        hasher._argon2 = fail
        for call in (
            lambda: hasher.check(GOOD, hashed),
            lambda: hasher.check(GOOD, None),
            lambda: hasher.hash(GOOD),
        ):
            with pytest.raises(ServiceUnavailableError, match="argon2 failed with 8 KiB") as caught:
                call()
            assert failure is caught.value.__cause__
        hasher._argon2 = compute
        assert hasher.check(GOOD, hashed) == MATCH

    def test_its_own_error(self, hasher):
        """What argon2 itself raises is what is caught."""
        with pytest.raises(ServiceUnavailableError) as caught:
            hasher._compute(b"secret", b"salt", hasher._live)
        assert isinstance(caught.value.__cause__, HashingError)


class Gated(Cheapest):
    """A hasher whose computations wait for a gate to open, and count how many are inside."""

    def __init__(self, **options):
        super().__init__(**(CHEAP | options))
        self.gate = threading.Event()
        self.entered = threading.Semaphore(0)
        self.order = []
        self.inside = 0
        self.most = 0
        self.tally = threading.Lock()

    def _compute(self, secret, salt, cost, **options):
        with self.tally:
            self.inside += 1
            self.most = max(self.most, self.inside)
            self.order.append(threading.current_thread().name)
        self.entered.release()
        assert self.gate.wait(10)
        try:
            return super()._compute(secret, salt, cost, **options)
        finally:
            with self.tally:
                self.inside -= 1

    @property
    def waiting(self):
        return len(self._queue._waiting)

    def idle(self):
        return not self._queue._waiting and not self._queue._inside


def start(work, name=None):
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def finish(threads):
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


class TestQueue:
    def test_most_at_once(self):
        """No more than max_concurrent hashes are computed at once, and everybody gets a turn."""
        hasher = Gated(max_concurrent=2, max_waiting=10)
        answers = []

        def log_in(memory_cost):
            answers.append(hasher.check(GOOD, encoded(memory_cost=memory_cost)))

        threads = [start(partial(log_in, cost)) for cost in (8, 16) * 5]
        eventually(lambda: hasher.waiting == 8)
        hasher.gate.set()
        finish(threads)

        assert 2 == hasher.most
        assert 10 == len(answers)
        assert all(answer.matches for answer in answers)
        assert hasher.idle()

    def test_many_threads(self):
        """Under a storm of threads the count holds, nobody is lost, and the meters are exact."""
        hasher = Gated(max_concurrent=3, max_waiting=1000)
        hasher.gate.set()
        barrier = threading.Barrier(16)

        def storm():
            barrier.wait(10)
            for _ in range(25):
                assert hasher.check("wrong", None) == NO_MATCH

        finish([start(storm) for _ in range(16)])

        assert hasher.most <= 3
        assert (400, 3200) == (hasher.computations, hasher.work)
        assert hasher.idle()

    def test_full(self):
        """Who finds the queue full is refused at once; who finds the last place is served."""
        hasher = Gated(max_concurrent=1, max_waiting=1, max_wait=9.5)
        threads = [start(lambda: hasher.check(GOOD, None))]
        assert hasher.entered.acquire(timeout=10)
        threads.append(start(lambda: hasher.check(GOOD, None)))
        eventually(lambda: hasher.waiting == 1)

        with pytest.raises(ServiceUnavailableError) as caught:
            hasher.check(GOOD, None)
        assert str(caught.value) == "password hashing is full: 1 at work, 1 callers wait already"
        assert caught.value.retry_after == 10
        with pytest.raises(ServiceUnavailableError):
            hasher.hash(GOOD)
        hasher.gate.set()
        finish(threads)
        assert 2 == hasher.computations
        assert hasher.idle()

    def test_no_places(self):
        """With no places a free slot is still taken, and a taken one refuses."""
        hasher = Gated(max_concurrent=1, max_waiting=0)
        thread = start(lambda: hasher.check(GOOD, None))
        assert hasher.entered.acquire(timeout=10)

        with pytest.raises(ServiceUnavailableError):
            hasher.check(GOOD, None)
        hasher.gate.set()
        finish([thread])
        assert hasher.check(GOOD, encoded()) == MATCH

    def test_one_slot_a_check(self):
        """A check of two computations holds one slot."""
        hasher = Gated(max_concurrent=1, max_waiting=0, memory_cost=64)
        hasher.gate.set()

        assert (NO_MATCH, 2, 64) == spent(hasher, "wrong", encoded())

    def test_patience(self):
        """Who waited max_wait seconds is refused, and leaves nothing behind."""
        hasher = Gated(max_concurrent=1, max_wait=0.01)
        thread = start(lambda: hasher.check(GOOD, None))
        assert hasher.entered.acquire(timeout=10)

        with pytest.raises(ServiceUnavailableError, match=r"no turn within 0\.01 s") as caught:
            hasher.check(GOOD, None)
        assert 1 == caught.value.retry_after
        assert 0 == hasher.waiting
        hasher.gate.set()
        finish([thread])
        assert hasher.idle()
        assert 1 == hasher.computations

    def test_first_come(self):
        """Turns are given in the order of arrival."""
        hasher = Gated(max_concurrent=1)
        threads = []
        for arrived in range(1, 6):
            threads.append(start(lambda: hasher.check(GOOD, None), name=f"caller {arrived}"))
            eventually(lambda n=arrived: len(hasher.order) + hasher.waiting == n)
        hasher.gate.set()
        finish(threads)

        assert [f"caller {i}" for i in range(1, 6)] == hasher.order

    def test_last_moment(self):
        """A slot that was handed over in the moment of giving up is taken."""
        queue = module._Queue(slots=1, places=1, patience=1)
        holder = threading.Event()
        queue._enter(holder)

        class Late(threading.Event):
            def wait(self, timeout=None):
                queue._leave(holder)
                return False

        ticket = Late()
        queue._enter(ticket)

        assert {ticket} == queue._inside
        queue._leave(ticket)
        queue._leave(ticket)
        assert set() == queue._inside

    @pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, RuntimeError])
    def test_exception_inside(self, kind):
        """Whatever passes through a computation gives its slot back."""

        class Interrupted(Cheapest):
            interrupted = True

            def _compute(self, *args, **options):
                if self.interrupted:
                    raise kind
                return super()._compute(*args, **options)

        hasher = Interrupted(**CHEAP, max_concurrent=1, max_waiting=0)
        for call in (lambda: hasher.check(GOOD, None), lambda: hasher.hash(GOOD)):
            with pytest.raises(kind):
                call()
        hasher.interrupted = False
        assert hasher.verify(GOOD, hasher.hash(GOOD))

    def test_interrupted_wait(self):
        """An interrupt while waiting leaves the queue without a trace."""
        hasher = Gated(max_concurrent=1)
        holder = start(lambda: hasher.check(GOOD, None))
        assert hasher.entered.acquire(timeout=10)
        main = threading.get_ident()

        def interrupt():
            eventually(lambda: hasher.waiting == 1)
            signal.pthread_kill(main, signal.SIGINT)

        interrupter = start(interrupt)
        with pytest.raises(KeyboardInterrupt):
            hasher.check(GOOD, None)
        finish([interrupter])
        assert 0 == hasher.waiting
        hasher.gate.set()
        finish([holder])
        assert hasher.idle()
        assert hasher.check(GOOD, encoded()) == MATCH


class TestPasswordCheck:
    def test_frozen(self):
        """A finding cannot be changed."""
        with pytest.raises(AttributeError):
            NO_MATCH.matches = True
        assert repr(NO_MATCH) == "PasswordCheck(matches=False, outdated=False)"


class TestCheapestHasher:
    def test_floor(self):
        """Only what Argon2 itself needs, 8 KiB a lane (RFC 9106 §3.1), is asked of it."""
        with pytest.raises(ConfigurationError, match="at least 8 KiB"):
            cheapest_hasher(memory_cost=7)
        with pytest.raises(ConfigurationError, match="at least 16 KiB"):
            cheapest_hasher(memory_cost=15, parallelism=2)
        hasher = cheapest_hasher(memory_cost=16, parallelism=2)
        assert hasher.verify(GOOD, hasher.hash(GOOD))

    def test_short_passwords(self):
        """Short passwords are refused as in earnest, unless a fixture asks for them."""
        with pytest.raises(WeakPasswordError):
            cheapest_hasher().hash("x")
        with pytest.raises(ConfigurationError, match="min_length is 0"):
            cheapest_hasher(min_length=0)
        hasher = cheapest_hasher(min_length=1)
        assert hasher.verify("x", hasher.hash("x"))

    def test_floor_in_earnest(self):
        """The floor of the hasher for earnest is as it was."""
        assert (19_456, 47_104, 8) == (
            PasswordHasher.floor.memory_cost,
            PasswordHasher.floor.single_pass_memory,
            PasswordHasher.floor.min_length,
        )


class TestInEarnest:
    def test_both_ways(self):
        """At the default cost argon2-cffi verifies ours and we verify argon2-cffi's."""
        hasher, reference = PasswordHasher(), argon2.PasswordHasher()
        ours, theirs = hasher.hash(GOOD), reference.hash(GOOD)

        assert 97 == len(ours) == len(theirs)
        assert reference.verify(ours, GOOD)
        assert not reference.check_needs_rehash(ours)
        assert hasher.check(GOOD, theirs) == MATCH

    def test_unknown_user(self):
        """At the default cost an unknown user costs three passes over 64 MiB."""
        assert (NO_MATCH, 1, 196_608) == spent(PasswordHasher(), GOOD, None)

    def test_owasp_minimum(self):
        """A hash of OWASP's minimum is outdated where it matches, and made up where it does not."""
        hasher = PasswordHasher()
        hashed = encoded(time_cost=2, memory_cost=19_456)

        assert (OUTDATED, 1, 38_912) == spent(hasher, GOOD, hashed)
        answer, computations, work = spent(hasher, "wrong", hashed)
        assert (NO_MATCH, 2) == (answer, computations)
        assert 196_608 - 2 <= work <= 196_608


CROWD = """
import pathlib, re, resource, sys, threading
from praetorian_core import Guard, KeyRing, PasswordHasher, Settings, generate_secret
from praetorian_core.testing import MemoryUser, MemoryUsers

hasher = PasswordHasher(max_concurrent=2, max_waiting=32, max_wait=300.0)
hashed = hasher.hash("correct horse battery staple")
users = MemoryUsers(MemoryUser(identity=n, username=f"user{n}", password=hashed) for n in range(32))
guard = Guard(users, Settings(keys=KeyRing.from_secret(generate_secret())), passwords=hasher)
names = []
work = lambda n: names.append(guard.authenticate(f"user{n}", "correct horse battery staple").username)
threads = [threading.Thread(target=work, args=[n]) for n in range(32)]
for thread in threads: thread.start()
for thread in threads: thread.join()
if sys.platform == "linux":
    # Not ru_maxrss, which begins with what the parent of a process had.
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1]) * 1024
else:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(set(names)), peak // 2**20)
"""


class TestMemory:
    def test_32_logins_at_once(self):
        """With two slots 32 logins at the real cost stay under two hashes of 64 MiB and 60 MiB for all the rest."""
        done = subprocess.run([sys.executable, "-c", CROWD], capture_output=True, text=True, check=True)
        logins, mebibytes = map(int, done.stdout.split())

        assert 32 == logins
        assert 2 * 64 < mebibytes < 2 * 64 + 60
