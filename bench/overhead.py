"""Measure a guarded request on each framework, beside a bare route, a hand-written check and flask-jwt-extended.

    python bench/overhead.py [--quick] [--json FILE]

Requests are calls of the WSGI or ASGI application in this process: no server, no network. Machines are noisy, so the
contenders run in interleaved rounds. A figure is the median over all rounds of the difference or ratio within a round.
The exit status depends on no time: it is 0 unless a contender answers with a wrong status.

An overhead is the time of a guarded route minus that of an open one: for Praetorian the open route of an application with
the adapter, for all others the bare framework's.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import io
import json
import platform
import sys
import time
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import attrs
import falcon
import falcon.asgi
import flask
import flask_restx
import jwt

import praetorian_falcon
import praetorian_flask
import praetorian_restx
from praetorian_core import AsyncGuard, Guard, KeyRing, Settings, generate_secret
from praetorian_core.testing import MemoryUser, MemoryUsers

OPEN_GOAL = 1.10
"""At most this part of a bare route's time, for an open route of an application with the adapter."""

HAND_GOAL = 0.25
"""At most this part of a hand-written check's overhead, on Falcon."""

EXTENDED_GOAL = 0.15
"""At most this part of flask-jwt-extended's overhead, on Flask and Flask-RESTX."""

HAS_EXTENDED = find_spec("flask_jwt_extended") is not None

SECRET = generate_secret()
SETTINGS = Settings(keys=KeyRing.from_secret(SECRET))
ADMIN = MemoryUser(identity=4711, username="alice", rolenames=["admin", "editor"])
GUEST = MemoryUser(identity=4712, username="bob", rolenames=["guest"])
USERS = MemoryUsers([ADMIN, GUEST])
SALVE = "salve"

Clock = Callable[[int], float]
"""Makes that many requests one after another and returns the average seconds of one."""


@attrs.frozen(kw_only=True)
class Pace:
    """The number of rounds, and the seconds for one contender in one round."""

    rounds: int
    slice: float


FULL = Pace(rounds=61, slice=0.02)
QUICK = Pace(rounds=21, slice=0.004)


@attrs.frozen(kw_only=True)
class Tokens:
    """The tokens of one implementation: of a user with the role, and of a user without it."""

    good: str
    poor: str

    @property
    def forged(self) -> str:
        """The valid token with one changed character in the signature."""
        place = len(self.good) - 20  # in the middle: the last one carries fewer bits
        return self.good[:place] + ("A" if self.good[place] != "A" else "B") + self.good[place + 1 :]


@attrs.frozen(kw_only=True)
class Contender:
    """One route of one application.

    Attributes:
        status: Makes a request with this ``Authorization`` and returns the status of the answer.
        clock: Returns what makes and measures requests with this ``Authorization``.
        tokens: The tokens that it reads.
        demands: What it demands: nothing, ``token`` or ``role``.
        forged: The status that a forged token is refused with.
    """

    status: Callable[[str | None], int]
    clock: Callable[[str | None], Clock]
    tokens: Tokens
    demands: str | None = None
    forged: int = 401


@attrs.frozen(kw_only=True)
class Row:
    """The results of one framework: medians in microseconds, and medians of ratios."""

    framework: str
    microseconds: dict[str, float]
    overhead: dict[str, float]
    open_to_bare: float
    roles_to_hand: float
    roles_to_extended: float | None


def praetorian_tokens() -> Tokens:
    """Return Praetorian's tokens, which the hand-written checks read too."""
    guard = Guard(USERS, SETTINGS, passwords=None, throttle=None)
    return Tokens(good=guard.issue(ADMIN, team="blue"), poor=guard.issue(GUEST, team="blue"))


PRAETORIAN = praetorian_tokens()


# ---------------------------------------------------------------- requests


