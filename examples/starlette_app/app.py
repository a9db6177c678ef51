"""The application of the adapter suite: each route of ``praetorian_core.testing.adapter_suite.ROUTES``."""

from __future__ import annotations

from typing import cast

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from praetorian_core import AsyncGuard, all_roles, any_role, authenticated_within
from praetorian_core.errors import ForbiddenError
from praetorian_core.testing import MemoryUser
from praetorian_core.testing.adapter_suite import OutOfHoursError
from praetorian_core.web.credentials import (
    MAX_BODY,
    CredentialsError,
    check_content_type,
    parse_body,
    username_and_password,
)
from praetorian_core.web.hooks import OnError

from .adapter import StarletteRequest, guard_of, guarded, init_app, principal_of, principal_or_none, with_cookies

ALICE = MemoryUser(identity=1, username="alice", rolenames=["reader"])


def create_app(guard: AsyncGuard[MemoryUser], *, on_error: OnError = None) -> Starlette:
    """Return the application."""
    count = 0
    recent = authenticated_within("5 minutes")

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
            Route("/recent", guarded(recent)(identity)),
            Route("/transfer", guarded(all_roles("admin") & recent)(identity)),
            Route("/twice", guarded()(guarded(all_roles("reader"))(identity))),
            Route("/me", guarded()(me)),
            Route("/options", guarded()(identity), methods=["OPTIONS"]),
            Route("/counter", read_counter),
            Route("/counter", guarded()(add_one), methods=["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
            Route("/undecorated", undecorated),
            Route("/forbidden", forbidden),
            Route("/own", own),
            Route("/login", login, methods=["POST"]),
            Route("/refresh", refresh, methods=["POST"]),
            Route("/confirm", confirm, methods=["POST"]),
            Route("/logout", logout, methods=["POST"]),
            Route("/cookie/login", cookie_login, methods=["POST"]),
            Route("/cookie/refresh", cookie_refresh, methods=["POST"]),
            Route("/cookie/logout", cookie_logout, methods=["POST"]),
            Route("/sessions", guarded()(sessions)),
            Route("/sessions", new_session, methods=["POST"]),
            Route("/sessions", guarded()(end_others), methods=["DELETE"]),
            Route("/sessions/{session_id}", guarded()(end_session), methods=["DELETE"]),
            Route("/redeem", redeem, methods=["POST"]),
            Route("/password", password, methods=["POST"]),
            Route("/collide", collide, methods=["POST"]),
            Route("/misfit", misfit, methods=["POST"]),
        ]
    )
    app.add_exception_handler(CredentialsError, answer_unusable_body)
    init_app(app, cast("AsyncGuard[object]", guard), on_error=on_error)
    return app


def identity(request: Request) -> Response:
    """Return the identity of the principal, or null; a plain function, which runs in a worker thread."""
    principal = principal_or_none(request)
    return JSONResponse({"id": principal and principal.identity})


async def identity_and_roles(request: Request) -> Response:
    """Return identity and roles of the principal."""
    principal = principal_of(request)
    return JSONResponse({"id": principal.identity, "roles": sorted(principal.roles)})


async def me(request: Request) -> Response:
    """Return the name of the principal's user."""
    user = await guard_of(request).load_user(principal_of(request))
    return JSONResponse({"username": cast("MemoryUser", user).username})


async def undecorated(request: Request) -> Response:
    """Need a principal that no guard has set."""
    return JSONResponse({"id": principal_of(request).identity})


async def forbidden(_: Request) -> Response:
    """Refuse for a reason of the view."""
    raise ForbiddenError


async def own(_: Request) -> Response:
    """Refuse with an error class of the application."""
    raise OutOfHoursError(required="hours")


async def login(request: Request) -> Response:
    """Authenticate username and password."""
    username, password = username_and_password(await json_of(request))
    user = await guard_of(request).authenticate(username, password, source=StarletteRequest(request).remote)
    return JSONResponse({"username": cast("MemoryUser", user).username})


async def refresh(request: Request) -> Response:
    """Refresh the request's token."""
    guard = guard_of(request)
    return JSONResponse({"refreshed": bool(await guard.refresh(guard.find_token(StarletteRequest(request))))})


