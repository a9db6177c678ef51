"""What holds for every run of pytest here: no test is excused, and the documents' code blocks are tests.

A test that uses the fixture ``valkey``, or one made of it, gets a real server. Such tests are counted in the summary; on
a machine without a server they are not collected.
"""

from __future__ import annotations

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser()],
    patterns=["*.md"],
    # A document's code is what somebody would paste into a file and run: Flask(__name__) asks for the name.
    setup=lambda namespace: namespace.update(__name__="__main__"),
).pytest()


@pytest.fixture(scope="session")
def valkey(tmp_path_factory):
    """Return a Valkey that all tests share: each uses keys of its own."""
    # Here, so that this file stands alone where no test needs it.
    from tests.valkey import Valkey

    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()


_NEEDS_VALKEY = ("valkey", "a real server")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs Valkey, and drop it where there is none."""
    needing = [item for item in items if "valkey" in getattr(item, "fixturenames", ())]
    if needing:
        from tests.valkey import find_server

        if find_server() is None:
            config.hook.pytest_deselected(items=needing)
            items[:] = [item for item in items if item not in needing]
    for item in needing:
        item.user_properties.append(_NEEDS_VALKEY)


def _excused(reporter: pytest.TerminalReporter) -> list[str]:
    """Name every test that was skipped or was expected to fail."""
    return [
        f"{outcome}: {report.nodeid}"
        for outcome in ("skipped", "xfailed", "xpassed")
        for report in reporter.stats.get(outcome, ())
    ]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the session when a test was excused: a test runs, or it is not collected at all."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _excused(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests had a real Valkey, and which tests were excused."""
    passed = terminalreporter.stats.get("passed", ())
    on_valkey = sum(_NEEDS_VALKEY in report.user_properties for report in passed)
    terminalreporter.write_line(f"tests on a real Valkey: {on_valkey} passed")
    for excused in _excused(terminalreporter):
        terminalreporter.write_line(f"no test may be excused: {excused}", red=True)
