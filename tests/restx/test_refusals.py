"""Refusals on Flask-RESTX, in every configuration: facts about RESTX that make a refusal hard, one class each."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask, Response, got_request_exception
from flask_restx import Api, Resource
from tests.errors import NAMES, sample
from tests.restx.apps import (
    ALICE,
    BARE,
    CONFIGURATIONS,
    INVALID_TOKEN,
    MISSING_ROLE,
    MISSING_TOKEN,
    PREFLIGHT,
    SECRET,
    SHAPES,
    Target,
    make_app,
    refusal,
    status_of_an_unknown_path,
    summary,
)

from praetorian_core.errors import (
    ConfigurationError,
    InvalidTokenError,
    LoginThrottledError,
    MissingClaimError,
    MissingRoleError,
    MissingTokenError,
    PraetorianError,
)
from praetorian_core.testing import MemoryUsers
from praetorian_flask import Praetorian
from praetorian_restx import auth_required, init_api, register_error_handler


class TestEveryConfiguration:
    """RESTX on its own answers an unknown error with 500, except under TESTING."""

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_without_init_api(self, shape, configuration):
        """Without ``init_api`` Flask's handler answers our errors."""
        target = Target(prepare=lambda api: api, shape=SHAPES[shape], **CONFIGURATIONS[configuration])

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert summary(target.get("/camp/admin", ALICE)) == MISSING_ROLE

    def test_without_init_api_but_with_a_handler(self):
        """A handler on the Api for one of our classes answers for it; Flask's answers the others."""
        target = Target(prepare=lambda api: api)
        target.api.errorhandler(MissingTokenError)(lambda error: ({"message": "mine"}, 499))

        assert target.get("/camp/protected").status_code == 499
        assert summary(target.get("/camp/admin", ALICE)) == MISSING_ROLE

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_refused_as_in_production(self, shape, configuration):
        """A refusal is the same in every configuration, wherever the API is mounted."""
        target = Target(shape=SHAPES[shape], **CONFIGURATIONS[configuration])

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert summary(target.get("/camp/admin", ALICE)) == MISSING_ROLE

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_admitted_as_in_production(self, shape, configuration):
        """The matching positive test: with a token the resource answers."""
        target = Target(shape=SHAPES[shape], **CONFIGURATIONS[configuration])

        response = target.get("/camp/protected", ALICE)

        assert (response.status_code, response.json) == (200, {"id": 1})


class TestOtherHandlers:
    """RESTX takes the first handler that fits, not the nearest."""

    @pytest.mark.parametrize("moment", ["before", "after"])
    @pytest.mark.parametrize("kind", [Exception, BaseException])
    @pytest.mark.parametrize("register", [init_api, register_error_handler])
    def test_a_handler_for_exception(self, moment, kind, register):
        """An application's handler for Exception receives every exception except ours, whenever it was registered."""

        def prepare(api):
            if moment == "after":
                register(api)
            api.error_handlers[kind] = lambda error: ({"message": "mine"}, 599)
            if moment == "before":
                register(api)

        target = Target(prepare=prepare)

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert target.answer_to(KeyError("x")).status_code == 599

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_the_nearest_handler_answers(self, moment):
        """An application's handler for one of our classes answers it and its subclasses, as in Flask."""

        def prepare(api):
            if moment == "after":
                init_api(api)

            @api.errorhandler(InvalidTokenError)
            def handle(error):
                return {"message": "mine"}, 498

            if moment == "before":
                init_api(api)

        target = Target(prepare=prepare)

        assert target.answer_to(MissingClaimError("sub")).status_code == 498
        assert target.answer_to(InvalidTokenError()).status_code == 498
        assert summary(target.answer_to(MissingTokenError())) == MISSING_TOKEN

    def test_a_later_handler_for_the_root_replaces_ours(self):
        """An application's handler for PraetorianError that is registered later replaces ours."""
        target = Target()

        @target.api.errorhandler(PraetorianError)
        def handle(error):
            return {"message": "mine"}, 499

        assert target.answer_to(MissingTokenError()).status_code == 499

    def test_an_earlier_handler_for_the_root_stays(self):
        """An application's handler for PraetorianError is not replaced by init_api."""

        def prepare(api):
            api.errorhandler(PraetorianError)(lambda error: ({"message": "mine"}, 499))
            init_api(api)

        assert Target(prepare=prepare).get("/camp/protected").status_code == 499


