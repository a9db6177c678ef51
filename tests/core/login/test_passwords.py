"""PasswordHasher: rules of new passwords, results of checks, and their cost."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
import time
import traceback
import unicodedata

import argon2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from praetorian_core.errors import PASSWORD_RULES, ConfigurationError, ServiceUnavailableError, WeakPasswordError
from praetorian_core.login import PasswordCheck, PasswordHasher, passwords, stored_hash
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
    """Return a hash made by argon2-cffi, by default with 1 pass over 8 KiB."""
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


@pytest.fixture
def hasher():
    return cheapest_hasher()


class TestPasswordHasher:
    def test_defaults(self):
        """The default is RFC 9106's second recommended option, as argon2-cffi names it."""
        profile = argon2.profiles.RFC_9106_LOW_MEMORY
        expected = (profile.time_cost, profile.memory_cost, profile.parallelism)
        live = PasswordHasher()._cost

        assert expected == (live.passes, live.memory, live.lanes)
        assert (profile.salt_len, profile.hash_len) == (passwords._SALT_BYTES, passwords._TAG_BYTES)

    def test_repr(self):
        """The repr shows the parameters and nothing else."""
        expected = (
            "PasswordHasher(time_cost=3, memory_cost=65536, parallelism=4, min_length=8,"
            " max_bytes=4096, max_concurrent=2, max_waiting=32, max_wait=10.0)"
        )

        assert expected == repr(PasswordHasher(max_concurrent=2))

    def test_capacity(self, monkeypatch):
        """By default as many hashes run at once as the process has CPUs and memory for."""
        monkeypatch.setattr(passwords, "concurrent_hashes", lambda memory: memory // 10_000)

        assert "max_concurrent=6, max_waiting=96" in repr(PasswordHasher())
        assert "max_concurrent=2, max_waiting=32" in repr(PasswordHasher(memory_cost=20_000))

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
        """A value out of bounds raises with its name, and the nearest valid one passes."""
        with pytest.raises(ConfigurationError, match=next(iter(bad))):
            PasswordHasher(**bad)
        PasswordHasher(**good)

    def test_message(self):
        """A cost below the minimum raises, and the message says what to write."""
        expected = (
            "memory_cost must be at least 47104 KiB with time_cost=1 and parallelism=4 (OWASP; RFC 9106 §3.1); "
            "got 8 KiB; write memory_cost=65536"
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
        """A hash has the encoded form of argon2-cffi, which verifies it."""
        found = hasher.hash(GOOD)

        assert re.fullmatch(r"\$argon2id\$v=19\$m=8,t=1,p=1\$[\w+/]{22}\$[\w+/]{43}", found)
        assert argon2.PasswordHasher().verify(found, GOOD)

    def test_salt(self, hasher):
        """The same password hashed twice gives two hashes."""
        assert hasher.hash(GOOD) != hasher.hash(GOOD)

    def test_one_computation(self, hasher):
        """Hashing is one computation of the configured work."""
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
            ("zero\0zero", "zero zero", "contains a NUL character"),
            ("half a \ud83d", "whole \U0001f434!", "contains a lone surrogate"),
        ],
    )
    def test_refused(self, hasher, bad, good, detail):
        """An invalid password raises before anything is computed; the error does not contain it."""
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
        """Both limits are configurable."""
        hasher = cheapest_hasher(min_length=15, max_bytes=64)

        for bad in ("x" * 14, "x" * 65):
            with pytest.raises(WeakPasswordError):
                hasher.hash(bad)
        for good in ("x" * 15, "x" * 64):
            assert hasher.verify(good, hasher.hash(good))