def wsgi(app: object, path: str, tokens: Tokens, demands: str | None = None) -> Contender:
    """Return a route of a WSGI application."""
    template = {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1",
        "HTTP_ACCEPT": "*/*",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }

    def environ_with(authorization: str | None) -> dict[str, object]:
        return template if authorization is None else template | {"HTTP_AUTHORIZATION": authorization}

    def status(authorization: str | None) -> int:
        seen: list[str] = []
        exhaust(app(dict(environ_with(authorization)), lambda line, _headers, _exc_info=None: seen.append(line)))
        return int(seen[-1].split()[0])

    def clock(authorization: str | None) -> Clock:
        environ = environ_with(authorization)

        def clocked(times: int) -> float:
            begun = time.perf_counter()
            for _ in range(times):
                exhaust(app(environ.copy(), _ignore))
            return (time.perf_counter() - begun) / times

        return clocked

    return Contender(status=status, clock=clock, tokens=tokens, demands=demands)


def exhaust(body: object) -> None:
    """Read a response's body and close it, as a server does."""
    for _ in body:
        pass
    close = getattr(body, "close", None)
    if close is not None:
        close()


def _ignore(_status: object, _headers: object, _exc_info: object = None) -> None:
    pass


def asgi(loop: asyncio.AbstractEventLoop, app: object, path: str, demands: str | None = None) -> Contender:
    """Return a route of an ASGI application."""
    template = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
    }

    def scope_with(authorization: str | None) -> dict[str, object]:
        headers = [(b"host", b"127.0.0.1"), (b"accept", b"*/*")]
        if authorization is not None:
            headers.append((b"authorization", authorization.encode()))
        return template | {"headers": headers}

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def ignore(_event: object) -> None:
        pass

    def status(authorization: str | None) -> int:
        seen: list[int] = []

        async def send(event: dict[str, object]) -> None:
            if event["type"] == "http.response.start":
                seen.append(event["status"])

        loop.run_until_complete(app(scope_with(authorization), receive, send))
        return seen[-1]

    def clock(authorization: str | None) -> Clock:
        scope = scope_with(authorization)

        async def clocked(times: int) -> float:
            begun = time.perf_counter()
            for _ in range(times):
                await app(scope.copy(), receive, ignore)
            return (time.perf_counter() - begun) / times

        return lambda times: loop.run_until_complete(clocked(times))

    return Contender(status=status, clock=clock, tokens=PRAETORIAN, demands=demands)


# ---------------------------------------------------------------- the hand-written check


class Unauthorized(Exception):
    """Means 401."""


class Forbidden(Exception):
    """Means 403."""


def claims_by_hand(authorization: str | None) -> dict[str, object]:
    """Return the claims of a token that grants access: PyJWT's checks and a role."""
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized
    try:
        claims = jwt.decode(token, SECRET, algorithms=["HS256"])
    except jwt.InvalidTokenError:
        raise Unauthorized from None
    if "admin" not in claims.get("roles", []):
        raise Forbidden
    return claims


def by_hand(view: Callable[..., object]) -> Callable[..., object]:
    """Guard a Flask view by hand."""

    @functools.wraps(view)
    def guarded(*args: object, **kwargs: object) -> object:
        try:
            flask.g.claims = claims_by_hand(flask.request.headers.get("Authorization"))
        except Unauthorized:
            flask.abort(401)
        except Forbidden:
            flask.abort(403)
        return view(*args, **kwargs)

    return guarded


def by_hand_on_falcon(req: falcon.Request) -> None:
    """Guard a Falcon responder by hand."""
    try:
        req.context.claims = claims_by_hand(req.get_header("Authorization"))
    except Unauthorized:
        raise falcon.HTTPUnauthorized from None
    except Forbidden:
        raise falcon.HTTPForbidden from None


def by_extended(view: Callable[..., object]) -> Callable[..., object]:
    """Guard a Flask view by flask-jwt-extended, and the role by hand, as its documentation shows."""
    from flask_jwt_extended import get_jwt, verify_jwt_in_request

    @functools.wraps(view)
    def guarded(*args: object, **kwargs: object) -> object:
        verify_jwt_in_request()
        if "admin" not in get_jwt()["roles"]:
            flask.abort(403)
        return view(*args, **kwargs)

    return guarded


