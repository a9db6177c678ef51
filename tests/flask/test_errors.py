"""What a refusal looks like over HTTP, whatever the application is configured as."""

from __future__ import annotations

import itertools
import json
import logging

import pytest
from flask import Blueprint, Flask, Response
from flask.json.provider import DefaultJSONProvider
from tests.contract.targets.on_flask import OnFlask
from tests.errors import sample
from tests.flask.runner import make_app, received
from tests.flask.scenarios import ANSWERS, CANARY, SECRET, USUAL, make_world, refused

from praetorian_core import Guard, Settings, errors
from praetorian_core.errors import ConfigurationError, MissingTokenError, PraetorianError
from praetorian_core.testing.adapter_suite import differences
from praetorian_core.testing.adapter_suite import make_world as make_contract_world
from praetorian_flask import Praetorian, auth_required, build_error_handler, current_principal, roles_required

NAMES = ("TESTING", "DEBUG", "PROPAGATE_EXCEPTIONS")
MIXES = [
    dict(zip(NAMES, values, strict=True))
    for values in itertools.product((False, True), (False, True), (None, True, False))
]


def an_app(raised, *, praetorian=True, **config):
    """Return an application whose one route raises this error."""
    app = make_app(make_world(), **config)[0] if praetorian else Flask(__name__)
    app.config.update(config)

    @app.get("/")
    def view():
        raise raised

    return app


def error_of(app, path="/"):
    """Return the status and the name of the error that a GET is answered with."""
    response = app.test_client().get(path)
    return response.status_code, (response.get_json(silent=True) or {}).get("error")


class TestScenarios:
    @pytest.mark.parametrize("mix", MIXES, ids=lambda mix: "-".join(map(str, mix.values())))
    def test_answer_under_any_mix(self, mix):
        """TESTING, DEBUG and PROPAGATE_EXCEPTIONS change no answer, in whatever mix."""
        world = make_contract_world()
        application = OnFlask(**mix).build(world)

        for name, step in USUAL:
            answer = application.send(step.request.filled(world.tokens))

            assert [] == differences(step.expected_of(OnFlask.lacks), answer), name

    def test_there_are_twelve_mixes(self):
        """Every combination of the three settings is among them."""

        assert len({tuple(mix.values()) for mix in MIXES}) == 12

    def test_no_secret_goes_out(self, caplog):
        """ASVS 16.2.5: neither a response nor the log holds a password, a key, a stored hash or a token."""
        caplog.set_level(logging.DEBUG)
        world = make_contract_world()
        application = OnFlask().build(world)
        secrets = {CANARY, SECRET, "argon2", *world.tokens.values()}

        for name, step in USUAL:
            answer = application.send(step.request.filled(world.tokens))
            said = f"{answer.headers}{answer.body!r}{caplog.text}"

            assert not {secret for secret in secrets if secret in said}, name


class TestEveryClass:
    def test_table_is_complete(self):
        """Every class of error that there is has a row in the tests' table."""
        classes = {
            name
            for name, kind in vars(errors).items()
            if isinstance(kind, type) and issubclass(kind, PraetorianError) and not name.startswith("_")
        }

        assert classes - {"PraetorianError"} == ANSWERS.keys()

    @pytest.mark.parametrize("testing", [False, True], ids=["production", "testing"])
    @pytest.mark.parametrize("name", ANSWERS)
    def test_answer(self, name, testing):
        """Each class has its status, code, challenge and body, and the error's detail is not sent."""
        response = an_app(sample(name, CANARY), TESTING=testing).test_client().get("/")
        expected = refused(name, retry_after="7" if name == "LoginThrottledError" else None)

        assert [] == differences(expected, received(response))
        assert response.mimetype == "application/json"
        assert response.json.keys() == {"error", "message", "status_code", "code"}
        assert CANARY not in f"{response.headers}{response.text}"

    def test_a_class_of_the_application_is_answered_like_the_reason_it_refines(self):
        """A subclass takes status and challenge of the nearest class in the table, and its own name and code."""

        class OutOfHoursError(errors.MissingRoleError):
            code = "out_of_hours"
            message = "come back tomorrow"

        response = an_app(OutOfHoursError(required="hours")).test_client().get("/")

        assert response.status_code == 403
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="legion", error="insufficient_scope"'
        assert response.json == {
            "error": "OutOfHoursError",
            "message": "come back tomorrow",
            "status_code": 403,
            "code": "out_of_hours",
        }

    def test_a_class_right_below_the_root_is_a_server_error(self):
        """A class below the root without a row of its own is answered with 500."""

        class StrangeError(PraetorianError):
            pass

        assert error_of(an_app(StrangeError())) == (500, "StrangeError")

    def test_retry_after_of_an_outage(self):
        """A 503 says when to retry, if that is known (RFC 9110 §10.2.3)."""
        response = an_app(errors.ServiceUnavailableError("full", retry_after=3)).test_client().get("/")

        assert response.headers["Retry-After"] == "3"
        assert "WWW-Authenticate" not in response.headers

    def test_head(self):
        """A refusal of HEAD has the headers of GET and no body (RFC 9110 §9.3.2)."""
        client = an_app(MissingTokenError()).test_client()
        get, head = client.get("/"), client.head("/")

        assert (head.status_code, head.data) == (401, b"")
        assert dict(head.headers) == dict(get.headers)


