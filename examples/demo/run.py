"""Plays the life of a token against a real server: ``nox -s demo``, or ``python examples/demo/run.py``.

With ``--serve`` nothing is played: the server stays up for you to try, until Ctrl-C.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from praetorian_core import KeyRing, Settings, generate_secret
from serving import SERVERS
from story import ACCESS, REFRESH, UnexpectedError, life, play
from users import NAME, PASSWORD, User, fill

say = partial(print, flush=True)


def main() -> int:
    """Return the exit status: 0 if everything was as expected."""
    parser = argparse.ArgumentParser(description="Play the life of a token against a real server.")
    parser.add_argument("--serve", action="store_true", help="keep the server up and print curl lines to try")
    parser.add_argument("--against", metavar="URL", help="play against a server that is up already")
    options = parser.parse_args()
    if options.against is not None:
        return tell({"other": options.against})
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="praetorian-demo-"))
        fill(Path(folder) / "users.sqlite")
        stack.callback(User.engine.dispose)
        keys = KeyRing.from_secret(generate_secret())
        if options.serve:
            logging.basicConfig(format="%(message)s", level=logging.INFO)
            settings = Settings(keys=keys, access_lifespan="1 minute", refresh_lifespan="10 minutes")
        else:
            # The story refuses and fails on purpose; the log would tell it a second time.
            logging.getLogger("praetorian").addHandler(logging.NullHandler())
            settings = Settings(keys=keys, access_lifespan=ACCESS, refresh_lifespan=REFRESH)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        urls = {name: stack.enter_context(server(settings)) for name, server in SERVERS.items()}
        return serve(urls) if options.serve else tell(urls)


def tell(urls: Mapping[str, str]) -> int:
    """Play the story; return 0 if it went as it must, else 1."""
    say(f"The life of a token: {ACCESS} s of access, and {REFRESH} s until the user must log in again.")
    for name, url in urls.items():
        say(f"A real server: {name} on {url}, its users in SQLite.")
    say()
    try:
        play(life(NAME, PASSWORD), urls, say)
    except (UnexpectedError, OSError) as error:
        say(f"\nNOT AS EXPECTED: {error}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return 130
    say("\nEverything was as expected. To try it yourself: nox -s demo -- --serve")
    return 0


def serve(urls: Mapping[str, str]) -> int:
    """Keep the servers up until Ctrl-C or a request to terminate."""
    over = Event()

    def end(*_: object) -> None:
        over.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    for name, url in urls.items():
        say(f"\n# {name}: a token opens routes for 1 minute and can be refreshed for 10.")
        for line in _curl_lines(url):
            say(line)
    say("\nPress Ctrl-C to end. What the guard reports follows.\n")
    # In pieces, because some systems do not interrupt a wait without an end.
    while not over.wait(0.5):
        pass
    say("\nThe end.")
    return 0


def _curl_lines(url: str) -> list[str]:
    token = '''python3 -c "import json, sys; print(json.load(sys.stdin)['access_token'])"'''
    body = f'{{"username": "{NAME}", "password": "{PASSWORD}"}}'
    bearer = '-H "Authorization: Bearer $TOKEN"'
    return [
        f"curl -i {url}/protected",
        f"TOKEN=$(curl -s {url}/login -H 'Content-Type: application/json' \\",
        f"  -d '{body}' | {token})",
        f"curl -i {url}/protected {bearer}",
        f"curl -i {url}/admins {bearer}",
        f"curl -i {url}/refresh -X POST {bearer}",
    ]


if __name__ == "__main__":
    sys.exit(main())
