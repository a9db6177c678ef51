"""A target of the contract, as an adapter's author writes it, on applications of every kind."""

from __future__ import annotations

import falcon
import falcon.asgi
from flask import Flask
from starlette.applications import Starlette

from praetorian_core import AsyncGuard, Guard
from praetorian_core.testing import MemoryUser
from praetorian_core.testing.adapter_suite import (
    SCENARIOS,
    Application,
    ASGIClient,
    BodyStyle,
    Lack,
    Received,
    Request,
    Target,
    World,
    WSGIClient,
    differences,
    run,
)


class OnMine:
    """A target with plain class attributes."""

    style = BodyStyle.CANONICAL
    lacks = frozenset({Lack.OPTIONS})

    def build(self, world: World) -> Application:
        guard: Guard[MemoryUser] = Guard(world.users, world.settings, **world.options)
        async_guard: AsyncGuard[MemoryUser] = AsyncGuard(world.users, world.settings, **world.options)
        assert guard.settings is async_guard.settings
        return ASGIClient(Starlette())


class ByHand:
    """A client of one's own."""

    def send(self, request: Request) -> Received:
        return Received(status=200 if request.method == "GET" else 405)


def every_kind_of_application() -> list[Application]:
    applications: list[Application] = [
        WSGIClient(Flask(__name__)),
        WSGIClient(falcon.App()),
        ASGIClient(falcon.asgi.App()),
        ASGIClient(Starlette()),
        ByHand(),
    ]
    return applications


def found() -> list[str]:
    target: Target = OnMine()
    for application in every_kind_of_application():
        received: Received = application.send(Request())
        differences(SCENARIOS[0].steps[0].expected, received, target.style)
    return run(target, SCENARIOS[0])
