"""The ``praetorian`` command. Its subcommands come from installed packages, through the entry points below.

A package adds a subcommand with an entry point of the group ``praetorian.commands`` that names a ``click.Command``.
"""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points

COMMANDS = "praetorian.commands"


def main() -> None:
    """Run the command."""
    try:
        import click
    except ImportError:
        sys.exit('the praetorian command needs click; write: pip install "praetorian-core[cli]"')

    class Group(click.Group):
        """Lists installed subcommands and imports one when it is used."""

        def list_commands(self, ctx: click.Context) -> list[str]:
            return sorted(entry.name for entry in entry_points(group=COMMANDS))

        def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
            found = [entry for entry in entry_points(group=COMMANDS) if entry.name == cmd_name]
            return _load(found[0]) if found else None

    def _load(entry: EntryPoint) -> click.Command:
        try:
            command: object = entry.load()
        except ImportError as error:
            # The text names the extra to install.
            raise click.ClickException(str(error)) from error
        if not isinstance(command, click.Command):
            raise click.ClickException(f"the entry point {entry.name!r} is no click command")
        return command

    Group("praetorian", help="Tools for applications that use Praetorian.", no_args_is_help=True)()
