"""Hash new passwords, check presented ones, and give every failed check the same cost.

Passwords are hashed with Argon2id at the second recommended option of RFC 9106 §4 (three passes over 64 MiB, four lanes,
16 bytes of salt, 32 bytes of tag). The lower limits of a weaker choice are those of the OWASP Password Storage Cheat
Sheet and of ASVS 5.0, Appendix C. Length is the only composition rule of a new password (NIST SP 800-63B-4 §3.1.1.2).

Facts:

* A failed login must cost the same whether the user is unknown or disabled, the password wrong, too long or not a text,
  or the stored hash malformed; a difference reveals which names exist. The cost of Argon2 is passes times memory, so
  *work* is counted in KiB x passes. Every check, also a match, is padded to the cost of one current hash per form of the
  presented password. A stored hash that costs more (after the configured cost was lowered) is not padded.
* The same work takes the same time for any number of lanes, because each hash runs in one thread (``argon2_tag``).
* ``verify`` of argon2-cffi runs with any parameters that the stored hash names. Here they are parsed and bounded first
  (``stored_hash``), and the tag is computed and compared.
* argon2 is imported when a hasher is created: importing Praetorian stays fast.
"""

from __future__ import annotations

import hmac
import logging
import math
import secrets
from collections.abc import Callable
from typing import ClassVar

import attrs

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError
from praetorian_core.hash_turn import HashTurn
from praetorian_core.login.argon2_tag import call_beside_greenlets, load_argon2
from praetorian_core.login.capacity import concurrent_hashes
from praetorian_core.login.hash_queue import HashExecutor, HashQueue
from praetorian_core.login.legacy_hashes import LegacyHash, parse_legacy
from praetorian_core.login.password_rules import PasswordRules
from praetorian_core.login.stored_hash import (
    MAX_LANES,
    MAX_PASSES,
    MIN_MEMORY_PER_LANE,
    VARIANT,
    VERSION,
    Cost,
    StoredHash,
    UnusableHashError,
)
from praetorian_core.messages import shown
from praetorian_core.questions import PasswordCheck

_LOG = logging.getLogger("praetorian")

# RFC 9106 §4, second recommended option: "Argon2id with t=3 iterations, p=4 lanes, m=2^(16) (64 MiB of RAM), 128-bit
# salt, and 256-bit tag size".
_PASSES, _MEMORY, _LANES = 3, 65_536, 4
_SALT_BYTES, _TAG_BYTES = 16, 32
_MAX_MEMORY = 4 * 1_048_576  # KiB, 4 GiB

# A stored hash may be older than the configuration and cost more, up to these limits.
_MAX_STORED_MEMORY = 262_144  # KiB, 256 MiB
_MAX_STORED_WORK = 8 * _PASSES * _MEMORY


@attrs.frozen(kw_only=True)
class MinimumParameters:
    """The weakest parameters that a hasher accepts.

    Attributes:
        memory_cost: Memory of one hash, in KiB.
        single_pass_memory: Memory of one hash with a single pass, in KiB.
        min_length: Minimum length of a new password, in characters.
    """

    memory_cost: int
    single_pass_memory: int
    min_length: int


