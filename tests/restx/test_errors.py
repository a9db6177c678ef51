"""Setting an Api up, and leaving it alone where that is configured."""

from __future__ import annotations

import pytest
from flask import Blueprint, Flask
from flask_restx import Api, Resource, fields
from tests.restx.apps import (
    CONFIGURATIONS,
    MISSING_TOKEN,
    PREFLIGHT,
    SECRET,
    SHAPES,
    Target,
    api_before_its_app,
    make_app,
    status_of_an_unknown_path,
    summary,
)

from praetorian_core import Guard, KeyRing, Settings
from praetorian_core.errors import ConfigurationError, MissingTokenError, PraetorianError, ServiceUnavailableError
from praetorian_flask import Praetorian, build_error_handler
from praetorian_restx import auth_required, authorizations, init_api, register_error_handler

INIT_API = {"init_api": init_api, "register_error_handler": register_error_handler}
DISABLED = {"DISABLE_PRAETORIAN_ERROR_HANDLER": True}


def add_protected(api):
    """Give an API a protected resource."""

    @api.route("/protected")
    class Protected(Resource):
        @auth_required
        def get(self):
            return {}


class TestDisabled:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_init_api_registers_no_handler(self, shape):
        """DISABLE_PRAETORIAN_ERROR_HANDLER leaves errors to the application's own handlers."""
        target = Target(shape=SHAPES[shape], **DISABLED)
        target.api.errorhandler(Exception)(lambda error: ({"message": "mine"}, 599))

        assert target.get("/camp/protected").status_code == 599

    @pytest.mark.parametrize("shape", SHAPES)
    def test_without_any_handler_it_is_a_500(self, shape):
        """With no handler of anybody's, a refusal in production is a 500: refused, and rudely."""

        assert Target(shape=SHAPES[shape], **DISABLED).get("/camp/protected").status_code == 500

    @pytest.mark.parametrize("shape", SHAPES)
    def test_register_error_handler_asks_for_it(self, shape):
        """Who calls register_error_handler wants the handler, as with Flask."""
        target = Target(shape=SHAPES[shape], prepare=register_error_handler, **DISABLED)

        assert summary(target.get("/camp/protected")) == MISSING_TOKEN

    def test_a_handler_of_the_users_stays(self):
        """What the application registered for PraetorianError is not taken away."""

        def prepare(api):
            init_api(api)
            api.errorhandler(PraetorianError)(lambda error: ({"message": "mine"}, 499))

        target = Target(shape=api_before_its_app, prepare=prepare, **DISABLED)

        assert target.get("/camp/protected").status_code == 499

    def test_settings_made_by_hand_count(self):
        """The switch is read where the guard has it from."""
        app = Flask(__name__)
        app.config["SECRET_KEY"] = SECRET
        settings = Settings(keys=KeyRing.from_secret(SECRET), disable_error_handler=True)
        Praetorian(app, Guard(None, settings))
        api = Api(app)
        init_api(api)

        assert PraetorianError not in api.error_handlers

    def test_a_preflight_is_answered_all_the_same(self):
        """What is no error is not the error handler's, and is answered."""
        target = Target(**DISABLED)
        target.app.before_request(auth_required(lambda: None))

        assert target.open("OPTIONS", "/camp/open", headers=PREFLIGHT).data == b""

    def test_the_documentation_is_complete(self):
        """Without our handler the model of the body is still known, so swagger.json is whole."""

        assert "PraetorianError" in Target(**DISABLED).swagger()["definitions"]


