"""The Falcon adapter's public calls, on both kinds of application; checkers must accept all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, Guard
from praetorian_core.errors import PraetorianError
from praetorian_core.testing import MemoryUser
from praetorian_falcon import (
    PraetorianMiddleware,
    auth_required,
    authenticate,
    build_error_handler,
    build_error_handler_async,
    credentials,
    current_guard,
    current_user,
    current_user_or_none,
    init_app,
    roles_required,
)

if TYPE_CHECKING:
    from typing_extensions import assert_type


def applications(g: Guard[MemoryUser], a: AsyncGuard[MemoryUser]) -> None:
    app = init_app(falcon.App(), g)
    assert_type(app, falcon.App[falcon.Request, falcon.Response])
    aapp = init_app(falcon.asgi.App(), a)
    assert_type(aapp, falcon.asgi.App[falcon.asgi.Request, falcon.asgi.Response])
    app.add_route("/", R())
    app.add_sink(sink)
    aapp.add_sink(asink)
    falcon.App(middleware=[PraetorianMiddleware(g)])
    falcon.asgi.App(middleware=[PraetorianMiddleware(a)])
    app.add_error_handler(PraetorianError, build_error_handler())
    aapp.add_error_handler(PraetorianError, build_error_handler_async())


@auth_required
class R:
    """Responders of both kinds."""

    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        u = current_user(req, MemoryUser)
        assert_type(u, MemoryUser)
        assert_type(current_guard(req), Guard[object])
        assert_type(credentials(req), tuple[object, object])

    @roles_required("x")
    async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        u = await current_user(req, MemoryUser)
        assert_type(u, MemoryUser)
        assert_type(await current_user(req), object)
        assert_type(await current_user_or_none(req, MemoryUser), MemoryUser | None)
        assert_type(current_guard(req), AsyncGuard[object])
        user = await authenticate(req, *await credentials(req))
        assert_type(await current_guard(req).issue(user), str)


@auth_required
def sink(req: falcon.Request, resp: falcon.Response, **kw: object) -> None: ...
@auth_required
async def asink(
    req: falcon.asgi.Request, resp: falcon.asgi.Response | None, ws: falcon.asgi.WebSocket | None = None, **kw: object
) -> None: ...
