"""The CPUs and the memory that this process may use.

The number of cores of the machine is not the number of cores of the process: an affinity mask or a container may allow
fewer. A hash that runs beside more hashes than there are CPUs finishes no earlier and still takes its memory.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

_UNLIMITED = 1 << 60  # cgroup v1 reports "no limit" as a number near 2**63.


def concurrent_hashes(memory_cost: int, root: Path = Path("/")) -> int:
    """Return how many hashes can run at once: one per usable CPU, in at most half of the allowed memory.

    The other half of a memory limit is left to the application.

    Args:
        memory_cost: Memory of one hash, in KiB.
        root: The root of the file system.
    """
    limit = usable_cpus()
    for group, version in _groups(root):
        cpus, memory = _cpu_quota(group, version), _memory_limit(group, version)
        if cpus is not None:
            limit = min(limit, cpus)
        if memory is not None:
            limit = min(limit, memory // 2 // (memory_cost * 1024))
    return max(limit, 1)


def usable_cpus() -> int:
    """Return the number of CPUs that the affinity mask of this process allows."""
    count: Callable[[], int | None] | None = getattr(os, "process_cpu_count", None)  # Python 3.13
    if count is not None:
        return count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(root: Path) -> Iterator[tuple[Path, int]]:
    """Yield the control groups of this process with their version, each followed by its parents.

    A limit of a parent applies to its children. In a container, the path may name directories of the host; the
    directories that do not exist are passed over.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        mount = root / "sys/fs/cgroup"
        if not controllers:
            # Beside v1, the v2 hierarchy is mounted in a directory of its own.
            mounts = [mount, mount / "unified"]
        else:
            mounts = [mount / controllers, *(mount / name for name in controllers.split(","))]
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for directory in mounts:
            for depth in range(len(parts), -1, -1):
                yield directory.joinpath(*parts[:depth]), 1 if controllers else 2


def _cpu_quota(group: Path, version: int) -> int | None:
    if version == 2:
        quota, _, period = _read(group / "cpu.max").partition(" ")
    else:
        quota, period = _read(group / "cpu.cfs_quota_us"), _read(group / "cpu.cfs_period_us")
    used, whole = _number(quota), _number(period)
    return used // whole if used and whole else None


def _memory_limit(group: Path, version: int) -> int | None:
    limit = _number(_read(group / ("memory.max" if version == 2 else "memory.limit_in_bytes")))
    return limit if limit is not None and limit < _UNLIMITED else None


def _number(text: str) -> int | None:
    """Return a non-negative number; None for "max", -1 and an absent file."""
    text = text.strip()
    return int(text) if text.isdecimal() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
