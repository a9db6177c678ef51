"""The traps of Flask-RESTX that were seen by running it, each in the configuration of production.

The numbers are those under which the findings were written down.
"""

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


class TestT1:
    """Flask's handler alone answers with 500 in production and as intended under TESTING."""

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_without_init_api(self, shape, configuration):
        """Flask's handler answers our errors, although RESTX on its own would answer 500."""
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
        """Whatever the application is configured as, and wherever the API is, a refusal is the same."""
        target = Target(shape=SHAPES[shape], **CONFIGURATIONS[configuration])

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert summary(target.get("/camp/admin", ALICE)) == MISSING_ROLE

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_admitted_as_in_production(self, shape, configuration):
        """The twin: with a token the resource answers."""
        target = Target(shape=SHAPES[shape], **CONFIGURATIONS[configuration])

        response = target.get("/camp/protected", ALICE)

        assert (response.status_code, response.json) == (200, {"id": 1})


class TestT2:
    """RESTX takes the first handler that fits, not the nearest."""

    @pytest.mark.parametrize("moment", ["before", "after"])
    @pytest.mark.parametrize("kind", [Exception, BaseException])
    @pytest.mark.parametrize("register", [init_api, register_error_handler])
    def test_a_handler_for_everything_does_not_shadow_ours(self, moment, kind, register):
        """An application's handler for Exception gets everything but our errors, whenever it was registered."""

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
        """An application's handler for one of our classes is asked for it and for what derives from it, as in Flask."""

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
        """Who registers a handler for PraetorianError after us means it."""
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


class TestT3:
    """A namespace's handlers answer for the whole API."""

    def test_a_namespace_cannot_shadow_us_with_everything(self):
        """A namespace's handler for Exception does not get our errors, not even the namespace's own."""
        target = Target()
        target.camp.errorhandler(Exception)(lambda error: ({"message": "mine"}, 599))

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert target.answer_to(KeyError("x")).status_code == 599

    def test_a_namespace_may_answer_for_one_class(self):
        """A namespace's handler for one of our classes answers in the other namespaces as well, the last one winning."""
        target = Target()
        for status in (597, 598):
            other = target.api.namespace(f"other{status}")
            other.errorhandler(MissingRoleError)(lambda error, status=status: ({"message": "mine"}, status))
        target.api.errorhandler(MissingRoleError)(lambda error: ({"message": "mine"}, 596))

        assert target.get("/camp/admin", ALICE).status_code == 598
        assert summary(target.get("/camp/admin")) == MISSING_TOKEN


class TestT4:
    """An attribute ``data`` of an error replaces the body."""

    @pytest.mark.parametrize("name", NAMES)
    def test_no_error_has_data(self, name):
        """None of our classes has such an attribute, nor any other that RESTX or Werkzeug looks at."""
        error = sample(name)

        assert [taken for taken in ("data", "description", "response", "get_response") if hasattr(error, taken)] == []

    @pytest.mark.parametrize("name", NAMES)
    def test_the_body_is_ours(self, name):
        """Every class is answered with its own name, code and message, and nothing of its evidence."""
        error = sample(name)

        response = Target().answer_to(error)

        body = {"error": name, "message": error.message, "status_code": response.status_code, "code": error.code}
        assert response.json == body


class TestT5:
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
        """The challenge speaks of the scheme and the realm that are configured."""
        target = Target(JWT_HEADER_TYPE="JWT", JWT_REALM="legion")

        assert target.get("/camp/protected").headers["WWW-Authenticate"] == 'JWT realm="legion"'

    def test_the_handler_returns_a_triple(self):
        """The handler's result is what RESTX can answer with."""
        target = Target()
        handler = target.api.error_handlers[PraetorianError]

        with target.app.test_request_context():
            body, status, headers = handler(MissingTokenError())

        assert (type(body), type(status), type(headers)) == (dict, int, dict)