class PasswordHasher:
    """Hashes new passwords and checks presented ones within a budget of memory and cores.

    The parameters are validated once, and all threads share the budget: create one per application.

    Args:
        time_cost: Passes over the memory, 1 to 64.
        memory_cost: Memory of one hash, in KiB: from 19456 KiB, with a single pass from 47104 KiB (OWASP; ASVS 5.0,
            Appendix C), to 4 GiB.
        parallelism: Lanes, 1 to 64. Each hash runs in one thread, whatever its lanes.
        min_length: Minimum characters of a new password, 8 to 64. NIST SP 800-63B-4 §3.1.1.2 asks for 15 if the
            password is the only factor.
        max_bytes: Maximum length of a password in UTF-8 bytes, 64 to 1048576. A longer one raises when it is set and
            matches nothing at login; nothing is truncated.
        reject: Called with each new password that passed the rules; True rejects it. Use it for a list of leaked
            passwords. It is not called at login.
        max_concurrent: The most hashes computed at once. Defaults to the CPUs that the process may use (affinity and
            control groups), and at most half of its memory limit.
        max_waiting: The most calls that wait for a slot. Defaults to 16 times ``max_concurrent``.
        max_wait: The longest that a call waits, in seconds, above 0 to 3600.

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

    minimum: ClassVar[MinimumParameters] = MinimumParameters(
        memory_cost=19_456, single_pass_memory=47_104, min_length=8
    )
    """The weakest accepted parameters. ``praetorian_core.testing.passwords`` lowers them, for tests only."""

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
        """Validate the parameters and import argon2, so that no login has to."""
        self._cost = Cost(
            passes=_integer("time_cost", time_cost, 1, MAX_PASSES),
            memory=_integer("memory_cost", memory_cost, 1, _MAX_MEMORY),
            lanes=_integer("parallelism", parallelism, 1, MAX_LANES),
        )
        _check_memory(self._cost, self.minimum)
        if reject is not None and not callable(reject):
            detail = (
                "reject must be a function that takes a password and returns whether to reject it; "
                f"got {type(reject).__name__}; write reject=leaked.__contains__"
            )
            raise ConfigurationError(detail)
        self._rules = PasswordRules(
            min_length=_integer("min_length", min_length, self.minimum.min_length, 64),
            max_bytes=_integer("max_bytes", max_bytes, 64, 1_048_576),
            reject=reject,
        )
        if max_concurrent is None:
            max_concurrent = concurrent_hashes(self._cost.memory)
        max_concurrent = _integer("max_concurrent", max_concurrent, 1, 4096)
        if max_waiting is None:
            max_waiting = 16 * max_concurrent
        self._queue = HashQueue(
            max_concurrent=max_concurrent,
            max_waiting=_integer("max_waiting", max_waiting, 0, 1_048_576),
            max_wait=_seconds("max_wait", max_wait, 3600),
        )
        self._max_stored_memory = max(4 * self._cost.memory, _MAX_STORED_MEMORY)
        self._max_stored_work = max(8 * self._cost.work, _MAX_STORED_WORK)
        self._padding_salt = secrets.token_bytes(_SALT_BYTES)

        self._argon2 = load_argon2()

    def executor(self) -> HashExecutor:
        """Return what runs this hasher's calls under asyncio."""
        return HashExecutor(self._queue)

    @property
    def max_concurrent(self) -> int:
        """The most hashes computed at once."""
        return self._queue.max_concurrent

    @property
    def computations(self) -> int:
        """The number of argon2 computations so far, for metrics and for tests that count calls."""
        return self._queue.computations

    @property
    def work(self) -> int:
        """The passes times memory of all computations so far, in KiB."""
        return self._queue.work

    def hash(self, raw: object, *, turn: HashTurn | None = None) -> str:
        """Return the hash to store for a new password.

        Args:
            raw: The password. Its NFC form is hashed (SP 800-63B-4 §3.1.1.2); nothing else is changed.
            turn: Its place in the queue.

        Returns:
            The encoded hash, 97 ASCII characters with the default parameters.

        Raises:
            WeakPasswordError: The password cannot be hashed, is too short or too long, or was rejected; ``rule`` says
                which.
            ServiceUnavailableError: Hashing is full or failed, or ``reject`` failed.
            ConfigurationError: ``reject`` returned neither True nor False.
        """
        self._rules.check_new(raw)
        return self.rehash(raw, turn=turn)

    def rehash(self, raw: object, *, turn: HashTurn | None = None) -> str:
        """Return a hash of the current cost for a password that is already in use, without the rules for new ones.

        Args:
            raw: The password, in any normalization form.
            turn: Its place in the queue.

        Returns:
            The encoded hash.

        Raises:
            WeakPasswordError: The password cannot be hashed.
            ServiceUnavailableError: Hashing is full or failed.
        """
        secret = self._rules.encode(raw)
        salt = secrets.token_bytes(_SALT_BYTES)
        with self._queue.slot(turn or HashTurn()):
            tag = self._compute(secret, salt, self._cost)
        return StoredHash(variant=VARIANT, version=VERSION, cost=self._cost, salt=salt, tag=tag).encode()

    def check(self, raw: object, hashed: object, *, turn: HashTurn | None = None) -> PasswordCheck:
        """Return whether a presented password is the one that was hashed.

        Invalid input never raises. Every check costs at least the work of one current hash, or of two if the presented
        text is not in NFC, because older hashes were made of the text as it was typed.

        Args:
            raw: The presented password. Only a text of one character to ``max_bytes`` bytes, without NUL and
                surrogates, can match.
            hashed: The stored hash, or None if there is no such user. A hash that is malformed, of another scheme, or
                requests more than four times the configured memory (or 256 MiB) or eight times the configured work
                (or that of the default), matches nothing and is logged.
            turn: Its place in the queue.

        Returns:
            Whether it matches, and if so whether it should be hashed again.

        Raises:
            ServiceUnavailableError: Hashing is full or failed, so the answer is unknown.
        """
        candidates = self._rules.candidates(raw)
        stored = None if hashed is None else self._read_stored(hashed)
        # One slot for all computations: a call that held one and waited for another could deadlock.
        with self._queue.slot(turn or HashTurn()):
            # Each candidate is computed, also after a match, so that the work depends on the presented text alone.
            matching = [] if stored is None else [secret for secret in candidates if self._is_match(secret, stored)]
            done = 0 if stored is None else stored.work * len(candidates)
            self._pad(self._cost.work * max(len(candidates), 1) - done)
        if stored is None or not matching:
            return PasswordCheck(matches=False, outdated=False)
        return PasswordCheck(matches=True, outdated=matching[0] != candidates[0] or self._is_outdated(stored))

    def verify(self, raw: object, hashed: object, *, turn: HashTurn | None = None) -> bool:
        """Return whether a presented password is the one that was hashed; see ``check``.

        Args:
            raw: The presented password.
            hashed: The stored hash, or None if there is no such user.
            turn: Its place in the queue.

        Returns:
            Whether it matches.

        Raises:
            ServiceUnavailableError: Hashing is full or failed, so the answer is unknown.
        """
        return self.check(raw, hashed, turn=turn).matches

    def needs_rehash(self, hashed: object) -> bool:
        """Return whether a stored hash differs from new ones in its scheme or its parameters.

        Args:
            hashed: The stored hash. One that cannot be used needs a new one too.
        """
        try:
            return self._is_outdated(StoredHash.parse(hashed))
        except UnusableHashError:
            return True

    def __repr__(self) -> str:
        """Show the parameters."""
        return (
            f"{type(self).__name__}(time_cost={self._cost.passes}, memory_cost={self._cost.memory}, "
            f"parallelism={self._cost.lanes}, min_length={self._rules.min_length}, max_bytes={self._rules.max_bytes}, "
            f"max_concurrent={self._queue.max_concurrent}, max_waiting={self._queue.max_waiting}, "
            f"max_wait={self._queue.max_wait})"
        )

    def _compute(
        self,
        secret: bytes,
        salt: bytes,
        cost: Cost,
        *,
        variant: str = VARIANT,
        version: int = VERSION,
        length: int = _TAG_BYTES,
    ) -> bytes:
        """Compute one Argon2 tag. The caller holds a slot of the queue."""
        self._queue.record(cost.work)
        return self._argon2(secret, salt, cost, variant, version, length)

    def _is_match(self, secret: bytes, stored: StoredHash | LegacyHash) -> bool:
        if isinstance(stored, LegacyHash):
            return self._is_legacy_match(secret, stored)
        tag = self._compute(
            secret,
            stored.salt,
            stored.cost,
            variant=stored.variant,
            version=stored.version,
            length=len(stored.tag),
        )
        return hmac.compare_digest(tag, stored.tag)

    def _is_legacy_match(self, secret: bytes, stored: LegacyHash) -> bool:
        try:
            matches = call_beside_greenlets(stored.matches, secret.decode())
        except MemoryError as error:
            raise ServiceUnavailableError(f"{stored.scheme} failed: out of memory") from error
        except ValueError:
            # The text of the error may quote the hash.
            _LOG.warning("a stored password hash matches nothing: its %s form is malformed", stored.scheme)
            # The work that the caller takes for done.
            self._pad(stored.work)
            return False
        self._queue.record(stored.work)
        return matches

    def _pad(self, missing: int) -> None:
        """Compute the work that a check lacks, in KiB."""
        if missing <= 0:
            return
        # Whole passes over the current memory could miss by almost one pass, which is measurable. So the memory is
        # reduced until passes times memory is the missing work.
        passes = math.ceil(missing / self._cost.memory)
        memory = max(missing // passes, MIN_MEMORY_PER_LANE * self._cost.lanes)
        self._compute(b"padding", self._padding_salt, Cost(passes=passes, memory=memory, lanes=self._cost.lanes))

    def _read_stored(self, hashed: object) -> StoredHash | LegacyHash | None:
        """Return the parts of a stored hash; log it and return None if it is unusable."""
        try:
            legacy = parse_legacy(hashed) if isinstance(hashed, str) else None
            if legacy is not None:
                legacy.check_bounds(max_memory=self._max_stored_memory, max_work=self._max_stored_work)
                return legacy
            stored = StoredHash.parse(hashed)
            stored.check_bounds(max_memory=self._max_stored_memory, max_work=self._max_stored_work)
        except UnusableHashError as reason:
            _LOG.warning("a stored password hash matches nothing: it %s", reason)
            return None
        return stored

    def _is_outdated(self, stored: StoredHash | LegacyHash) -> bool:
        if isinstance(stored, LegacyHash):
            return True
        # As check_needs_rehash of argon2-cffi: a more expensive hash is outdated as well as a cheaper one.
        return (stored.variant, stored.version, stored.cost, len(stored.salt), len(stored.tag)) != (
            VARIANT,
            VERSION,
            self._cost,
            _SALT_BYTES,
            _TAG_BYTES,
        )


def _integer(name: str, value: object, minimum: int, maximum: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise ConfigurationError(f"{name} must be an integer from {minimum} to {maximum}; got {shown(value)}")
    return value


def _seconds(name: str, value: object, maximum: float) -> float:
    # Not `value <= 0`: every comparison with NaN is false.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= maximum:
        raise ConfigurationError(f"{name} must be seconds above 0 and at most {maximum}; got {shown(value)}")
    return value


def _check_memory(cost: Cost, minimum: MinimumParameters) -> None:
    required = minimum.single_pass_memory if cost.passes == 1 else minimum.memory_cost
    required = max(required, MIN_MEMORY_PER_LANE * cost.lanes)
    if cost.memory < required:
        detail = (
            f"memory_cost must be at least {required} KiB with time_cost={cost.passes} and parallelism={cost.lanes} "
            f"(OWASP; RFC 9106 §3.1); got {cost.memory} KiB; write memory_cost={_MEMORY}"
        )
        raise ConfigurationError(detail)
