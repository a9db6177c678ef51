"""The application of the contract on Falcon, WSGI and ASGI."""

from __future__ import annotations

import falcon
import falcon.asgi

from praetorian_core import AsyncGuard, Guard, all_roles, any_role
from praetorian_core.errors import ForbiddenError
from praetorian_core.testing.adapter_suite import ASGIClient, BodyStyle, Lack, OutOfHoursError, WSGIClient
from praetorian_falcon import (
    auth_accepted,
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_principal_or_none,
    current_rolenames,
    current_token,
    current_user,
    current_user_id,
    init_app,
    policy_required,
    roles_accepted,
    roles_required,
)


class _OnFalcon:
    def __init__(self, *, native=True):
        self.native = native
        self.style = BodyStyle.NATIVE if native else BodyStyle.CANONICAL


class OnFalcon(_OnFalcon):
    """Falcon (WSGI), its error serializer's bodies or the canonical ones."""

    # Falcon knows no HEAD where there is no on_head.
    lacks = frozenset({Lack.HEAD})

    def build(self, world):
        """Return the application."""
        guard = Guard(world.users, world.settings, **world.options)
        app = init_app(falcon.App(), guard, *world.tasks, native=self.native)
        for path, resource in {**_plain_resources(), **_waiting_resources(world.users)}.items():
            app.add_route(path, resource)
        return WSGIClient(app)


class OnFalconASGI(_OnFalcon):
    """Falcon (ASGI), its error serializer's bodies or the canonical ones."""

    lacks = frozenset({Lack.HEAD})

    def build(self, world):
        """Return the application."""
        guard = AsyncGuard(world.users, world.settings, **world.options)
        app = init_app(falcon.asgi.App(), guard, *world.tasks, native=self.native)
        for path, resource in {**_async_resources(), **_awaiting_resources(world.users)}.items():
            app.add_route(path, resource)
        return ASGIClient(app)


def _identity(req):
    principal = current_principal_or_none(req)
    return {"id": principal and principal.identity}


def _plain_resources():
    class Open:
        def on_get(self, req, resp):
            resp.media = _identity(req)

    class Protected:
        @auth_required
        def on_get(self, req, resp):
            resp.media = {"id": current_user_id(req), "roles": sorted(current_rolenames(req))}

    class Optional:
        @auth_accepted
        def on_get(self, req, resp):
            resp.media = _identity(req)

    @roles_required("admin", "reader")
    class Admin:
        def on_get(self, req, resp):
            resp.media = _identity(req)

    class Staff:
        @roles_accepted("admin", "editor")
        def on_get(self, req, resp):
            resp.media = _identity(req)

    class Policy:
        @policy_required(all_roles("reader") & any_role("admin", "editor"))
        def on_get(self, req, resp):
            resp.media = _identity(req)

    class Options:
        @auth_required
        def on_options(self, req, resp):
            resp.media = _identity(req)

    class Forbidden:
        def on_get(self, req, resp):
            raise ForbiddenError

    class Own:
        def on_get(self, req, resp):
            raise OutOfHoursError(required="hours")

    kinds = (Open, Protected, Optional, Admin, Staff, Policy, Options, Forbidden, Own)
    return {f"/{kind.__name__.lower()}": kind() for kind in kinds}


def _waiting_resources(users):
    class Me:
        @auth_required
        def on_get(self, req, resp):
            resp.media = {"username": current_user(req).username}

    class Login:
        def on_post(self, req, resp):
            resp.media = {"username": authenticate(req, *credentials(req)).username}

    class Refresh:
        def on_post(self, req, resp):
            resp.media = {"refreshed": bool(current_guard(req).refresh(current_token(req)))}

    class Logout:
        def on_post(self, req, resp):
            current_guard(req).revoke(current_token(req))
            resp.media = {"ended": True}

    class Redeem:
        def on_post(self, req, resp):
            resp.media = {"username": current_guard(req).redeem_action(current_token(req), "confirm").username}

    class Password:
        def on_post(self, req, resp):
            resp.media = {"changed": bool(current_guard(req).hash_password(req.media["password"]))}

    class Collide:
        def on_post(self, req, resp):
            resp.media = current_guard(req).issue(users.lookup("alice"), SUB="2")

    class Misfit:
        def on_post(self, req, resp):
            resp.media = current_guard(req).issue(users.lookup("alice"), misfit=object())

    kinds = (Me, Login, Refresh, Logout, Redeem, Password, Collide, Misfit)
    return {f"/{kind.__name__.lower()}": kind() for kind in kinds}


def _async_resources():
    class Open:
        async def on_get(self, req, resp):
            resp.media = _identity(req)

    class Protected:
        @auth_required
        async def on_get(self, req, resp):
            resp.media = {"id": current_user_id(req), "roles": sorted(current_rolenames(req))}

    class Optional:
        @auth_accepted
        async def on_get(self, req, resp):
            resp.media = _identity(req)

    @roles_required("admin", "reader")
    class Admin:
        async def on_get(self, req, resp):
            resp.media = _identity(req)

    class Staff:
        @roles_accepted("admin", "editor")
        async def on_get(self, req, resp):
            resp.media = _identity(req)

    class Policy:
        @policy_required(all_roles("reader") & any_role("admin", "editor"))
        async def on_get(self, req, resp):
            resp.media = _identity(req)

    class Options:
        @auth_required
        async def on_options(self, req, resp):
            resp.media = _identity(req)

    class Forbidden:
        async def on_get(self, req, resp):
            raise ForbiddenError

    class Own:
        async def on_get(self, req, resp):
            raise OutOfHoursError(required="hours")

    kinds = (Open, Protected, Optional, Admin, Staff, Policy, Options, Forbidden, Own)
    return {f"/{kind.__name__.lower()}": kind() for kind in kinds}


def _awaiting_resources(users):
    class Me:
        @auth_required
        async def on_get(self, req, resp):
            resp.media = {"username": (await current_user(req)).username}

    class Login:
        async def on_post(self, req, resp):
            resp.media = {"username": (await authenticate(req, *await credentials(req))).username}

    class Refresh:
        async def on_post(self, req, resp):
            resp.media = {"refreshed": bool(await current_guard(req).refresh(current_token(req)))}

    class Logout:
        async def on_post(self, req, resp):
            await current_guard(req).revoke(current_token(req))
            resp.media = {"ended": True}

    class Redeem:
        async def on_post(self, req, resp):
            user = await current_guard(req).redeem_action(current_token(req), "confirm")
            resp.media = {"username": user.username}

    class Password:
        async def on_post(self, req, resp):
            body = await req.get_media()
            resp.media = {"changed": bool(await current_guard(req).hash_password(body["password"]))}

    class Collide:
        async def on_post(self, req, resp):
            resp.media = await current_guard(req).issue(users.lookup("alice"), SUB="2")

    class Misfit:
        async def on_post(self, req, resp):
            resp.media = await current_guard(req).issue(users.lookup("alice"), misfit=object())

    kinds = (Me, Login, Refresh, Logout, Redeem, Password, Collide, Misfit)
    return {f"/{kind.__name__.lower()}": kind() for kind in kinds}
