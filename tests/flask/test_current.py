"""The authenticated principal: the same throughout one request, and never that of another request."""

from __future__ import annotations

import http.client
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from flask import Flask, Response, copy_current_request_context, g, jsonify, request
from tests.flask.runner import Site
from tests.flask.scenarios import ACCESS, NOW, REFRESH, SECRET, make_world
from werkzeug.serving import make_server

from praetorian_core import Guard, Principal, Settings, errors
from praetorian_core.testing import MemoryUser, as_user
from praetorian_flask import (
    Praetorian,
    auth_accepted,
    auth_required,
    current_custom_claims,
    current_guard,
    current_principal,
    current_principal_or_none,
    current_rolenames,
    current_token,
    current_user,
    current_user_id,
    current_user_or_none,
    roles_required,
)

ASKING = [current_principal, current_user_id, current_rolenames, current_custom_claims, current_user]


def who():
    """Return the principal's identity as JSON."""
    principal = current_principal_or_none()
    return jsonify(id=principal and principal.identity)


def undecorated():
    """Return the same, in a view that no decorator is ever applied to."""
    return who()


class Application(Site):
    """A site with an open route, a guarded one and an optional one."""

    def __init__(self):
        super().__init__()
        self.app.add_url_rule("/open", "open", undecorated)
        self.app.add_url_rule("/", "guarded", auth_required(who))
        self.app.add_url_rule("/optional", "optional", auth_accepted(who))

    def see(self, look, name="alice", **claims):
        """Return what a guarded view sees."""
        seen = []

        @auth_required
        def view():
            seen.append(look())
            return "seen"

        self.app.add_url_rule("/see", view_func=view)
        headers = self.headers(name, **claims)
        self.world.users.calls = 0
        assert self.client.get("/see", headers=headers).text == "seen"
        return seen[0]


@pytest.fixture
def site():
    return Application()


class TestPrincipal:
    def test_principal(self, site):
        """The principal holds everything that the token says."""
        principal = site.see(current_principal, color="red")

        assert isinstance(principal, Principal)
        assert (principal.identity, principal.roles, dict(principal.claims)) == (1, {"reader"}, {"color": "red"})
        assert (principal.issued_at, principal.access_expires_at, principal.refresh_expires_at) == (
            NOW,
            NOW + ACCESS,
            NOW + REFRESH,
        )

    def test_parts(self, site):
        """Identity, roles and custom claims have names of their own."""
        seen = site.see(lambda: (current_user_id(), current_rolenames(), dict(current_custom_claims())), "root", a=[1])

        assert seen == (2, frozenset({"reader", "admin"}), {"a": [1]})

    def test_claims_are_a_copy(self, site):
        """A view can change the claims that it gets; the principal keeps its own."""

        def look():
            current_custom_claims()["admin"] = True
            return current_custom_claims()

        assert {"color": "red"} == site.see(look, color="red")

    def test_claims_as_json(self, site):
        """The return value of ``current_custom_claims`` is a response."""
        site.app.add_url_rule("/claims", view_func=auth_required(current_custom_claims))

        response = site.client.get("/claims", headers=site.headers("alice", a=[1, {"b": None}]))

        assert {"a": [1, {"b": None}]} == response.json

    def test_roles_are_those_of_the_token(self, site):
        """Roles that were taken away since are in the token until it is refreshed: no user store is asked."""
        headers = site.headers("alice")
        site.world.users.lookup("alice").rolenames.clear()
        site.app.add_url_rule("/roles", view_func=roles_required("reader")(lambda: sorted(current_rolenames())))

        assert site.client.get("/roles", headers=headers).json == ["reader"]

    def test_asks_no_user_store(self, site):
        """A guarded view that does not load the user makes no call to the user store."""
        site.see(lambda: (current_principal(), current_user_id(), current_rolenames(), current_custom_claims()))

        assert site.world.users.calls == 0

    @pytest.mark.parametrize("look", ASKING)
    def test_without_a_decorator(self, site, look, caplog):
        """In a view without a decorator no token was looked for: the client gets a 500, the log the reason."""
        site.app.add_url_rule("/undecorated", endpoint="bare", view_func=lambda: str(look()))

        response = site.client.get("/undecorated", headers=site.headers("alice"))

        assert (500, "configuration") == (response.status_code, response.json["code"])
        assert "no token was verified in this request to 'bare'; decorate the view" in caplog.text

    @pytest.mark.parametrize("look", ASKING)
    def test_nobody_in_an_optional_view(self, site, look):
        """A request that auth_accepted admitted without a token has no principal either."""
        site.app.add_url_rule("/look", view_func=auth_accepted(lambda: jsonify(str(look()))))

        assert site.client.get("/look").json["code"] == "missing_token"
        assert site.client.get("/look", headers=site.headers("alice")).status_code == 200

    def test_nobody_or_none(self, site):
        """The functions for optional routes return None."""
        seen = []
        view = auth_accepted(lambda: seen.append((current_principal_or_none(), current_user_or_none())) or "")
        site.app.add_url_rule("/look", view_func=view)
        site.client.get("/look")
        site.client.get("/look", headers=site.headers("alice"))

        assert seen[0] == (None, None)
        assert seen[1][0].identity == 1
        assert seen[1][1] is site.world.users.lookup("alice")

    def test_outside_a_request(self):
        """Outside a request there is no principal and no user."""

        assert current_principal_or_none() is None
        assert current_user_or_none() is None

    def test_in_after_request(self, site):
        """Who acted is still known when the response goes out."""
        seen = []
        site.app.after_request(lambda response: seen.append(current_user_id()) or response)
        site.client.get("/", headers=site.headers("alice"))

        assert seen == [1]

    def test_in_another_thread(self, site):
        """A thread that is handed the request's context knows who acts."""

        def look():
            seen = []
            thread = threading.Thread(target=copy_current_request_context(lambda: seen.append(current_user_id())))
            thread.start()
            thread.join()
            return seen

        assert site.see(look) == [1]

    def test_not_in_g(self, site):
        """flask.g belongs to the application context, which may outlive the request, so nothing is kept there."""

        assert site.see(lambda: (current_user(), list(g))[1]) == []


