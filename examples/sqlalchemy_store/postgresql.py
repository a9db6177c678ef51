"""Runs the installed PostgreSQL for a test, with its data in a temporary folder."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from sqlalchemy import URL, create_engine
from sqlalchemy.exc import OperationalError

PATIENCE = 20  # seconds


def find_programs() -> Path | None:
    """Return the folder of ``initdb`` and ``postgres``; None if one of them or the driver is missing."""
    if sys.platform == "win32" or find_spec("psycopg") is None:
        return None
    on_path = shutil.which("initdb")
    # Debian installs them outside of PATH, in a folder for each version.
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if on_path is not None:
        folders.insert(0, Path(on_path).resolve().parent)
    return next(
        (folder for folder in folders if all((folder / name).is_file() for name in ("initdb", "postgres"))), None
    )


@contextmanager
def running(programs: Path) -> Generator[URL, None, None]:
    """Yield the URL of a new server; remove the server and its data afterwards."""
    # Not in the test's own folder: the server may run as another user, and the path of its socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="praetorian-", dir="/tmp"))
    try:
        with (folder / "log").open("wb") as log, _serving(programs, folder, log.fileno()) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@contextmanager
def _serving(programs: Path, folder: Path, log: int) -> Generator[URL, None, None]:
    user, group = _server_user()
    if user is not None and group is not None:
        os.chown(folder, user, group)

    def start(program: str, *options: str) -> subprocess.Popen[bytes]:
        command = [str(programs / program), "-D", str(folder / "data"), *options]
        groups = None if user is None else list[int]()
        return subprocess.Popen(  # noqa: S603
            command, cwd=folder, stdout=log, stderr=log, user=user, group=group, extra_groups=groups
        )

    made = start("initdb", "--username=test", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
    assert made.wait(PATIENCE) == 0, (folder / "log").read_text()
    # On a Unix socket only, and without waiting for the disk: nothing here must survive.
    server = start("postgres", "-k", str(folder), "-h", "", "-F")
    try:
        url = URL.create("postgresql+psycopg", username="test", database="postgres", query={"host": str(folder)})
        _wait_until_it_answers(url, server, folder / "log")
        yield url
    finally:
        # SIGINT closes open connections too.
        server.send_signal(signal.SIGINT)
        server.wait(PATIENCE)


def _server_user() -> tuple[int, int] | tuple[None, None]:
    """Return the user and group of the server, which refuses to run as root; None for those of the test."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return None, None
    import pwd

    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres", known["nobody"])
    return entry.pw_uid, entry.pw_gid


def _wait_until_it_answers(url: URL, server: subprocess.Popen[bytes], log: Path) -> None:
    engine = create_engine(url)
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            engine.connect().close()
        except OperationalError:
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < give_up, "the server did not answer"
            time.sleep(0.02)
        else:
            engine.dispose()
            return