class TestNamespaceHandlers:
    """A namespace's handlers apply to the whole API."""

    def test_a_handler_for_exception(self):
        """A namespace's handler for Exception does not receive our errors, not even in the namespace."""
        target = Target()
        target.camp.errorhandler(Exception)(lambda error: ({"message": "mine"}, 599))

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert target.answer_to(KeyError("x")).status_code == 599

    def test_a_handler_for_one_class(self):
        """A namespace's handler for one of our classes answers in other namespaces as well; the last one wins."""
        target = Target()
        for status in (597, 598):
            other = target.api.namespace(f"other{status}")
            other.errorhandler(MissingRoleError)(lambda error, status=status: ({"message": "mine"}, status))
        target.api.errorhandler(MissingRoleError)(lambda error: ({"message": "mine"}, 596))

        assert target.get("/camp/admin", ALICE).status_code == 598
        assert summary(target.get("/camp/admin")) == MISSING_TOKEN


class TestBodies:
    """An attribute ``data`` of an error replaces the body."""

    @pytest.mark.parametrize("name", NAMES)
    def test_no_error_has_data(self, name):
        """No error has such an attribute, or another one that RESTX or Werkzeug reads."""
        error = sample(name)

        assert [taken for taken in ("data", "description", "response", "get_response") if hasattr(error, taken)] == []

    @pytest.mark.parametrize("name", NAMES)
    def test_body(self, name):
        """Every class is answered with its own name, code and message, without its evidence."""
        error = sample(name)

        response = Target().answer_to(error)

        body = {"error": name, "message": error.message, "status_code": response.status_code, "code": error.code}
        assert response.json == body


class TestHeaders:
    """A handler's result is a dict, a status and headers, or it becomes a 500."""

    def test_headers_survive(self):
        """Challenge, Cache-Control and Retry-After are sent."""
        target = Target()

        assert summary(target.answer_to(LoginThrottledError(retry_after=900))) == refusal(
            429, "login_throttled", "LoginThrottledError", "too many login attempts, try again later", None, "900"
        )
        assert summary(target.get("/camp/protected", Authorization="Bearer x")) == refusal(
            401, "invalid_token", "InvalidTokenError", "the token is invalid", INVALID_TOKEN
        )

    def test_challenge_names_the_configured_scheme(self):
        """The challenge names the configured scheme and realm."""
        target = Target(JWT_HEADER_TYPE="JWT", JWT_REALM="legion")

        assert target.get("/camp/protected").headers["WWW-Authenticate"] == 'JWT realm="legion"'

    def test_the_handler_returns_a_triple(self):
        """The handler returns body, status and headers."""
        target = Target()
        handler = target.api.error_handlers[PraetorianError]

        with target.app.test_request_context():
            body, status, headers = handler(MissingTokenError())

        assert (type(body), type(status), type(headers)) == (dict, int, dict)


class TestMessages:
    """RESTX adds a message to a body without one, and modifies the dict that it is given."""

    @pytest.mark.parametrize("include", [True, False])
    def test_message(self, include):
        """The message is the public one, never the error's detail, with either value of ERROR_INCLUDE_MESSAGE."""
        target = Target(ERROR_INCLUDE_MESSAGE=include)

        assert target.answer_to(MissingTokenError("detail for the log")).json["message"] == "a bearer token is required"

    def test_every_answer_is_new(self):
        """A change to one answer does not change the next."""
        target = Target()
        handler = target.api.error_handlers[PraetorianError]

        with target.app.test_request_context():
            first = handler(MissingTokenError())
            first[0].clear()
            first[2].clear()

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN


class TestMediaTypes:
    """A handler's Content-Type is ignored, and Accept changes nothing."""

    @pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml", "application/problem+json"])
    def test_errors_are_json(self, accept):
        """A refusal is JSON for every Accept header."""
        response = Target().get("/camp/protected", Accept=accept)

        assert summary(response) == MISSING_TOKEN
        assert response.mimetype == "application/json"

    def test_nothing_acceptable_is_still_refused(self):
        """If the Api has no default and no acceptable type, RESTX answers 406 first."""
        target = Target()
        target.api.default_mediatype = None

        assert target.get("/camp/protected", Accept="application/xml").status_code == 406
        assert summary(target.get("/camp/protected", Accept="application/json")) == MISSING_TOKEN


