"""The chat room over HTTP and WebSocket."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest
from falcon import WebSocketDisconnected
from falcon.testing import ASGIConductor, Result

from praetorian_core.testing import FrozenClock, cheapest_hasher

from . import create_app
from .app import Person

Scene: TypeAlias = Callable[[ASGIConductor], Awaitable[None]]
Run: TypeAlias = Callable[[Scene], None]

SECRET = "the-chat-room-Jx4vQ8nB1mZt6RwKs9PyLd2H"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def clock() -> FrozenClock:
    """Return a frozen clock."""
    return FrozenClock()


@pytest.fixture
def run(clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs a scene in a room with two people."""
    hasher = cheapest_hasher()
    people = {
        name: Person(number, name, hasher.hash(PASSWORD), roles)
        for number, (name, roles) in enumerate((("ada", ["host"]), ("bea", list[str]())))
    }
    monkeypatch.setattr(Person, "all", people)
    app = create_app(SECRET, passwords=hasher, clock=clock)

    def run_scene(scene: Scene) -> None:
        async def on_a_loop() -> None:
            async with ASGIConductor(app) as client:
                await scene(client)

        asyncio.run(on_a_loop())

    return run_scene


async def login(client: ASGIConductor, name: str = "ada") -> dict[str, str]:
    """Log in and return the headers with the token."""
    response = await client.simulate_post("/session", json={"username": name, "password": PASSWORD})
    return {"Authorization": f"Bearer {response.json['access_token']}"}


def outcome(response: Result) -> tuple[int, str | None]:
    """Return the status, and the code of the error or None."""
    return response.status_code, response.json.get("code") if response.status_code >= 400 else None


class TestSession:
    def test_life_cycle(self, run: Run, clock: FrozenClock) -> None:
        """A session is started by a login, prolonged by a refresh and ended by a logout."""

        async def scene(client: ASGIConductor) -> None:
            headers = await login(client)
            assert outcome(await client.simulate_get("/room", headers=headers)) == (200, None)

            clock.tick(15 * 60)
            assert outcome(await client.simulate_get("/room", headers=headers)) == (401, "expired_access")
            newer = (await client.simulate_put("/session", headers=headers)).json["access_token"]
            headers = {"Authorization": f"Bearer {newer}"}
            assert outcome(await client.simulate_get("/room", headers=headers)) == (200, None)

            assert outcome(await client.simulate_delete("/session", headers=headers)) == (204, None)
            assert outcome(await client.simulate_get("/room", headers=headers)) == (401, "revoked_token")

        run(scene)

    def test_needs_the_right_password(self, run: Run) -> None:
        """A wrong password and an unknown name get the same answer."""

        async def scene(client: ASGIConductor) -> None:
            for name in ("ada", "nobody"):
                response = await client.simulate_post("/session", json={"username": name, "password": "wrong"})
                assert outcome(response) == (401, "bad_credentials")

        run(scene)


class TestRoom:
    def test_is_read_by_people_and_cleared_by_hosts(self, run: Run) -> None:
        """Reading needs a token, clearing needs the role."""

        async def scene(client: ASGIConductor) -> None:
            assert outcome(await client.simulate_get("/room")) == (401, "missing_token")
            assert outcome(await client.simulate_delete("/room", headers=await login(client, "bea"))) == (
                403,
                "missing_role",
            )
            assert outcome(await client.simulate_delete("/room", headers=await login(client))) == (204, None)

        run(scene)

    def test_hears_what_people_say(self, run: Run) -> None:
        """Each line is sent to every person in the room."""

        async def scene(client: ASGIConductor) -> None:
            ada, bea = await login(client), await login(client, "bea")
            async with (
                client.simulate_ws("/room", headers=ada) as first,
                client.simulate_ws("/room", headers=bea) as second,
            ):
                await second.send_text("hello")
                assert await first.receive_text() == "bea: hello"
                assert await second.receive_text() == "bea: hello"
            assert (await client.simulate_get("/room", headers=ada)).json == ["bea: hello"]

        run(scene)

    def test_refuses_a_connection_without_a_token(self, run: Run) -> None:
        """The handshake is not accepted."""

        async def scene(client: ASGIConductor) -> None:
            with pytest.raises(WebSocketDisconnected) as refusal:
                async with client.simulate_ws("/room"):
                    pass
            assert refusal.value.code == 3401

        run(scene)

    def test_closes_when_the_token_expires(self, run: Run, clock: FrozenClock) -> None:
        """After exp no line is accepted and the connection is closed."""

        async def scene(client: ASGIConductor) -> None:
            ada = await login(client)
            async with client.simulate_ws("/room", headers=ada) as socket:
                clock.tick(15 * 60)
                await socket.send_text("hello?")
                with pytest.raises(WebSocketDisconnected) as closed:
                    await socket.receive_text()
            assert closed.value.code == 3401
            assert (await client.simulate_get("/room", headers=await login(client))).json == []

        run(scene)


class TestCreateApp:
    def test_reads_the_secret_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the variable there is no application."""
        monkeypatch.setenv("SECRET_KEY", SECRET)
        assert create_app() is not None

        monkeypatch.delenv("SECRET_KEY")
        with pytest.raises(KeyError):
            create_app()
