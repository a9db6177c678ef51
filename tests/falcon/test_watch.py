"""A WebSocket ends when the access or the session of its token ends."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import falcon
import pytest
from tests.falcon.sockets import echo, play, settle
from tests.falcon.test_websocket import route
from tests.falcon.world import make_world
from tests.support import AsyncMemoryStore

from praetorian_core import MemoryStore, all_roles
from praetorian_core.errors import MisusedTokenError, PraetorianError
from praetorian_core.testing import MemoryUser
from praetorian_falcon import (
    admit_websocket,
    auth_accepted,
    auth_required,
    current_guard,
    current_principal,
    current_principal_or_none,
    current_user,
    keep_principal,
    roles_required,
    verify_in_request,
)
from praetorian_falcon.watch import CLEANUP

ACCESS = 900
RECHECK = 30

EXPIRED = (3401, "expired_access")
REVOKED = (3401, "revoked_token")


class CountingStore(AsyncMemoryStore):
    """A store whose reads are counted, and fail from one of them on."""

    def __init__(self, fail_at=None):
        super().__init__()
        self.reads = 0
        self.fail_at = fail_at

    async def get(self, *keys, now):
        self.reads += 1
        if self.reads == self.fail_at:
            raise OSError
        return await super().get(*keys, now=now)


def echoing():
    """Return a responder that sends every message back."""

    async def on_websocket(self, req, ws):
        await ws.accept()
        while True:
            await ws.send_text(await ws.receive_text())

    return on_websocket


def by_message():
    """Return a responder that is admitted by each message, and sends the user's identity and number of roles."""

    async def on_websocket(self, req, ws):
        await ws.accept()
        while True:
            await admit_websocket(req, ws, await ws.receive_text())
            principal = current_principal(req)
            await ws.send_text(f"{principal.identity} {len(principal.roles)}")

    return on_websocket


def served(responder=None, decorate=auth_required, **options):
    """Return a world whose one route has this responder; by default it sends every message back."""
    world = make_world("asgi", **options)
    route(world, decorate(echoing() if responder is None else responder))
    return world


async def say(ws, text):
    """Send a text and return the answer, or the code and the reason of the close."""
    try:
        await ws.send_text(text)
        return await ws.receive_text()
    except falcon.WebSocketDisconnected:
        return ws.close_code, ws.close_reason


class TestAccess:
    @pytest.mark.parametrize("store", [None, MemoryStore()], ids=["no store", "store"])
    @pytest.mark.parametrize("leeway", [0, 60])
    def test_ends_at_exp(self, store, leeway):
        """The socket is open at exp - 1, and closed with 3401 at exp; the leeway prolongs both."""
        world = served(store=store, leeway=leeway)

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                first = await echo(ws)
                await peer.tick(ACCESS + leeway - 1)
                second = await echo(ws)
                await peer.tick(1)
                return first, second, await echo(ws)

        assert ("still here", "still here", EXPIRED) == play(world, script)

    def test_hooks(self):
        """The error is handled like one that the responder raises: the hooks see it."""
        seen = []
        world = served(on_error=lambda error: seen.append(error.code))

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                await peer.tick(ACCESS)

        play(world, script)
        assert ["expired_access"] == seen

    def test_class(self):
        """A class decorator watches the socket too, and two decorators watch it once."""
        store = CountingStore()
        world = make_world("asgi", store=store, check_sessions="refresh")
        kind = auth_required(type("Resource", (), {"on_websocket": roles_required("admin")(echoing())}))
        world.app.add_route("/", kind())

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                await settle()
                calls = [store.reads]
                await peer.tick(RECHECK)
                calls.append(store.reads)
                await peer.tick(ACCESS - RECHECK)
                return calls, await echo(ws)

        assert ([1, 2], EXPIRED) == play(world, script)

    def test_sink(self):
        """The socket of a sink is watched."""
        world = make_world("asgi")

        async def sink(req, resp, ws=None):
            await echoing()(None, req, ws or resp)

        world.app.add_sink(auth_required(sink), "/")

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                first = await echo(ws)
                await peer.tick(ACCESS)
                return first, await echo(ws)

        assert ("still here", EXPIRED) == play(world, script)