class TestServeChallengeOn401:
    """``serve_challenge_on_401`` replaces the challenge by one for Basic."""

    @pytest.mark.parametrize("register", [init_api, register_error_handler])
    def test_refused(self, register):
        """Such an Api is refused, with what to write instead, and nothing is registered on it."""
        api = Api(serve_challenge_on_401=True)

        with pytest.raises(ConfigurationError, match=r"write Api\(\.\.\., serve_challenge_on_401=False\)"):
            register(api)

        assert PraetorianError not in api.error_handlers

    def test_default(self):
        """The matching positive test: the default is accepted."""

        assert Target().get("/camp/protected").headers.getlist("WWW-Authenticate") == [BARE]


class TestNotFound:
    """A 404 lists URLs that are like the one asked for."""

    @pytest.mark.parametrize("name", NAMES)
    def test_no_refusal_is_a_404(self, name):
        """No error is answered with 404, so none reveals other URLs."""
        response = Target().answer_to(sample(name))

        assert response.status_code != 404
        assert "did you mean" not in response.text


class TestSignal:
    """``got_request_exception`` is not sent for an error that has a handler."""

    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_hooks(self, configuration):
        """Hooks receive every refusal once; the signal is not sent."""
        seen, signalled = [], []
        target = Target(seen.append, **CONFIGURATIONS[configuration])

        with got_request_exception.connected_to(lambda app, exception: signalled.append(exception), target.app):
            response = target.get("/camp/protected")

        assert summary(response) == MISSING_TOKEN
        assert [type(error) for error in seen] == [MissingTokenError]
        assert signalled == []


class TestBeforeRequest:
    """An error in a ``before_request`` function is answered by the Api's handler or Flask's, depending on the URL."""

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_a_guard_of_the_application(self, shape, configuration):
        """A guard before every request refuses at a resource, at swagger.json and at an unknown URL, and runs the hooks."""
        seen = []
        config = CONFIGURATIONS[configuration]
        target = Target(seen.append, shape=SHAPES[shape], **config)
        target.app.before_request(auth_required(lambda: None))

        for path in ("/camp/open", "/swagger.json", "/", "/nowhere"):
            assert summary(target.get(path)) == MISSING_TOKEN, path
        assert len(seen) == 4
        assert target.get("/camp/open", ALICE).status_code == 200
        assert target.get("/nowhere", ALICE).status_code == status_of_an_unknown_path(**config)

    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_a_guard_of_the_blueprint(self, configuration):
        """A guard before every request of the Api's blueprint refuses there, and not at other URLs."""

        def shape(app, prepare):
            api, prefix = SHAPES["api_given_a_blueprint"](app, prepare)
            app.before_request_funcs.setdefault("v1", []).append(auth_required(lambda: None))
            return api, prefix

        config = CONFIGURATIONS[configuration]
        target = Target(shape=shape, **config)

        assert summary(target.get("/camp/open")) == MISSING_TOKEN
        assert summary(target.get("/swagger.json")) == MISSING_TOKEN
        assert target.get("/camp/open", ALICE).status_code == 200
        assert target.get("/nowhere").status_code == status_of_an_unknown_path(**config)

    def test_hooks_are_kept_if_praetorian_comes_later(self):
        """Praetorian keeps the handler of init_api, whose hooks also run for errors that only Flask answers."""
        seen = []
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        init_api(Api(app), on_error=seen.append)
        Praetorian(app, MemoryUsers())
        app.before_request(auth_required(lambda: None))

        assert summary(app.test_client().get("/nowhere")) == MISSING_TOKEN
        assert len(seen) == 1

    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_a_preflight_passes_a_guard(self, configuration):
        """A guard passes a preflight on to Flask's answer: no body, no signal, no handler of the application."""
        signalled = []
        plain = Target().open("OPTIONS", "/camp/open")
        target = Target(**CONFIGURATIONS[configuration])
        target.api.errorhandler(Exception)(lambda error: ({"message": "mine"}, 599))
        target.app.before_request(auth_required(lambda: None))

        with got_request_exception.connected_to(lambda app, exception: signalled.append(exception), target.app):
            response = target.open("OPTIONS", "/camp/open", headers=PREFLIGHT)

        assert (200, b"", plain.allow) == (response.status_code, response.data, response.allow)
        assert set(response.allow) == {"GET", "HEAD", "OPTIONS"}
        assert signalled == []

    def test_other_options_do_not_pass_a_guard(self):
        """The matching negative test: another OPTIONS request needs a token."""
        target = Target()
        target.app.before_request(auth_required(lambda: None))

        assert summary(target.open("OPTIONS", "/camp/open")) == MISSING_TOKEN


