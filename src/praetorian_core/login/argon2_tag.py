"""Compute Argon2 tags, each in one thread.

``hash_secret_raw`` of argon2-cffi starts a thread per lane, so a hash with one lane would take longer than a hash of the
same work with four, and the time of a failed login would reveal which parameters an account's hash has. The number of
threads does not change the tag (RFC 9106 §3.2), so it is always one: the same work takes the same time, and as many
hashes as there are CPUs keep each of them busy.

A C function does not yield to other greenlets. Under gevent, the computation runs in a thread of the hub's pool.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import ParamSpec, Protocol, TypeAlias, TypeVar, cast

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.login.stored_hash import Cost

P = ParamSpec("P")
T = TypeVar("T")

_OK, _DEFAULT_FLAGS = 0, 0  # argon2.h


class _FFI(Protocol):
    """What is used of cffi's interface."""

    NULL: object

    def new(self, kind: str, initial: object, /) -> object: ...

    def buffer(self, data: object, /) -> bytes: ...


ComputeTag: TypeAlias = Callable[[bytes, bytes, Cost, str, int, int], bytes]
"""Takes a secret, a salt, the cost, the variant, the version and the length of the tag in bytes."""


def load_argon2() -> ComputeTag:
    """Import argon2 and return the function that computes tags.

    The function raises ServiceUnavailableError if Argon2 fails.
    """
    from argon2 import low_level

    # argon2-cffi does not type its bindings.
    ffi = cast("_FFI", low_level.ffi)  # pyright: ignore[reportUnknownMemberType]
    core = cast("Callable[[object, int], int]", low_level.core)
    types = {kind.name.lower(): cast("int", kind.value) for kind in low_level.Type}  # pyright: ignore[reportUnknownMemberType]

    def compute(secret: bytes, salt: bytes, cost: Cost, variant: str, version: int, length: int) -> bytes:
        try:
            # These names keep the buffers alive while C uses them.
            tag = ffi.new("uint8_t[]", length)
            password, nonce = ffi.new("uint8_t[]", secret), ffi.new("uint8_t[]", salt)
            context = ffi.new(
                "argon2_context *",
                {
                    "version": version,
                    "out": tag,
                    "outlen": length,
                    "pwd": password,
                    "pwdlen": len(secret),
                    "salt": nonce,
                    "saltlen": len(salt),
                    "secret": ffi.NULL,
                    "secretlen": 0,
                    "ad": ffi.NULL,
                    "adlen": 0,
                    "t_cost": cost.passes,
                    "m_cost": cost.memory,
                    "lanes": cost.lanes,
                    "threads": 1,
                    "allocate_cbk": ffi.NULL,
                    "free_cbk": ffi.NULL,
                    "flags": _DEFAULT_FLAGS,
                },
            )
            code = core(context, types[variant])
        except MemoryError as error:
            raise _failed(cost, "out of memory") from error
        if code != _OK:
            # For lack of memory, so it is unknown whether the password matches.
            raise _failed(cost, low_level.error_to_str(code))
        return bytes(ffi.buffer(tag))

    def compute_beside_greenlets(
        secret: bytes, salt: bytes, cost: Cost, variant: str, version: int, length: int
    ) -> bytes:
        return call_beside_greenlets(compute, secret, salt, cost, variant, version, length)

    return compute_beside_greenlets


def _failed(cost: Cost, reason: str) -> ServiceUnavailableError:
    return ServiceUnavailableError(f"argon2 failed with {cost.memory} KiB of memory and {cost.lanes} lanes: {reason}")


def call_beside_greenlets(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that blocks; under gevent in a thread of its own, so that other greenlets run."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is None or not monkey.is_module_patched("threading"):
        return function(*args, **kwargs)
    work = sys.modules["gevent"].get_hub().threadpool.spawn(function, *args, **kwargs)
    try:
        result: T = work.get()
    except BaseException:
        # The greenlet was killed or timed out. Its slot must be held until the thread is done.
        work.wait()
        raise
    return result