class TestReject:
    def test_rejected(self):
        """A new password that is on the list raises, another does not."""
        hasher = cheapest_hasher(reject={GOOD}.__contains__)

        with pytest.raises(WeakPasswordError, match="password was rejected"):
            hasher.hash(GOOD)
        assert hasher.hash(GOOD + "r")

    def test_called_once(self):
        """``reject`` is called once for each new password, with the NFC form that is hashed."""
        calls = []
        hasher = cheapest_hasher(reject=lambda raw: bool(calls.append(raw)))
        hasher.hash(" Caf\u00e9 Cafe\u0301 ")

        assert [" Caf\u00e9 Caf\u00e9 "] == calls

    def test_not_called(self):
        """``reject`` is not called for a password that breaks the rules, nor at login."""
        asked = []
        hasher = cheapest_hasher(reject=lambda raw: bool(asked.append(raw)))
        with pytest.raises(WeakPasswordError):
            hasher.hash("short")

        assert hasher.check(GOOD, encoded()) == MATCH
        assert [] == asked

    def test_failure(self):
        """If ``reject`` fails, the password is not accepted; the error names the place and contains no password."""

        def reject(raw):
            raise OSError(f"no list to look {raw} up in") from ValueError(raw)

        with pytest.raises(ServiceUnavailableError) as caught:
            cheapest_hasher(reject=reject).hash(GOOD)
        assert (None, None) == (caught.value.__cause__, caught.value.__context__)
        assert re.fullmatch(r"reject raised OSError in test_passwords\.py:\d+", str(caught.value))
        assert GOOD not in "".join(traceback.format_exception(caught.value))

    def test_failure_below(self):
        """The place is the one that raised, which may be below ``reject``."""

        def look_up(raw):
            return {}[raw]

        with pytest.raises(ServiceUnavailableError) as caught:
            cheapest_hasher(reject=look_up).hash(GOOD)
        line = look_up.__code__.co_firstlineno + 1
        assert f"reject raised KeyError in test_passwords.py:{line}" == str(caught.value)

    def test_interrupt(self):
        """An interrupt during ``reject`` passes through unchanged."""

        def reject(raw):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            cheapest_hasher(reject=reject).hash(GOOD)

    @pytest.mark.parametrize("answer", [None, 0, 1, "no"])
    def test_no_answer(self, answer):
        """Anything but True and False is a configuration error."""
        with pytest.raises(ConfigurationError, match=f"got {type(answer).__name__}"):
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

    def test_only_normalized(self, hasher):
        """Nothing but the normalization form is changed: NFC keeps case, blanks, widths and ligatures."""
        hashed = hasher.hash(" \ufb01ve \uff21pples\u200b ")

        assert hasher.check(" \ufb01ve \uff21pples\u200b ", hashed) == MATCH
        for other in (
            " five Apples ",
            " \ufb01ve Apples\u200b ",
            "\ufb01ve \uff21pples\u200b",
            " \ufb01ve \uff21pples ",
        ):
            assert hasher.check(other, hashed) == NO_MATCH

    def test_short_at_login(self, hasher):
        """The minimum length applies to new passwords only: a short one in use still matches."""
        assert hasher.check("x", encoded("x")) == MATCH

    @settings(deadline=None)
    @given(raw=TEXTS.filter(lambda raw: 8 <= len(raw) and len(raw.encode()) <= 4096))
    def test_any_text(self, raw):
        """Any text within the limits hashes, verifies, and is never truncated."""
        hasher = cheapest_hasher()
        hashed = hasher.hash(raw)

        assert hasher.check(raw, hashed) == MATCH
        assert argon2.PasswordHasher().verify(hashed, unicodedata.normalize("NFC", raw))
        assert hasher.check(raw[:-1], hashed) == NO_MATCH
        assert hasher.check(raw + "x", hashed) == NO_MATCH
        assert hasher.check(raw[:-1] + chr(ord(raw[-1]) ^ 1 or 2), hashed) == NO_MATCH

    @pytest.mark.parametrize("raw", ["x" * 4096, "\u00e9" * 2048, "\N{HORSE}" * 1024])
    def test_longest(self, hasher, raw):
        """The longest password is compared to its last character."""
        hashed = hasher.hash(raw)

        assert hasher.check(raw, hashed) == MATCH
        assert hasher.check(raw[:-1] + "y", hashed) == NO_MATCH

    @settings(deadline=None)
    @given(raw=TEXTS, other=TEXTS)
    def test_different(self, raw, other):
        """Two texts match each other's hash only if their NFC forms are equal."""
        hasher = cheapest_hasher(min_length=1)
        same = unicodedata.normalize("NFC", raw) == unicodedata.normalize("NFC", other)
        if raw and len(raw.encode()) <= 1024:
            assert same is hasher.verify(other, hasher.hash(raw))

    @settings(deadline=None)
    @given(
        raw=st.none() | st.booleans() | st.integers() | st.binary() | st.text() | st.just("\ud800"),
        hashed=st.none()
        | st.integers()
        | st.binary()
        | st.text()
        | st.from_regex(stored_hash._ENCODED, fullmatch=True),
    )
    def test_never_raises(self, raw, hashed):
        """Any presented value and any stored value: no match, no error, the work of one hash."""
        hasher = cheapest_hasher(memory_cost=16, time_cost=2)
        hasher._max_stored_memory = 64  # Generated hashes stay cheap.

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
        """A match of a hash with any other parameter is outdated, as in argon2-cffi."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64, parallelism=2)
        current = {"time_cost": 3, "memory_cost": 64, "parallelism": 2}
        hashed = encoded(**(current | parameters))
        reference = argon2.PasswordHasher(**current)

        assert reference.check_needs_rehash(hashed)
        assert hasher.check(GOOD, hashed) == OUTDATED
        assert hasher.check("wrong", hashed) == NO_MATCH
        assert not reference.check_needs_rehash(encoded(**current))
        assert hasher.check(GOOD, encoded(**current)) == MATCH

    def test_match_is_padded(self):
        """A match of a cheaper hash costs the configured work too: the account may be disabled."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64)

        # 192 without the remainder of a division by three passes.
        assert (OUTDATED, 2, 191) == spent(hasher, GOOD, encoded())
        assert (NO_MATCH, 2, 191) == spent(hasher, "wrong", encoded())


