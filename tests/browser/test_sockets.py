"""A page in a real Chromium opens WebSockets and an EventSource by cookie, first message and ticket, on Falcon ASGI.

Two servers on one host are two origins and one site, so the browser sends the cookie to both: only the check of
``Origin`` keeps a page of the one from opening sockets of the other.
"""

from __future__ import annotations

import asyncio

import falcon
import falcon.asgi
import pytest
from tests.browser.example_page import forget_everything
from tests.browser.servers import serve_asgi

from praetorian_core import AsyncGuard, KeyRing, Settings, generate_secret
from praetorian_core.testing import MemoryUser, MemoryUsers, cheapest_hasher
from praetorian_falcon import (
    admit_websocket,
    auth_accepted,
    auth_required,
    current_guard,
    current_principal,
    current_token,
    current_user_id,
    init_app,
    set_token_cookies,
)

ALICE = MemoryUser(identity=1, username="alice")
PATIENCE = 30  # seconds until the page must have reacted

SOCKET = """
    const [url, first, done] = arguments;
    const socket = new WebSocket(url);
    socket.onopen = () => socket.send(first);
    socket.onmessage = (event) => { done([event.data]); socket.close(); };
    socket.onclose = (event) => done([event.code]);
"""
"""Opens a socket, sends a message, and returns the answer or the code of the close."""

HELD = """
    const [url, first, done] = arguments;
    window.codes = new Promise((resolve) => {
        const socket = new WebSocket(url);
        socket.onopen = () => socket.send(first);
        socket.onmessage = (event) => done(event.data);
        socket.onclose = (event) => { resolve([event.code, event.reason]); done("closed"); };
    });
"""
"""Opens a socket that stays open, and returns its first message; ``window.codes`` is how it was closed."""

STREAM = """
    const [url, done] = arguments;
    const source = new EventSource(url);
    source.onmessage = (event) => { source.close(); done(event.data); };
    source.onerror = () => done(source.readyState === EventSource.CLOSED ? "refused" : "connecting");
"""


class Login:
    """Logs in as alice."""

    async def on_post(self, req, resp):
        token = await current_guard(req).issue(ALICE)
        set_token_cookies(resp, token)
        resp.media = {"token": token}

    async def on_delete(self, req, resp):
        await current_guard(req).revoke(current_token(req))


class Page:
    """An empty page."""

    async def on_get(self, req, resp):
        resp.content_type = falcon.MEDIA_HTML
        resp.text = "<!doctype html><title>Sockets</title>"


@auth_required
class Ticket:
    """Issues tickets."""

    async def on_post(self, req, resp):
        resp.media = {"ticket": await current_guard(req).issue_ticket(current_principal(req))}


@auth_required
class Echo:
    """Answers each message with the user, and sends one event."""

    async def on_websocket(self, req, ws):
        await ws.accept()
        while True:
            await ws.send_text(f"{current_user_id(req)} {await ws.receive_text()}")

    async def on_get(self, req, resp):
        async def events():
            yield falcon.asgi.SSEvent(text=f"{current_user_id(req)}")
            await asyncio.sleep(PATIENCE)

        resp.sse = events()


class Message:
    """Is admitted by its first message."""

    @auth_accepted
    async def on_websocket(self, req, ws):
        await ws.accept()
        await admit_websocket(req, ws, await ws.receive_text())
        await ws.send_text(f"admitted {current_user_id(req)}")
        await ws.receive_text()


def make_app(refused, keys):
    """Return the application, which notes the codes of its refusals."""
    settings = Settings(keys=keys, places=["header", "cookie", "query_ticket"], store="memory://", websocket_recheck=1)
    guard = AsyncGuard(MemoryUsers([ALICE]), settings, passwords=cheapest_hasher())
    app = init_app(falcon.asgi.App(), guard, on_error=lambda error: refused.append(error.code))
    for path, resource in {
        "/": Page(),
        "/login": Login(),
        "/ticket": Ticket(),
        "/echo": Echo(),
        "/message": Message(),
    }.items():
        app.add_route(path, resource)
    return app


