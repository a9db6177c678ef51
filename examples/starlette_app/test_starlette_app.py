"""The adapter suite on the Starlette adapter, and what only Starlette has."""

from __future__ import annotations

import threading
from typing import cast

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from praetorian_core import AsyncGuard
from praetorian_core.errors import ConfigurationError, ForbiddenError
from praetorian_core.testing.adapter_suite import (
    SCENARIOS,
    Application,
    ASGIClient,
    BodyStyle,
    Lack,
    Received,
    Scenario,
    World,
    make_world,
    run,
)
from praetorian_core.testing.adapter_suite import Request as Sent

from . import create_app
from .adapter import guarded, init_app, principal_of


class OnStarlette:
    """Starlette, whose routes answer OPTIONS only if the application says so."""

    style = BodyStyle.CANONICAL
    lacks = frozenset({Lack.OPTIONS})

    def build(self, world: World) -> Application:
        """Return the application of the suite."""
        guard = AsyncGuard(world.users, world.settings, **world.options)
        return ASGIClient(create_app(guard, on_error=world.on_error))


class TestAdapterSuite:
    @pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
    def test_scenario(self, scenario: Scenario) -> None:
        """Starlette answers as every other framework does."""

        assert [] == run(OnStarlette(), scenario)


@pytest.fixture
def world() -> World:
    """Return a world."""
    return make_world()


def send(world: World, app: Starlette, path: str, token: str | None = "good") -> Received:
    """Set the application up and send a request."""
    guard = AsyncGuard(world.users, world.settings, **world.options)
    init_app(app, cast("AsyncGuard[object]", guard), on_error=world.on_error)
    headers = () if token is None else (("Authorization", f"Bearer {world.tokens[token]}"),)
    return ASGIClient(app).send(Sent(path=path, headers=headers))


class TestPlainEndpoint:
    def test_runs_in_a_thread(self, world: World) -> None:
        """A plain function is guarded, and does not run on the event loop."""

        @guarded()
        def endpoint(request: Request) -> Response:
            return JSONResponse([principal_of(request).identity, threading.current_thread().name])

        routes = [Route("/", endpoint)]
        assert 401 == send(world, Starlette(routes=routes), "/", None).status
        identity, thread = cast("list[object]", send(world, Starlette(routes=routes), "/").json)
        assert 1 == identity
        assert "MainThread" != thread


class TestMounted:
    @pytest.fixture
    def app(self) -> Starlette:
        """Return an application with another one mounted in it."""

        async def endpoint(request: Request) -> Response:
            if request.query_params:
                raise ForbiddenError
            return JSONResponse(principal_of(request).identity)

        return Starlette(routes=[Mount("/api", Starlette(routes=[Route("/", guarded()(endpoint))]))])

    def test_is_guarded(self, world: World, app: Starlette) -> None:
        """An endpoint of a mounted application runs with a token."""

        assert 1 == send(world, app, "/api/").json

    def test_answers_the_guards_error(self, world: World, app: Starlette) -> None:
        """Without a token the answer is that of the outer application, and its hooks run."""
        received = send(world, app, "/api/", None)

        assert (401, 'Bearer realm="legion"') == (received.status, received.header("WWW-Authenticate"))
        assert ["missing_token"] == world.reported

    def test_answers_the_endpoints_error(self, world: World, app: Starlette) -> None:
        """An error that the endpoint raises is answered in the same way."""

        assert 403 == send(world, app, "/api/?x=1").status
        assert ["forbidden"] == world.reported


class TestDecoration:
    def test_refuses_a_class(self) -> None:
        """A class is not a function of a request, so it is refused at decoration."""
        with pytest.raises(ConfigurationError, match="takes a function"):
            guarded()(HTTPEndpoint)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def test_refuses_a_missing_call(self) -> None:
        """``@guarded`` without parentheses takes the endpoint for a policy."""

        def endpoint(_: Request) -> Response:
            raise AssertionError("it ran")

        with pytest.raises(ConfigurationError, match="write @guarded\\(\\)"):
            guarded(endpoint)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def test_anonymous_request(self, world: World) -> None:
        """An endpoint that needs the principal of an anonymous request answers 401."""

        @guarded(optional=True)
        async def endpoint(request: Request) -> Response:
            return JSONResponse(principal_of(request).identity)

        assert 401 == send(world, Starlette(routes=[Route("/", endpoint)]), "/", None).status
        assert 1 == send(world, Starlette(routes=[Route("/", endpoint)]), "/").json

    def test_without_set_up(self) -> None:
        """A guarded endpoint of an application without a guard does not run."""

        async def endpoint(_: Request) -> Response:
            raise AssertionError("it ran")

        with pytest.raises(ConfigurationError, match="init_app"):
            ASGIClient(Starlette(routes=[Route("/", guarded()(endpoint))])).send(Sent(path="/"))
