"""The ``praetorian`` command and the subcommands of installed packages."""

import sys

import pytest

from praetorian_core.cli import main

PLUGIN = """
import click

@click.command
def greet():
    click.echo("hail")

number = 7
"""


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command; a package with these entry points is installed."""
    (tmp_path / "plugin_of_a_test.py").write_text(PLUGIN)
    metadata = tmp_path / "plugin_of_a_test-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-of-a-test\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(tmp_path)

    def call(*arguments, entry="greet = plugin_of_a_test:greet"):
        (metadata / "entry_points.txt").write_text(f"[praetorian.commands]\n{entry}\n")
        monkeypatch.setattr(sys, "argv", ["praetorian", *arguments])
        with pytest.raises(SystemExit) as done:
            main()
        streams = capsys.readouterr()
        return done.value.code, streams.out + streams.err

    return call


class TestMain:
    def test_lists_the_subcommands(self, run):
        """The help names the subcommands of all installed packages."""
        status, output = run("--help")

        assert 0 == status
        assert "greet" in output

    def test_runs_a_subcommand(self, run):
        """A subcommand runs the command of its entry point."""
        assert (0, "hail\n") == run("greet")

    @pytest.mark.parametrize(
        ("entry", "text"),
        [
            ("greet = plugin_of_a_test:number", "the entry point 'greet' is no click command"),
            ("greet = no_such_module_anywhere:command", "No module named 'no_such_module_anywhere'"),
            ("other = plugin_of_a_test:greet", "No such command 'greet'"),
        ],
        ids=["number", "missing", "other"],
    )
    def test_rejects(self, run, entry, text):
        """An entry point without a command, a failing import and an unknown name end with the reason."""
        status, output = run("greet", entry=entry)

        assert status != 0
        assert text in output

    def test_needs_click(self, monkeypatch):
        """Without click the command names the extra to install."""
        monkeypatch.setitem(sys.modules, "click", None)
        with pytest.raises(SystemExit, match=r'pip install "praetorian-core\[cli\]"'):
            main()
