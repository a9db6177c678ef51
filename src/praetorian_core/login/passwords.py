"""Which password is taken, how it is kept, and what a wrong one costs.

Passwords are kept as Argon2id with the second recommended option of RFC 9106 §4 (three passes over
64 MiB, four lanes, 16 bytes of salt, 32 bytes of tag). The floor under a weaker choice is that of
the OWASP Password Storage Cheat Sheet and of ASVS 5.0, Appendix C. Length is the only rule about
what a new password is made of (NIST SP 800-63B-4 §3.1.1.2).

Facts:

* A failing login must cost the same whether the user is unknown, the password wrong, absurdly long
  or no text, or the stored hash spoiled: a difference tells a stranger which names exist. The cost
  of Argon2 is its passes times its memory, so *work* here is counted in KiB x passes, and every
  failure is made up to the work of one live hash. A stored hash that is dearer than that, after
  the cost was lowered, costs what it costs; and how much of the work runs in parallel is the
  choice of the stored hash.
* ``verify`` of argon2-cffi obeys whatever parameters stand in the stored hash. Here they are read
  and bounded first, and the tag is then computed anew and compared; so one primitive,
  ``hash_secret_raw``, serves hashing, checking and making up, and it is called in one place.
* A hash takes 64 MiB and a core for a tenth of a second. More of them at once than there are cores
  finish no earlier and can exhaust the machine, so they queue, and the queue has an end.
* argon2 is imported when a hasher is built, not before: importing Praetorian stays cheap.
"""

from __future__ import annotations

import binascii
import hmac
import logging
import math
import os
import re
import secrets
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import ClassVar, NoReturn, cast

import attrs

from praetorian_core.errors import (
    ConfigurationError,
    ServiceUnavailableError,
    WeakPasswordError,
)
from praetorian_core.questions import PasswordCheck

_log = logging.getLogger("praetorian")

# RFC 9106 §4, second recommended option: "Argon2id with t=3 iterations, p=4 lanes, m=2^(16) (64 MiB
# of RAM), 128-bit salt, and 256-bit tag size".
_PASSES, _MEMORY, _LANES = 3, 65_536, 4
_SALT_BYTES, _TAG_BYTES = 16, 32

# What no hasher may ask for, and no stored hash either. Hashes in the wild stay far below.
_MOST_PASSES = 64
_MOST_LANES = 64
_MOST_MEMORY = 4 * 1_048_576  # KiB, 4 GiB
# Argon2 needs "an integer number of kibibytes from 8*p" (RFC 9106 §3.1).
_MEMORY_A_LANE = 8

# What a stored hash may ask for beside the live cost: it may be older, and dearer within reason.
_TOLERATED_MEMORY = 262_144  # KiB, 256 MiB
_TOLERATED_WORK = 8 * _PASSES * _MEMORY

# The encoded form of the reference implementation. Every group is bounded and ends at a character
# that it cannot hold itself: linear, and nothing above 427 characters matches. Ours have 97.
_STORED = re.compile(
    r"\$argon2(id|i)\$v=(16|19)"
    r"\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,3}),p=([1-9][0-9]{0,3})"
    r"\$([A-Za-z0-9+/]{11,128})\$([A-Za-z0-9+/]{22,256})",
    re.ASCII,
)
_VARIANT, _VERSION = "id", 19

_STAND_IN = b"no password could be this one"


@attrs.frozen(kw_only=True)
class CostFloor:
    """How cheap a hasher may be made.

    Attributes:
        memory_cost: The least memory of one hash, in KiB.
        single_pass_memory: The same for a hash of a single pass.
        min_length: The least minimum length of a new password, in characters.
    """

    memory_cost: int
    single_pass_memory: int
    min_length: int