class TestRegistration:
    def test_on_by_default(self):
        """A refusal is answered without a line of the application's."""

        assert error_of(an_app(MissingTokenError())) == (401, "MissingTokenError")

    def test_disabled(self):
        """DISABLE_PRAETORIAN_ERROR_HANDLER leaves errors to the application: without a handler they are Flask's 500."""
        app = an_app(MissingTokenError(), DISABLE_PRAETORIAN_ERROR_HANDLER=True)

        assert error_of(app) == (500, None)
        assert PraetorianError not in app.error_handler_spec[None][None]

    def test_disabled_and_under_testing(self):
        """With the handler disabled, a test sees the error itself."""
        app = an_app(MissingTokenError(), DISABLE_PRAETORIAN_ERROR_HANDLER=True, TESTING=True)

        with pytest.raises(MissingTokenError):
            app.test_client().get("/")

    def test_disabled_and_replaced(self):
        """The handler that build_error_handler returns can be registered by hand."""
        app = an_app(MissingTokenError(), DISABLE_PRAETORIAN_ERROR_HANDLER=True)
        app.register_error_handler(PraetorianError, build_error_handler())

        assert error_of(app) == (401, "MissingTokenError")

    def test_on_error(self):
        """The functions of ``Praetorian(..., on_error=...)`` are called with each error, in order."""
        seen = []
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        hooks = [lambda error: seen.append(error.code), lambda error: seen.append("second")]
        Praetorian(app, make_world().users, on_error=hooks)
        app.add_url_rule("/", view_func=auth_required(lambda: "never"))

        assert error_of(app) == (401, "MissingTokenError")
        assert seen == ["missing_token", "second"]

    @pytest.mark.parametrize("hooks", [None, [lambda error: None]], ids=["hooks of Praetorian", "hooks of its own"])
    def test_build_error_handler_after(self, hooks):
        """A handler that is built and registered later calls its own functions, or those of ``Praetorian``."""
        seen, replaced = [], []
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        Praetorian(app, make_world().users, on_error=replaced.append)
        app.register_error_handler(PraetorianError, build_error_handler(hooks and seen.append))
        app.add_url_rule("/", view_func=auth_required(lambda: "never"))

        assert error_of(app) == (401, "MissingTokenError")
        assert (len(seen), len(replaced)) == ((0, 1) if hooks is None else (1, 0))

    def test_a_handler_registered_before(self):
        """An application's own handler for PraetorianError stays, although Praetorian is set up later."""
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        app.register_error_handler(PraetorianError, lambda error: ({"error": "theirs"}, 418))
        Praetorian(app, make_world().users)
        app.add_url_rule("/", view_func=auth_required(lambda: "never"))

        assert error_of(app) == (418, "theirs")

    def test_a_built_handler_registered_before_and_on_error(self):
        """The same holds for a handler of ``build_error_handler`` with functions of its own."""
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        app.register_error_handler(PraetorianError, build_error_handler(on_error=print))

        with pytest.raises(ConfigurationError, match="on_error would never be called"):
            Praetorian(app, make_world().users, on_error=print)

    def test_a_handler_registered_before_and_on_error(self):
        """With such a handler ``on_error`` would never be called, so it is refused, and nothing is set up."""
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        app.register_error_handler(PraetorianError, lambda error: ({"error": "theirs"}, 418))

        with pytest.raises(
            ConfigurationError, match=r"write app\.register_error_handler\(PraetorianError, build_error_h"
        ):
            Praetorian(app, make_world().users, on_error=print)
        assert app.extensions == {}

    def test_wins_over_a_handler_of_exception(self):
        """Flask asks the nearest class in the MRO first."""
        app = an_app(MissingTokenError())
        app.register_error_handler(Exception, lambda error: ("theirs", 418))

        assert error_of(app) == (401, "MissingTokenError")

    def test_leaves_other_exceptions_to_it(self):
        """A handler of Exception receives other exceptions."""
        app = an_app(KeyError())
        app.register_error_handler(Exception, lambda error: ("theirs", 418))

        assert error_of(app) == (418, None)

    @pytest.mark.parametrize("code", [401, 500])
    def test_is_not_touched_by_a_handler_of_a_status(self, code):
        """A handler of a status code serves Werkzeug's exceptions, which our errors are not."""
        app = an_app(MissingTokenError())
        app.register_error_handler(code, lambda error: ("theirs", 418))

        assert error_of(app) == (401, "MissingTokenError")

    def test_loses_to_a_handler_of_one_class(self):
        """The application's handler of a derived class is nearer."""
        app = an_app(MissingTokenError())
        app.register_error_handler(MissingTokenError, lambda error: ({"error": "theirs"}, 302))

        assert error_of(app) == (302, "theirs")

    def test_keeps_the_other_classes(self):
        """A handler of one class takes no other."""
        app = an_app(errors.InvalidTokenError())
        app.register_error_handler(MissingTokenError, lambda error: ({"error": "theirs"}, 302))

        assert error_of(app) == (401, "InvalidTokenError")

    def test_loses_to_a_later_one_of_the_same_class(self):
        """Of two handlers of one class, Flask keeps the last."""
        app = an_app(MissingTokenError())
        app.register_error_handler(PraetorianError, lambda error: ({"error": "theirs"}, 418))

        assert error_of(app) == (418, "theirs")

    @pytest.mark.parametrize("kind", [PraetorianError, MissingTokenError])
    def test_loses_to_a_blueprint(self, kind):
        """A blueprint's handler for one of our classes answers for the blueprint."""
        app = an_app(MissingTokenError())
        blueprint = Blueprint("theirs", __name__, url_prefix="/theirs")
        blueprint.register_error_handler(kind, lambda error: ({"error": "theirs"}, 418))
        blueprint.add_url_rule("/", view_func=auth_required(lambda: "never"))
        app.register_blueprint(blueprint)

        assert error_of(app, "/theirs/") == (418, "theirs")
        assert error_of(app) == (401, "MissingTokenError")

    @pytest.mark.parametrize("testing", [False, True], ids=["production", "testing"])
    def test_wins_over_a_blueprints_handler_of_everything(self, testing):
        """A blueprint's handler for Exception gets every exception but ours."""
        app = an_app(MissingTokenError(), TESTING=testing)
        outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__, url_prefix="/inner")
        outer.register_error_handler(Exception, lambda error: ({"error": "theirs"}, 418))
        inner.add_url_rule("/", view_func=auth_required(lambda: "never"))
        inner.add_url_rule("/broken", "broken", lambda: {}["x"])
        outer.register_blueprint(inner)
        app.register_blueprint(outer, url_prefix="/outer")

        assert error_of(app, "/outer/inner/") == (401, "MissingTokenError")
        assert error_of(app, "/outer/inner/broken") == (418, "theirs")

    def test_serves_blueprints(self):
        """A blueprint without a handler has the application's, nested or not."""
        app = an_app(MissingTokenError())
        outer, inner = Blueprint("outer", __name__), Blueprint("inner", __name__, url_prefix="/inner")
        inner.add_url_rule("/", view_func=auth_required(lambda: "never"))
        outer.register_blueprint(inner)
        app.register_blueprint(outer, url_prefix="/outer")

        assert error_of(app, "/outer/inner/") == (401, "MissingTokenError")