class TestToken:
    def test_raw(self, site):
        """The raw token is returned without validation, also an expired one, as a refresh route needs it."""
        header = site.headers("alice")
        site.world.clock.tick(ACCESS)
        with site.app.test_request_context(headers=header):
            assert f"Bearer {current_token()}" == header["Authorization"]

    def test_without_one(self, site):
        """A request without a token has none to return."""

        with site.app.test_request_context(), pytest.raises(errors.MissingTokenError):
            current_token()

    def test_several(self, site):
        """Nor is one chosen of several (RFC 6750 §2)."""
        header = site.headers("alice")["Authorization"]

        with (
            site.app.test_request_context(headers=[("Authorization", header)] * 2),
            pytest.raises(errors.MalformedHeaderError),
        ):
            current_token()

    def test_without_an_extension(self):
        """Without a guard the header is unknown."""

        with Flask(__name__).test_request_context(), pytest.raises(errors.ConfigurationError, match="has no guard"):
            current_token()


class TestGuard:
    def test_of_the_request(self, site):
        """current_guard is the guard of the application that serves."""

        assert site.see(current_guard) is site.guard
        assert isinstance(site.guard, Guard)


class TestUser:
    def test_is_the_users_own(self, site):
        """current_user is what identify returned."""

        assert site.see(current_user) is site.world.users.lookup("alice")

    def test_loads_once(self, site):
        """Asked ten times in one request, the user store is asked once."""
        users = site.see(lambda: [current_user() for _ in range(5)] + [current_user_or_none() for _ in range(5)])

        assert len({id(user) for user in users}) == 1
        assert site.world.users.calls == 1

    def test_loads_once_under_stacked_decorators_and_a_guard_for_all(self, site):
        """Each decorator asks the guard anew; the user that was loaded in between stays loaded."""

        def load(view):
            def loading(*args, **kwargs):
                current_user()
                return view(*args, **kwargs)

            return loading

        site.app.before_request(auth_required(lambda: current_user() and None))
        view = auth_required(load(auth_accepted(load(roles_required("reader")(lambda: current_user().username)))))
        site.app.add_url_rule("/stack", view_func=view)
        headers = site.headers("alice")
        site.world.users.calls = 0

        assert site.client.get("/stack", headers=headers).text == "alice"
        assert site.world.users.calls == 1

    def test_loads_again_in_the_next_request(self, site):
        """What was loaded belongs to one request."""
        site.app.add_url_rule("/me", view_func=auth_required(lambda: current_user().username))
        headers = site.headers("alice")
        site.world.users.calls = 0
        for _ in range(3):
            site.client.get("/me", headers=headers)

        assert site.world.users.calls == 3

    def test_of_a_kind(self, site):
        """A user of the kind that is asked for is returned, typed."""

        assert site.see(lambda: current_user(MemoryUser).username) == "alice"
        assert site.app.extensions["praetorian"].guard is site.guard

    def test_of_another_kind(self, site):
        """A user of another kind is refused, naming both."""
        site.app.testing = True
        site.app.config["DISABLE_PRAETORIAN_ERROR_HANDLER"] = True

        with (
            pytest.raises(errors.ConfigurationError, match="the user must be an instance of Flask; got MemoryUser"),
            site.app.test_request_context(headers=site.headers("alice")),
        ):
            auth_required(lambda: current_user(Flask))()

    def test_or_none_of_a_kind(self, site):
        """current_user_or_none takes a kind as well."""

        assert site.see(lambda: current_user_or_none(MemoryUser).username) == "alice"

    @pytest.mark.parametrize(
        ("change", "error"),
        [
            (lambda users, user: users.remove(user), errors.MissingUserError),
            (lambda users, user: setattr(user, "valid", False), errors.InvalidUserError),
        ],
        ids=["deleted", "disabled"],
    )
    def test_gone(self, site, change, error):
        """A user who is gone or disabled is not returned, whatever the token still opens."""
        headers = site.headers("alice")
        change(site.world.users, site.world.users.lookup("alice"))

        with site.app.test_request_context(headers=headers):
            auth_required(current_principal)()
            with pytest.raises(error):
                current_user()

    def test_of_another_token_in_the_same_request(self, site):
        """The principal admitted last is current, with its own user."""
        with site.app.test_request_context(headers=site.headers("alice")):
            auth_required(current_principal)()
            assert current_user().username == "alice"
            request.environ["HTTP_AUTHORIZATION"] = site.headers("root")["Authorization"]
            auth_required(current_principal)()
            assert (current_user_id(), current_user().username) == (2, "root")
            del request.environ["HTTP_AUTHORIZATION"]
            auth_accepted(lambda: None)()

            assert current_principal_or_none() is None

    def test_a_failure_is_not_remembered(self, site):
        """A user store that failed is asked again: it may have recovered."""
        user = site.world.users.lookup("alice")
        with site.app.test_request_context(headers=site.headers("alice")):
            auth_required(current_principal)()
            user.valid = False
            with pytest.raises(errors.InvalidUserError):
                current_user()
            user.valid = True

            assert current_user() is user


