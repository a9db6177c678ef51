"""How many hashes the CPUs and the memory of a process allow."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from praetorian_core.login.capacity import concurrent_hashes, usable_cpus
from praetorian_core.testing import cheapest_hasher

MEMORY = 65_536
MIB = 1 << 20
UNLIMITED_V1 = str(9_223_372_036_854_771_712)


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Return a function that writes files below a root, on a machine with 16 CPUs."""
    monkeypatch.setattr("praetorian_core.login.capacity.usable_cpus", lambda: 16)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return lambda files: write(**files)


V2 = {"proc/self/cgroup": "0::/a/b\n"}
V1 = {"proc/self/cgroup": "4:memory:/a\n3:cpu,cpuacct:/a\n2:name=systemd:/\n"}


class TestControlGroups:
    @pytest.mark.parametrize(
        ("files", "expected"),
        [
            pytest.param({}, 16, id="no proc"),
            pytest.param({"proc/self/cgroup": ""}, 16, id="no groups"),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/cpu.max": "max 100000\n"}, 16, id="v2 unlimited"),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/cpu.max": "200000 100000\n"}, 2, id="v2 two CPUs"),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/cpu.max": "250000 100000\n"}, 2, id="v2 two and a half"),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/cpu.max": "50000 100000\n"}, 1, id="v2 half a CPU"),
            pytest.param(V2 | {"sys/fs/cgroup/a/cpu.max": "300000 100000\n"}, 3, id="v2 limit of the parent"),
            pytest.param(V2 | {"sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3, id="v2 container's own root"),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/memory.max": "max\n"}, 16, id="v2 memory unlimited"),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/memory.max": f"{512 * MIB}\n"}, 4, id="v2 512 MiB"),
            pytest.param(V2 | {"sys/fs/cgroup/a/memory.max": f"{511 * MIB}\n"}, 3, id="v2 511 MiB in the parent"),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/memory.max": f"{100 * MIB}\n"}, 1, id="v2 less than two hashes"),
            pytest.param(
                V2 | {"sys/fs/cgroup/a/b/memory.max": f"{512 * MIB}\n", "sys/fs/cgroup/a/b/cpu.max": "200000 100000"},
                2,
                id="v2 both",
            ),
            pytest.param(V2 | {"sys/fs/cgroup/unified/a/b/cpu.max": "200000 100000\n"}, 2, id="v2 beside v1"),
            pytest.param(
                V1 | {"sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": "-1", "sys/fs/cgroup/cpu/a/cpu.cfs_period_us": "100000"},
                16,
                id="v1 unlimited",
            ),
            pytest.param(
                V1
                | {
                    "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us": "200000",
                    "sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us": "100000",
                },
                2,
                id="v1 two CPUs",
            ),
            pytest.param(
                V1
                | {
                    "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "200000\n",
                    "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
                },
                2,
                id="v1 container's own root",
            ),
            pytest.param(
                V1 | {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": UNLIMITED_V1}, 16, id="v1 memory unlimited"
            ),
            pytest.param(V1 | {"sys/fs/cgroup/memory/a/memory.limit_in_bytes": f"{256 * MIB}"}, 2, id="v1 256 MiB"),
            pytest.param(
                {"proc/self/cgroup": "0::/../../a\n", "sys/fs/cgroup/a/cpu.max": "200000 100000"}, 2, id="path above"
            ),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/cpu.max": "rubbish"}, 16, id="rubbish"),
            pytest.param(V2 | {"sys/fs/cgroup/a/b/cpu.max": "200000 0"}, 16, id="no period"),
        ],
    )
    def test_limits(self, system, files, expected):
        """The lowest limit of the process's groups and their parents counts: CPUs, and half of the memory."""
        assert expected == concurrent_hashes(MEMORY, system(files))

    def test_cheaper_hash(self, system):
        """More hashes of less memory fit."""
        root = system(V2 | {"sys/fs/cgroup/a/b/memory.max": f"{512 * MIB}\n"})

        assert (4, 13, 16) == tuple(concurrent_hashes(memory, root) for memory in (65_536, 19_456, 8))

    def test_this_system(self):
        """On this system there is at least one."""
        assert 1 <= concurrent_hashes(MEMORY) <= usable_cpus()


class TestUsableCPUs:
    def test_affinity(self):
        """A process that is bound to one CPU has one, on a machine with any number."""
        program = (
            "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
            "from praetorian_core import PasswordHasher; print(PasswordHasher().max_concurrent)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

        assert "1\n" == done.stdout

    @pytest.mark.parametrize(("count", "expected"), [(3, 3), (None, 1)])
    def test_process_cpu_count(self, monkeypatch, count, expected):
        """Python 3.13 counts the CPUs of the process itself."""
        monkeypatch.setattr(os, "process_cpu_count", lambda: count, raising=False)

        assert expected == usable_cpus()

    @pytest.mark.parametrize(("count", "expected"), [(3, 3), (None, 1)])
    def test_no_affinity(self, monkeypatch, count, expected):
        """A system without affinity masks has its number of cores, or one if it is unknown."""
        monkeypatch.delattr(os, "process_cpu_count", raising=False)
        monkeypatch.delattr(os, "sched_getaffinity")
        monkeypatch.setattr(os, "cpu_count", lambda: count)

        assert expected == usable_cpus()

    def test_affinity_without_process_cpu_count(self, monkeypatch):
        """Before Python 3.13 the affinity mask is read."""
        monkeypatch.delattr(os, "process_cpu_count", raising=False)
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 9})

        assert 3 == usable_cpus()


class TestMaxConcurrent:
    def test_is_shown(self):
        """A hasher shows the most hashes that it computes at once, for metrics."""
        assert 3 == cheapest_hasher(max_concurrent=3).max_concurrent
