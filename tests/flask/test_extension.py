"""Setting Praetorian up: what is refused, and what belongs to one application and no other."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from datetime import timedelta

import pytest
from flask import Flask

import praetorian_flask
from praetorian_core import AsyncGuard, Guard, KeyRing, Settings, generate_secret
from praetorian_core.errors import ConfigurationError, ExpiredAccessError, InvalidTokenError, PraetorianError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, as_user, cheapest_hasher
from praetorian_flask import Praetorian, auth_required, current_guard, current_user, roles_required

ABSENT = """
import sys
from importlib.machinery import PathFinder

find_spec = PathFinder.find_spec
PathFinder.find_spec = lambda name, *args: None if name.partition(".")[0] == "flask" else find_spec(name, *args)
"""


def alice():
    """Return a user."""
    return MemoryUser(identity=1, username="alice", rolenames=["reader"])


def an_app(**config):
    """Return an application with a good secret and no guard."""
    app = Flask(__name__)
    app.config.update({"SECRET_KEY": generate_secret(), **config})
    return app


def guard_of(app, users=None, **options):
    """Set Praetorian up for an application and return its guard."""
    users = MemoryUsers() if users is None else users
    if options:
        users = Guard(users, Settings.from_mapping(app.config), **options)
    praetorian = Praetorian(app, users)
    with app.app_context():
        return praetorian.guard


def run(program):
    """Run a program in a process of its own and return what it wrote."""
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


class TestImport:
    def test_without_flask(self):
        """Importing the adapter where Flask is absent names the extra to install."""
        program = f"{ABSENT}\ntry:\n    import praetorian_flask\nexcept ImportError as error:\n    print(error)\n"

        assert run(program) == 'praetorian_flask needs Flask; write: pip install "praetorian-core[flask]"\n'

    def test_with_flask(self):
        """Where Flask is there, the import says nothing."""

        assert run("import praetorian_flask") == ""

    def test_without_flask_in_this_process(self, monkeypatch):
        """The same, where the import of Flask is blocked."""
        monkeypatch.setitem(sys.modules, "flask", None)
        spec = importlib.util.spec_from_file_location("praetorian_flask_alone", praetorian_flask.__file__)

        with pytest.raises(ImportError, match=re.escape("praetorian-core[flask]")):
            spec.loader.exec_module(importlib.util.module_from_spec(spec))

    def test_core_without_flask(self):
        """The core imports no framework."""
        program = f"{ABSENT}\nimport praetorian_core\nprint('flask' in sys.modules)\n"

        assert run(program) == "False\n"

    def test_all(self):
        """Every public name is there."""

        assert [name for name in praetorian_flask.__all__ if not hasattr(praetorian_flask, name)] == []


class TestInit:
    def test_at_once(self):
        """Praetorian(app, User) sets the application up."""
        app = an_app()
        praetorian = Praetorian(app, MemoryUsers())

        with app.app_context():
            assert isinstance(praetorian.guard, Guard)
            assert praetorian.guard is current_guard()

    def test_factory(self):
        """Praetorian() is set up later, and init_app returns the application."""
        praetorian = Praetorian()
        app = an_app()

        assert praetorian.init_app(app, MemoryUsers()) is app
        with app.app_context():
            assert isinstance(praetorian.guard, Guard)

    def test_options_reach_the_guard(self):
        """Clock and hasher of the caller's are used by the guard that is built."""
        clock = FrozenClock(1_800_000_000)
        user = alice()
        guard = guard_of(an_app(), MemoryUsers([user]), clock=clock, passwords=cheapest_hasher())

        assert guard.verify(guard.issue(user)).issued_at == 1_800_000_000
        assert "m=8," in guard.hash_password("correct horse")

    @pytest.mark.parametrize("factory", [False, True], ids=["at once", "factory"])
    def test_a_guard_of_your_own(self, factory):
        """A guard is taken as it is, and app.config is not read: it needs no secret."""
        guard = Guard(MemoryUsers(), Settings(keys=KeyRing.from_secret(generate_secret()), realm="given"))
        app = Flask(__name__)
        if factory:
            Praetorian().init_app(app, guard)
        else:
            Praetorian(app, guard)

        with app.app_context():
            assert current_guard() is guard

    def test_an_asynchronous_guard(self):
        """Flask cannot await, so an AsyncGuard is refused."""
        guard = AsyncGuard(MemoryUsers(), Settings(keys=KeyRing.from_secret(generate_secret())))

        with pytest.raises(ConfigurationError, match=r"write Praetorian\(app, Guard\(User, settings\)\)"):
            Praetorian(an_app(), guard)

    def test_reads_the_configuration(self):
        """What Flask calls a configuration is read once, at the set-up."""
        guard = guard_of(an_app(JWT_ACCESS_LIFESPAN=timedelta(minutes=1), JWT_REALM="legion"))

        assert (guard.settings.access_lifespan, guard.settings.realm) == (60, "legion")

    def test_fallbacks_of_flask(self):
        """SECRET_KEY_FALLBACKS verify what a former SECRET_KEY signed, so a rotation logs no user out."""
        former, user = generate_secret(), alice()
        token = guard_of(an_app(SECRET_KEY=former), MemoryUsers([user])).issue(user)
        guard = guard_of(an_app(SECRET_KEY_FALLBACKS=[former]), MemoryUsers([user]))

        assert guard.verify(token).identity == 1

    def test_without_fallbacks(self):
        """Without the former key its tokens are refused."""
        user = alice()
        token = guard_of(an_app(), MemoryUsers([user])).issue(user)

        with pytest.raises(InvalidTokenError):
            guard_of(an_app()).verify(token)

    def test_left_out_users(self):
        """An application without a user class is refused, and both ways out are named."""

        with pytest.raises(
            ConfigurationError, match=r"write Praetorian\(app, User\), or .*Guard\(None, .*to verify only"
        ):
            Praetorian(an_app())

    def test_left_out_users_in_the_factory_form(self):
        """init_app needs a user class as well."""

        with pytest.raises(ConfigurationError, match="no user class is given"):
            Praetorian().init_app(an_app())

    @pytest.mark.parametrize("options", [{"users": MemoryUsers()}, {"on_error": print}], ids=["users", "on_error"])
    def test_options_without_an_application(self, options):
        """Without an application the options would have no effect, so they are refused."""

        with pytest.raises(ConfigurationError, match=r"write Praetorian\(\), and later init_app\(app, User\)"):
            Praetorian(**options)

    def test_twice(self):
        """One application has one guard, by whichever object; the first stays."""
        app = an_app()
        praetorian = Praetorian(app, MemoryUsers())
        with app.app_context():
            guard = praetorian.guard
        for again in (praetorian, Praetorian()):
            with pytest.raises(ConfigurationError, match="call init_app once for each application"):
                again.init_app(app, MemoryUsers())

        with app.app_context():
            assert praetorian.guard is guard

    def test_again_after_a_refusal(self):
        """A set-up that was refused leaves nothing behind: the next one works."""
        app = an_app(PRAETORIAN_STORE="nonsense")
        with pytest.raises(ConfigurationError):
            Praetorian(app, MemoryUsers())
        app.config["PRAETORIAN_STORE"] = None

        assert isinstance(guard_of(app), Guard)

    def test_after_the_first_request(self):
        """Flask refuses set-up once it has served; then there is no guard, rather than one without a handler."""
        app = an_app()
        app.test_client().get("/")
        with pytest.raises(AssertionError, match="register_error_handler"):
            Praetorian(app, MemoryUsers())

        with app.app_context(), pytest.raises(ConfigurationError, match="has no guard"):
            current_guard()

    def test_keeps_nothing_of_an_application(self):
        """State lives in app.extensions, none on the extension."""
        praetorian = Praetorian()
        before = dict(vars(praetorian))
        praetorian.init_app(an_app(), MemoryUsers())

        assert vars(praetorian) == before == {}