class TestT6:
    """RESTX adds a message to a body without one, and writes into the dict that it was handed."""

    @pytest.mark.parametrize("include", [True, False])
    def test_message_is_ours(self, include):
        """The message is the public one, never the error's detail, whatever ERROR_INCLUDE_MESSAGE says."""
        target = Target(ERROR_INCLUDE_MESSAGE=include)

        assert target.answer_to(MissingTokenError("detail for the log")).json["message"] == "a bearer token is required"

    def test_every_answer_is_new(self):
        """Who writes into an answer does not change the next."""
        target = Target()
        handler = target.api.error_handlers[PraetorianError]

        with target.app.test_request_context():
            first = handler(MissingTokenError())
            first[0].clear()
            first[2].clear()

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN


class TestT7:
    """A handler's Content-Type is ignored, and Accept changes nothing."""

    @pytest.mark.parametrize("accept", ["*/*", "text/html", "application/xml", "application/problem+json"])
    def test_errors_are_json(self, accept):
        """Whatever is asked for, a refusal is JSON."""
        response = Target().get("/camp/protected", Accept=accept)

        assert summary(response) == MISSING_TOKEN
        assert response.mimetype == "application/json"

    def test_nothing_acceptable_is_still_refused(self):
        """Where the Api has no default and can offer nothing, the request is refused by RESTX before us: 406."""
        target = Target()
        target.api.default_mediatype = None

        assert target.get("/camp/protected", Accept="application/xml").status_code == 406
        assert summary(target.get("/camp/protected", Accept="application/json")) == MISSING_TOKEN


class TestT8:
    """``serve_challenge_on_401`` replaces our challenge by one for Basic."""

    @pytest.mark.parametrize("register", [init_api, register_error_handler])
    def test_refused(self, register):
        """Such an Api is refused, with what to write instead, and nothing is registered on it."""
        api = Api(serve_challenge_on_401=True)

        with pytest.raises(ConfigurationError, match=r"write Api\(\.\.\., serve_challenge_on_401=False\)"):
            register(api)

        assert PraetorianError not in api.error_handlers

    def test_without_it_the_challenge_is_ours(self):
        """The twin: the default is fine."""

        assert Target().get("/camp/protected").headers.getlist("WWW-Authenticate") == [BARE]


class TestT9:
    """A 404 lists URLs that are like the one asked for."""

    @pytest.mark.parametrize("name", NAMES)
    def test_no_refusal_is_a_404(self, name):
        """None of our errors is answered with 404, so none of them tells what else there is."""
        response = Target().answer_to(sample(name))

        assert response.status_code != 404
        assert "did you mean" not in response.text


class TestT10:
    """``got_request_exception`` is not sent for an error with a handler, so nobody else sees a refusal."""

    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_tasks_see_what_the_signal_does_not(self, configuration):
        """Tasks are handed every refusal, once; the signal is not sent."""
        seen, signalled = [], []
        target = Target(seen.append, **CONFIGURATIONS[configuration])

        with got_request_exception.connected_to(lambda app, exception: signalled.append(exception), target.app):
            response = target.get("/camp/protected")

        assert summary(response) == MISSING_TOKEN
        assert [type(error) for error in seen] == [MissingTokenError]
        assert signalled == []


