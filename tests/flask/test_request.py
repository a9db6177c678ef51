"""A Flask request as the engine sees it."""

from __future__ import annotations

import string

import pytest
from flask import Flask, Request, request
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import create_environ

from praetorian_core.errors import MalformedHeaderError, MissingTokenError
from praetorian_core.web.bearer import TokenHeader
from praetorian_core.web.request import RequestInfo
from praetorian_flask.request import FlaskRequest

HEADER = TokenHeader("Authorization", "Bearer")
TOKEN = f"{string.ascii_letters}{string.digits}-._~+/"  # RFC 6750 §2.1: b64token


def a_view(headers=(), **environ):
    """Return the view of a request."""
    return FlaskRequest(Request(create_environ(headers=list(headers), **environ)))


def found(*values):
    """Return the token in these Authorization lines, or the class of the refusal."""
    try:
        return HEADER.find(a_view(("Authorization", value) for value in values))
    except (MalformedHeaderError, MissingTokenError) as error:
        return type(error)


class TestFlaskView:
    def test_is_a_request_view(self):
        """It has what the engine's protocol asks for, and no more."""
        asked = {name for name in dir(RequestInfo) if not name.startswith("_")}
        given = {name for name in dir(FlaskRequest) if not name.startswith("_")}

        assert asked == given

    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PROPFIND"])
    def test_method(self, method):
        """The method comes in capitals."""

        assert a_view(method=method).method == a_view(method=method.lower()).method == method

    def test_remote(self):
        """The address is the connection's."""

        assert a_view(environ_overrides={"REMOTE_ADDR": "8.8.8.8"}).remote == "8.8.8.8"

    def test_remote_of_nobody(self):
        """A server that names no address has none to give."""

        assert a_view().remote is None

    def test_remote_ignores_the_client(self):
        """X-Forwarded-For is the client's word, until a proxy is configured."""
        view = a_view([("X-Forwarded-For", "9.9.9.9")], environ_overrides={"REMOTE_ADDR": "8.8.8.8"})

        assert view.remote == "8.8.8.8"

    def test_remote_behind_proxy_fix(self):
        """With ProxyFix the address is the last one that the trusted proxy wrote."""
        app = Flask(__name__)
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1)
        seen = []
        app.before_request(lambda: seen.append(FlaskRequest(request).remote))
        app.test_client().get("/", headers={"X-Forwarded-For": "1.1.1.1, 9.9.9.9"})

        assert seen == ["9.9.9.9"]

    @pytest.mark.parametrize("name", ["X-Legion-Token", "x-legion-token", "X-LEGION-TOKEN"])
    def test_header(self, name):
        """Names of headers are compared without regard to letter case (RFC 9110 §5.1)."""
        view = a_view([("X-Legion-Token", "a b")])

        assert view.header(name) == "a b"
        assert view.headers(name) == ("a b",)

    def test_no_header(self):
        """A header that is not there has no value, in either form."""

        assert a_view().header("Authorization") is None
        assert a_view().headers("Authorization") == ()

    def test_an_empty_header(self):
        """A header without a value is there all the same."""

        assert a_view([("X-A", "")]).headers("X-A") == ("",)

    def test_repeated_headers(self):
        """RFC 9110 §5.3: WSGI joins repeated lines with a comma, so that there is one value and both are in it."""
        (value,) = a_view([("X-A", "1"), ("X-B", "2"), ("X-A", "3")]).headers("X-A")

        assert value.replace(" ", "") == "1,3"

    def test_a_header_is_not_a_variable(self):
        """An environment variable that is not a header is not read as one."""

        assert a_view().header("wsgi.version") is None
        assert a_view().header("request-method") is None


class TestToken:
    """The grammar itself is tested in ``tests/core/web/test_bearer.py``."""

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            (("Bearer a.b.c",), "a.b.c"),
            (("Bearer a ",), "a"),
            (("Basic a",), MissingTokenError),
            (("Bearer a", "Bearer a"), MalformedHeaderError),
            (("Basic a", "Bearer b"), MalformedHeaderError),
            (("Basic a", "Basic b"), MissingTokenError),
        ],
        ids=["one", "trailing space", "another scheme", "twice", "another scheme first", "twice another scheme"],
    )
    def test_lines(self, values, expected):
        """RFC 6750 §2: one method per request. None of several lines is chosen, although WSGI joins them."""

        assert expected == found(*values)
