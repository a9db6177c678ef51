"""A renewed hash is stored without a callback, and without a wait for the application's own transaction."""

import logging
import threading

import flask
import flask_sqlalchemy
import pytest
import sqlalchemy
from passlib.hash import sha256_crypt

import praetorian_flask.compat as flask_praetorian
from praetorian_core.testing import cheapest_hasher

OLD = sha256_crypt.using(rounds=1000).hash("pw")
ARGON2 = "$argon2id$"


@pytest.fixture
def shop(tmp_path):
    """Return a function that sets up an application with one user, alice, whose hash is old."""
    engines = []

    def build(length=255, **engine_options):
        db = flask_sqlalchemy.SQLAlchemy()

        class User(db.Model):
            id = db.Column(db.Integer, primary_key=True)
            username = db.Column(db.String(50), unique=True)
            password = db.Column(db.String(length))
            logins = db.Column(db.Integer, default=0)
            rolenames = ()

            @property
            def identity(self):
                return self.id

            @classmethod
            def lookup(cls, username):
                return db.session.execute(sqlalchemy.select(cls).filter_by(username=username)).scalar_one_or_none()

            @classmethod
            def identify(cls, identity):
                return db.session.get(cls, identity)

        app = flask.Flask(__name__)
        app.config["SECRET_KEY"] = "a secret of flask-praetorian, longer than 32 bytes"
        app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path}/shop.db"
        # A wait for a lock would fail at once, not after SQLite's five seconds.
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"timeout": 0}, **engine_options}
        db.init_app(app)
        guard = flask_praetorian.Praetorian()
        guard.hasher = cheapest_hasher()
        guard.init_app(app, User)
        with app.app_context():
            engines.append(db.engine)
            db.create_all()
            db.session.add(User(id=1, username="alice", password=OLD))
            db.session.commit()
        return app, guard, db, User

    yield build
    for engine in engines:
        engine.dispose()


def stored(app, db):
    """Return the hash and the number of logins in the database, past every session."""
    with app.app_context(), db.engine.connect() as connection:
        return tuple(connection.execute(sqlalchemy.text("SELECT password, logins FROM user")).one())


class TestSaving:
    """What the application does with its session around ``authenticate``."""

    def test_untouched_session(self, shop):
        """A login that has written nothing stores the new hash at once, and the transaction goes on."""
        app, guard, db, _ = shop()
        with app.app_context():
            user = guard.authenticate("alice", "pw")

            assert user.password.startswith(ARGON2)
            assert stored(app, db) == (user.password, 0)

    @pytest.mark.parametrize("way", ["flush", "pending", "statement"])
    @pytest.mark.parametrize("ending", ["commit", "rollback"])
    def test_session_that_has_written(self, shop, way, ending):
        """A row that the transaction has locked is renewed when it ends, committed or not; nothing else is committed."""
        app, guard, db, User = shop()  # noqa: N806  (a class)
        with app.app_context():
            if way == "statement":
                db.session.execute(sqlalchemy.update(User).values(logins=1))
            else:
                User.lookup("alice").logins = 1
                if way == "flush":
                    db.session.flush()
            user = guard.authenticate("alice", "pw")

            assert user.password.startswith(ARGON2)
            assert (OLD, 0) == stored(app, db)
            getattr(db.session, ending)()
            hashed, logins = stored(app, db)

            assert (ARGON2, 1 if ending == "commit" else 0) == (hashed[:10], logins)
            assert hashed == user.password

    def test_end_of_the_request(self, shop):
        """A view that has written and ends nothing loses its own change and keeps the renewal."""
        app, guard, db, User = shop()  # noqa: N806

        @app.route("/")
        def login():
            User.lookup("alice").logins = 1
            return guard.authenticate("alice", "pw").password[:10]

        assert ARGON2 == app.test_client().get("/").text
        hashed, logins = stored(app, db)

        assert (ARGON2, 0) == (hashed[:10], logins)

    def test_exhausted_pool(self, shop):
        """A login does not wait for a second connection of a pool that has none."""
        app, guard, db, _ = shop(pool_size=1, max_overflow=0, pool_timeout=0.1)
        with app.app_context():
            guard.authenticate("alice", "pw")
            db.session.rollback()

        assert stored(app, db)[0].startswith(ARGON2)

    def test_nested_transaction(self, shop):
        """The end of a savepoint is not the end of the transaction."""
        app, guard, db, User = shop()  # noqa: N806
        with app.app_context():
            User.lookup("alice").logins = 1
            with db.session.begin_nested():
                guard.authenticate("alice", "pw")

            assert (OLD, 0) == stored(app, db)
            db.session.commit()

        assert stored(app, db)[0].startswith(ARGON2)

    def test_changed_password(self, shop):
        """A password that is changed before the transaction ends is not overwritten."""
        app, guard, db, User = shop()  # noqa: N806
        with app.app_context():
            User.lookup("alice").logins = 1
            user = guard.authenticate("alice", "pw")
            user.password = "changed"
            db.session.commit()

        assert ("changed", 1) == stored(app, db)

    def test_two_logins_at_once(self, shop):
        """Of two logins that renew one hash both succeed, and the password logs in afterwards."""
        app, guard, db, _ = shop(connect_args={"timeout": 5})
        barrier = threading.Barrier(2)
        found = []

        def login():
            with app.app_context():
                barrier.wait()
                found.append(guard.authenticate("alice", "pw").id)

        threads = [threading.Thread(target=login) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [1, 1] == found
        assert stored(app, db)[0].startswith(ARGON2)
        with app.app_context():
            assert 1 == guard.authenticate("alice", "pw").id

    def test_short_column(self, shop, caplog):
        """A column that is too short keeps the old hash, and the log names it."""
        app, guard, db, _ = shop(length=60)
        with app.app_context(), caplog.at_level(logging.WARNING):
            guard.authenticate("alice", "pw")

        assert (OLD, 0) == stored(app, db)
        assert "the column user.password holds 60 characters" in caplog.text