class TestTicket:
    def test_ends_with_its_session(self):
        """A socket that a ticket opened outlives the ticket, and ends with the access of the ticket's token."""
        world = served(store=MemoryStore(), places=["query_ticket"])
        ticket = asyncio.run(world.guard.issue_ticket(world.issuer.verify(world.token())))

        async def script(peer):
            async with peer.open(query_string=f"ticket={ticket}") as ws:
                await ws.wait_ready()
                await peer.tick(ACCESS - 1)
                before = await echo(ws)
                await peer.tick(1)
                return before, await echo(ws)

        assert ("still here", EXPIRED) == play(world, script)


class TestSession:
    @pytest.mark.parametrize("check", ["always", "refresh"])
    @pytest.mark.parametrize("everything", [False, True], ids=["revoke", "revoke_user"])
    def test_ends_at_the_next_check(self, check, everything):
        """A session that was ended closes its sockets within ``PRAETORIAN_WEBSOCKET_RECHECK``, whatever access checks."""
        world = served(store=MemoryStore(), check_sessions=check)
        token = world.token()

        async def script(peer):
            async with peer.open({"Authorization": f"Bearer {token}"}) as ws:
                await ws.wait_ready()
                await settle()
                await (world.guard.revoke_user(1) if everything else world.guard.revoke(token))
                await peer.tick(RECHECK - 1)
                before = await echo(ws)
                await peer.tick(1)
                return before, await echo(ws)

        assert ("still here", REVOKED) == play(world, script)

    def test_another_session(self):
        """The end of another session of the user closes nothing."""
        world = served(store=MemoryStore(), websocket_recheck=5)
        token = world.token()

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                await world.guard.revoke(token)
                await peer.tick(5)
                return await echo(ws)

        assert "still here" == play(world, script)

    def test_store_outage(self):
        """A store that does not answer closes the socket with 3503, as it rejects every request."""
        store = CountingStore(fail_at=3)
        world = served(store=store)

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                before = await echo(ws)
                await peer.tick(RECHECK)
                return before, await echo(ws)

        assert ("still here", (3503, "unavailable")) == play(world, script)


class TestResponder:
    def ended(self, responder):
        """Return how the socket of a responder was closed when its access ended."""
        world = served(responder)

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                await peer.tick(ACCESS)
                return ws.close_code, ws.close_reason

        return play(world, script)

    def test_waits_for_something_else(self):
        """A responder that waits for anything is cancelled, and cleans up."""
        cleaned = []

        async def waiting(self, req, ws):
            await ws.accept()
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                cleaned.append(ws.closed)

        assert EXPIRED == self.ended(waiting)
        assert [False] == cleaned

    def test_suppresses_the_cancellation(self):
        """A responder that goes on after its cancellation has seconds to clean up; then it loses its socket."""
        found = []

        async def stubborn(self, req, ws):
            await ws.accept()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await asyncio.sleep(CLEANUP - 1)
            found.append(ws.closed)
            await asyncio.sleep(2)
            try:
                await ws.send_text("still here")
            except falcon.WebSocketDisconnected:
                found.append("disconnected")

        world = served(stubborn)

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                for seconds in (ACCESS, CLEANUP - 1, 1, 1):
                    await peer.tick(seconds)
                return ws.close_code, ws.close_reason

        assert EXPIRED == play(world, script)
        assert [False, "disconnected"] == found

    def test_fails_when_it_is_cancelled(self):
        """The reason of the close is the access, whatever the clean-up raises."""

        async def failing(self, req, ws):
            await ws.accept()
            try:
                await asyncio.Event().wait()
            finally:
                with suppress(ValueError):
                    raise ValueError

        assert EXPIRED == self.ended(failing)

    def test_has_closed_the_socket(self):
        """A socket that the responder has closed stays closed with its code."""

        async def closing(self, req, ws):
            await ws.accept()
            await asyncio.sleep(1)
            await ws.close(4000)
            await asyncio.Event().wait()

        world = served(closing)

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                for seconds in (1, ACCESS):
                    await peer.tick(seconds)
                return ws.close_code

        assert 4000 == play(world, script)

    def test_has_not_accepted_it(self):
        """A handshake that was not accepted by then is rejected."""

        async def late(self, req, ws):
            await asyncio.Event().wait()

        world = served(late, access_lifespan=3)

        async def script(peer):
            async def connect():
                async with peer.open(world.headers()):
                    pass

            connecting = asyncio.ensure_future(connect())
            await settle()
            await peer.tick(3)
            with pytest.raises(falcon.WebSocketDisconnected) as caught:
                await connecting
            return caught.value.code

        assert 3401 == play(world, script)

    def test_returns(self):
        """A responder that returns closes its socket at once; its own errors are answered as ever."""

        async def brief(self, req, ws):
            await ws.accept()
            await ws.send_text("hello")

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                said = await ws.receive_text()
                await settle()
                return said, ws.close_code

        world = served(brief)
        assert ("hello", 1000) == play(world, script)

    def test_client_leaves(self):
        """When the client closes the socket, responder and watch end; ``play`` finds a task that does not."""
        world = served(store=MemoryStore())

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await echo(ws)
                await ws.close()
                await settle()

        play(world, script)


