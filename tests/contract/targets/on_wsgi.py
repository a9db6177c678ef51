"""The application of the adapter suite on bare WSGI: the smallest adapter, from which the broken ones are derived."""

from __future__ import annotations

import json

import attrs

from praetorian_core import Guard, all_roles, any_role, authenticated_within
from praetorian_core.errors import ConfigurationError, ForbiddenError, PraetorianError
from praetorian_core.testing.adapter_suite import BodyStyle, Lack, OutOfHoursError, WSGIClient
from praetorian_core.web.credentials import (
    CredentialsError,
    check_content_type,
    parse_body,
    read_body,
    username_and_password,
)
from praetorian_core.web.hooks import run_error_hooks
from praetorian_core.web.request import is_preflight
from praetorian_core.web.responses import error_response


@attrs.define
class Request:
    """A request and its ``RequestInfo``."""

    environ: dict
    method: str
    remote: str
    principal: object = None
    is_websocket: bool = False
    renewal: object = None
    redemption: object = None
    cookies: tuple = ()

    @property
    def query(self):
        return self.environ.get("QUERY_STRING", "")

    def header(self, name):
        return self.environ.get(f"HTTP_{name.upper().replace('-', '_')}")

    def headers(self, name):
        value = self.header(name)
        return () if value is None else (value,)

    def json(self):
        check_content_type(self.environ.get("CONTENT_TYPE"))
        return parse_body(read_body(self.environ["wsgi.input"].read))


@attrs.frozen
class Demand:
    """What a guarded view demands."""

    policy: object = None
    is_optional: bool = False