HASH = "$argon2id$v=19$m=8,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$"
TAG = encoded().removeprefix(HASH)
UNUSABLE = {
    "empty": "",
    "unusable in Django": "!",
    "plain password": GOOD,
    "md5_crypt": "$1$" + "x" * 8 + "$" + "x" * 22,
    "pbkdf2 of Django": "pbkdf2_sha256$600000$salt$" + "x" * 43 + "=",
    "argon2 of Django": "argon2" + HASH + TAG,
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
    # Bounds: parameters that verify would run with, and a poisoned store could request.
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
        """The sample itself matches, and no two malformed values are equal."""
        assert hasher.check(GOOD, HASH + TAG) == MATCH
        assert len(UNUSABLE) == len(set(UNUSABLE.values()))

    @pytest.mark.parametrize("hashed", UNUSABLE.values(), ids=UNUSABLE)
    def test_unusable(self, hasher, hashed, caplog):
        """A malformed hash, or one of another scheme or cost, matches nothing; it is logged once and not shown."""
        assert (NO_MATCH, 1, 8) == spent(hasher, GOOD, hashed)

        ((name, level, message),) = caplog.record_tuples
        assert ("praetorian", logging.WARNING) == (name, level)
        assert message.startswith("a stored password hash matches nothing: it ")
        assert TAG[:20] not in message
        assert "MDEyMzQ" not in message
        assert GOOD not in message

    @pytest.mark.parametrize("hashed", [None, HASH + TAG])
    def test_no_log(self, hasher, hashed, caplog):
        """An unknown user and a wrong password are not logged by the hasher."""
        assert hasher.check("wrong", hashed) == NO_MATCH
        assert [] == caplog.record_tuples

    def test_message(self, hasher, caplog):
        """Parameters out of bounds are shown with the bounds; they are not secret."""
        hasher.check(GOOD, UNUSABLE["all memory"])
        expected = "a stored password hash matches nothing: it asks for m=4294967295, t=1, p=1, expected t <= 64, p <= 64, m from 8*p to 262144, m*t <= 1572864"

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
        """An expensive hasher accepts stored hashes of four times its memory and eight times its work."""
        hasher = PasswordHasher(time_cost=4, memory_cost=131_072)

        assert hasher._max_stored_memory == 4 * 131_072
        assert hasher._max_stored_work == 8 * 4 * 131_072


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
    "hash of another scheme": (GOOD, "$1$" + "x" * 8 + "$" + "x" * 22),
    "corrupt hash": (GOOD, HASH + TAG[:-1]),
    "poisoned hash": (GOOD, UNUSABLE["all memory"]),
    "nothing usable": ("", "x"),
}


