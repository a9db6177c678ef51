"""Conformance suite for implementations of ``protocols.Store`` and ``protocols.AsyncStore``.

Run every case against a store. ``check`` returns the differences in words; an empty list is a pass::

    @pytest.mark.parametrize("case", CASES, ids=str)
    def test_store(case):
        assert check(lambda: MyStore(database), case) == []

A case calls ``connect`` for each handle that it needs. ``connect`` may return a new handle each time, as each process of
an application has its own, or the same object if there is only one. The coroutines of an ``AsyncStore`` run on one event
loop in a thread of their own; the suite awaits ``aclose``, if there is one, before that loop ends.

Each case uses new keys, so the store need not be emptied. The suite does not depend on pytest.
"""

from __future__ import annotations

import secrets

from praetorian_core.testing.store_suite import concurrency, counting, reading, writing
from praetorian_core.testing.store_suite.blocking import Connect, blocking
from praetorian_core.testing.store_suite.fixture import Case, Fixture, MismatchError

__all__ = ["CASES", "Case", "Connect", "Fixture", "MismatchError", "check"]

CASES: tuple[Case, ...] = (*reading.CASES, *writing.CASES, *counting.CASES, *concurrency.CASES)
"""Every requirement, each with its name."""


def check(connect: Connect, case: Case) -> list[str]:
    """Run a case against a store.

    Args:
        connect: Returns a handle on the store.
        case: One of ``CASES``.

    Returns:
        The differences in words; empty if the store meets the requirement.
    """
    tag = secrets.token_hex(16)

    def key() -> str:
        return f"{{{tag}}}:s:{secrets.token_urlsafe(16)}"

    try:
        with blocking(connect) as connect_blocking:
            case.run(Fixture(connect=connect_blocking, key=key))
    except MismatchError as mismatch:
        return [str(mismatch)]
    except Exception as error:  # noqa: BLE001  (any exception of the store is a result of the check)
        return [f"the store raised {type(error).__name__}: {error}"]
    return []