class TestGuard:
    def test_outside_an_application_context(self):
        """Outside an application context there is no current application: Flask says so."""
        praetorian = Praetorian(an_app(), MemoryUsers())

        with pytest.raises(RuntimeError, match="outside of application context"):
            _ = praetorian.guard

    def test_of_an_application_without_one(self):
        """An application that was not set up is named as the cause."""
        praetorian = Praetorian()

        with an_app().app_context(), pytest.raises(ConfigurationError, match=r"write Praetorian\(app, User\)"):
            _ = praetorian.guard

    def test_of_none(self):
        """A guard without a user class verifies: a service can check the tokens that another one issues."""
        secret, user = generate_secret(), alice()
        token = guard_of(an_app(SECRET_KEY=secret), MemoryUsers([user])).issue(user)
        app = an_app(SECRET_KEY=secret)
        Praetorian(app, Guard(None, Settings.from_mapping(app.config)))
        app.add_url_rule("/", view_func=auth_required(lambda: "in"))
        app.add_url_rule("/me", view_func=auth_required(current_user), endpoint="me")
        client = app.test_client()
        headers = {"Authorization": f"Bearer {token}"}

        assert client.get("/", headers=headers).text == "in"
        assert client.get("/me", headers=headers).json["code"] == "configuration"

    def test_of_none_issues_nothing(self):
        """What needs users names itself."""
        app = an_app()
        praetorian = Praetorian(app, Guard(None, Settings.from_mapping(app.config)))

        with app.app_context(), pytest.raises(ConfigurationError, match="issue needs users"):
            praetorian.guard.issue(alice())