async def confirm(request: Request) -> Response:
    """Confirm the password of the session's user."""
    guard, info = guard_of(request), StarletteRequest(request)
    _, raw = username_and_password(await json_of(request))
    principal = await guard.verify(await guard.confirm(guard.find_token(info), raw, source=info.remote))
    return JSONResponse({"authenticated_at": principal.authenticated_at})


async def logout(request: Request) -> Response:
    """Revoke the request's token."""
    guard = guard_of(request)
    await guard.revoke(guard.find_token(StarletteRequest(request)))
    return JSONResponse({"ended": True})


async def cookie_login(request: Request) -> Response:
    """Authenticate username and password, and set the cookies of a new token."""
    guard, info = guard_of(request), StarletteRequest(request)
    username, password = username_and_password(await json_of(request))
    user = cast("MemoryUser", await guard.authenticate(username, password, source=info.remote))
    cookies = guard.token_cookies(info, await guard.issue(user))
    return with_cookies(JSONResponse({"username": user.username}), cookies)


async def cookie_refresh(request: Request) -> Response:
    """Refresh the request's token, and set the cookies of the new one."""
    guard, info = guard_of(request), StarletteRequest(request)
    cookies = guard.token_cookies(info, await guard.refresh(guard.find_token(info)))
    return with_cookies(JSONResponse({"refreshed": True}), cookies)


async def cookie_logout(request: Request) -> Response:
    """Revoke the request's token, and delete the cookies."""
    guard = guard_of(request)
    await guard.revoke(guard.find_token(StarletteRequest(request)))
    return with_cookies(JSONResponse({"ended": True}), guard.cleared_cookies())


async def sessions(request: Request) -> Response:
    """List the sessions of the principal's user."""
    principal = principal_of(request)
    found = await guard_of(request).sessions(principal.identity, current=principal.session_id)
    return JSONResponse({"sessions": [(session.label, session.is_current) for session in found]})


async def new_session(request: Request) -> Response:
    """Authenticate username and password, and begin a session that is labelled with the browser's name."""
    username, password = username_and_password(await json_of(request))
    guard = guard_of(request)
    user = await guard.authenticate(username, password, source=StarletteRequest(request).remote)
    await guard.issue(user, label=request.headers.get("User-Agent"))
    return JSONResponse({"username": cast("MemoryUser", user).username})


async def end_others(request: Request) -> Response:
    """End the other sessions of the principal's user."""
    principal = principal_of(request)
    await guard_of(request).revoke_user(principal.identity, keep=principal.session_id)
    return JSONResponse({"ended": True})


async def end_session(request: Request) -> Response:
    """End one session of the principal's user."""
    session_id = cast("str", request.path_params["session_id"])
    return JSONResponse({"ended": await guard_of(request).revoke_session(principal_of(request).identity, session_id)})


async def redeem(request: Request) -> Response:
    """Redeem the request's action token."""
    guard = guard_of(request)
    user = await guard.redeem_action(guard.find_token(StarletteRequest(request)), "confirm")
    return JSONResponse({"username": cast("MemoryUser", user).username})


async def password(request: Request) -> Response:
    """Hash a new password."""
    _, raw = username_and_password(await json_of(request))
    return JSONResponse({"changed": bool(await guard_of(request).hash_password(cast("str", raw)))})


async def collide(request: Request) -> Response:
    """Issue a token with a custom claim whose name is reserved."""
    return JSONResponse(await guard_of(request).issue(ALICE, SUB="2"))


async def misfit(request: Request) -> Response:
    """Issue a token with a custom claim that JSON cannot carry."""
    return JSONResponse(await guard_of(request).issue(ALICE, misfit=object()))


async def json_of(request: Request) -> object:
    """Return the JSON body; 400, 413 or 415 if it cannot be used."""
    check_content_type(request.headers.get("Content-Type"))
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            break
    return parse_body(body)


async def answer_unusable_body(_: Request, error: Exception) -> Response:
    """Answer a login body that cannot be used."""
    failure = cast("CredentialsError", error)
    return JSONResponse({"error": failure.description}, failure.status)
