"""Users, a guard and an application of either kind for the tests of the Falcon adapter."""

from __future__ import annotations

import asyncio
import functools
import inspect

import attrs
import falcon
import falcon.asgi
from falcon.testing import ASGIConductor, TestClient

from praetorian_core import AsyncGuard, Guard, KeyRing, Settings
from praetorian_core.errors import PraetorianError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_falcon import auth_required, build_error_handler, build_error_handler_async, init_app

KINDS = ("wsgi", "asgi")
SECRET = "AYYc-wsgi-and-asgi-alike-7Q2mX0pLk9vT4nRb"
KEYS = KeyRing.from_secret(SECRET)
HASHER = cheapest_hasher()
PASSWORD = "correct horse battery staple"
HASHED = HASHER.hash(PASSWORD)
PREFLIGHT = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}


def shaped(kind, function):
    """Return the function as a responder or a sink of this kind: itself, or a coroutine function."""
    if kind == "wsgi":
        return function

    @functools.wraps(function)
    async def coroutine(*args, **kwargs):
        result = function(*args, **kwargs)
        return await result if inspect.isawaitable(result) else result

    return coroutine


@attrs.define
class World:
    """One application with its guard and users.

    Attributes:
        kind: ``wsgi`` or ``asgi``.
        app: The application.
        clock: Its clock.
        users: Its users, alice (admin, staff) and bob (no role) to begin with.
        guard: Its guard.
        issuer: A plain guard that issues tokens for both kinds.
        ran: What ran, as responders made by ``say`` report.
    """

    kind: str
    app: object
    clock: FrozenClock
    users: MemoryUsers
    alice: MemoryUser
    bob: MemoryUser
    guard: object
    issuer: object
    ran: list = attrs.field(factory=list)

    def shaped(self, function):
        """Return the function as a responder or a sink of this application's kind."""
        return shaped(self.kind, function)

    def say(self, text):
        """Return a responder or a sink that answers with a text and reports that it ran."""

        def responder(*args, **kwargs):
            self.ran.append(text)
            resp = next(arg for arg in (*args, *kwargs.values()) if isinstance(arg, falcon.Response))
            resp.media = text

        return self.shaped(responder)

    def named(self, name, text=None):
        """Return such a responder, with the name that it would have in a class."""
        responder = self.say(name if text is None else text)
        responder.__name__ = name
        return responder

    def resource(self, *names, bases=()):
        """Return a class with a responder for each name, which says its name."""
        return type("Resource", bases, {name: self.named(name) for name in names})

    def headers(self, user=None, **claims):
        """Return the headers of a request that alice, or another, makes."""
        return {"Authorization": f"Bearer {self.token(user, **claims)}"}

    def token(self, user=None, **claims):
        """Return a token of alice, or of another."""
        return self.issuer.issue(self.alice if user is None else user, **claims)

    def send(self, method, path, headers=None, **options):
        """Send a request to the application."""
        if self.kind == "wsgi":
            return TestClient(self.app).simulate_request(method, path, headers=headers, **options)

        async def play():
            async with ASGIConductor(self.app) as client:
                return await client.simulate_request(method, path, headers=headers, **options)

        # Falcon's own client for plain tests would need a current event loop, which others here leave unset.
        return asyncio.run(play())

    def outcome(self, method, path, headers=None, **options):
        """Send a request and return its status code and what ran."""
        self.ran.clear()
        return self.send(method, path, headers, **options).status_code, list(self.ran)

    def handler(self, **options):
        """Return a hand-made error handler of this application's kind."""
        build = build_error_handler if self.kind == "wsgi" else build_error_handler_async
        return build(**options)

    def handle(self, **options):
        """Register a hand-made error handler."""
        self.app.add_error_handler(PraetorianError, self.handler(**options))


def make_app(kind, **options):
    """Return a bare application of this kind."""
    return falcon.App(**options) if kind == "wsgi" else falcon.asgi.App(**options)


def make_guard(kind, users, settings, **options):
    """Return a guard for an application of this kind."""
    return (Guard if kind == "wsgi" else AsyncGuard)(users, settings, **{"passwords": HASHER, **options})


def make_world(
    kind,
    on_error=None,
    *,
    native=True,
    app=None,
    users=None,
    store=None,
    guard_options=None,
    store_setting=None,
    **settings,
):
    """Return a world of this kind."""
    app = make_app(kind) if app is None else app
    clock = FrozenClock()
    plain = MemoryUsers()
    alice = plain.add(MemoryUser(identity=1, username="alice", password=HASHED, rolenames=["admin", "staff"]))
    bob = plain.add(MemoryUser(identity=2, username="bob", password=HASHED))
    options = {"clock": clock, "store": store, **(guard_options or {})}
    if store_setting is not None:
        settings["store"] = store_setting
        del options["store"]
    chosen = Settings(**{"keys": KEYS, **settings})
    guard = make_guard(kind, plain if users is None else users(plain), chosen, **options)
    places = [place for place in chosen.places if place != "query_ticket"] or ["header"]
    issuing = attrs.evolve(chosen, store=None, check_sessions="always", places=places, websocket_recheck=30)
    issuer = Guard(plain, issuing, passwords=HASHER, clock=clock, store=None)
    init_app(app, guard, on_error=on_error, native=native)
    return World(kind, app, clock, plain, alice, bob, guard, issuer)


def ask(world, question, decorate=auth_required, headers=None, **options):
    """Ask a question within a request, and return the answer."""
    answers = []

    def on_post(self, req, resp):
        answer = question(req)
        if not inspect.isawaitable(answer):
            answers.append(answer)
            return None

        async def keep():
            answers.append(await answer)

        return keep()

    world.app.add_route("/ask", type("Resource", (), {"on_post": decorate(world.shaped(on_post))})())
    response = world.send("POST", "/ask", world.headers() if headers is None else headers, **options)
    return answers[0] if answers else (response.status_code, (response.json or {}).get("code"))
