"""``set_token_cookies`` and ``clear_token_cookies``: what is theirs beyond the adapter suite."""

from __future__ import annotations

import falcon
import falcon.asgi
import pytest
from tests.support import ACCESS, NOW

import praetorian_falcon as pf
from praetorian_core import AsyncGuard, Guard, Settings
from praetorian_core.errors import ConfigurationError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers
from praetorian_core.testing.adapter_suite import ASGIClient, Request, WSGIClient
from praetorian_core.token import KeyRing, generate_secret

ALICE = MemoryUser(identity=1, username="alice")
NAME = "__Host-access_token"
SETTINGS = Settings(
    keys=KeyRing.from_secret(generate_secret()), access_lifespan=ACCESS, places=["cookie"], cookie_refresh=True
)


class PlainContext(falcon.Request):
    context_type = dict


class PlainResponse(falcon.Response):
    context_type = dict


class Session:
    @pf.auth_required
    def on_get(self, req, resp):
        resp.media = pf.current_token(req)

    @pf.auth_required
    def on_get_own(self, req, resp):
        pf.set_token_cookies(resp, pf.current_guard(req).issue(ALICE))

    @pf.auth_required
    def on_get_clear(self, req, resp):
        pf.clear_token_cookies(resp)


class AsyncSession:
    @pf.auth_required
    async def on_get(self, req, resp):
        resp.media = pf.current_token(req)

    @pf.auth_required
    async def on_get_own(self, req, resp):
        pf.set_token_cookies(resp, await pf.current_guard(req).issue(ALICE))

    @pf.auth_required
    async def on_get_clear(self, req, resp):
        pf.clear_token_cookies(resp)


def application(kind):
    """Return an application, its clock, and a token."""
    clock = FrozenClock(NOW)
    users, options = MemoryUsers([ALICE]), {"clock": clock, "passwords": None}
    guard = Guard(users, SETTINGS, **options)
    if kind == "asgi":
        app, resource = pf.init_app(falcon.asgi.App(), AsyncGuard(users, SETTINGS, **options)), AsyncSession()
    elif kind == "dict":
        app = pf.init_app(falcon.App(request_type=PlainContext, response_type=PlainResponse), guard)
        resource = Session()
    else:
        app, resource = pf.init_app(falcon.App(), guard), Session()
    app.add_route("/plain", resource)
    app.add_route("/own", resource, suffix="own")
    app.add_route("/clear", resource, suffix="clear")
    return app, clock, guard.issue(ALICE)


class TestRenewal:
    @pytest.mark.parametrize("kind", ["wsgi", "asgi", "dict"])
    @pytest.mark.parametrize("path", ["/own", "/clear", "/plain"])
    def test_one_cookie(self, kind, path):
        """A responder that sets or deletes the cookies itself decides; any other answer sets those of the renewed token."""
        app, clock, token = application(kind)
        clock.tick(ACCESS)
        client = ASGIClient(app) if kind == "asgi" else WSGIClient(app)
        received = client.send(Request(path=path, headers=(("Cookie", f"{NAME}={token}"),)))
        (value,) = (value for name, value, _ in received.cookies if name == NAME)

        assert {"/own": 3, "/clear": 1, "/plain": 3}[path] == len(value.split("."))
        assert path != "/plain" or value == received.json
        assert value != token


class TestMistakes:
    def test_swapped(self):
        """The response comes first."""
        with pytest.raises(ConfigurationError, match=r"got str; write set_token_cookies\(resp, token\)"):
            pf.set_token_cookies("token", falcon.Response())

    def test_without_a_guard(self):
        """A response of an application without a guard has no cookies."""
        for call in (
            lambda: pf.set_token_cookies(falcon.Response(), "t"),
            lambda: pf.clear_token_cookies(falcon.Response()),
        ):
            with pytest.raises(ConfigurationError, match="belongs to no request with a guard whose JWT_PLACES"):
                call()