class TestApplications:
    @pytest.mark.parametrize("order", [(True, False), (False, True), (False, False)])
    def test_one_api_for_several(self, order):
        """An Api that several applications get in turn answers as the last one is configured."""
        api = Api()
        init_api(api)
        add_protected(api)

        for disabled in order:
            app, _ = make_app(DISABLE_PRAETORIAN_ERROR_HANDLER=disabled)
            api.init_app(app)

            assert app.test_client().get("/protected").status_code == (500 if disabled else 401)

    def test_one_api_set_up_for_each_of_many(self):
        """An Api that is set up anew for each application, a thousand times, runs the hooks of the last set-up once."""
        api = Api()
        seen = []

        for number in range(1000):
            init_api(api, on_error=lambda error, number=number: seen.append(number))
        add_protected(api)
        app, _ = make_app()
        api.init_app(app)
        app.before_request(auth_required(lambda: None))
        client = app.test_client()

        assert summary(client.get("/protected")) == summary(client.get("/nowhere")) == MISSING_TOKEN
        assert seen == [999, 999]

    @pytest.mark.parametrize("last", INIT_API)
    def test_the_last_call_wins(self, last):
        """Of init_api and register_error_handler, the hooks of the last call run, everywhere."""
        seen = []
        api = Api()
        for name in (last, *sorted(INIT_API, key=last.__eq__)):
            INIT_API[name](api, lambda error, name=name: seen.append(name))
        app, _ = make_app()
        api.init_app(app=app, title="By keyword")
        app.before_request(auth_required(lambda: None))

        assert summary(app.test_client().get("/swagger.json")) == MISSING_TOKEN
        assert summary(app.test_client().get("/nowhere")) == MISSING_TOKEN
        assert seen == [last, last]

    def test_without_a_guard(self):
        """The handler needs no guard: what an application raises by itself is answered with the usual challenge."""
        app = Flask(__name__)
        api = Api(app)
        init_api(api)

        @api.route("/x")
        class X(Resource):
            def get(self):
                raise MissingTokenError

        assert summary(app.test_client().get("/x")) == MISSING_TOKEN

    def test_a_decorator_without_a_guard(self):
        """An application that was given no guard refuses: 500, with a body that says whose fault it is."""
        app = Flask(__name__)
        api = Api(app)
        init_api(api)
        add_protected(api)

        response = app.test_client().get("/protected")

        assert (response.status_code, response.json["code"]) == (500, "configuration")

    def test_a_nested_blueprint(self):
        """An Api on a blueprint in a blueprint reaches the application as well."""
        app, _ = make_app()
        parent, child = Blueprint("parent", __name__), Blueprint("child", __name__)
        api = Api(child)
        init_api(api)
        add_protected(api)
        parent.register_blueprint(child)
        app.register_blueprint(parent)

        assert summary(app.test_client().get("/protected")) == MISSING_TOKEN

    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_what_routing_refuses_is_as_before(self, configuration):
        """A wrong method and an unknown URL are answered as without us."""
        config = CONFIGURATIONS[configuration]
        target = Target(**config)

        assert target.open("DELETE", "/camp/protected").status_code == 405
        assert target.get("/nowhere").status_code == status_of_an_unknown_path(**config)

    @pytest.mark.parametrize("wrong", [Flask("app"), Blueprint("v1", "v1"), None, Api])
    @pytest.mark.parametrize("register", INIT_API)
    def test_what_is_no_api_is_refused(self, register, wrong):
        """An application in the place of its Api is refused, saying what to write."""

        with pytest.raises(ConfigurationError, match=r"expected a flask_restx.Api; got \w+; write init_api\(api\)"):
            INIT_API[register](wrong)


class TestScheme:
    def test_is_added_where_it_is_missing(self):
        """An Api without authorizations gets the scheme that the decorators refer to."""

        assert Target().swagger()["securityDefinitions"] == authorizations()

    def test_follows_the_settings(self):
        """Header and scheme are those that the guard reads."""
        target = Target(JWT_HEADER_NAME="X-Token", JWT_HEADER_TYPE="JWT")

        assert target.swagger()["securityDefinitions"] == authorizations(target.guard.settings)

    def test_what_the_application_wrote_stays(self):
        """The application's schemes are kept, and its own definition of Bearer wins."""
        mine = {"Bearer": {"type": "apiKey", "in": "header", "name": "X-Mine"}, "Basic": {"type": "basic"}}

        def prepare(api):
            api.authorizations = mine
            init_api(api)

        assert Target(prepare=prepare).swagger()["securityDefinitions"] == mine


class TestModel:
    def test_what_the_application_wrote_stays(self):
        """A model that the application calls PraetorianError is left alone."""

        def prepare(api):
            api.model("PraetorianError", {"oops": fields.String})
            init_api(api)

        assert set(Target(prepare=prepare).swagger()["definitions"]["PraetorianError"]["properties"]) == {"oops"}


class TestLog:
    @pytest.mark.parametrize("configuration", CONFIGURATIONS)
    def test_the_exception_behind_ours_is_not_logged(self, configuration, caplog):
        """RESTX logs a 503 with the traceback of our error, without that of its cause; hooks see both."""
        causes = []
        target = Target(lambda error: causes.append(error.__cause__), **CONFIGURATIONS[configuration])
        failure = RuntimeError("canary")

        @target.camp.route("/broken")
        class Broken(Resource):
            def get(self):
                try:
                    raise failure
                except RuntimeError as error:
                    raise ServiceUnavailableError("the user store failed") from error

        assert target.get("/camp/broken").status_code == 503
        assert "the user store failed" in caplog.text
        assert "canary" not in caplog.text
        assert causes == [failure]

    def test_a_refusal_is_not_logged(self, caplog):
        """A client's mistake is nothing for RESTX to log."""
        Target().get("/camp/protected")

        assert "Traceback" not in caplog.text


class TestFlaskHandler:
    def test_a_flask_handler_of_the_users_may_follow(self):
        """What an application registers on Flask later answers outside the API, as ever with Flask."""
        target = Target()
        target.app.register_error_handler(PraetorianError, lambda error: ("mine", 499))
        target.app.before_request(auth_required(lambda: None))

        assert target.get("/nowhere").status_code == 499
        assert summary(target.get("/camp/open")) == MISSING_TOKEN

    def test_one_for_everything_does_not_shadow_ours(self):
        """Flask takes the nearest handler, so one for Exception changes nothing."""
        target = Target()
        target.app.register_error_handler(Exception, lambda error: ("mine", 599))
        target.app.register_error_handler(401, build_error_handler())
        target.app.before_request(auth_required(lambda: None))

        assert summary(target.get("/nowhere")) == MISSING_TOKEN