def extend(app: flask.Flask) -> Tokens:
    """Set flask-jwt-extended up and return tokens of its own."""
    from flask_jwt_extended import JWTManager, create_access_token

    # Without it RESTX answers this extension's errors with 500.
    app.config.update(JWT_SECRET_KEY=SECRET, PROPAGATE_EXCEPTIONS=True)
    JWTManager(app)
    with app.app_context():
        good, poor = (
            create_access_token(str(user.identity), additional_claims={"roles": user.rolenames, "team": "blue"})
            for user in (ADMIN, GUEST)
        )
    return Tokens(good=good, poor=poor)


# ---------------------------------------------------------------- the frameworks


def on_flask() -> dict[str, Contender]:
    """Return Flask's contenders."""

    def view() -> str:
        return SALVE

    def open_view() -> str:  # A view that is decorated elsewhere must not be registered bare.
        return SALVE

    bare, guarded = flask.Flask("bare"), flask.Flask("guarded")
    praetorian_flask.Praetorian(guarded, Guard(USERS, SETTINGS, passwords=None, throttle=None))
    bare.add_url_rule("/open", view_func=view)
    bare.add_url_rule("/hand", "hand", by_hand(view))
    guarded.add_url_rule("/open", view_func=open_view)
    guarded.add_url_rule("/auth", "auth", praetorian_flask.auth_required(view))
    guarded.add_url_rule("/roles", "roles", praetorian_flask.roles_required("admin")(view))
    contenders = on_wsgi(bare, guarded)
    if HAS_EXTENDED:
        extended = flask.Flask("extended")
        tokens = extend(extended)
        extended.add_url_rule("/extended", "extended", by_extended(view))
        contenders["extended"] = attrs.evolve(wsgi(extended, "/extended", tokens, "role"), forged=422)
    return contenders


def on_restx() -> dict[str, Contender]:
    """Return Flask-RESTX's contenders."""

    def route(api: flask_restx.Api, name: str, decorate: Callable[[object], object] | None = None) -> None:
        def get(_self: object) -> dict[str, str]:
            return {"greeting": SALVE}

        view = get if decorate is None else decorate(get)
        api.add_resource(type(name.title(), (flask_restx.Resource,), {"get": view}), f"/{name}")

    bare, guarded = flask.Flask("bare"), flask.Flask("guarded")
    bare_api = flask_restx.Api(bare)
    route(bare_api, "open")
    route(bare_api, "hand", by_hand)
    praetorian_flask.Praetorian(guarded, Guard(USERS, SETTINGS, passwords=None, throttle=None))
    guarded_api = flask_restx.Api(guarded)
    praetorian_restx.init_api(guarded_api)
    route(guarded_api, "open")
    route(guarded_api, "auth", praetorian_restx.auth_required)
    route(guarded_api, "roles", praetorian_restx.roles_required("admin"))
    contenders = on_wsgi(bare, guarded)
    if HAS_EXTENDED:
        extended = flask.Flask("extended")
        tokens = extend(extended)
        route(flask_restx.Api(extended), "extended", by_extended)
        contenders["extended"] = attrs.evolve(wsgi(extended, "/extended", tokens, "role"), forged=422)
    return contenders


def on_falcon_wsgi() -> dict[str, Contender]:
    """Return the contenders of a ``falcon.App``."""

    class Open:
        def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
            resp.text = SALVE

    class Hand:
        def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            by_hand_on_falcon(req)
            resp.text = SALVE

    class Auth:
        @praetorian_falcon.auth_required
        def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
            resp.text = SALVE

    class Roles:
        @praetorian_falcon.roles_required("admin")
        def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
            resp.text = SALVE

    guard = Guard(USERS, SETTINGS, passwords=None, throttle=None)
    bare, guarded = falcon.App(), praetorian_falcon.init_app(falcon.App(), guard)
    add_routes(bare, guarded, Open(), Hand(), Auth(), Roles())
    return on_wsgi(bare, guarded)