class TestTwoApplications:
    def test_each_has_its_own_guard(self):
        """One object serves both, and the current application says which guard it means."""
        praetorian = Praetorian()
        first, second = an_app(JWT_REALM="first"), an_app(JWT_REALM="second")
        for app in (first, second):
            praetorian.init_app(app, MemoryUsers())

        for app in (first, second, first):
            with app.app_context():
                assert praetorian.guard.settings.realm == app.config["JWT_REALM"]

    @pytest.mark.parametrize("turned", [False, True], ids=["first first", "second first"])
    def test_a_token_of_one_is_refused_by_the_other(self, turned):
        """Keys and users of two applications do not mix, in whichever order they were set up."""
        praetorian = Praetorian()
        apps = {"first": an_app(), "second": an_app()}
        sources = {
            name: MemoryUsers([MemoryUser(identity=1, username=f"alice of the {name}", rolenames=[name])])
            for name in apps
        }
        for name in sorted(apps, reverse=turned):
            praetorian.init_app(apps[name], sources[name])
            apps[name].add_url_rule("/", view_func=roles_required(name)(lambda: current_user().username))
        headers = {}
        for name, app in apps.items():
            with app.app_context():
                headers[name] = as_user(praetorian.guard, sources[name].identify(1))
        for name, other in (("first", "second"), ("second", "first")):
            client = apps[name].test_client()

            assert client.get("/", headers=headers[name]).text == f"alice of the {name}"
            assert client.get("/", headers=headers[other]).json["code"] == "invalid_token"

    def test_clocks_do_not_mix(self):
        """Each guard has its own clock."""
        user = alice()
        past, present = FrozenClock(1_700_000_000), FrozenClock()
        secret = generate_secret()
        first = guard_of(an_app(SECRET_KEY=secret), MemoryUsers([user]), clock=past)
        second = guard_of(
            an_app(SECRET_KEY=secret, JWT_REFRESH_LIFESPAN="10 years"), MemoryUsers([user]), clock=present
        )
        token = first.issue(user, refresh_lifespan="10 years")

        assert first.verify(token).identity == 1
        with pytest.raises(ExpiredAccessError):
            second.verify(token)