class TestBuildErrorHandler:
    def test_without_an_extension(self):
        """An application without Praetorian still answers, with the default scheme and realm."""
        app = an_app(errors.InvalidTokenError(), praetorian=False)
        app.register_error_handler(PraetorianError, build_error_handler())
        response = app.test_client().get("/")

        assert response.status_code == 401
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api", error="invalid_token"'

    def test_a_guarded_view_without_an_extension(self):
        """Without a guard every request is refused, and the log says what to write."""
        app = Flask(__name__)
        app.register_error_handler(PraetorianError, build_error_handler())
        app.add_url_rule("/", view_func=auth_required(lambda: "never"))

        assert error_of(app) == (500, "ConfigurationError")

    def test_names_the_configured_scheme_and_realm(self):
        """RFC 6750 §3: the challenge names what the application reads."""
        app = an_app(MissingTokenError(), JWT_HEADER_TYPE="Legion", JWT_REALM="the tenth")

        assert app.test_client().get("/").headers["WWW-Authenticate"] == 'Legion realm="the tenth"'

    def test_hooks_run_in_order_before_the_response(self):
        """Each hook is called with the error, before the response is made."""
        seen = []
        app = an_app(MissingTokenError(CANARY), DISABLE_PRAETORIAN_ERROR_HANDLER=True)

        class Provider(DefaultJSONProvider):
            def response(self, *args, **kwargs):
                seen.append("response")
                return super().response(*args, **kwargs)

        app.json = Provider(app)
        handler = build_error_handler([lambda error: seen.append(error.code), lambda error: seen.append(str(error))])
        app.register_error_handler(PraetorianError, handler)

        assert error_of(app) == (401, "MissingTokenError")
        assert seen == ["missing_token", CANARY, "response"]

    def test_a_hook_that_is_a_coroutine_function(self):
        """A hook may be asynchronous, as a view may."""
        seen = []

        async def hook(error):
            seen.append(error.code)

        app = an_app(MissingTokenError())
        app.register_error_handler(PraetorianError, build_error_handler(hook))

        assert error_of(app) == (401, "MissingTokenError")
        assert seen == ["missing_token"]

    @pytest.mark.parametrize("testing", [False, True], ids=["production", "testing"])
    def test_a_hook_that_raises(self, testing, caplog):
        """A hook that fails is logged without its text; the other hooks run and the response is sent."""
        seen = []

        def failing(error):
            raise RuntimeError(CANARY)

        app = an_app(MissingTokenError(), TESTING=testing)
        app.register_error_handler(PraetorianError, build_error_handler([failing, seen.append]))

        assert error_of(app) == (401, "MissingTokenError")
        assert [type(error) for error in seen] == [MissingTokenError]
        assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
            "an on_error hook raised RuntimeError for missing_token"
        ]
        assert CANARY not in caplog.text

    def test_a_hooks_return_value(self):
        """The value that a hook returns does not replace the response."""
        app = an_app(MissingTokenError())
        app.register_error_handler(PraetorianError, build_error_handler(lambda error: ("theirs", 200)))

        assert error_of(app) == (401, "MissingTokenError")

    def test_a_hook_sees_the_principal(self):
        """In a hook the principal of a refused request is known, if one was admitted."""
        seen = []
        world = make_world()
        app, guard = make_app(world)
        app.register_error_handler(PraetorianError, build_error_handler(lambda e: seen.append(current_principal())))
        app.add_url_rule("/", view_func=auth_required(roles_required("admin")(lambda: "never")))
        token = guard.issue(world.users.lookup("alice"))
        response = app.test_client().get("/", headers={"Authorization": f"Bearer {token}"})

        assert response.status_code == 403
        assert [principal.identity for principal in seen] == [1]

    @pytest.mark.parametrize("hook", ["log", 1, [None]], ids=str)
    def test_refuses_what_cannot_be_called(self, hook):
        """Anything but functions is refused when the handler is built."""

        with pytest.raises(ConfigurationError, match="`on_error` must"):
            build_error_handler(hook)

    def test_registered_without_a_call(self):
        """The bare name in the place of its result is answered with 500, and the error says what to write."""
        app = an_app(MissingTokenError(), TESTING=True)
        app.register_error_handler(PraetorianError, build_error_handler)

        with pytest.raises(
            ConfigurationError, match=r"write app\.register_error_handler\(PraetorianError, build_error_handler\(\)\)"
        ):
            app.test_client().get("/")


