"""The Falcon adapter's public calls, on both kinds of application; checkers must accept all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, Guard, Principal, all_roles
from praetorian_core.errors import PraetorianError
from praetorian_core.protocols import UserLike
from praetorian_core.testing import MemoryUser
from praetorian_core.web.request import RequestInfo
from praetorian_falcon import (
    ASGIRequest,
    PraetorianMiddleware,
    WSGIRequest,
    admit_websocket,
    auth_exempt,
    auth_required,
    authenticate,
    build_error_handler,
    build_error_handler_async,
    confirm,
    credentials,
    current_guard,
    current_user,
    current_user_or_none,
    init_app,
    keep_principal,
    roles_required,
    verify_in_request,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type


def applications(g: Guard[MemoryUser], a: AsyncGuard[MemoryUser]) -> None:
    """Each kind of application takes its kind of guard."""
    app = init_app(falcon.App(), g, on_error=[lambda error: print(error.code)])
    assert_type(app, falcon.App[falcon.Request, falcon.Response])
    aapp = init_app(falcon.asgi.App(), a)
    assert_type(aapp, falcon.asgi.App[falcon.asgi.Request, falcon.asgi.Response])
    app.add_route("/", Article())
    app.add_sink(sink)
    aapp.add_sink(asink)
    falcon.App(middleware=[PraetorianMiddleware(g)])
    falcon.asgi.App(middleware=[PraetorianMiddleware(a)])
    app.add_error_handler(PraetorianError, build_error_handler(on_error=lambda error: print(error.code)))
    aapp.add_error_handler(PraetorianError, build_error_handler_async())


@auth_required
class Article:
    """Responders of both kinds."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Under WSGI a call returns its value."""
        assert_type(current_user(req), UserLike)
        assert_type(current_user(req, MemoryUser), MemoryUser)
        assert_type(current_guard(req), Guard[UserLike])
        assert_type(current_guard(req, MemoryUser), Guard[MemoryUser])
        current_guard(req).issue("nonsense")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        current_guard(req, MemoryUser).issue("nonsense")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert_type(credentials(req), tuple[object, object])
        assert_type(authenticate(req, *credentials(req), kind=MemoryUser), MemoryUser)
        current_guard(req).issue(authenticate(req, *credentials(req)))
        assert_type(confirm(req, "secret"), str)
        assert_type(verify_in_request(req, all_roles("admin")), Principal)
        keep_principal(req, current_guard(req).verify("token"))

    @auth_exempt
    def on_head(self, req: falcon.Request, resp: falcon.Response) -> None:
        """A decorated responder keeps its signature."""
        info: RequestInfo = WSGIRequest(req)
        assert_type(info.remote, str | None)

    @roles_required("x")
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Under ASGI a call that may wait is awaited."""
        assert_type(await current_user(req), UserLike)
        assert_type(await current_user(req, MemoryUser), MemoryUser)
        assert_type(await current_user_or_none(req, MemoryUser), MemoryUser | None)
        assert_type(current_guard(req), AsyncGuard[UserLike])
        assert_type(current_guard(req, MemoryUser), AsyncGuard[MemoryUser])
        await current_guard(req).issue("nonsense")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        user = await authenticate(req, *await credentials(req))
        assert_type(await current_guard(req).issue(user), str)
        assert_type(await authenticate(req, "alice", "secret", kind=MemoryUser), MemoryUser)
        assert_type(await confirm(req, "secret"), str)
        assert_type(await verify_in_request(req), Principal)
        info: RequestInfo = ASGIRequest(req)
        assert_type(info.method, str)


@auth_required
def sink(req: falcon.Request, resp: falcon.Response, **kw: object) -> None:
    """A decorated sink keeps its signature."""


@auth_required
async def asink(
    req: falcon.asgi.Request, resp: falcon.asgi.Response | None, ws: falcon.asgi.WebSocket | None = None, **kw: object
) -> None:
    """So does a coroutine."""
    if ws is not None:
        assert_type(await admit_websocket(req, ws, await ws.receive_text()), Principal)
        assert_type(await admit_websocket(req, ws, b"token", all_roles("admin")), Principal)