class TestLeaks:
    """ASVS 15.4.1: identity is bound to one request."""

    def identities(self, site):
        """Send requests of alice, without a token, of root, without a token; return the identities that the views saw."""
        order = ["alice", None, "root", None, "alice"]
        found = []
        for path in ("/open", "/optional", "/"):
            for name in order:
                response = site.client.get(path, headers=site.headers(name) if name else {})
                found.append(response.json.get("id", response.status_code))
        return found

    EXPECTED = (*[None] * 5, 1, None, 2, None, 1, 1, 401, 2, 401, 1)

    def test_one_after_the_other(self, site):
        """One client sends requests with and without a token."""

        assert tuple(self.identities(site)) == self.EXPECTED

    def test_in_an_open_application_context(self, site):
        """A test that holds an application context open sees no principal of the last request."""
        with site.app.app_context():
            assert tuple(self.identities(site)) == self.EXPECTED

    def test_in_an_open_request_context(self, site):
        """Nor does one that holds a request context open, which stays anonymous."""
        with site.app.test_request_context(headers=site.headers("root")):
            assert tuple(self.identities(site)) == self.EXPECTED
            assert current_principal_or_none() is None

    def test_in_another_users_request_context(self, site):
        """Nor where the outer request was admitted, which keeps its own principal."""
        with site.app.test_request_context(headers=site.headers("root")):
            auth_required(current_principal)()

            assert tuple(self.identities(site)) == self.EXPECTED
            assert current_user().username == "root"

    def test_in_a_client_that_keeps_its_contexts(self, site):
        """A test client in a with block keeps the contexts of its requests alive until the next one."""
        with site.client as site.client:
            assert tuple(self.identities(site)) == self.EXPECTED
            assert current_user_id() == 1

    def test_two_clients(self, site):
        """Two clients of one application, one with alice's token and one without."""
        alice, nobody = site.app.test_client(), site.app.test_client()
        with ExitStack() as stack:
            for client in (alice, nobody):
                stack.enter_context(client)

            assert alice.get("/", headers=site.headers("alice")).json == {"id": 1}
            assert nobody.get("/optional").json == {"id": None}
            assert nobody.get("/").status_code == 401

    def test_a_request_within_a_request(self, site):
        """A view that calls its own application as another user keeps its principal and its user."""

        @site.app.get("/outer")
        @auth_required
        def outer():
            before = current_user().username
            client = site.app.test_client()
            inner = [
                client.get("/", headers=site.headers("root")).json["id"],
                client.get("/open").json["id"],
                client.get("/optional").json["id"],
                client.get("/").status_code,
            ]
            return jsonify([before, inner, current_user_id(), current_user().username])

        response = site.client.get("/outer", headers=site.headers("alice"))

        assert response.json == ["alice", [2, None, None, 401], 1, "alice"]

    @pytest.mark.parametrize("copied", [True, False], ids=["copied", "the same"])
    def test_an_environment_that_is_handed_on(self, copied):
        """A view that forwards its environment to another application does not forward its principal or its user."""
        gateway, behind = Site(), Site()
        behind.world.users.identify(1).username = "alice of the other"
        behind.app.add_url_rule("/name", "name", lambda: str(current_user_or_none()))
        behind.app.add_url_rule("/me", view_func=auth_required(lambda: current_user().username))
        inner = behind.headers("alice of the other")["Authorization"]

        def forward(path, **headers):
            changes = {"PATH_INFO": path, **headers}
            if copied:
                return Response.from_app(behind.app, {**request.environ, **changes}).get_data(as_text=True)
            kept = dict(request.environ)
            request.environ.update(changes)
            parts = behind.app(request.environ, lambda status, headers: None)
            text = b"".join(parts).decode()
            parts.close()
            request.environ.update(kept)
            return text

        @gateway.app.get("/forward")
        @auth_required
        def forwarding():
            outer = current_user().username
            return jsonify([outer, forward("/name"), forward("/me", HTTP_AUTHORIZATION=inner)])

        response = gateway.client.get("/forward", headers=gateway.headers("alice"))

        assert response.json == ["alice", "None", "alice of the other"]

    def test_an_environment_that_is_used_again(self, site):
        """Two requests made of one environment are two requests."""
        environ = site.app.test_request_context(headers=site.headers("alice")).request.environ
        with site.app.request_context(environ):
            auth_required(current_principal)()
            assert current_user_id() == 1

        with site.app.request_context(environ):
            assert current_principal_or_none() is None

    def test_names_in_headers(self, site):
        """No header makes a principal: what a client sends is never where the principal is kept."""
        names = ["praetorian.actor", "Praetorian-Actor", "praetorian.principal", "werkzeug.request", "praetorian"]

        assert site.client.get("/open", headers=dict.fromkeys(names, "1")).json == {"id": None}
        assert site.client.get("/", headers=dict.fromkeys(names, "1")).status_code == 401

    def test_two_applications(self):
        """Two applications of one extension, one request inside the other."""
        praetorian = Praetorian()
        apps, worlds = [], []
        for _ in range(2):
            world = make_world()
            app = Flask(__name__)
            app.config["SECRET_KEY"] = SECRET
            praetorian.init_app(app, Guard(world.users, Settings.from_mapping(app.config), **world.options))
            app.add_url_rule("/", view_func=auth_accepted(who))
            apps.append(app)
            worlds.append(world)
        with apps[0].app_context():
            headers = as_user(praetorian.guard, worlds[0].users.lookup("alice"))

        with apps[0].test_request_context(headers=headers):
            auth_required(current_principal)()

            assert apps[1].test_client().get("/").json == {"id": None}
            with apps[1].test_request_context():
                assert current_principal_or_none() is None
            assert current_user_id() == 1