class PasswordHasher:
    """Hashes new passwords, checks presented ones, and keeps both within a budget.

    A class, so that the parameters are vetted once and all threads share one budget. Build one an
    application and keep it.

    Args:
        time_cost: Passes over the memory, 1 to 64.
        memory_cost: Memory of one hash, in KiB: from 19456 KiB, with a single pass from 47104 KiB
            (OWASP; ASVS 5.0, Appendix C), to 4 GiB.
        parallelism: Lanes, and the threads of one hash, 1 to 64.
        min_length: The fewest characters of a new password, 8 to 64. NIST SP 800-63B-4 §3.1.1.2
            asks for 15 where the password is the only factor.
        max_bytes: The longest password in UTF-8 bytes, 64 to 1048576. A longer one is refused when
            it is set and never matches; nothing is ever truncated.
        reject: Asked about each new password that passed the rules, for a list of leaked ones say:
            True refuses it. Never asked at login.
        max_concurrent: The most hashes computed at once. By default the number of cores.
        max_waiting: The most calls that queue for their turn. By default 16 times
            ``max_concurrent``.
        max_wait: The longest that a call queues, in seconds, above 0 to 3600.

    Raises:
        ConfigurationError: A value is out of bounds; the message says what to write.

    Example:
        >>> hasher = PasswordHasher()
        >>> stored = hasher.hash("correct horse battery staple")
        >>> hasher.check("correct horse battery staple", stored)
        PasswordCheck(matches=True, outdated=False)
        >>> hasher.verify("correct horse", stored)
        False

    See: RFC 9106 §4, OWASP Password Storage Cheat Sheet, NIST SP 800-63B-4 §3.1.1.2.
    """

    floor: ClassVar[CostFloor] = CostFloor(memory_cost=19_456, single_pass_memory=47_104, min_length=8)
    """What the parameters must reach. A subclass lowers it for tests only, see
    ``praetorian_core.testing.passwords``."""

    def __init__(
        self,
        *,
        time_cost: int = _PASSES,
        memory_cost: int = _MEMORY,
        parallelism: int = _LANES,
        min_length: int = 8,
        max_bytes: int = 4096,
        reject: Callable[[str], bool] | None = None,
        max_concurrent: int | None = None,
        max_waiting: int | None = None,
        max_wait: float = 10.0,
    ) -> None:
        """Vet the parameters and load argon2, so that no login has to."""
        self._live = _Cost(
            passes=_whole("time_cost", time_cost, 1, _MOST_PASSES),
            memory=_whole("memory_cost", memory_cost, 1, _MOST_MEMORY),
            lanes=_whole("parallelism", parallelism, 1, _MOST_LANES),
        )
        _vet(self._live, self.floor)
        self._min_length = _whole("min_length", min_length, self.floor.min_length, 64)
        self._max_bytes = _whole("max_bytes", max_bytes, 64, 1_048_576)
        if reject is not None and not callable(reject):
            msg = (
                f"reject is of type {type(reject).__name__}, expected a function that takes a"
                " password and returns whether to refuse it; write reject=leaked.__contains__"
            )
            raise ConfigurationError(msg)
        self._reject = reject
        if max_concurrent is None:
            max_concurrent = os.cpu_count() or 1
        slots = _whole("max_concurrent", max_concurrent, 1, 4096)
        if max_waiting is None:
            max_waiting = 16 * slots
        self._queue = _Queue(
            slots=slots,
            places=_whole("max_waiting", max_waiting, 0, 1_048_576),
            patience=_seconds("max_wait", max_wait, 3600),
        )
        self._tolerated_memory = max(4 * self._live.memory, _TOLERATED_MEMORY)
        self._tolerated_work = max(8 * self._live.work, _TOLERATED_WORK)
        # For hashes whose result nobody looks at.
        self._idle_salt = secrets.token_bytes(_SALT_BYTES)
        self._meter = threading.Lock()
        self._computations = 0
        self._work = 0

        from argon2.exceptions import HashingError
        from argon2.low_level import Type, hash_secret_raw

        self._argon2 = hash_secret_raw
        self._types = {"id": Type.ID, "i": Type.I}
        self._failures = (HashingError, MemoryError)

    @property
    def max_concurrent(self) -> int:
        """The most hashes computed at once."""
        return self._queue.slots

    @property
    def max_waiting(self) -> int:
        """The most calls that queue for their turn."""
        return self._queue.places

    @property
    def computations(self) -> int:
        """The number of argon2 computations so far, for metrics and for tests that count calls."""
        return self._computations

    @property
    def work(self) -> int:
        """The passes x memory of all computations so far, in KiB."""
        return self._work

    def hash(self, raw: object) -> str:
        """Return the hash to store for a new password.

        Args:
            raw: The password, used exactly as it is.

        Returns:
            The encoded hash, 97 ASCII characters at the default parameters.

        Raises:
            WeakPasswordError: The password is no text that can be hashed, is too short or too long,
                or was rejected.
            ServiceUnavailableError: Hashing is full or failed, or ``reject`` failed.
            ConfigurationError: ``reject`` returned neither True nor False.
        """
        self._judge(self._encode(raw).decode())
        return self.rehash(raw)

    def rehash(self, raw: object) -> str:
        """Return a hash of live cost for a password that is in use already; the rules for new ones are not asked.

        Args:
            raw: The password, used exactly as it is.

        Returns:
            The encoded hash.

        Raises:
            WeakPasswordError: The password is no text that can be hashed.
            ServiceUnavailableError: Hashing is full or failed.
        """
        secret = self._encode(raw)
        salt = secrets.token_bytes(_SALT_BYTES)
        with self._queue.slot():
            tag = self._compute(secret, salt, self._live)
        return (
            f"$argon2{_VARIANT}$v={_VERSION}"
            f"$m={self._live.memory},t={self._live.passes},p={self._live.lanes}"
            f"${_to_base64(salt)}${_to_base64(tag)}"
        )

    def check(self, raw: object, hashed: object) -> PasswordCheck:
        """Return whether a presented password is the one that was hashed.

        Bad input is never an error, and every failure costs the work of one live hash at least.

        Args:
            raw: What was presented as the password. Anything but a text of one character to
                ``max_bytes`` bytes, without NUL and surrogates, matches nothing.
            hashed: What is stored for the user, or None where there is no such user. A stored hash
                that is spoiled, foreign, or asks for more than four times the live memory (or 256
                MiB) or eight times the live work (or that of the default) matches nothing, and is
                logged.

        Returns:
            Whether it matches, and if so whether it should be hashed anew.

        Raises:
            ServiceUnavailableError: Hashing is full or failed, so nobody knows.
        """
        secret = self._read_presented(raw)
        stored = None if hashed is None else self._read_stored(hashed)
        # One slot for all of it: a call that held one and queued for another could deadlock.
        with self._queue.slot():
            paid = 0
            if secret is not None and stored is not None:
                tag = self._compute(
                    secret,
                    stored.salt,
                    stored.cost,
                    variant=stored.variant,
                    version=stored.version,
                    length=len(stored.tag),
                )
                if hmac.compare_digest(tag, stored.tag):
                    return PasswordCheck(matches=True, outdated=self._is_outdated(stored))
                paid = stored.cost.work
            self._make_up(paid)
        return PasswordCheck(matches=False, outdated=False)

    def verify(self, raw: object, hashed: object) -> bool:
        """Return whether a presented password is the one that was hashed; see ``check``.

        Args:
            raw: What was presented as the password.
            hashed: What is stored for the user, or None where there is no such user.

        Returns:
            Whether it matches.

        Raises:
            ServiceUnavailableError: Hashing is full or failed, so nobody knows.
        """
        return self.check(raw, hashed).matches

    def __repr__(self) -> str:
        """Show the parameters."""
        return (
            f"{type(self).__name__}(time_cost={self._live.passes},"
            f" memory_cost={self._live.memory}, parallelism={self._live.lanes},"
            f" min_length={self._min_length}, max_bytes={self._max_bytes},"
            f" max_concurrent={self._queue.slots}, max_waiting={self._queue.places},"
            f" max_wait={self._queue.patience})"
        )

    def _compute(
        self,
        secret: bytes,
        salt: bytes,
        cost: _Cost,
        *,
        variant: str = _VARIANT,
        version: int = _VERSION,
        length: int = _TAG_BYTES,
    ) -> bytes:
        """Compute one Argon2 tag: the only place that does, always under a slot of the queue."""
        with self._meter:
            self._computations += 1
            self._work += cost.work
        try:
            return self._argon2(
                secret,
                salt,
                time_cost=cost.passes,
                memory_cost=cost.memory,
                parallelism=cost.lanes,
                hash_len=length,
                type=self._types[variant],
                version=version,
            )
        except self._failures as error:
            # For want of memory or threads, so it may be the right password as well as not.
            msg = f"argon2 failed with {cost.memory} KiB of memory and {cost.lanes} lanes"
            raise ServiceUnavailableError(msg) from error

    def _make_up(self, paid: int) -> None:
        """Do the work that a failure lacks of one live hash; all of it where nothing was paid."""
        owed = self._live.work - paid
        if owed <= 0:
            return
        # As many passes as the live memory needs for it, and then the memory that makes the product
        # exact: passes over the whole live memory would miss by up to one of them, and be seen.
        passes = math.ceil(owed / self._live.memory)
        memory = max(owed // passes, _MEMORY_A_LANE * self._live.lanes)
        cost = _Cost(passes=passes, memory=memory, lanes=self._live.lanes)
        self._compute(_STAND_IN, self._idle_salt, cost)

    def _encode(self, raw: object) -> bytes:
        """Return a password's bytes; raise WeakPasswordError where it can be nobody's password."""
        if not isinstance(raw, str):
            raise WeakPasswordError(f"password is of type {type(raw).__name__}, expected str")
        if not raw:
            raise WeakPasswordError("password is empty")
        # A character has a byte at least; so a huge text is refused before it is encoded.
        if len(raw) > self._max_bytes:
            msg = f"password is {len(raw)} characters, expected at most {self._max_bytes} bytes"
            raise WeakPasswordError(msg)
        # Argon2 would take NUL, but another hash that it meets may stop reading there, as bcrypt.
        if "\0" in raw:
            raise WeakPasswordError("password holds a NUL character")
        secret = _to_utf8(raw)
        if secret is None:
            raise WeakPasswordError("password holds a lone surrogate, which UTF-8 cannot carry")
        if len(secret) > self._max_bytes:
            msg = f"password is {len(secret)} bytes, expected at most {self._max_bytes}"
            raise WeakPasswordError(msg)
        return secret

    def _judge(self, password: str) -> None:
        # SP 800-63B-4 §3.1.1.2: each Unicode code point is counted as one character.
        if len(password) < self._min_length:
            msg = f"password is {len(password)} characters, expected at least {self._min_length}"
            raise WeakPasswordError(msg)
        if self._reject is not None and _ask(self._reject, password):
            raise WeakPasswordError("password was rejected")

    def _read_presented(self, raw: object) -> bytes | None:
        try:
            return self._encode(raw)
        except WeakPasswordError:
            return None

    def _read_stored(self, hashed: object) -> _StoredHash | None:
        """Return the parts of a stored hash, or None and one log entry where it is unusable."""
        try:
            stored = _parse(hashed)
            self._bound(stored.cost)
        except _UnusableHashError as reason:
            _log.warning("a stored password hash matches nothing: it %s", reason)
            return None
        return stored

    def _bound(self, cost: _Cost) -> None:
        if (
            cost.passes > _MOST_PASSES
            or cost.lanes > _MOST_LANES
            or not _MEMORY_A_LANE * cost.lanes <= cost.memory <= self._tolerated_memory
            or cost.work > self._tolerated_work
        ):
            msg = (
                f"asks for m={cost.memory}, t={cost.passes}, p={cost.lanes}, expected"
                f" t <= {_MOST_PASSES}, p <= {_MOST_LANES}, m from {_MEMORY_A_LANE}*p to"
                f" {self._tolerated_memory}, m*t <= {self._tolerated_work}"
            )
            raise _UnusableHashError(msg)

    def _is_outdated(self, stored: _StoredHash) -> bool:
        # As check_needs_rehash of argon2-cffi: a dearer hash is outdated as well as a cheaper one.
        return (stored.variant, stored.version, stored.cost, len(stored.salt), len(stored.tag)) != (
            _VARIANT,
            _VERSION,
            self._live,
            _SALT_BYTES,
            _TAG_BYTES,
        )


@attrs.frozen(kw_only=True)
class _Cost:
    """What one hash takes: passes, memory in KiB, lanes."""

    passes: int
    memory: int
    lanes: int

    @property
    def work(self) -> int:
        return self.passes * self.memory


@attrs.frozen(kw_only=True)
class _StoredHash:
    """A stored hash in its parts."""

    variant: str
    version: int
    cost: _Cost
    salt: bytes = attrs.field(repr=False)
    tag: bytes = attrs.field(repr=False)


class _Queue:
    """Lets ``slots`` callers in at once, first come, first served, and the next ``places`` wait.

    Each caller is a ticket that is in the queue, in the slots or in neither. To leave is to be in
    neither, whatever happened before. A semaphore only counts: an interrupt between taking it and
    noting that it was taken would lose a slot for good.
    """

    def __init__(self, *, slots: int, places: int, patience: float) -> None:
        self.slots = slots
        self.places = places
        self.patience = patience
        self._lock = threading.Lock()
        self._inside: set[threading.Event] = set()
        # A dict keeps its order, and lets a ticket leave from the middle.
        self._waiting: dict[threading.Event, None] = {}

    @contextmanager
    def slot(self) -> Generator[None, None, None]:
        """Hold a slot; raise ServiceUnavailableError where none is to be had in time."""
        ticket = threading.Event()
        try:
            self._enter(ticket)
            yield
        finally:
            self._leave(ticket)

    def _enter(self, ticket: threading.Event) -> None:
        with self._lock:
            # Nobody waits while a slot is free, so there is no line to jump here.
            if len(self._inside) < self.slots:
                self._inside.add(ticket)
                return
            if len(self._waiting) >= self.places:
                self._refuse(f"{len(self._waiting)} callers wait already")
            self._waiting[ticket] = None
        if not ticket.wait(self.patience):
            with self._lock:
                # A slot may have been handed over in the last moment.
                if ticket not in self._inside:
                    self._refuse(f"no turn within {self.patience} s")

    def _leave(self, ticket: threading.Event) -> None:
        with self._lock:
            self._waiting.pop(ticket, None)
            self._inside.discard(ticket)
            while self._waiting and len(self._inside) < self.slots:
                heir = next(iter(self._waiting))
                del self._waiting[heir]
                self._inside.add(heir)
                heir.set()

    def _refuse(self, found: str) -> NoReturn:
        msg = f"password hashing is full: {self.slots} at work, {found}"
        raise ServiceUnavailableError(msg, retry_after=math.ceil(self.patience))


class _UnusableHashError(Exception):
    """Why a stored hash matches nothing, to be read after "it"."""


def _parse(hashed: object) -> _StoredHash:
    if not isinstance(hashed, str):
        raise _UnusableHashError(f"is of type {type(hashed).__name__}, expected str")
    parts = _STORED.fullmatch(hashed)
    if parts is None:
        raise _UnusableHashError("is not of the form $argon2id$v=19$m=…,t=…,p=…$salt$tag")
    return _StoredHash(
        variant=parts[1],
        version=int(parts[2]),
        cost=_Cost(memory=int(parts[3]), passes=int(parts[4]), lanes=int(parts[5])),
        salt=_from_base64(parts[6]),
        tag=_from_base64(parts[7]),
    )


def _to_utf8(text: str) -> bytes | None:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # It carries the password, so no error of ours may have it for its context.
        return None


def _to_base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode("ascii")


def _from_base64(text: str) -> bytes:
    try:
        data = binascii.a2b_base64(text + "=" * (-len(text) % 4))
    except binascii.Error:
        data = b""
    # Bits that fall off the end would let two texts mean the same bytes.
    if _to_base64(data) != text:
        raise _UnusableHashError("has a salt or a tag that is not base64")
    return data


def _ask(reject: Callable[[str], bool], password: str) -> bool:
    try:
        verdict = cast("object", reject(password))
    except Exception as error:
        # Whether the password is good is not known, so it is not taken.
        msg = f"reject raised {type(error).__name__}"
        raise ServiceUnavailableError(msg) from error
    # A function that forgot to return, or is a coroutine, must not let anything in, nor lie.
    if not isinstance(verdict, bool):
        msg = (
            f"reject returned {type(verdict).__name__}, expected bool; write a plain function"
            " that returns True for a password to refuse, and False for any other"
        )
        raise ConfigurationError(msg)
    return verdict


def _whole(name: str, value: object, least: int, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        msg = f"{name} is {value!r}, expected an integer from {least} to {most}; write for example {name}={least}"
        raise ConfigurationError(msg)
    return value


def _seconds(name: str, value: object, most: float) -> float:
    # Not `value <= 0`: NaN compares false with everything.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= most:
        msg = f"{name} is {value!r}, expected seconds above 0 and at most {most}; write for example {name}=10.0"
        raise ConfigurationError(msg)
    return value


def _vet(cost: _Cost, floor: CostFloor) -> None:
    least = floor.single_pass_memory if cost.passes == 1 else floor.memory_cost
    least = max(least, _MEMORY_A_LANE * cost.lanes)
    if cost.memory < least:
        msg = (
            f"memory_cost is {cost.memory} KiB, expected at least {least} KiB with"
            f" time_cost={cost.passes} and parallelism={cost.lanes} (OWASP; RFC 9106 §3.1);"
            f" write memory_cost={least} or more, best {_MEMORY}"
        )
        raise ConfigurationError(msg)
