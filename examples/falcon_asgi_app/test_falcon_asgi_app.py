"""The example, used as its users would use it."""

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
Play: TypeAlias = Callable[[Scene], None]

SECRET = "the-chat-room-Jx4vQ8nB1mZt6RwKs9PyLd2H"
PASSWORD = "correct horse battery staple"


@pytest.fixture
def clock() -> FrozenClock:
    """Return a clock that stands still."""
    return FrozenClock()


@pytest.fixture
def play(clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Return a function that plays a scene in a room with two people."""
    hasher = cheapest_hasher()
    people = {
        name: Person(number, name, hasher.hash(PASSWORD), roles)
        for number, (name, roles) in enumerate((("ada", ["host"]), ("bea", list[str]())))
    }
    monkeypatch.setattr(Person, "everybody", people)
    app = create_app(SECRET, passwords=hasher, clock=clock)

    def run(scene: Scene) -> None:
        async def on_a_loop() -> None:
            async with ASGIConductor(app) as client:
                await scene(client)

        asyncio.run(on_a_loop())

    return run


async def login(client: ASGIConductor, name: str = "ada") -> dict[str, str]:
    """Log in and return the headers of whoever did."""
    response = await client.simulate_post("/session", json={"username": name, "password": PASSWORD})
    return {"Authorization": f"Bearer {response.json['access_token']}"}


def outcome(response: Result) -> tuple[int, str | None]:
    """Return the status and the code of the refusal, if it was one."""
    return response.status_code, response.json.get("code") if response.status_code >= 400 else None


class TestSession:
    def test_lives_and_ends(self, play: Play, clock: FrozenClock) -> None:
        """Begun, prolonged, ended."""

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

        play(scene)

    def test_needs_the_right_password(self, play: Play) -> None:
        """And nothing is said about the account."""

        async def scene(client: ASGIConductor) -> None:
            for name in ("ada", "nobody"):
                response = await client.simulate_post("/session", json={"username": name, "password": "wrong"})
                assert outcome(response) == (401, "bad_credentials")

        play(scene)


class TestRoom:
    def test_is_read_by_people_and_cleared_by_hosts(self, play: Play) -> None:
        """By nobody else."""

        async def scene(client: ASGIConductor) -> None:
            assert outcome(await client.simulate_get("/room")) == (401, "missing_token")
            assert outcome(await client.simulate_delete("/room", headers=await login(client, "bea"))) == (
                403,
                "missing_role",
            )
            assert outcome(await client.simulate_delete("/room", headers=await login(client))) == (204, None)

        play(scene)

    def test_hears_what_people_say(self, play: Play) -> None:
        """Everybody who is there."""

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

        play(scene)

    def test_lets_nobody_in_without_a_token(self, play: Play) -> None:
        """The connection is never opened."""

        async def scene(client: ASGIConductor) -> None:
            with pytest.raises(WebSocketDisconnected) as refusal:
                async with client.simulate_ws("/room"):
                    pass
            assert refusal.value.code == 3401

        play(scene)

    def test_closes_upon_one_whose_token_expires(self, play: Play, clock: FrozenClock) -> None:
        """Nothing that they say after that is heard."""

        async def scene(client: ASGIConductor) -> None:
            ada = await login(client)
            async with client.simulate_ws("/room", headers=ada) as socket:
                clock.tick(15 * 60)
                await socket.send_text("anybody?")
                with pytest.raises(WebSocketDisconnected) as closed:
                    await socket.receive_text()
            assert closed.value.code == 3401
            assert (await client.simulate_get("/room", headers=await login(client))).json == []

        play(scene)


class TestCreateApp:
    def test_reads_the_secret_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And says so when it is not there."""
        monkeypatch.setenv("SECRET_KEY", SECRET)
        assert create_app() is not None

        monkeypatch.delenv("SECRET_KEY")
        with pytest.raises(KeyError):
            create_app()