class TestTheApplicationsOwn:
    def test_json_provider(self):
        """The body is written by the application's JSON provider."""

        class Provider(DefaultJSONProvider):
            def dumps(self, obj, **kwargs):
                return json.dumps({"wrapped": obj})

        app = an_app(MissingTokenError())
        app.json = Provider(app)

        assert app.test_client().get("/").json["wrapped"]["code"] == "missing_token"

    def test_after_request(self):
        """after_request sees the refusal, and may change it."""
        app = an_app(MissingTokenError())

        @app.after_request
        def stamp(response):
            response.headers["X-Status"] = response.status_code
            return response

        assert app.test_client().get("/").headers["X-Status"] == "401"

    def test_response_class(self):
        """The response is of the application's class."""

        class Stamped(Response):
            pass

        app = an_app(MissingTokenError())
        app.response_class = Stamped
        seen = []
        app.after_request(lambda response: seen.append(type(response)) or response)
        app.test_client().get("/")

        assert seen == [Stamped]

    def test_teardown(self):
        """A refusal that was answered is no failure: teardown gets None."""
        seen = []
        app = an_app(MissingTokenError())
        app.teardown_request(seen.append)
        app.test_client().get("/")

        assert seen == [None]

    def test_two_applications_of_one_extension(self):
        """Each challenge names its own application's realm."""
        world = make_world()
        praetorian = Praetorian()
        realms = []
        for realm in ("first", "second"):
            app = Flask(__name__)
            app.config.update(SECRET_KEY=SECRET, JWT_REALM=realm)
            praetorian.init_app(app, Guard(world.users, Settings.from_mapping(app.config), **world.options))
            app.add_url_rule("/", view_func=auth_required(lambda: "never"))
            realms.append(app.test_client().get("/").headers["WWW-Authenticate"])

        assert realms == ['Bearer realm="first"', 'Bearer realm="second"']
