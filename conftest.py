"""What holds for every run of pytest here: no test is excused, and the documents' code blocks are tests."""

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
    """Say which tests were excused."""
    for excused in _excused(terminalreporter):
        terminalreporter.write_line(f"no test may be excused: {excused}", red=True)
