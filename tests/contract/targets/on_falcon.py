"""The application of the adapter suite on Falcon: each responder is written once, for WSGI and for ASGI."""

from __future__ import annotations

import inspect

import falcon
import falcon.asgi

import praetorian_falcon as pf
from praetorian_core import AsyncGuard, Guard, all_roles, any_role, authenticated_within
from praetorian_core.errors import ForbiddenError
from praetorian_core.testing.adapter_suite import ASGIClient, BodyStyle, Lack, OutOfHoursError, WSGIClient

WRITING = ("post", "put", "patch", "delete", "options")


def plain(responder):
    """Return a coroutine function that never waits as a plain function."""

    def call(*args, **kwargs):
        try:
            responder(*args, **kwargs).send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("a responder waited under WSGI")

    return call


def waiting(responder):
    """Return a coroutine function of its own, because one function cannot be registered open and guarded."""

    async def call(*args, **kwargs):
        return await responder(*args, **kwargs)

    return call


class OnFalcon:
    """Falcon (WSGI), with the bodies of its error serializer or the canonical ones."""

    # Falcon answers HEAD only if there is an on_head.
    lacks = frozenset({Lack.HEAD})
    shape = staticmethod(plain)

    def __init__(self, *, native=True):
        self.native = native
        self.style = BodyStyle.NATIVE if native else BodyStyle.CANONICAL

    def build(self, world):
        """Return the application."""
        guard = Guard(world.users, world.settings, **world.options)
        return WSGIClient(
            self.add_routes(world, pf.init_app(falcon.App(), guard, on_error=world.on_error, native=self.native))
        )

    def add_routes(self, world, app):
        """Return the application with the routes of the suite."""
        for path, resource in resources(self.shape, world.users).items():
            app.add_route(path, resource)
        return app


class OnFalconASGI(OnFalcon):
    """Falcon (ASGI), with the bodies of its error serializer or the canonical ones."""

    shape = staticmethod(waiting)

    def build(self, world):
        """Return the application."""
        guard = AsyncGuard(world.users, world.settings, **world.options)
        app = pf.init_app(falcon.asgi.App(), guard, on_error=world.on_error, native=self.native)
        return ASGIClient(self.add_routes(world, app))


async def done(value):
    """Return a value, awaited if it is awaitable."""
    return await value if inspect.isawaitable(value) else value


async def cookie_login(_, req, resp):
    username, password = await done(pf.credentials(req))
    user = await done(pf.authenticate(req, username, password))
    pf.set_token_cookies(resp, await done(pf.current_guard(req).issue(user)))
    resp.media = {"username": user.username}


async def cookie_refresh(_, req, resp):
    pf.set_token_cookies(resp, await done(pf.current_guard(req).refresh(pf.current_token(req))))
    resp.media = {"refreshed": True}


async def cookie_logout(_, req, resp):
    await done(pf.current_guard(req).revoke(pf.current_token(req)))
    pf.clear_token_cookies(resp)
    resp.media = {"ended": True}


