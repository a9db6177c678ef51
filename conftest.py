"""Rules for every pytest run: no skipped test, stable test ids, the code blocks of the documents are tests.

A test that uses the fixture ``valkey`` gets a real server. The summary counts these tests; on a machine without a server
they are not collected. Under pytest-xdist each worker starts its own server, and a file is the unit that a worker takes.
"""

from __future__ import annotations

import os
import re

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["*.md"],
    # Flask(__name__) needs the name that a script has.
    setup=lambda namespace: namespace.update(__name__="__main__"),
).pytest()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory):
    """Return a Valkey that all tests of this process share; each test uses its own keys."""
    # Imported here: test_project.py copies this file into a project that has no tests.valkey.
    from tests.valkey import Valkey

    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


_NEEDS_VALKEY = ("valkey", "a real server")

# These tests load every core by themselves, so one worker runs them one after the other. They are long, so they start first.
_HEAVY = ("tests/processes/", "tests/properties/test_races.py", "tests/core/stores/", "examples/many_machines/")
# The demo waits for real deadlines, so it starts early and others run meanwhile.
_FIRST = (*_HEAVY, "tests/test_demo.py")
# These tests share nothing and are many, so each may run on any worker.
_SINGLE = ("tests/contract/test_contract.py",)

# A memory address, or a set with several members: other texts in each process.
_UNSTABLE = re.compile(r"\bat 0x[0-9a-f]+|\{'[^':]*'(?:, '[^':]*')+\}")


def _group(nodeid: str) -> str:
    """Return the name of the group of tests that one worker runs: a file, whose tests share module fixtures."""
    if nodeid.startswith(_HEAVY):
        return "heavy"
    return nodeid if nodeid.startswith(_SINGLE) else nodeid.partition("::")[0]


def pytest_configure(config: pytest.Config) -> None:
    """Trace a worker of pytest-xdist for coverage, but not the processes that its tests start."""
    if hasattr(config, "workerinput"):
        os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Let pytest-xdist distribute groups, in the order of the collection.

    Not ``--dist loadgroup``: pytest-xdist 3.8 on pytest 9.2 ignores its marks without a warning.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Groups(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _group(nodeid)

    config.option.loadscopereorder = False
    return Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Check the ids, put the long tests first, and drop the tests that need a missing Valkey."""
    if unstable := [item.nodeid for item in items if _UNSTABLE.search(item.nodeid)]:
        raise pytest.UsageError("test ids must not hold memory addresses or sets; got:", *unstable)
    items.sort(key=lambda item: not item.nodeid.startswith(_FIRST))
    needing = [item for item in items if "valkey" in getattr(item, "fixturenames", ())]
    if needing:
        from tests.valkey import find_server

        if find_server() is None:
            config.hook.pytest_deselected(items=needing)
            items[:] = [item for item in items if item not in needing]
    for item in needing:
        item.user_properties.append(_NEEDS_VALKEY)


def _excused(reporter: pytest.TerminalReporter) -> list[str]:
    """Return a line for each test that was skipped or was expected to fail."""
    return [
        f"{outcome}: {report.nodeid}"
        for outcome in ("skipped", "xfailed", "xpassed")
        for report in reporter.stats.get(outcome, ())
    ]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session if a test was excused. Under pytest-xdist the controller alone has a reporter."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _excused(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the number of tests on a real Valkey, and the excused tests."""
    passed = terminalreporter.stats.get("passed", ())
    on_valkey = sum(_NEEDS_VALKEY in report.user_properties for report in passed)
    terminalreporter.write_line(f"tests on a real Valkey: {on_valkey} passed")
    for excused in _excused(terminalreporter):
        terminalreporter.write_line(f"no test may be excused: {excused}", red=True)