class TestApiDecorators:
    """``Api(decorators=...)`` guards swagger.json but not the page that shows it."""

    def test_an_api_with_decorators(self):
        """An Api whose decorators guard it cannot show its documentation."""
        app, _ = make_app()
        init_api(Api(app, decorators=[auth_required]))

        assert app.test_client().get("/swagger.json").status_code == 401
        assert app.test_client().get("/").status_code == 200

    @pytest.mark.parametrize("shape", SHAPES)
    def test_documentation_stays_open(self, shape):
        """With decorators on resources, the page and swagger.json stay open, and OPTIONS is answered."""
        target = Target(shape=SHAPES[shape])

        assert target.get("/camp/protected").status_code == 401
        assert target.get("/swagger.json").status_code == 200
        assert target.get("/").status_code == 200
        assert target.open("OPTIONS", "/camp/protected").status_code == 200


class TestFailingHooks:
    """A handler that raises becomes a 500."""

    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_a_hook_that_raises(self, configuration):
        """A hook that fails is logged, the next hooks run, and the refusal is sent."""
        seen = []

        def fail(error):
            raise RuntimeError

        target = Target(fail, seen.append, **CONFIGURATIONS[configuration])

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert len(seen) == 1

    @pytest.mark.parametrize("register", [init_api, register_error_handler])
    def test_what_cannot_be_called(self, register):
        """Anything but functions is refused at registration, and nothing is registered."""
        api = Api()

        with pytest.raises(ConfigurationError, match="`on_error` must hold functions"):
            register(api, "log")

        assert PraetorianError not in api.error_handlers


class TestSubclasses:
    """One handler answers every subclass, with headers."""

    def test_every_derived_class_is_caught(self):
        """A class three below the root is answered with headers, and hooks run before the response."""

        class Refined(MissingClaimError):
            """A reason of the application."""

        order = []

        def shape(app, prepare):
            app.after_request(lambda response: order.append("response") or response)
            return SHAPES["api_on_the_app"](app, prepare)

        def prepare(api):
            register_error_handler(
                api, on_error=[lambda error: order.append(type(error)), lambda error: order.append("second")]
            )

        response = Target(shape=shape, prepare=prepare).answer_to(Refined("sub"))

        assert summary(response) == refusal(401, "invalid_token", "Refined", "the token is invalid", INVALID_TOKEN)
        assert order == [Refined, "second", "response"]

    def test_other_exceptions(self):
        """The matching negative test: another exception is answered by RESTX, and no hook runs."""
        seen = []
        target = Target(seen.append)

        assert target.answer_to(KeyError("x")).json == {"message": "Internal Server Error"}
        assert seen == []


class TestAnswersOutsideTheApi:
    def test_flask_views_answer_alike(self):
        """A Flask view beside the API refuses with the same answer and runs the same hooks."""
        seen = []
        target = Target(seen.append)
        target.app.add_url_rule("/plain", view_func=auth_required(lambda: Response("plain")), endpoint="plain")

        assert summary(target.get("/plain")) == MISSING_TOKEN
        assert target.get("/plain", ALICE).text == "plain"
        assert len(seen) == 1

    @pytest.mark.parametrize("first", ["Praetorian", "init_api"])
    def test_hooks_of_praetorian_and_of_the_api(self, first):
        """With both, those of the Api run for its resources and those of Praetorian for the application's views."""
        seen = []
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        api = Api(app)
        steps = [
            lambda: Praetorian(app, MemoryUsers(), on_error=lambda error: seen.append("Praetorian")),
            lambda: init_api(api, on_error=lambda error: seen.append("api")),
        ]
        for step in steps if first == "Praetorian" else reversed(steps):
            step()
        app.add_url_rule("/plain", "plain", auth_required(lambda: "never"))
        api.route("/resource")(type("Guarded", (Resource,), {"get": auth_required(lambda self: {})}))

        for path in ("/plain", "/resource"):
            assert summary(app.test_client().get(path)) == MISSING_TOKEN

        assert seen == ["Praetorian", "api"]

    def test_two_apis_have_hooks_of_their_own(self):
        """Of two APIs in one application, each runs its own hooks."""
        first, second = [], []
        target = Target(first.append)
        blueprint = Blueprint("v2", __name__, url_prefix="/v2")
        other = Api(blueprint)
        init_api(other, on_error=second.append)

        @other.route("/protected")
        class Protected(Resource):
            @auth_required
            def get(self):
                return {}

        target.app.register_blueprint(blueprint)

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert (len(first), len(second)) == (1, 0)
        assert summary(target.get("/v2/protected")) == MISSING_TOKEN
        assert (len(first), len(second)) == (1, 1)