def resources(shape, users):
    """Return the resource of each path.

    Args:
        shape: Makes a responder from a coroutine function.
        users: The users of the world.
    """
    count = 0

    async def identity(self, req, resp):
        principal = pf.current_principal_or_none(req)
        resp.media = {"id": principal and principal.identity}

    async def identity_and_roles(self, req, resp):
        resp.media = {"id": pf.current_user_id(req), "roles": sorted(pf.current_rolenames(req))}

    async def me(self, req, resp):
        resp.media = {"username": (await done(pf.current_user(req))).username}

    async def read_counter(self, req, resp):
        resp.media = {"count": count}

    async def add_one(self, req, resp):
        nonlocal count
        count += 1
        resp.media = {"count": count}

    async def undecorated(self, req, resp):
        resp.media = {"id": pf.current_user_id(req)}

    async def forbidden(self, req, resp):
        raise ForbiddenError

    async def own(self, req, resp):
        raise OutOfHoursError(required="hours")

    async def login(self, req, resp):
        username, password = await done(pf.credentials(req))
        resp.media = {"username": (await done(pf.authenticate(req, username, password))).username}

    async def refresh(self, req, resp):
        resp.media = {"refreshed": bool(await done(pf.current_guard(req).refresh(pf.current_token(req))))}

    async def confirm(self, req, resp):
        _, password = await done(pf.credentials(req))
        renewed = await done(pf.confirm(req, password))
        principal = await done(pf.current_guard(req).verify(renewed))
        resp.media = {"authenticated_at": principal.authenticated_at}

    async def logout(self, req, resp):
        await done(pf.current_guard(req).revoke(pf.current_token(req)))
        resp.media = {"ended": True}

    async def redeem(self, req, resp):
        user = await done(pf.current_guard(req).redeem_action(pf.current_token(req), "confirm"))
        resp.media = {"username": user.username}

    async def password(self, req, resp):
        body = await done(req.get_media())
        resp.media = {"changed": bool(await done(pf.current_guard(req).hash_password(body["password"])))}

    async def collide(self, req, resp):
        resp.media = await done(pf.current_guard(req).issue(users.lookup("alice"), SUB="2"))

    async def misfit(self, req, resp):
        resp.media = await done(pf.current_guard(req).issue(users.lookup("alice"), misfit=object()))

    policy = all_roles("reader") & any_role("admin", "editor")
    recent = authenticated_within("5 minutes")
    counted = {method: pf.auth_required(shape(add_one)) for method in WRITING}
    kinds = {
        "/open": kind(get=shape(identity)),
        "/protected": kind(get=pf.auth_required(shape(identity_and_roles))),
        "/optional": kind(get=pf.auth_accepted(shape(identity))),
        "/admin": pf.roles_required("admin", "reader")(kind(get=shape(identity))),
        "/staff": kind(get=pf.roles_accepted("admin", "editor")(shape(identity))),
        "/policy": kind(get=pf.policy_required(policy)(shape(identity))),
        "/recent": kind(get=pf.policy_required(recent)(shape(identity))),
        "/transfer": pf.policy_required(all_roles("admin") & recent)(kind(get=shape(identity))),
        "/twice": kind(get=pf.auth_required(pf.roles_required("reader")(shape(identity)))),
        "/me": kind(get=pf.auth_required(shape(me))),
        "/options": kind(options=pf.auth_required(shape(identity))),
        "/counter": kind(get=shape(read_counter), **counted),
        "/undecorated": kind(get=shape(undecorated)),
        "/forbidden": kind(get=shape(forbidden)),
        "/own": kind(get=shape(own)),
        "/login": kind(post=shape(login)),
        "/refresh": kind(post=shape(refresh)),
        "/confirm": kind(post=shape(confirm)),
        "/logout": kind(post=shape(logout)),
        "/cookie/login": kind(post=shape(cookie_login)),
        "/cookie/refresh": kind(post=shape(cookie_refresh)),
        "/cookie/logout": kind(post=shape(cookie_logout)),
        "/redeem": kind(post=shape(redeem)),
        "/password": kind(post=shape(password)),
        "/collide": kind(post=shape(collide)),
        "/misfit": kind(post=shape(misfit)),
    }
    return {path: resource() for path, resource in (kinds | session_resources(shape)).items()}


def session_resources(shape):
    """Return the class of each path that lists or ends sessions."""

    async def sessions(self, req, resp):
        principal = pf.current_principal(req)
        found = await done(pf.current_guard(req).sessions(principal.identity, current=principal.session_id))
        resp.media = {"sessions": [(session.label, session.is_current) for session in found]}

    async def new_session(self, req, resp):
        username, password = await done(pf.credentials(req))
        user = await done(pf.authenticate(req, username, password))
        await done(pf.current_guard(req).issue(user, label=req.user_agent))
        resp.media = {"username": user.username}

    async def end_others(self, req, resp):
        principal = pf.current_principal(req)
        await done(pf.current_guard(req).revoke_user(principal.identity, keep=principal.session_id))
        resp.media = {"ended": True}

    async def end_session(self, req, resp, session_id):
        resp.media = {"ended": await done(pf.current_guard(req).revoke_session(pf.current_user_id(req), session_id))}

    return {
        "/sessions": kind(
            get=pf.auth_required(shape(sessions)),
            post=shape(new_session),
            delete=pf.auth_required(shape(end_others)),
        ),
        "/sessions/{session_id}": kind(delete=pf.auth_required(shape(end_session))),
    }


def kind(**responders):
    """Return a class of resources with these responders, by method."""
    return type("Resource", (), {f"on_{method}": responder for method, responder in responders.items()})