def on_falcon_asgi(loop: asyncio.AbstractEventLoop) -> dict[str, Contender]:
    """Return the contenders of a ``falcon.asgi.App``."""

    class Open:
        async def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
            resp.text = SALVE

    class Hand:
        async def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
            by_hand_on_falcon(req)
            resp.text = SALVE

    class Auth:
        @praetorian_falcon.auth_required
        async def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
            resp.text = SALVE

    class Roles:
        @praetorian_falcon.roles_required("admin")
        async def on_get(self, _req: falcon.Request, resp: falcon.Response) -> None:
            resp.text = SALVE

    guard = AsyncGuard(USERS, SETTINGS, passwords=None, throttle=None)
    bare, guarded = falcon.asgi.App(), praetorian_falcon.init_app(falcon.asgi.App(), guard)
    add_routes(bare, guarded, Open(), Hand(), Auth(), Roles())
    return {
        "bare": asgi(loop, bare, "/open"),
        "open": asgi(loop, guarded, "/open"),
        "auth": asgi(loop, guarded, "/auth", "token"),
        "roles": asgi(loop, guarded, "/roles", "role"),
        "hand": asgi(loop, bare, "/hand", "role"),
    }


def add_routes(bare: object, guarded: object, opened: object, hand: object, auth: object, roles: object) -> None:
    """Route a bare Falcon application and one with our adapter."""
    bare.add_route("/open", opened)
    bare.add_route("/hand", hand)
    guarded.add_route("/open", opened)
    guarded.add_route("/auth", auth)
    guarded.add_route("/roles", roles)


def on_wsgi(bare: object, guarded: object) -> dict[str, Contender]:
    """Return the contenders of every framework on WSGI."""
    return {
        "bare": wsgi(bare, "/open", PRAETORIAN),
        "open": wsgi(guarded, "/open", PRAETORIAN),
        "auth": wsgi(guarded, "/auth", PRAETORIAN, "token"),
        "roles": wsgi(guarded, "/roles", PRAETORIAN, "role"),
        "hand": wsgi(bare, "/hand", PRAETORIAN, "role"),
    }


# ---------------------------------------------------------------- correctness


def bearer(token: str) -> str:
    """Return the header that carries a token."""
    return f"Bearer {token}"


def mistakes(framework: str, contenders: dict[str, Contender]) -> list[str]:
    """Return a line for each contender that answers with another status than expected."""
    found: list[str] = []
    for name, one in contenders.items():
        missing, forged = (200, 200) if one.demands is None else (401, one.forged)
        expected = {
            "a good token": (bearer(one.tokens.good), 200),
            "no token": (None, missing),
            "a forged token": (bearer(one.tokens.forged), forged),
            "a token without the role": (bearer(one.tokens.poor), 403 if one.demands == "role" else 200),
        }
        for what, (authorization, wanted) in expected.items():
            status = one.status(authorization)
            if status != wanted:
                found.append(f"{framework}: {name} answers {what} with {status}, expected {wanted}")
    return found


# ---------------------------------------------------------------- measuring


def measure(framework: str, contenders: dict[str, Contender], pace: Pace) -> Row:
    """Measure all contenders in interleaved rounds, forth and back, so that a busy machine slows all of them."""
    clocks = {name: one.clock(bearer(one.tokens.good)) for name, one in contenders.items()}
    for clock in clocks.values():
        clock(20)
    times = {name: max(1, int(pace.slice / clock(20))) for name, clock in clocks.items()}
    rounds: list[dict[str, float]] = []
    for number in range(pace.rounds):
        order = list(clocks) if number % 2 else list(reversed(clocks))
        gc.collect()
        gc.disable()
        rounds.append({name: clocks[name](times[name]) for name in order})
        gc.enable()
    overheads = [
        {name: one[name] - one["open" if name in {"auth", "roles"} else "bare"] for name in one} for one in rounds
    ]
    guarded = [name for name, one in contenders.items() if one.demands is not None]
    return Row(
        framework=framework,
        microseconds={name: 1e6 * median(one[name] for one in rounds) for name in contenders},
        overhead={name: 1e6 * median(one[name] for one in overheads) for name in guarded},
        open_to_bare=median(one["open"] / one["bare"] for one in rounds),
        roles_to_hand=median(one["roles"] / one["hand"] for one in overheads),
        roles_to_extended=(
            median(one["roles"] / one["extended"] for one in overheads) if "extended" in contenders else None
        ),
    )