class Adapter:
    """A WSGI application over a world."""

    def __init__(self, world):
        self.world = world
        self.guard = Guard(world.users, world.settings, **world.options)
        self.count = 0
        policy = all_roles("reader") & any_role("admin", "editor")
        recent = authenticated_within("5 minutes")
        writing = dict.fromkeys(("POST", "PUT", "PATCH", "DELETE", "OPTIONS"), (self.add_one, Demand()))
        self.routes = {
            "/open": {"GET": (self.identity, None)},
            "/protected": {"GET": (self.identity_and_roles, Demand())},
            "/optional": {"GET": (self.identity, Demand(is_optional=True))},
            "/admin": {"GET": (self.identity, Demand(all_roles("admin", "reader")))},
            "/staff": {"GET": (self.identity, Demand(any_role("admin", "editor")))},
            "/policy": {"GET": (self.identity, Demand(policy))},
            "/recent": {"GET": (self.identity, Demand(recent))},
            "/transfer": {"GET": (self.identity, Demand(all_roles("admin") & recent))},
            "/twice": {"GET": (self.twice, Demand())},
            "/me": {"GET": (self.me, Demand())},
            "/options": {"OPTIONS": (self.identity, Demand())},
            "/counter": {"GET": (lambda request: {"count": self.count}, None), **writing},
            "/undecorated": {"GET": (self.undecorated, None)},
            "/forbidden": {"GET": (self.forbidden, None)},
            "/own": {"GET": (self.own, None)},
            "/login": {"POST": (self.login, None)},
            "/refresh": {"POST": (lambda request: {"refreshed": bool(self.guard.refresh(self.token(request)))}, None)},
            "/cookie/login": {"POST": (self.cookie_login, None)},
            "/cookie/refresh": {"POST": (self.cookie_refresh, None)},
            "/cookie/logout": {"POST": (self.cookie_logout, None)},
            "/confirm": {"POST": (self.confirm, None)},
            "/logout": {"POST": (self.logout, None)},
            "/sessions": {
                "GET": (self.sessions, Demand()),
                "POST": (self.new_session, None),
                "DELETE": (self.end_others, Demand()),
            },
            "/sessions/": {"DELETE": (self.end_session, Demand())},
            "/redeem": {"POST": (self.redeem, None)},
            "/password": {"POST": (self.password, None)},
            "/collide": {"POST": (lambda request: self.guard.issue(self.alice, SUB="2"), None)},
            "/misfit": {"POST": (lambda request: self.guard.issue(self.alice, misfit=object()), None)},
        }

    # --- the adapter -------------------------------------------------------------------------------------------------

    def __call__(self, environ, start_response):
        """Answer a request."""
        request = self.request(environ)
        status, headers, body = self.answer(request)
        start_response(f"{status} -", self.with_cookies(request, dict(headers)))
        return [json.dumps(body).encode()]

    def request(self, environ):
        """Return the request."""
        return Request(environ, environ["REQUEST_METHOD"], environ["REMOTE_ADDR"])

    def with_cookies(self, request, headers):
        """Return the headers with those of the cookies."""
        values = request.renewal.set_cookies if request.renewal and not request.cookies else request.cookies
        if values:
            headers["Cache-Control"] = "no-store"
        return [*headers.items(), *(("Set-Cookie", value) for value in values)]

    def answer(self, request):
        """Return status, headers and body."""
        # What follows the last slash is an argument.
        path = request.environ["PATH_INFO"]
        route = self.routes.get(path) or self.routes.get(path[: path.rindex("/") + 1])
        if route is None:
            return 404, (), None
        if request.method not in route:
            return 405, (), None
        view, demand = route[request.method]
        try:
            body = view(request) if demand is None else self.guarded(view, request, demand)
        except CredentialsError as error:
            return error.status, (), None
        except PraetorianError as error:
            return self.refusal(error)
        return 200, (("Content-Type", "application/json"),), body

    def guarded(self, view, request, demand):
        """Run a guarded view, and return its body."""
        if is_preflight(request):
            return None
        request.principal = self.admit(request, demand)
        return view(request)

    def admit(self, request, demand):
        """Return the principal."""
        admit = self.guard.admit_optional if demand.is_optional else self.guard.admit
        return admit(request, demand.policy)

    def refusal(self, error):
        """Return status, headers and body of a refusal."""
        settings = self.guard.settings
        if settings.disable_error_handler:
            raise error
        run_error_hooks(self.world.on_error, error)
        response = error_response(error, scheme=settings.header_type, realm=settings.realm)
        return response.status, (("Content-Type", "application/json"), *response.headers), response.body()

    # --- the views ---------------------------------------------------------------------------------------------------

    @property
    def alice(self):
        """Alice."""
        return self.world.users.lookup("alice")

    def token(self, request):
        """Return the request's token."""
        return self.guard.find_token(request)

    def identity(self, request):
        """Return the identity of the principal, or None."""
        return {"id": request.principal and request.principal.identity}

    def identity_and_roles(self, request):
        """Return identity and roles of the principal."""
        return {"id": request.principal.identity, "roles": sorted(request.principal.roles)}

    def twice(self, request):
        """Return the identity after a second check."""
        request.principal = self.admit(request, Demand(all_roles("reader")))
        return self.identity(request)

    def me(self, request):
        """Return the name of the user."""
        return {"username": self.guard.load_user(request.principal).username}

    def add_one(self, request):
        """Have a side effect."""
        self.count += 1
        return {"count": self.count}

    def undecorated(self, request):
        """Need a principal that no guard has set."""
        if request.principal is None:
            raise ConfigurationError("no token was verified in this request")
        return self.identity(request)

    def forbidden(self, request):
        """Refuse for a reason of the view."""
        raise ForbiddenError

    def own(self, request):
        """Refuse with an error class of the application."""
        raise OutOfHoursError(required="hours")

    def login(self, request):
        """Authenticate."""
        user = self.guard.authenticate(*username_and_password(request.json()), source=request.remote)
        return {"username": user.username}

    def cookie_login(self, request):
        """Authenticate and set the cookies."""
        user = self.guard.authenticate(*username_and_password(request.json()), source=request.remote)
        self.set_cookies(request, self.guard.token_cookies(request, self.guard.issue(user)))
        return {"username": user.username}

    def cookie_refresh(self, request):
        """Refresh and set the cookies."""
        self.set_cookies(request, self.guard.token_cookies(request, self.guard.refresh(self.token(request))))
        return {"refreshed": True}

    def cookie_logout(self, request):
        """Revoke and delete the cookies."""
        self.guard.revoke(self.token(request))
        self.set_cookies(request, self.guard.cleared_cookies())
        return {"ended": True}

    def set_cookies(self, request, cookies):
        """Set cookies on the response."""
        request.cookies = tuple(cookie.header_value() for cookie in cookies)

    def confirm(self, request):
        """Confirm the password."""
        renewed = self.guard.confirm(self.token(request), request.json()["password"], source=request.remote)
        return {"authenticated_at": self.guard.verify(renewed).authenticated_at}

    def logout(self, request):
        """Revoke."""
        self.guard.revoke(self.token(request))
        return {"ended": True}

    def sessions(self, request):
        """List the user's sessions."""
        principal = request.principal
        found = self.guard.sessions(principal.identity, current=principal.session_id)
        return {"sessions": [(session.label, session.is_current) for session in found]}

    def new_session(self, request):
        """Log in with a session."""
        user = self.guard.authenticate(*username_and_password(request.json()), source=request.remote)
        self.guard.issue(user, label=request.header("User-Agent"))
        return {"username": user.username}

    def end_others(self, request):
        """End the user's other sessions."""
        self.guard.revoke_user(request.principal.identity, keep=request.principal.session_id)
        return {"ended": True}

    def end_session(self, request):
        """End a session by its id."""
        session_id = request.environ["PATH_INFO"].rpartition("/")[2]
        return {"ended": self.guard.revoke_session(request.principal.identity, session_id)}

    def redeem(self, request):
        """Redeem an action token."""
        return {"username": self.guard.redeem_action(self.token(request), "confirm").username}

    def password(self, request):
        """Hash a password."""
        return {"changed": bool(self.guard.hash_password(request.json()["password"]))}


@attrs.frozen
class OnWSGI:
    """A target on bare WSGI."""

    adapter: type[Adapter] = Adapter
    style = BodyStyle.CANONICAL
    lacks = frozenset({Lack.HEAD, Lack.OPTIONS})

    def build(self, world):
        """Return the application."""
        return WSGIClient(self.adapter(world))
