"""Encode, parse and bound Argon2 hashes in the form that the reference implementation prints.

The form is ``$argon2id$v=19$m=65536,t=3,p=4$salt$tag``. ``verify`` of argon2-cffi runs with any parameters that a stored
hash names, so a poisoned database could request gigabytes. Here they are parsed and bounded before anything is computed.
"""

from __future__ import annotations

import binascii
import re

import attrs

VARIANT, VERSION = "id", 19
# Hashes were not marked with a version before 1.3 of the format.
_VERSION_WITHOUT_NAME = 16

# No hasher and no stored hash may exceed these; hashes in use stay far below.
MAX_PASSES = 64
MAX_LANES = 64
# Argon2 needs "an integer number of kibibytes from 8*p" (RFC 9106 §3.1).
MIN_MEMORY_PER_LANE = 8

# Every group is bounded and ends at a character that it cannot contain, so matching is linear. The longest match has
# 427 characters; a hash of the default parameters has 97.
_ENCODED = re.compile(
    r"\$argon2(id|i|d)(?:\$v=(16|19))?"
    r"\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,3}),p=([1-9][0-9]{0,3})"
    r"\$([A-Za-z0-9+/]{11,128})\$([A-Za-z0-9+/]{22,256})",
    re.ASCII,
)


class UnusableHashError(Exception):
    """A stored hash can match no password; the text continues "it ..."."""


@attrs.frozen(kw_only=True)
class Cost:
    """Cost of one Argon2 computation.

    Attributes:
        passes: Passes over the memory.
        memory: Memory in KiB.
        lanes: Lanes.
    """

    passes: int
    memory: int
    lanes: int

    @property
    def work(self) -> int:
        """Passes times memory, in KiB: what one computation takes."""
        return self.passes * self.memory


@attrs.frozen(kw_only=True)
class StoredHash:
    """An encoded hash in its parts.

    Attributes:
        variant: ``id``, ``i`` or ``d``.
        version: 19 or 16.
        cost: The parameters.
        salt: The salt.
        tag: The tag to compare with.
    """

    variant: str
    version: int
    cost: Cost
    salt: bytes = attrs.field(repr=False)
    tag: bytes = attrs.field(repr=False)

    @property
    def work(self) -> int:
        """What one check takes, in KiB times passes."""
        return self.cost.work

    @classmethod
    def parse(cls, hashed: object) -> StoredHash:
        """Return the parts of an encoded hash.

        Raises:
            UnusableHashError: It is not an encoded Argon2 hash.
        """
        if not isinstance(hashed, str):
            raise UnusableHashError(f"is of type {type(hashed).__name__}, expected str")
        parts = _ENCODED.fullmatch(hashed)
        if parts is None:
            raise UnusableHashError(
                "is not of the form $argon2id$v=19$m=…,t=…,p=…$salt$tag; store the result of hash_password(password)"
            )
        return cls(
            variant=parts[1],
            version=int(parts[2] or _VERSION_WITHOUT_NAME),
            cost=Cost(memory=int(parts[3]), passes=int(parts[4]), lanes=int(parts[5])),
            salt=_from_base64(parts[6]),
            tag=_from_base64(parts[7]),
        )

    def check_bounds(self, *, max_memory: int, max_work: int) -> None:
        """Raise if the hash requests more than a hasher allows.

        Args:
            max_memory: The most memory, in KiB.
            max_work: The most passes times memory, in KiB.

        Raises:
            UnusableHashError: A parameter is out of bounds.
        """
        cost = self.cost
        if (
            cost.passes > MAX_PASSES
            or cost.lanes > MAX_LANES
            or not MIN_MEMORY_PER_LANE * cost.lanes <= cost.memory <= max_memory
            or cost.work > max_work
        ):
            detail = (
                f"asks for m={cost.memory}, t={cost.passes}, p={cost.lanes}, expected t <= {MAX_PASSES}, "
                f"p <= {MAX_LANES}, m from {MIN_MEMORY_PER_LANE}*p to {max_memory}, m*t <= {max_work}"
            )
            raise UnusableHashError(detail)

    def encode(self) -> str:
        """Return the encoded form."""
        return (
            f"$argon2{self.variant}$v={self.version}"
            f"$m={self.cost.memory},t={self.cost.passes},p={self.cost.lanes}"
            f"${_to_base64(self.salt)}${_to_base64(self.tag)}"
        )


def _to_base64(data: bytes) -> str:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").decode("ascii")


def _from_base64(text: str) -> bytes:
    try:
        data = binascii.a2b_base64(text + "=" * (-len(text) % 4))
    except binascii.Error:
        data = b""
    # Without this check, texts that differ in unused trailing bits would decode to the same bytes.
    if _to_base64(data) != text:
        raise UnusableHashError("has a salt or a tag that is not base64")
    return data