class TestConfiguration:
    @pytest.mark.parametrize(
        ("config", "said"),
        [
            (
                {"SECRET_KEY": None},
                r"SECRET_KEY or JWT_SECRET_KEY must be set; got neither; .*secrets\.token_urlsafe\(48\)",
            ),
            ({"SECRET_KEY": "dev"}, r"SECRET_KEY: .*secrets\.token_urlsafe"),
            ({"SECRET_KEY": "a" * 64}, r"SECRET_KEY: .*secrets\.token_urlsafe"),
            ({"JWT_SECRET_KEY": "too short"}, r"JWT_SECRET_KEY: .*secrets\.token_urlsafe"),
            ({"JWT_ALGORITHM": "none"}, "JWT_ALGORITHM: "),
            ({"PRAETORIAN_STOER": "memory://"}, "did you mean PRAETORIAN_STORE"),
            ({"JWT_ACCESS_LIFESPANS": 60}, "did you mean JWT_ACCESS_LIFESPAN"),
            ({"JWT_ACCESS_LIFESPAN": "soon"}, "JWT_ACCESS_LIFESPAN .*'soon'"),
            ({"JWT_ACCESS_LIFESPAN": 0}, "JWT_ACCESS_LIFESPAN"),
            ({"JWT_ACCESS_LIFESPAN": "31 days"}, "no longer than JWT_REFRESH_LIFESPAN"),
            ({"JWT_LEEWAY": 61}, "JWT_LEEWAY must be whole seconds from 0 to 60; got 61"),
            ({"JWT_REALM": 'a"b'}, "JWT_REALM"),
            ({"JWT_HEADER_TYPE": "Bea rer"}, "JWT_HEADER_TYPE"),
            ({"PRAETORIAN_ROLES_DISABLED": "yes"}, "PRAETORIAN_ROLES_DISABLED"),
            ({"DISABLE_PRAETORIAN_ERROR_HANDLER": "no"}, "DISABLE_PRAETORIAN_ERROR_HANDLER"),
            ({"PRAETORIAN_CHECK_SESSIONS": "refresh"}, "needs a store"),
        ],
        ids=lambda value: (
            "-".join(f"{key}={str(held)[:10]}" for key, held in value.items()) if isinstance(value, dict) else ""
        ),
    )
    def test_refusal(self, config, said):
        """What cannot work is refused at the set-up, saying what was found and what to write; nothing is registered."""
        app = an_app(**config)

        with pytest.raises(ConfigurationError, match=said):
            Praetorian(app, MemoryUsers())
        assert app.extensions == {}
        assert PraetorianError not in app.error_handler_spec[None][None]

    @pytest.mark.parametrize(
        "config",
        [
            {"JWT_SECRET_KEY": generate_secret(), "SECRET_KEY": "dev"},
            {"JWT_KEYS": KeyRing.from_secret(generate_secret()), "SECRET_KEY": None},
            {"PRAETORIAN_STORE": "memory://"},
            {"JWT_ACCESS_LIFESPAN": "30 days"},
            {"JWT_LEEWAY": 60},
            {"JWT_REALM": "a b"},
            {"JWT_HEADER_TYPE": "JWT"},
            {"PRAETORIAN_ROLES_DISABLED": True},
            {"PRAETORIAN_CHECK_SESSIONS": "refresh", "PRAETORIAN_STORE": "memory://"},
            {"SOMETHING_ELSE": object()},
        ],
        ids="-".join,
    )
    def test_the_nearest_good_configuration(self, config):
        """What can work is taken."""

        assert isinstance(guard_of(an_app(**config)), Guard)

    def test_a_line_to_paste(self):
        """The line that a refused secret names makes a good one."""
        with pytest.raises(ConfigurationError) as caught:
            Praetorian(an_app(SECRET_KEY="dev"), MemoryUsers())
        (program,) = re.findall(r'python -c "(.+?)"', str(caught.value))

        assert isinstance(guard_of(an_app(SECRET_KEY=run(program).strip())), Guard)

    def test_the_secret_is_not_repeated(self):
        """A refused secret is not in the error."""
        with pytest.raises(ConfigurationError) as caught:
            Praetorian(an_app(SECRET_KEY="canary-hunter2"), MemoryUsers())

        assert "hunter2" not in str(caught.value)

    def test_a_user_class_without_methods(self):
        """A class without lookup is named, with what to write."""

        class User:
            pass

        with pytest.raises(ConfigurationError, match=r"User has no method 'lookup'; write: @classmethod def lookup"):
            Praetorian(an_app(), User)

    def test_a_user_class_with_methods(self):
        """Class methods are enough: no instance is needed."""

        class User:
            @classmethod
            def lookup(cls, username):
                return None

            @classmethod
            def identify(cls, identity):
                return None

        assert isinstance(guard_of(an_app(), User), Guard)

    def test_an_asynchronous_user_class(self):
        """Flask's guard is synchronous: coroutine methods are refused before the first request."""

        class User:
            @classmethod
            async def lookup(cls, username):
                return None

            @classmethod
            def identify(cls, identity):
                return None

        with pytest.raises(ConfigurationError, match="lookup is a coroutine function"):
            Praetorian(an_app(), User)

    def test_roles_disabled(self):
        """PRAETORIAN_ROLES_DISABLED: users need no roles, and a view that demands some is a configuration error."""
        user = alice()
        users = MemoryUsers([user])
        app = an_app(PRAETORIAN_ROLES_DISABLED=True)
        headers = as_user(guard_of(app, users), user)
        app.add_url_rule("/", view_func=auth_required(lambda: "in"))
        app.add_url_rule("/admin", view_func=roles_required("reader")(lambda: "never"), endpoint="admin")
        client = app.test_client()

        assert client.get("/", headers=headers).text == "in"
        assert client.get("/admin", headers=headers).json["code"] == "configuration"

    def test_another_header_and_scheme(self):
        """JWT_HEADER_NAME and JWT_HEADER_TYPE say where the token is; elsewhere it is not looked for."""
        user = alice()
        app = an_app(JWT_HEADER_NAME="X-Legion-Token", JWT_HEADER_TYPE="Legion")
        guard = guard_of(app, MemoryUsers([user]))
        app.add_url_rule("/", view_func=auth_required(lambda: "in"))
        client = app.test_client()
        token = guard.issue(user)

        assert as_user(guard, user).keys() == {"X-Legion-Token"}
        assert client.get("/", headers={"x-legion-token": f"legion {token}"}).text == "in"
        assert client.get("/", headers={"Authorization": f"Bearer {token}"}).json["code"] == "missing_token"
        assert client.get("/", headers={"X-Legion-Token": f"Bearer {token}"}).json["code"] == "missing_token"
