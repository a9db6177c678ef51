"""An application of flask-praetorian on the drop-in, with users in memory and the cheapest hasher."""

import attrs
import flask
import pytest

import praetorian_flask.compat as flask_praetorian
from praetorian_core.testing import cheapest_hasher

HASHER = cheapest_hasher()
SECRET = "a secret of flask-praetorian, longer than 32 bytes"


@attrs.define(eq=False)
class User:
    """A user class as applications write it."""

    identity: object
    username: str
    password: str | None
    rolenames: list = attrs.field(factory=list)
    valid: object = True
    email: str = "alice@example.org"

    everyone = {}  # noqa: RUF012  (replaced by each test's fixture)

    def is_valid(self):
        return self.valid

    @classmethod
    def lookup(cls, username):
        return next((user for user in cls.everyone.values() if username in (user.username, user.email)), None)

    @classmethod
    def identify(cls, identity):
        return cls.everyone.get(identity)


@pytest.fixture
def users():
    """Return the users: alice is an admin, bob has no roles, carol is disabled, dave has no password."""
    hashed = HASHER.rehash("pw")
    User.everyone = {
        1: User(1, "alice", hashed, ["admin", "editor"]),
        2: User(2, "bob", hashed, email="bob@example.org"),
        3: User(3, "carol", hashed, valid=False, email="carol@example.org"),
        4: User(4, "dave", None, email="dave@example.org"),
    }
    return User


@pytest.fixture
def make(users):
    """Return a function that sets an application up with some configuration."""

    def build(user_class=users, is_blacklisted=None, encode_hook=None, refresh_hook=None, **config):
        app = flask.Flask(__name__)
        app.config.update({"SECRET_KEY": SECRET, **config})
        guard = flask_praetorian.Praetorian()
        guard.hasher = HASHER
        guard.init_app(app, user_class, is_blacklisted, encode_hook, refresh_hook)
        return app, guard

    return build


@pytest.fixture
def clock(monkeypatch):
    """Return a clock that the drop-in reads: ``clock.tick(seconds)`` moves it."""
    import praetorian_flask.compat._guard_tokens as tokens

    @attrs.define
    class Clock:
        now: int = 1_800_000_000

        def tick(self, seconds):
            self.now += seconds

    frozen = Clock()
    monkeypatch.setattr(tokens, "_now", lambda: frozen.now)
    return frozen
