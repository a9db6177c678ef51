"""Login over HTTP: whatever a client sends is answered with 200 or a clear refusal, and guessing is slowed."""

from __future__ import annotations

import json
from contextlib import nullcontext
from io import BytesIO

import pytest
from flask import Flask, jsonify, request
from hypothesis import example, given
from hypothesis import strategies as st
from tests.flask.runner import Site, make_app
from tests.flask.scenarios import NOW, PASSWORD, make_world
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from werkzeug.middleware.proxy_fix import ProxyFix

from praetorian_core import LoginThrottle
from praetorian_core.errors import AuthenticationError, ConfigurationError, LoginThrottledError
from praetorian_core.events import LoginFailed, LoginSucceeded, LoginThrottled
from praetorian_core.web.credentials import MAX_BODY
from praetorian_flask import authenticate, credentials, current_principal_or_none

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(), children, max_size=4),
    max_leaves=8,
)
BODIES = JSON | st.fixed_dictionaries(
    {},
    optional={
        "username": JSON | st.sampled_from(["alice", "disabled", "nobody", "", "a" * 5000, "\ud800", "alice\0"]),
        "password": JSON | st.sampled_from([PASSWORD, "", "p" * 5000, "\udfff"]),
        "source": JSON,
    },
)


class LoginSite(Site):
    """A site with a login route."""

    def __init__(self, *, proxies=0, throttle=None, **config):
        self.events = []
        throttle = LoginThrottle(per_account_and_source=2, per_source=4) if throttle is None else throttle
        super().__init__(make_world(throttle=throttle, on_event=self.events.append), **config)
        if proxies:
            self.app.wsgi_app = ProxyFix(self.app.wsgi_app, x_for=proxies)

        @self.app.post("/login")
        def login():
            user = authenticate(*credentials())
            return jsonify(username=user.username, acts=current_principal_or_none() is not None)

    def post(self, username="alice", password=PASSWORD, *, remote="8.8.8.8", forwarded=None):
        """Return the response to a login from an address."""
        return self.app.test_client().post(
            "/login",
            json={"username": username, "password": password},
            headers={} if forwarded is None else {"X-Forwarded-For": forwarded},
            environ_overrides={"REMOTE_ADDR": remote},
        )

    def guess(self, count, **options):
        """Return the statuses of some wrong passwords."""
        return [self.post(password="wrong", **options).status_code for _ in range(count)]

    def sources(self):
        """Return the addresses that the events name."""
        return [event.source for event in self.events]


@pytest.fixture
def site():
    return LoginSite()


@pytest.fixture(scope="module")
def patient():
    """Return a site that never throttles, for many examples."""
    return LoginSite(throttle=LoginThrottle(per_account=10**9, per_account_and_source=10**9, per_source=10**9))


class Endless:
    """A body that arrives in small parts and does not end."""

    given = 0

    def read(self, size=-1):
        part = b" " * min(size, 1000)
        self.given += len(part)
        return part


def sent(body, *, chunked):
    """Return the options of a request with a JSON body, without a declared length if it is chunked."""
    stream = BytesIO(body) if isinstance(body, bytes) else body
    environ = {"wsgi.input": stream, "wsgi.input_terminated": True} if chunked else {}
    return {"content_type": "application/json", "environ_overrides": environ, "data": None if chunked else body}