class TestCost:
    @pytest.mark.parametrize(("raw", "hashed"), FAILURES.values(), ids=FAILURES)
    def test_failures(self, raw, hashed):
        """Every failed check is one computation with the configured parameters (CVE-2025-22234, CVE-2024-39329)."""
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
        """The first unknown user costs the same as every later one."""
        hasher = cheapest_hasher()

        assert (0, 0) == (hasher.computations, hasher.work)
        assert spent(hasher, GOOD, None) == spent(hasher, GOOD, None) == (NO_MATCH, 1, 8)

    @settings(deadline=None)
    @given(passes=st.integers(1, 6), memory=st.integers(8, 150), lanes=st.integers(1, 2), raw=TEXTS)
    def test_cheaper_hash(self, passes, memory, lanes, raw):
        """A failed check of a cheaper stored hash is padded to the configured work; a more expensive one is not."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64, parallelism=2)
        memory = max(memory, 8 * lanes)
        hashed = encoded("unguessable", time_cost=passes, memory_cost=memory, parallelism=lanes)
        # A text that is not in NFC is checked in two forms; `test_equal_work` covers that.
        answer, computations, work = spent(hasher, unicodedata.normalize("NFC", raw) or "x", hashed)

        assert answer == NO_MATCH
        done = passes * memory
        if done >= 192:
            assert (1, done) == (computations, work)
        else:
            assert computations == 2
            # Less by the remainder of a division by up to three passes, more by the minimum of a hash.
            assert 192 - 2 <= work < 192 + 16

    def test_padding_stays_small(self):
        """Padding takes no more memory than a current hash."""
        hasher = PasswordHasher()
        seen = []
        hasher._compute = lambda secret, salt, cost: seen.append(cost)

        for missing in range(1, 196_608, 4_999):
            hasher._pad(missing)
        assert all(1 <= cost.passes <= 3 and cost.memory <= 65_536 for cost in seen)
        assert 40 == len(seen)

    def test_bad_password_of_a_cheaper_hash(self):
        """A password that cannot be hashed costs the configured work for any stored hash."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64)

        assert (NO_MATCH, 1, 192) == spent(hasher, None, encoded())


NFC, NFD = "Caf\u00e9 \u00e0 la cr\u00e8me", "Cafe\u0301 a\u0300 la cre\u0300me"