class Tab:
    """A page of one of two origins, signed in at the first."""

    def __init__(self, driver, ports, refused):
        self.driver = driver
        self.ports = ports
        self.refused = refused
        self.visit(0)
        self.token = self.fetch("POST", "/login")["token"]

    def visit(self, origin):
        """Load the page of an origin."""
        self.driver.get(f"http://localhost:{self.ports[origin]}/")

    def fetch(self, method, path, **headers):
        """Send a request of the page, and return the parsed answer."""
        script = """
            const [method, path, headers, done] = arguments;
            fetch(path, {method, headers}).then((answer) => answer.text()).then((text) => done(JSON.parse(text || "null")));
        """
        return self.driver.execute_async_script(script, method, path, headers)

    def url(self, path, scheme="ws"):
        """Return an address at the first origin."""
        return f"{scheme}://localhost:{self.ports[0]}{path}"

    def say(self, path, message):
        """Open a socket, and return what comes back."""
        return self.driver.execute_async_script(SOCKET, self.url(path), message)

    def ticket(self):
        """Return a ticket."""
        return self.fetch("POST", "/ticket", Authorization=f"Bearer {self.token}")["ticket"]

    def forget_cookies(self):
        """Delete the cookies of the host."""
        self.driver.delete_all_cookies()


@pytest.fixture
def tab(browser):
    """Return a page of a browser that is signed in."""
    refused = []
    keys = KeyRing.from_secret(generate_secret())
    forget_everything(browser)
    with serve_asgi(make_app(refused, keys)) as own, serve_asgi(make_app([], keys)) as other:
        yield Tab(browser, (own, other), refused)
        browser.get("about:blank")


class TestCookie:
    def test_opens_a_socket_and_a_stream(self, tab):
        """The page does nothing for it."""

        assert ["1 hello"] == tab.say("/echo", "hello")
        assert "1" == tab.driver.execute_async_script(STREAM, "/echo")

    def test_of_another_origin(self, tab):
        """A page of another port of the host sends the cookie too, and is refused by its origin."""
        tab.visit(1)

        assert [1006] == tab.say("/echo", "hello")
        assert ["csrf_failed"] == tab.refused
        tab.visit(0)
        assert ["1 hello"] == tab.say("/echo", "hello")

    def test_logout_closes_the_socket(self, tab):
        """A logout in the page closes its open socket with 3401, although the socket is idle."""
        assert "1 hello" == tab.driver.execute_async_script(HELD, tab.url("/echo"), "hello")
        csrf = "document.cookie.split('; ').find((each) => each.startsWith('__Host-csrf')).split('=')[1]"
        tab.fetch("DELETE", "/login", **{"X-CSRF-Token": tab.driver.execute_script(f"return {csrf}")})
        codes = tab.driver.execute_async_script("const [done] = arguments; window.codes.then(done);")

        assert [3401, "revoked_token"] == codes


class TestFirstMessage:
    def test_opens_a_socket(self, tab):
        """A page without the cookie sends its token as the first message."""
        tab.forget_cookies()

        assert ["admitted 1"] == tab.say("/message", tab.token)
        assert [3401] == tab.say("/message", "no token")

    def test_from_another_origin(self, tab):
        """A page that holds the token may be of any origin."""
        tab.forget_cookies()
        tab.visit(1)

        assert ["admitted 1"] == tab.say("/message", tab.token)


class TestTicket:
    def test_opens_one_socket(self, tab):
        """A page without the cookie opens one socket with a ticket, from any origin, and no second one."""
        tab.forget_cookies()
        ticket = tab.ticket()
        tab.visit(1)

        assert ["1 hello"] == tab.say(f"/echo?ticket={ticket}", "hello")
        assert [1006] == tab.say(f"/echo?ticket={ticket}", "hello")
        assert ["reused_token"] == tab.refused

    def test_opens_one_stream(self, tab):
        """An EventSource with a ticket that was used is refused, and gives up."""
        tab.forget_cookies()
        address = f"/echo?ticket={tab.ticket()}"

        assert ["1", "refused"] == [tab.driver.execute_async_script(STREAM, address) for _ in range(2)]

    def test_beside_the_cookie(self, tab):
        """A ticket beside the cookie is refused: the page needs none."""
        ticket = tab.ticket()

        assert [1006] == tab.say(f"/echo?ticket={ticket}", "hello")
        assert ["conflicting_tokens"] == tab.refused