class TestT11:
    """What a ``before_request`` function raises goes to the Api's handler or to Flask's, by the URL."""

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_a_guard_of_the_application(self, shape, configuration):
        """A guard before every request refuses at a resource, at swagger.json, at no URL at all, and runs the tasks."""
        seen = []
        target = Target(seen.append, shape=SHAPES[shape], **CONFIGURATIONS[configuration])
        target.app.before_request(auth_required(lambda: None))

        for path in ("/camp/open", "/swagger.json", "/", "/nowhere"):
            assert summary(target.get(path)) == MISSING_TOKEN, path
        assert len(seen) == 4
        assert target.get("/camp/open", ALICE).status_code == 200
        assert target.get("/nowhere", ALICE).status_code == 404

    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_a_guard_of_the_blueprint(self, configuration):
        """A guard before every request of the Api's blueprint refuses there, and lets other URLs alone."""

        def shape(app, prepare):
            api, prefix = SHAPES["api_given_a_blueprint"](app, prepare)
            app.before_request_funcs.setdefault("v1", []).append(auth_required(lambda: None))
            return api, prefix

        target = Target(shape=shape, **CONFIGURATIONS[configuration])

        assert summary(target.get("/camp/open")) == MISSING_TOKEN
        assert summary(target.get("/swagger.json")) == MISSING_TOKEN
        assert target.get("/camp/open", ALICE).status_code == 200
        assert target.get("/nowhere").status_code == 404

    def test_tasks_are_kept_where_the_guard_comes_later(self):
        """Praetorian leaves the handler of init_api in place, so its tasks see what only Flask answers."""
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
        """A guard lets a preflight have what Flask answers to OPTIONS: no body, no signal, no handler of the user's."""
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
        """The twin: OPTIONS that is no preflight needs a token like any request."""
        target = Target()
        target.app.before_request(auth_required(lambda: None))

        assert summary(target.open("OPTIONS", "/camp/open")) == MISSING_TOKEN


class TestT12:
    """``Api(decorators=...)`` guards swagger.json and not the page that shows it."""

    def test_the_trap_is_there(self):
        """An Api whose decorators guard it cannot show its documentation."""
        app, _ = make_app()
        init_api(Api(app, decorators=[auth_required]))

        assert app.test_client().get("/swagger.json").status_code == 401
        assert app.test_client().get("/").status_code == 200

    @pytest.mark.parametrize("shape", SHAPES)
    def test_documentation_stays_open(self, shape):
        """Behind our decorators the page and swagger.json are open, and OPTIONS is answered."""
        target = Target(shape=SHAPES[shape])

        assert target.get("/camp/protected").status_code == 401
        assert target.get("/swagger.json").status_code == 200
        assert target.get("/").status_code == 200
        assert target.open("OPTIONS", "/camp/protected").status_code == 200


class TestT13:
    """A handler that raises becomes a 500."""

    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_a_task_that_raises_changes_nothing(self, configuration):
        """A failing task is logged, the tasks after it run, and the refusal goes out."""
        seen = []

        def fail(error):
            raise RuntimeError

        target = Target(fail, seen.append, **CONFIGURATIONS[configuration])

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN
        assert len(seen) == 1

    @pytest.mark.parametrize("register", [init_api, register_error_handler])
    def test_a_task_that_is_none_is_refused(self, register):
        """What cannot be called is found when it is registered, and nothing is registered."""
        api = Api()

        with pytest.raises(ConfigurationError, match="`on_error` must hold functions"):
            register(api, "log")

        assert PraetorianError not in api.error_handlers


class TestT14:
    """flask-buzz registered the base and its direct subclasses, and lost the headers."""

    def test_every_derived_class_is_caught(self):
        """One handler answers for a class three below the root, with headers, and tasks run before the response."""

        class Refined(MissingClaimError):
            """Somebody's own reason."""

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

    def test_a_class_that_is_not_ours_is_not_caught(self):
        """The twin: somebody's own exception stays RESTX's affair, and no task runs."""
        seen = []
        target = Target(seen.append)

        assert target.answer_to(KeyError("x")).json == {"message": "Internal Server Error"}
        assert seen == []


class TestAnswersOutsideTheApi:
    def test_flask_views_answer_alike(self):
        """A view of Flask beside the API refuses with the same answer and runs the same tasks."""
        seen = []
        target = Target(seen.append)
        target.app.add_url_rule("/plain", view_func=auth_required(lambda: Response("plain")), endpoint="plain")

        assert summary(target.get("/plain")) == MISSING_TOKEN
        assert target.get("/plain", ALICE).text == "plain"
        assert len(seen) == 1

    def test_two_apis_have_tasks_of_their_own(self):
        """Of two APIs in one application, each runs its own tasks."""
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
