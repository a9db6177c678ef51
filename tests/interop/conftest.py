"""Starts the peer, and builds the guards that exchange tokens with it."""

import json
import os
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from praetorian_core import FLASK_PRAETORIAN, Guard, KeyRing, Settings, generate_secret
from praetorian_core.clock import system_clock
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers

SECRET = generate_secret()
UUID_IDENTITY = "6f1ed002-ab5d-4b3f-9a5c-0a4ef0e1f2d3"

USERS = [
    {"username": "alice", "identity": 1, "rolenames": ["admin", "editor"]},
    {"username": "bob", "identity": 2, "rolenames": ["operator"]},
    {"username": "carol", "identity": "user-carol", "rolenames": []},
    {"username": "dora", "identity": UUID_IDENTITY, "rolenames": ["reader"], "text_of": "uuid"},
    # Registered, but not confirmed yet.
    {"username": "emil", "identity": -5, "rolenames": [], "valid": False},
]


class Clock(FrozenClock):
    """A clock that stands still at the real time: the peer has no other time."""

    def __init__(self):
        super().__init__(system_clock())

    def catch_up(self):
        """Go to the real time, so that nothing the peer has issued lies in the future."""
        self.now = system_clock()


class PeerRefusal(Exception):
    """flask-praetorian refused; the message is the name of its error's class."""


class Peer:
    """The other process, seen from here: ``peer.encode(username="alice")`` asks it to encode."""

    def __init__(self, process, complaints):
        self._process = process
        self._complaints = complaints

    def __getattr__(self, call):
        if call.startswith("_"):
            raise AttributeError(call)
        return lambda **args: self._ask(call, args)

    def _ask(self, call, args):
        try:
            self._process.stdin.write(json.dumps({"call": call, "args": args}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            pytest.fail(f"the peer died at {call!r}:\n{self._complaints.read_text(encoding='utf-8')}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerRefusal(answer["error"])
        return answer["value"]

    def refusal_of(self, call, **args):
        """Return the name of the error with which flask-praetorian refuses; fail if it does not."""
        with pytest.raises(PeerRefusal) as caught:
            self._ask(call, args)
        return str(caught.value)


@pytest.fixture(scope="session")
def peer_process(tmp_path_factory):
    """Start the other interpreter; -I keeps our PYTHONPATH out of it."""
    complaints = tmp_path_factory.mktemp("peer") / "stderr"
    command = [os.environ["PRAETORIAN_PEER_PYTHON"], "-I", str(Path(__file__).with_name("peer.py"))]
    with (
        complaints.open("w", encoding="utf-8") as stderr,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, encoding="utf-8"
        ) as process,
    ):
        yield Peer(process, complaints)
        process.stdin.close()
        assert process.wait(timeout=10) == 0


@pytest.fixture
def peer(peer_process):
    """Return the peer, started again for each test."""
    peer_process.start(secret=SECRET, users=USERS)
    return peer_process


@pytest.fixture
def clock():
    """Return a clock that stands at the real time."""
    return Clock()


@pytest.fixture
def users():
    """Return the users of our side, the same as the peer's."""
    return MemoryUsers(
        MemoryUser(
            username=facts["username"],
            identity=facts["identity"],
            password="a stored hash",
            rolenames=list(facts["rolenames"]),
            valid=facts.get("valid", True),
        )
        for facts in USERS
    )


@pytest.fixture
def make_guard(users, clock):
    """Return a function that builds a guard; by default with flask-praetorian's layout."""

    def make(*, secret=SECRET, ring=None, store=None, **options):
        settings = Settings(keys=ring or KeyRing.from_secret(secret), **{"layout": FLASK_PRAETORIAN, **options})
        return Guard(users, settings, store=store, clock=clock, passwords=None, throttle=None)

    return make


@pytest.fixture
def guard(make_guard):
    """Return a guard that issues and reads flask-praetorian's layout."""
    return make_guard()


@pytest.fixture
def dora_by_uuid(users):
    """Give dora a UUID on our side too."""
    dora = users.lookup("dora")
    dora.identity = UUID(UUID_IDENTITY)
    return dora