class TestCredentials:
    def read(self, **request):
        with Flask(__name__).test_request_context("/", method="POST", **request):
            return credentials()

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"username": "a", "password": "b"}, ("a", "b")),
            ({"username": "a", "password": "b", "more": 1}, ("a", "b")),
            ({"username": "a"}, ("a", None)),
            ({"password": "b"}, (None, "b")),
            ({"Username": "a", "Password": "b"}, (None, None)),
            ({}, (None, None)),
            ({"username": ["a"], "password": {"b": 1}}, (["a"], {"b": 1})),
            ({"username": "", "password": 0}, ("", 0)),
        ],
    )
    def test_an_object(self, body, expected):
        """Members are returned as they are, absent ones as None."""

        assert self.read(json=body) == expected

    @pytest.mark.parametrize("body", [b"[]", b'"username"', b"null", b"true", b"7", b"7.5", b'[{"username": "a"}]'])
    def test_no_object(self, body):
        """JSON that is no object is a bad request, and the answer says what is expected."""

        with pytest.raises(BadRequest, match="expected a JSON object with the members username and password"):
            self.read(data=body, content_type="application/json")

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"username=a", b"\xff", b'{"username": "\xff"}', b'{"username": ' + b"1" * 5000 + b"}"],
        ids=["empty", "cut", "form", "not UTF-8", "not UTF-8 inside", "a number too long"],
    )
    def test_broken(self, body):
        """A body that is not JSON is a bad request."""

        with pytest.raises(BadRequest):
            self.read(data=body, content_type="application/json")

    @pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"username":', b'{"a":['])
    def test_without_a_bottom(self, opening):
        """JSON nested so deep that Python's parser gives up is a bad request too."""

        with pytest.raises(BadRequest):
            self.read(data=opening * 5_000, content_type="application/json")

    @pytest.mark.parametrize(
        "content_type", ["application/json", "application/json; charset=utf-8", "application/a+json"]
    )
    def test_content_type(self, content_type):
        """RFC 6839 §3.1: JSON by whichever name."""

        assert self.read(data=b'{"username": "a"}', content_type=content_type) == ("a", None)

    @pytest.mark.parametrize("chunked", [False, True], ids=["declared length", "chunked"])
    def test_can_be_read_again(self, chunked):
        """A view can read other members of the body afterwards."""
        body = b'{"username": "a", "password": "b", "device": "c"}'
        with Flask(__name__).test_request_context("/", method="POST", **sent(body, chunked=chunked)):
            assert credentials() == ("a", "b")
            assert request.get_json() == {"username": "a", "password": "b", "device": "c"}

    @pytest.mark.parametrize("chunked", [False, True], ids=["declared length", "chunked"])
    def test_was_read_before(self, chunked):
        """A ``before_request`` function may have read the body."""
        with Flask(__name__).test_request_context("/", method="POST", **sent(b'{"username": "a"}', chunked=chunked)):
            request.get_data()

            assert credentials() == ("a", None)

    @pytest.mark.parametrize("chunked", [False, True], ids=["declared length", "chunked"])
    @pytest.mark.parametrize(("excess", "error"), [(0, None), (1, RequestEntityTooLarge)], ids=["at most", "one more"])
    def test_is_bounded(self, chunked, excess, error):
        """A body of ``MAX_BODY`` bytes is read, one of a byte more is answered with 413."""
        padding = b" " * (MAX_BODY + excess - len(b'{"username": "a"}'))
        with (
            Flask(__name__).test_request_context(
                "/", method="POST", **sent(b'{"username": "a"}' + padding, chunked=chunked)
            ),
            nullcontext() if error is None else pytest.raises(error),
        ):
            assert credentials() == ("a", None)

    def test_reads_no_more_of_an_endless_body(self):
        """A chunked body that never ends is read as far as the bound, in whatever parts it arrives."""
        stream = Endless()
        with (
            Flask(__name__).test_request_context("/", method="POST", **sent(stream, chunked=True)),
            pytest.raises(RequestEntityTooLarge),
        ):
            credentials()

        assert stream.given == MAX_BODY + 1

    @pytest.mark.parametrize(
        "content_type",
        [None, "", "text/plain", "application/x-www-form-urlencoded", "text/json", "multipart/form-data"],
    )
    def test_another_content_type(self, content_type):
        """Anything else is not looked at (RFC 9110 §15.5.16)."""

        with pytest.raises(UnsupportedMediaType):
            self.read(data=b'{"username": "a"}', content_type=content_type)


class TestAuthenticate:
    def test_success(self, site):
        """Username and password are enough; a login sets no principal for its own request."""

        assert site.post().json == {"username": "alice", "acts": False}

    @pytest.mark.parametrize(
        ("username", "password"),
        [("alice", "wrong"), ("nobody", PASSWORD), ("disabled", PASSWORD), ("ALICE", PASSWORD), ("alice ", PASSWORD)],
    )
    def test_one_answer(self, site, username, password):
        """Unknown, wrong and disabled get the same status, headers and body (ASVS 6.3.8)."""
        response, other = site.post(username, password), site.post("nobody", "wrong")

        assert (response.status_code, response.data) == (401, other.data)
        assert dict(response.headers) == dict(other.headers)
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="legion"'

    @pytest.mark.parametrize(
        "wrong", [None, 0, 1, 1.5, True, [], ["alice"], {}, {"$ne": ""}, "", "\0", "\ud800"], ids=repr
    )
    def test_wrong_types(self, wrong):
        """A member that is not a text fails as a wrong username or password."""
        site = LoginSite()

        assert site.post(username=wrong).json["code"] == "bad_credentials"
        assert site.post(password=wrong).json["code"] == "bad_credentials"

    @given(BODIES)
    @example({"username": {"a": "alice"}, "password": [PASSWORD]})
    @example({"username": "\ud800", "password": "\ud800"})
    def test_any_json(self, patient, body):
        """Whatever JSON arrives is answered with 200, 400 or 401."""
        response = patient.app.test_client().post("/login", data=json.dumps(body), content_type="application/json")

        assert response.status_code in {200, 400, 401}
        good = isinstance(body, dict) and (body.get("username"), body.get("password")) == ("alice", PASSWORD)
        assert (response.status_code == 200) is good

    @given(st.binary(max_size=200) | st.text().map(str.encode), st.sampled_from(["application/json", "text/plain", ""]))
    @example(b"[" * 60_000, "application/json")
    def test_any_octets(self, patient, body, content_type):
        """Whatever octets arrive are answered with less than 500."""
        response = patient.app.test_client().post("/login", data=body, content_type=content_type)

        assert response.status_code in {400, 401, 413, 415}

    def test_without_an_extension(self):
        """Without a guard no login is possible."""

        with Flask(__name__).test_request_context("/"), pytest.raises(ConfigurationError, match="has no guard"):
            authenticate("alice", PASSWORD)

    def test_outside_a_route(self, site):
        """The function raises what the route answers."""

        with (
            site.app.test_request_context("/", environ_overrides={"REMOTE_ADDR": "8.8.8.8"}),
            pytest.raises(AuthenticationError),
        ):
            authenticate("alice", "wrong")
        assert site.sources() == ["8.8.8.8"]

    def test_a_broken_user_store(self, site):
        """ASVS 16.5.2: if the user store fails, no login succeeds, and no challenge is sent that would make a client drop its token."""
        response = site.post(username="broken")

        assert (response.status_code, response.json["code"]) == (503, "unavailable")
        assert "WWW-Authenticate" not in response.headers
        assert PASSWORD not in response.text


class TestThrottle:
    def test_throttled(self, site):
        """The attempt after the last allowed one is refused, and Retry-After says when the window ends."""
        assert site.guess(2) == [401, 401]
        site.world.clock.tick(100)
        response = site.post()

        assert (response.status_code, response.json["code"]) == (429, "login_throttled")
        assert response.headers["Retry-After"] == "800"
        assert "WWW-Authenticate" not in response.headers

    def test_not_throttled(self, site):
        """The last allowed attempt is handled like the first."""
        assert site.guess(1) == [401]

        assert site.post().status_code == 200

    def test_after_the_window(self, site):
        """When Retry-After is over, so is the refusal."""
        assert site.guess(3) == [401, 401, 429]
        site.world.clock.now = NOW + 899
        assert site.post().status_code == 429
        site.world.clock.tick()

        assert site.post().status_code == 200

    def test_says_nothing_of_the_account(self):
        """A name that does not exist is throttled like one that does."""
        answers = []
        for name in ("alice", "nobody"):
            site = LoginSite()
            assert site.guess(2, username=name) == [401, 401]
            response = site.post(username=name)
            answers.append((response.status_code, dict(response.headers), response.data))

        assert answers[0] == answers[1]

    def test_another_source_is_not_throttled(self, site):
        """One guesser's attempts are not another's."""
        assert site.guess(3) == [401, 401, 429]

        assert site.post(remote="8.8.4.4").status_code == 200

    def test_many_accounts_from_one_source(self, site):
        """A guesser who tries name after name is stopped as a source."""
        statuses = [site.guess(1, username=f"user-{number}")[0] for number in range(5)]

        assert statuses == [401, 401, 401, 401, 429]
        assert site.post(remote="8.8.4.4").status_code == 200

    def test_asks_no_user_store(self, site):
        """A throttled attempt makes no call to the user store."""
        site.guess(2)
        site.world.users.calls = 0
        site.post()

        assert site.world.users.calls == 0

    def test_off(self):
        """PRAETORIAN_THROTTLE = False counts nothing."""
        world = make_world()
        world.options.pop("throttle")
        app, _ = make_app(world, PRAETORIAN_THROTTLE=False)
        app.add_url_rule("/login", view_func=lambda: str(authenticate(*credentials())), methods=["POST"])
        client = app.test_client()
        statuses = {client.post("/login", json={"username": "alice"}).status_code for _ in range(120)}

        assert statuses == {401}


class TestSource:
    def test_remote_addr(self, site):
        """The source is the address that Flask trusts."""
        site.post(remote="8.8.8.8")
        site.guess(1, remote="2001:4860:4860::8888")

        assert [(type(event), event.source) for event in site.events] == [
            (LoginSucceeded, "8.8.8.8"),
            (LoginFailed, "2001:4860:4860::8888"),
        ]

    def test_ignores_x_forwarded_for(self, site):
        """Without a configured proxy the header is the client's word: changing it wins no attempt."""
        statuses = [site.guess(1, forwarded=f"9.9.9.{number}")[0] for number in range(3)]

        assert statuses == [401, 401, 429]
        assert set(site.sources()) == {"8.8.8.8"}

    def test_cannot_blame_another_client(self, site):
        """Nor can a guesser use up another's attempts by naming their address."""
        site.guess(3, forwarded="8.8.4.4")

        assert site.post(remote="8.8.4.4").status_code == 200

    def test_behind_proxy_fix(self):
        """With ProxyFix each client behind the proxy is a source of its own."""
        site = LoginSite(proxies=1)
        assert site.guess(3, remote="10.0.0.1", forwarded="8.8.8.8") == [401, 401, 429]

        assert site.post(remote="10.0.0.1", forwarded="8.8.4.4").status_code == 200
        assert site.sources() == ["8.8.8.8"] * 3 + ["8.8.4.4"]
        assert type(site.events[2]) is LoginThrottled

    def test_behind_proxy_fix_with_a_forged_header(self):
        """What the client wrote before the proxy's own entry does not count."""
        site = LoginSite(proxies=1)
        statuses = [site.guess(1, remote="10.0.0.1", forwarded=f"9.9.9.{number}, 8.8.8.8")[0] for number in range(3)]

        assert statuses == [401, 401, 429]

    @pytest.mark.parametrize("remote", ["127.0.0.1", "10.0.0.1", "::1", "fd00::1", "192.168.1.1"])
    def test_a_private_address_is_no_source(self, remote, caplog):
        """Behind a proxy that is not configured, all clients have its address: it is not counted, and the log says so once."""
        site = LoginSite()
        statuses = site.guess(5, remote=remote)

        assert statuses == [401] * 5
        warnings = [record.getMessage() for record in caplog.records if "ProxyFix" in record.getMessage()]
        assert len(warnings) == 1

    def test_a_private_address_still_counts_for_the_account(self):
        """The account's own limit holds wherever the attempts come from."""
        site = LoginSite(throttle=LoginThrottle(per_account=3))

        assert site.guess(4, remote="10.0.0.1") == [401, 401, 401, 429]

    def test_raises_outside_a_route(self, site):
        """The evidence of a throttled attempt is the time to wait, and nothing of the account."""
        site.guess(2)
        with (
            site.app.test_request_context("/", environ_overrides={"REMOTE_ADDR": "8.8.8.8"}),
            pytest.raises(LoginThrottledError) as caught,
        ):
            authenticate("alice", PASSWORD)

        assert caught.value.retry_after == 900
        assert "alice" not in str(caught.value)
