"""Users of a database under asyncio: what a later request reads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest
from falcon.testing import ASGIConductor, Result
from sqlalchemy import Engine, update

from praetorian_core.testing import FrozenClock, cheapest_hasher

from .app import Session, User, create_app, open_database

SECRET = "users-in-a-database-8mQ2xV5kT7pLr4WzYb9NcD"
PASSWORD = "correct horse battery staple"
ACCESS = 15 * 60


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the URL of a database of its own."""
    return f"sqlite:///{tmp_path}/users.db"


@pytest.fixture
def database(url: str) -> Iterator[Engine]:
    """Return an engine of another process, which changes users, with ada in its table."""
    engine = open_database(url)
    hashed = cheapest_hasher().hash(PASSWORD)
    with engine.begin() as connection:
        row = {"identity": 1, "name": "ada", "password": hashed, "rolenames": ["admin"], "is_active": True}
        connection.execute(User.__table__.insert().values(row))  # type: ignore[attr-defined]
    yield engine
    engine.dispose()


def change(database: Engine, **values: object) -> None:
    """Change the user and commit."""
    with database.begin() as connection:
        connection.execute(update(User).values(**values))


def life(url: str, meanwhile: Callable[[], None], after_thread_call: Callable[[], object] | None) -> Result:
    """Log in, have the user changed, refresh the token after exp, and return the answer to a request with it."""
    clock = FrozenClock()
    app = create_app(url, SECRET, passwords=cheapest_hasher(), clock=clock, after_thread_call=after_thread_call)

    async def play() -> Result:
        # One thread, so that each call finds what the one before it has left.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        try:
            async with ASGIConductor(app) as client:
                login = await client.simulate_post("/login", json={"username": "ada", "password": PASSWORD})
                await client.simulate_get("/me", headers=bearer(login))
                meanwhile()
                clock.tick(ACCESS)
                refreshed = await client.simulate_put("/login", headers=bearer(login))
                if refreshed.status_code != 200:
                    return refreshed
                return await client.simulate_get("/me", headers=bearer(refreshed))
        finally:
            await asyncio.to_thread(Session.remove)

    try:
        return asyncio.run(play())
    finally:
        cast("Engine", Session.get_bind()).dispose()
        Session.remove()


def bearer(answer: Result) -> dict[str, str]:
    """Return headers with the token of an answer."""
    return {"Authorization": f"Bearer {answer.json['access_token']}"}


class TestUsers:
    def test_disabled_user_is_not_refreshed(self, url: str, database: Engine) -> None:
        """A user who was disabled by another process cannot refresh."""
        answer = life(url, lambda: change(database, is_active=False), Session.remove)

        assert (answer.status_code, answer.json["code"]) == (401, "invalid_user")

    def test_changed_roles_are_read(self, url: str, database: Engine) -> None:
        """A request reads the roles that another process committed."""
        answer = life(url, lambda: change(database, rolenames=["guest"]), Session.remove)

        assert answer.json == {"name": "ada", "roles": ["guest"]}

    def test_nothing_changed(self, url: str, database: Engine) -> None:
        """An active user is refreshed with the same roles."""
        answer = life(url, lambda: None, Session.remove)

        assert answer.json == {"name": "ada", "roles": ["admin"]}


class TestFault:
    """The fault that ``after_thread_call=Session.remove`` removes."""

    def test_disabled_user_is_refreshed(self, url: str, database: Engine) -> None:
        """Without it the thread's transaction still shows the user as active, with the old roles."""
        answer = life(url, lambda: change(database, is_active=False, rolenames=["guest"]), None)

        assert answer.json == {"name": "ada", "roles": ["admin"]}
