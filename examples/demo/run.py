"""Play the life of a token against real servers: ``nox -s demo``, or ``python examples/demo/run.py``.

With ``--serve`` the script plays nothing and keeps the servers up until Ctrl-C.
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
from story import ACCESS, NAME, PASSWORD, REFRESH, UnexpectedError, life, play

_TOKEN = '''python3 -c "import json, sys; print(json.load(sys.stdin)['access_token'])"'''
_BODY = f'{{"username": "{NAME}", "password": "{PASSWORD}"}}'
_BEARER = '-H "Authorization: Bearer $TOKEN"'
CURL_LINES = (
    "curl -i $URL/protected",
    "TOKEN=$(curl -s $URL/login -H 'Content-Type: application/json' \\",
    f"  -d '{_BODY}' | {_TOKEN})",
    f"curl -i $URL/protected {_BEARER}",
    f"curl -i $URL/admins {_BEARER}",
    f"curl -i $URL/refresh -X POST {_BEARER}",
)

say = partial(print, flush=True)


def main() -> int:
    """Return the exit status: 0 if every answer was as expected."""
    parser = argparse.ArgumentParser(description="Play the life of a token against real servers, one per framework.")
    parser.add_argument("--serve", action="store_true", help="keep the servers up and print curl lines to try")
    parser.add_argument("--against", metavar="URL", nargs="+", help="play against servers that are up already")
    options = parser.parse_args()
    if options.against is not None:
        return tell({f"other {number}": url for number, url in enumerate(options.against, 1)})
    # Four frameworks and SQLAlchemy, which a play against running servers does not need.
    from serving import SERVERS
    from users import Users, database

    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="praetorian-demo-"))
        engine = stack.enter_context(database(Path(folder) / "users.sqlite"))
        keys = KeyRing.from_secret(generate_secret())
        if options.serve:
            logging.basicConfig(format="%(message)s", level=logging.INFO)
            settings = Settings(keys=keys, access_lifespan="1 minute", refresh_lifespan="10 minutes")
        else:
            # The table holds refusals on purpose; the log would repeat each of them.
            logging.getLogger("praetorian").addHandler(logging.NullHandler())
            settings = Settings(keys=keys, access_lifespan=ACCESS, refresh_lifespan=REFRESH)
        for name in ("werkzeug", "uvicorn"):
            logging.getLogger(name).setLevel(logging.ERROR)
        urls = {name: stack.enter_context(server(settings, Users(engine))) for name, server in SERVERS.items()}
        return serve(urls) if options.serve else tell(urls)


def tell(urls: Mapping[str, str]) -> int:
    """Play the table; return 0 if every answer was as expected, else 1."""
    say(f"The life of a token: {ACCESS} s of access, and {REFRESH} s until the user must log in again.")
    say("Real servers, their users in SQLite:" if len(urls) > 1 else "A real server:")
    for name, url in urls.items():
        say(f"  {name:<{max(map(len, urls))}}  {url}")
    say()
    try:
        play(life(NAME, PASSWORD), urls, say)
    except UnexpectedError as error:
        say()
        for finding in error.findings:
            say(f"NOT AS EXPECTED: {finding}")
        return 1
    except KeyboardInterrupt:
        say("\nInterrupted.")
        return 130
    say("\nEverything was as expected. To try it yourself: nox -s demo -- --serve")
    say("An application in the browser:                  nox -s demo -- --browser")
    return 0


def serve(urls: Mapping[str, str]) -> int:
    """Keep the servers up until SIGINT (Ctrl-C) or SIGTERM."""
    stopped = Event()

    def end(*_: object) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    say("\n# The same API four times: a token grants access for 1 minute and can be refreshed for 10.")
    say("# The servers share their keys, so each accepts every token. Take one of these lines:")
    for name, url in urls.items():
        say(f"\n# {name}\nURL={url}")
    say("\n# and then these:\n")
    for line in CURL_LINES:
        say(line)
    say("\nPress Ctrl-C to end. The guards' events follow.\n")
    # Some systems do not interrupt a wait that has no timeout.
    while not stopped.wait(0.5):
        pass
    say("\nThe end.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
