"""The application that the contract asks for: each route of ``praetorian_core.testing.adapter_suite.ROUTES``."""

from __future__ import annotations

from json import JSONDecodeError
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from praetorian_core import AsyncGuard, Principal, all_roles, any_role
from praetorian_core.errors import ForbiddenError
from praetorian_core.testing import MemoryUser
from praetorian_core.testing.adapter_suite import OutOfHoursError

from .adapter import StarletteView, Task, guard_of, guarded, init_app, principal_of

ALICE = MemoryUser(identity=1, username="alice", rolenames=["reader"])


def create_app(guard: AsyncGuard[MemoryUser], *tasks: Task) -> Starlette:
    """Return the application."""
    count = 0

    async def read_counter(_: Request) -> Response:
        return JSONResponse({"count": count})

    async def add_one(_: Request) -> Response:
        nonlocal count
        count += 1
        return JSONResponse({"count": count})

    app = Starlette(
        routes=[
            Route("/open", identity),
            Route("/protected", guarded()(identity_and_roles)),
            Route("/optional", guarded(optional=True)(identity)),
            Route("/admin", guarded(all_roles("admin", "reader"))(identity)),
            Route("/staff", guarded(any_role("admin", "editor"))(identity)),
            Route("/policy", guarded(all_roles("reader") & any_role("admin", "editor"))(identity)),
            Route("/me", guarded()(me)),
            Route("/options", guarded()(identity), methods=["OPTIONS"]),
            Route("/counter", read_counter),
            Route("/counter", guarded()(add_one), methods=["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
            Route("/forbidden", forbidden),
            Route("/own", own),
            Route("/login", login, methods=["POST"]),
            Route("/refresh", refresh, methods=["POST"]),
            Route("/logout", logout, methods=["POST"]),
            Route("/redeem", redeem, methods=["POST"]),
            Route("/password", password, methods=["POST"]),
            Route("/collide", collide, methods=["POST"]),
            Route("/misfit", misfit, methods=["POST"]),
        ]
    )
    init_app(app, cast("AsyncGuard[object]", guard), *tasks)
    return app


async def identity(request: Request) -> Response:
    """Say who acts, if anybody."""
    principal = principal_of(request)
    return JSONResponse({"id": principal and principal.identity})


async def identity_and_roles(request: Request) -> Response:
    """Say who acts, and with which roles."""
    principal = cast("Principal", principal_of(request))
    return JSONResponse({"id": principal.identity, "roles": sorted(principal.roles)})


async def me(request: Request) -> Response:
    """Load who acts."""
    user = await guard_of(request).load_user(cast("Principal", principal_of(request)))
    return JSONResponse({"username": cast("MemoryUser", user).username})


async def forbidden(_: Request) -> Response:
    """Refuse."""
    raise ForbiddenError


async def own(_: Request) -> Response:
    """Refuse for a reason of the application's own."""
    raise OutOfHoursError(required="hours")


async def login(request: Request) -> Response:
    """Take name and password out of a JSON object."""
    body = await json_of(request)
    remote = StarletteView(request).remote
    user = await guard_of(request).authenticate(body.get("username"), body.get("password"), source=remote)
    return JSONResponse({"username": cast("MemoryUser", user).username})


async def refresh(request: Request) -> Response:
    """Exchange an expired token, which is not looked at before."""
    guard = guard_of(request)
    return JSONResponse({"refreshed": bool(await guard.refresh(guard.find_token(StarletteView(request))))})


async def logout(request: Request) -> Response:
    """End the session of a token, dead or alive."""
    guard = guard_of(request)
    await guard.revoke(guard.find_token(StarletteView(request)))
    return JSONResponse({"ended": True})


async def redeem(request: Request) -> Response:
    """Perform an action."""
    guard = guard_of(request)
    user = await guard.redeem_action(guard.find_token(StarletteView(request)), "confirm")
    return JSONResponse({"username": cast("MemoryUser", user).username})


async def password(request: Request) -> Response:
    """Hash a new password."""
    raw = cast("str", (await json_of(request))["password"])
    return JSONResponse({"changed": bool(await guard_of(request).hash_password(raw))})


async def collide(request: Request) -> Response:
    """Issue a token with a claim that is ours."""
    return JSONResponse(await guard_of(request).issue(ALICE, SUB="2"))


async def misfit(request: Request) -> Response:
    """Issue a token with a claim that is no JSON."""
    return JSONResponse(await guard_of(request).issue(ALICE, misfit=object()))


async def json_of(request: Request) -> dict[str, object]:
    """Return the JSON object that was sent."""
    if request.headers.get("Content-Type") != "application/json":
        raise HTTPException(415)
    try:
        body: object = await request.json()
    except (JSONDecodeError, RecursionError) as error:
        raise HTTPException(400) from error
    if not isinstance(body, dict):
        raise HTTPException(400)
    return cast("dict[str, object]", body)