# ---------------------------------------------------------------- the report


def report(rows: list[Row]) -> str:
    """Return the table and the verdicts."""
    versions = ", ".join(
        f"{name} {version(name)}"
        for name in ("Flask", "flask-restx", "falcon", "PyJWT", *(["flask-jwt-extended"] if HAS_EXTENDED else []))
    )
    lines = [
        f"One request in process, {platform.python_implementation()} {platform.python_version()}, {versions}",
        "median µs; overhead: guarded - open of each round; ratios: medians of each round's ratios",
        "",
        f"{'':13}{'whole request':^14}  {'overhead':^36}{'ratios':^32}".rstrip(),
        (
            f"{'':13}{'bare':>7}{'open':>7}  {'auth':>8}{'roles':>8}{'by hand':>9}{'extended':>10}"
            f"{'open/bare':>12}{'roles/hand':>12}{'roles/ext':>11}"
        ),
    ]
    for row in rows:
        spent, extended = row.microseconds, row.overhead.get("extended")
        lines.append(
            f"{row.framework:13}{spent['bare']:7.1f}{spent['open']:7.1f}  {row.overhead['auth']:8.1f}"
            f"{row.overhead['roles']:8.1f}{row.overhead['hand']:9.1f}{_or_dash(extended, 10, 1)}"
            f"{row.open_to_bare:12.3f}{row.roles_to_hand:12.3f}{_or_dash(row.roles_to_extended, 11, 3)}"
        )
    lines.append("")
    for row in rows:
        lines.append(verdict(row.framework, "an open route to a bare one", row.open_to_bare, OPEN_GOAL))
        if row.framework.startswith("Falcon"):
            lines.append(verdict(row.framework, "roles_required to a check by hand", row.roles_to_hand, HAND_GOAL))
        elif row.roles_to_extended is not None:
            what = "roles_required to flask-jwt-extended"
            lines.append(verdict(row.framework, what, row.roles_to_extended, EXTENDED_GOAL))
    if not HAS_EXTENDED:
        lines.append("flask-jwt-extended is not installed, so nothing was measured beside it.")
    return "\n".join(lines)


def verdict(framework: str, what: str, ratio: float, goal: float) -> str:
    """Return one sentence about one goal."""
    met = "is met" if ratio <= goal else "is NOT met"
    return f"{framework + ':':13}{what} is {ratio:.3f}, the goal of at most {goal:.2f} {met}."


def _or_dash(figure: float | None, width: int, digits: int) -> str:
    return f"{'-':>{width}}" if figure is None else f"{figure:{width}.{digits}f}"


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description="Measures guarded requests beside open ones, in process.")
    parser.add_argument("--quick", action="store_true", help="a few seconds, rougher figures")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    loop = asyncio.new_event_loop()
    try:
        frameworks = {
            "Flask": on_flask(),
            "Flask-RESTX": on_restx(),
            "Falcon WSGI": on_falcon_wsgi(),
            "Falcon ASGI": on_falcon_asgi(loop),
        }
        wrong = [mistake for name, contenders in frameworks.items() for mistake in mistakes(name, contenders)]
        if wrong:
            print("\n".join(wrong), file=sys.stderr)
            return 1
        gc.freeze()  # What stays anyway need not be looked through before each round.
        rows = [measure(name, one, QUICK if options.quick else FULL) for name, one in frameworks.items()]
    finally:
        loop.close()
    print(report(rows))
    if options.json is not None:
        options.json.write_text(json.dumps([attrs.asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