class TestThreads:
    ROUNDS = 12
    THREADS = 32

    @pytest.fixture
    def turns(self, site):
        """Give an application a slow road between being admitted and being asked who acts."""

        @site.app.get("/slow")
        @auth_accepted
        def slow():
            first = current_principal_or_none()
            user = current_user_or_none()
            barrier.wait()
            return jsonify(
                before=first and first.identity,
                after=(again := current_principal_or_none()) and again.identity,
                user=user and user.identity,
                loaded=(late := current_user_or_none()) and late.identity,
            )

        barrier = threading.Barrier(self.THREADS, timeout=30)
        names = [("alice", 1), ("root", 2), (None, None), ("alice", 1)]
        return [
            (site.headers(name) if name else {}, identity)
            for name, identity in (names[index % 4] for index in range(self.THREADS))
        ]

    def test_test_clients(self, site, turns):
        """32 threads between admission and answer: each sees the principal of its own token."""

        def play(turn):
            headers, identity = turn
            client = site.app.test_client()
            answers = [client.get("/slow", headers=headers).json for _ in range(self.ROUNDS)]
            return all(set(answer.values()) == {identity} for answer in answers)

        with ThreadPoolExecutor(self.THREADS) as pool:
            verdicts = Counter(pool.map(play, turns))

        assert verdicts == {True: self.THREADS}

    def test_a_threaded_server(self, site, turns):
        """The same through Werkzeug's threaded server and real connections."""
        server = make_server("127.0.0.1", 0, site.app, threaded=True)
        site.app.logger.disabled = True
        serving = threading.Thread(target=server.serve_forever)
        serving.start()

        def play(turn):
            headers, identity = turn
            connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
            answers = []
            for _ in range(3):
                connection.request("GET", "/slow", headers=headers)
                response = connection.getresponse()
                answers.append(json.loads(response.read()))
            connection.close()
            return all(set(answer.values()) == {identity} for answer in answers)

        try:
            with ThreadPoolExecutor(self.THREADS) as pool:
                verdicts = Counter(pool.map(play, turns))
        finally:
            server.shutdown()
            serving.join()
            server.server_close()

        assert verdicts == {True: self.THREADS}