class TestFirstMessage:
    def test_admits(self):
        """A socket that was opened without a token is admitted by its first message, and ends with that token."""
        world = served(by_message(), auth_accepted)

        async def script(peer):
            async with peer.open() as ws:
                await ws.wait_ready()
                await peer.tick(ACCESS)
                first = await say(ws, world.token())
                await peer.tick(ACCESS - 1)
                still_open = not ws.closed
                await peer.tick(1)
                return first, still_open, (ws.close_code, ws.close_reason)

        assert ("1 2", True, EXPIRED) == play(world, script)

    @pytest.mark.parametrize(
        ("message", "expected"),
        [
            ("bad", (3401, "invalid_token")),
            ("", (3401, "invalid_token")),
            ("action", (3401, "misused_token")),
            ("expired", EXPIRED),
        ],
    )
    def test_refused(self, message, expected):
        """A message that is no valid token closes the socket with the code of the error."""
        world = served(by_message(), auth_accepted)
        expired, action = world.token(), world.issuer.issue_action(world.alice, "confirm")
        message = {"action": action, "expired": expired}.get(message, message)

        async def script(peer):
            await peer.tick(ACCESS)
            async with peer.open() as ws:
                await ws.wait_ready()
                return await say(ws, message), await say(ws, world.token())

        assert (expected, expected) == play(world, script)

    def test_caught(self):
        """A responder that catches the error cannot go on: the socket is closed, and there is no principal."""
        found = []

        async def catching(self, req, ws):
            await ws.accept()
            try:
                await admit_websocket(req, ws, await ws.receive_text())
            except PraetorianError as error:
                found.extend((type(error).__name__, ws.closed, current_principal_or_none(req)))

        world = served(catching, auth_accepted)

        async def script(peer):
            async with peer.open() as ws:
                await ws.wait_ready()
                return await say(ws, "bad")

        assert (3401, "invalid_token") == play(world, script)
        assert ["InvalidTokenError", True, None] == found

    @pytest.mark.parametrize("by_header", [False, True], ids=["message", "header"])
    def test_prolongs(self, by_header):
        """A refreshed token of the same user prolongs the socket."""
        world = served(by_message(), auth_accepted)
        token = world.token()

        async def script(peer):
            async with peer.open({"Authorization": f"Bearer {token}"} if by_header else None) as ws:
                await ws.wait_ready()
                if not by_header:
                    await say(ws, token)
                await peer.tick(ACCESS - 1)
                world.clock.tick(1)
                fresh = world.issuer.refresh(token)
                second = await say(ws, fresh)
                await peer.tick(ACCESS - 1)
                still_open = not ws.closed
                await peer.tick(1)
                return second, still_open, (ws.close_code, ws.close_reason)

        assert ("1 2", True, EXPIRED) == play(world, script)

    def test_shorter(self):
        """A token that ends earlier than the one before ends the socket earlier."""
        world = served(by_message(), auth_accepted)

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                await say(ws, world.token(access_lifespan=60))
                await peer.tick(59)
                still_open = not ws.closed
                await peer.tick(1)
                return still_open, (ws.close_code, ws.close_reason)

        assert (True, EXPIRED) == play(world, script)

    def test_another_user(self):
        """A token of another user closes the socket, however valid it is."""
        world = served(by_message(), auth_accepted)

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                return await say(ws, world.token(world.bob))

        assert (3401, "misused_token") == play(world, script)

    @pytest.mark.parametrize(("names", "refused"), [("alice bob", 1), ("alice alice", 0)])
    def test_two_at_once(self, monkeypatch, names, refused):
        """Of two users' tokens that are verified at the same time one is admitted; two of one user both are."""
        outcomes = []

        async def messages(self, req, ws):
            await ws.accept()
            tokens = (await ws.receive_text()).split()
            outcomes.extend(
                await asyncio.gather(*(admit_websocket(req, ws, token) for token in tokens), return_exceptions=True)
            )

        world = served(messages, auth_accepted)
        admit_token = world.guard.admit_token

        async def admit_slowly(*args, **options):
            principal = await admit_token(*args, **options)
            await asyncio.sleep(0)
            return principal

        monkeypatch.setattr(world.guard, "admit_token", admit_slowly)

        async def script(peer):
            async with peer.open({}) as ws:
                await ws.wait_ready()
                await say(ws, " ".join(world.token(getattr(world, name)) for name in names.split()))

        play(world, script)

        assert refused == sum(isinstance(outcome, MisusedTokenError) for outcome in outcomes)
        assert 2 == len(outcomes)

    def test_keeps_the_policy(self):
        """A later token satisfies what the decorator and earlier messages required."""

        async def messages(self, req, ws):
            await ws.accept()
            await admit_websocket(req, ws, await ws.receive_text(), all_roles("staff"))
            await ws.send_text("staff")
            while True:
                await admit_websocket(req, ws, await ws.receive_text())
                await ws.send_text("again")

        world = served(messages, roles_required("admin"))
        lost = []

        async def script(peer):
            for roles in (["admin"], ["staff"], ["admin", "staff"]):
                async with peer.open(world.headers()) as ws:
                    await ws.wait_ready()
                    first = await say(ws, world.token())
                    world.alice.rolenames = roles
                    lost.append((first, await say(ws, world.token())))
                    world.alice.rolenames = ["admin", "staff"]

        play(world, script)
        refused = ("staff", (3403, "missing_role"))
        assert [refused, refused, ("staff", "again")] == lost

    def test_undecorated(self):
        """Without a decorator the socket would not be watched, so it is closed with 3500."""
        world = served(by_message(), lambda responder: responder)

        async def script(peer):
            async with peer.open() as ws:
                await ws.wait_ready()
                return await say(ws, world.token())

        assert (3500, "configuration") == play(world, script)

    def test_loads_the_user_again(self):
        """The user is loaded again after a later message."""

        async def users(self, req, ws):
            await ws.accept()
            while True:
                await admit_websocket(req, ws, await ws.receive_text())
                await ws.send_text((await current_user(req)).username)

        world = served(users, auth_accepted)

        async def script(peer):
            async with peer.open() as ws:
                await ws.wait_ready()
                first = await say(ws, world.token())
                world.users.remove(world.alice)
                world.users.add(MemoryUser(identity=1, username="renamed"))
                return first, await say(ws, world.token())

        assert ("alice", "renamed") == play(world, script)


class TestOtherWays:
    @pytest.mark.parametrize("way", ["keep_principal", "verify_in_request"])
    def test_are_watched(self, way):
        """A principal that comes by another call is watched too, if a decorator is there."""

        async def responder(self, req, ws):
            await ws.accept()
            await ws.receive_text()
            if way == "keep_principal":
                keep_principal(req, await current_guard(req).verify(world.token()))
            else:
                await verify_in_request(req, all_roles("admin"))
            await ws.send_text(str(current_principal(req).identity))
            await ws.receive_text()

        world = served(responder, auth_accepted)

        async def script(peer):
            async with peer.open(world.headers()) as ws:
                await ws.wait_ready()
                first = await say(ws, "go")
                await peer.tick(ACCESS)
                return first, (ws.close_code, ws.close_reason)

        assert ("1", EXPIRED) == play(world, script)