class TestNormalization:
    """SP 800-63B-4 §3.1.1.2: a password is normalized before it is hashed."""

    @pytest.mark.parametrize("typed", [NFC, NFD, unicodedata.normalize("NFD", NFC)], ids=ascii)
    @pytest.mark.parametrize("set_as", [NFC, NFD], ids=ascii)
    def test_forms(self, hasher, set_as, typed):
        """A password that is set in one form matches in every form."""
        assert hasher.check(typed, hasher.hash(set_as)) == MATCH

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("\u212b" * 8, "\u00c5" * 8),
            ("\uac00" * 8, "\u1100\u1161" * 8),
            ("q\u0307\u0323" * 8, "q\u0323\u0307" * 8),
            ("\u0958" * 8, "\u0915\u093c" * 8),
            ("\U0002f800" * 8, "\u4e3d" * 8),
        ],
        ids=["singleton", "Hangul", "order of marks", "composition exclusion", "compatibility ideograph"],
    )
    def test_equivalent(self, hasher, one, other):
        """Every canonical equivalence is one password."""
        assert hasher.check(other, hasher.hash(one)) == MATCH
        assert hasher.check(one, hasher.hash(other)) == MATCH

    @pytest.mark.parametrize("typed", [NFC, NFD], ids=ascii)
    def test_older_hash(self, hasher, typed):
        """A hash that was made of the text as it was typed still matches; one that is not in NFC is outdated."""
        hashed = encoded(typed)

        assert hasher.check(typed, hashed) == (MATCH if typed == NFC else OUTDATED)
        assert hasher.check(typed, hasher.rehash(typed)) == MATCH

    def test_rehash(self, hasher):
        """A password that is hashed again matches in every form."""
        assert hasher.check(NFC, hasher.rehash(NFD)) == MATCH

    @pytest.mark.parametrize("cheaper", [False, True], ids=["current", "cheaper"])
    @pytest.mark.parametrize(("typed", "forms"), [(NFC, 1), (NFD, 2)], ids=["NFC", "NFD"])
    def test_equal_work(self, typed, forms, cheaper):
        """The work depends on the presented text alone: match, mismatch, older hash and unknown name cost the same."""
        hasher = cheapest_hasher(time_cost=3, memory_cost=64)
        cost = {} if cheaper else {"time_cost": 3, "memory_cost": 64}
        works = {
            name: spent(hasher, typed, hashed)[2]
            for name, hashed in {
                "match of NFC": encoded(NFC, **cost),
                "match as typed": encoded(typed, **cost),
                "mismatch": encoded("another", **cost),
                "unknown": None,
                "malformed": "x",
            }.items()
        }

        # Padding lacks at most one KiB per pass but one: 0.001 % of a real hash.
        assert all(192 * forms - (3 * forms - 1) <= work <= 192 * forms for work in works.values())
        assert works["match of NFC"] == works["match as typed"] == works["mismatch"]
        assert works["unknown"] == works["malformed"] == 192 * forms

    def test_length(self):
        """Length is that of the NFC form, in characters and in bytes."""
        hasher = cheapest_hasher(max_bytes=64)

        with pytest.raises(WeakPasswordError, match="is 7 characters"):
            hasher.hash("e\u0301" * 7)
        assert hasher.check("\u00e9" * 32, hasher.hash("e\u0301" * 32)) == MATCH
        with pytest.raises(WeakPasswordError, match="is 66 bytes"):
            hasher.hash("e\u0301" * 33)

    def test_expansion(self):
        """A text whose NFC form is too long is rejected, and matches nothing."""
        hasher = cheapest_hasher(max_bytes=64)
        text = "\U0001d15f" * 16

        with pytest.raises(WeakPasswordError, match="is 128 bytes"):
            hasher.hash(text)
        assert (NO_MATCH, 1, 8) == spent(hasher, text, encoded(text))

    @pytest.mark.parametrize(("marks", "normalized"), [(30, True), (31, False)])
    def test_runs_of_marks(self, hasher, marks, normalized):
        """A longer run of marks than UAX #15 allows is used as it is: to sort it costs quadratic time."""
        one = "a" + "\u0301\u0316" * (marks // 2) + "\u0301" * (marks % 2) + " password"
        other = unicodedata.normalize("NFD", one)
        assert one != other

        assert hasher.check(one, hasher.hash(one)).matches
        assert normalized is hasher.check(other, hasher.hash(one)).matches

    def test_marks_cost_no_time(self):
        """The longest password of marks alone is read at once; sorted, it would take minutes."""
        hasher = cheapest_hasher(max_bytes=1_048_576)
        before = time.process_time()
        hasher.check("a" + "\u0301\u0316" * 262_143, None)

        assert time.process_time() - before < 2


class TestRule:
    @pytest.mark.parametrize(
        ("bad", "rule"),
        [
            (None, "not_text"),
            (b"password", "not_text"),
            ("", "too_short"),
            ("7 chars", "too_short"),
            ("x" * 4097, "too_long"),
            ("\u00e9" * 2049, "too_long"),
            ("\u00e9" * 16_385, "too_long"),
            ("zero\0zero", "forbidden_character"),
            ("half a \ud83d", "forbidden_character"),
            ("leaked password", "rejected"),
        ],
        ids=lambda value: repr(value)[:20],
    )
    def test_rule(self, bad, rule):
        """The error names the rule, and its public sentence is that of the rule."""
        hasher = cheapest_hasher(reject={"leaked password"}.__contains__)
        with pytest.raises(WeakPasswordError) as caught:
            hasher.hash(bad)

        assert ("weak_password", rule, PASSWORD_RULES[rule]) == (
            caught.value.code,
            caught.value.rule,
            caught.value.message,
        )


class TestFailingArgon2:
    @pytest.mark.parametrize("failure", [MemoryError("no buffer"), ServiceUnavailableError("argon2 failed")], ids=repr)
    def test_refused(self, failure):
        """If argon2 fails there is no answer, and the slot is released."""
        hasher = cheapest_hasher(max_concurrent=1, max_waiting=0)
        hashed, compute = hasher.hash(GOOD), hasher._argon2

        def fail(*args):
            raise failure

        hasher._argon2 = fail
        for call in (
            lambda: hasher.check(GOOD, hashed),
            lambda: hasher.check(GOOD, None),
            lambda: hasher.hash(GOOD),
        ):
            with pytest.raises(type(failure)) as caught:
                call()
            assert failure is caught.value
        hasher._argon2 = compute
        assert hasher.check(GOOD, hashed) == MATCH


class TestPasswordCheck:
    def test_frozen(self):
        """A result cannot be changed."""
        with pytest.raises(AttributeError):
            NO_MATCH.matches = True
        assert repr(NO_MATCH) == "PasswordCheck(matches=False, outdated=False)"


class TestCheapestHasher:
    def test_minimum(self):
        """The only minimum is that of Argon2, 8 KiB per lane (RFC 9106 §3.1)."""
        with pytest.raises(ConfigurationError, match="at least 8 KiB"):
            cheapest_hasher(memory_cost=7)
        with pytest.raises(ConfigurationError, match="at least 16 KiB"):
            cheapest_hasher(memory_cost=15, parallelism=2)
        hasher = cheapest_hasher(memory_cost=16, parallelism=2)
        assert hasher.verify(GOOD, hasher.hash(GOOD))

    def test_short_passwords(self):
        """Short passwords are rejected as by the real hasher, unless a fixture lowers the minimum."""
        with pytest.raises(WeakPasswordError):
            cheapest_hasher().hash("x")
        with pytest.raises(ConfigurationError, match="min_length must be an integer from 1 to 64; got 0"):
            cheapest_hasher(min_length=0)
        hasher = cheapest_hasher(min_length=1)
        assert hasher.verify("x", hasher.hash("x"))

    def test_real_minimum(self):
        """The minimum of the real hasher is unchanged."""
        assert (19_456, 47_104, 8) == (
            PasswordHasher.minimum.memory_cost,
            PasswordHasher.minimum.single_pass_memory,
            PasswordHasher.minimum.min_length,
        )


class TestRealCost:
    def test_both_ways(self):
        """At the default cost, hashes are exchanged with argon2-cffi in both directions."""
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
        """A hash of OWASP's minimum is outdated if it matches, and padded if it does not."""
        hasher = PasswordHasher()
        hashed = encoded(time_cost=2, memory_cost=19_456)

        answer, computations, work = spent(hasher, GOOD, hashed)
        assert (OUTDATED, 2) == (answer, computations)
        assert 196_608 - 2 <= work <= 196_608
        answer, computations, work = spent(hasher, "wrong", hashed)
        assert (NO_MATCH, 2) == (answer, computations)
        assert 196_608 - 2 <= work <= 196_608
