"""The example, used as its users would use it."""

from __future__ import annotations

import pytest
from falcon.testing import Result, TestClient

from praetorian_core.testing import FrozenClock, cheapest_hasher

from . import create_app
from .app import Member

SECRET = "the-notice-board-3k9QxV7mT2pLr8WzYb5NcD"
PASSWORD = "correct horse battery staple"
PREFLIGHT = {
    "Origin": "https://board.example",
    "Access-Control-Request-Method": "DELETE",
    "Access-Control-Request-Headers": "authorization",
}


@pytest.fixture
def clock() -> FrozenClock:
    """Return a clock that stands still."""
    return FrozenClock()


@pytest.fixture
def client(clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Return a client of a board with two members."""
    hasher = cheapest_hasher()
    members = {
        name: Member(number, name, hasher.hash(PASSWORD), roles)
        for number, (name, roles) in enumerate((("ada", ["moderator"]), ("bea", list[str]())))
    }
    monkeypatch.setattr(Member, "everybody", members)
    return TestClient(create_app(SECRET, passwords=hasher, clock=clock))


def login(client: TestClient, name: str = "ada") -> dict[str, str]:
    """Log in and return the headers of whoever did."""
    response = client.simulate_post("/session", json={"username": name, "password": PASSWORD})
    assert response.headers["Cache-Control"] == "no-store"
    return {"Authorization": f"Bearer {response.json['access_token']}"}


def outcome(response: Result) -> tuple[int, str | None]:
    """Return the status and the code of the refusal, if it was one."""
    return response.status_code, response.json.get("code") if response.status_code >= 400 else None


class TestSession:
    def test_begins_with_name_and_password(self, client: TestClient) -> None:
        """And with nothing less."""
        wrong = client.simulate_post("/session", json={"username": "ada", "password": "wrong"})

        assert outcome(wrong) == (401, "bad_credentials")
        assert outcome(client.simulate_post("/board", json="hello", headers=login(client))) == (201, None)

    def test_is_prolonged_once_access_is_over(self, client: TestClient, clock: FrozenClock) -> None:
        """Not before, and not for one who was banned since."""
        headers = login(client)
        assert outcome(client.simulate_put("/session", headers=headers)) == (400, "early_refresh")

        clock.tick(15 * 60)
        assert outcome(client.simulate_post("/board", json="x", headers=headers)) == (401, "expired_access")
        newer = client.simulate_put("/session", headers=headers).json["access_token"]
        assert outcome(client.simulate_post("/board", json="x", headers={"Authorization": f"Bearer {newer}"}))[0] == 201

        banned = login(client, "bea")
        Member.everybody["bea"].is_banned = True
        clock.tick(15 * 60)
        assert outcome(client.simulate_put("/session", headers=banned)) == (401, "invalid_user")

    def test_is_ended(self, client: TestClient) -> None:
        """The token opens nothing any more."""
        headers = login(client)

        assert outcome(client.simulate_delete("/session", headers=headers)) == (204, None)
        assert outcome(client.simulate_post("/board", json="x", headers=headers)) == (401, "revoked_token")


class TestBoard:
    def test_greets_whom_it_knows(self, client: TestClient) -> None:
        """Everybody reads; a bad token is refused all the same."""
        assert client.simulate_get("/board").json == {"hello": "stranger", "notices": {}}
        assert client.simulate_get("/board", headers=login(client, "bea")).json["hello"] == "bea"
        assert outcome(client.simulate_get("/board", headers={"Authorization": "Bearer x"})) == (401, "invalid_token")

    def test_is_written_by_members(self, client: TestClient) -> None:
        """Under their own name."""
        assert outcome(client.simulate_post("/board", json="hello")) == (401, "missing_token")

        client.simulate_post("/board", json="hello", headers=login(client, "bea"))
        assert client.simulate_get("/board").json["notices"] == {"1": {"by": "bea", "text": "hello"}}

    def test_is_cleaned_by_moderators(self, client: TestClient) -> None:
        """By nobody else."""
        client.simulate_post("/board", json="spam", headers=login(client, "bea"))

        assert outcome(client.simulate_delete("/board/1", headers=login(client, "bea"))) == (403, "missing_role")
        assert outcome(client.simulate_delete("/board/1", headers=login(client))) == (204, None)
        assert outcome(client.simulate_delete("/board/1", headers=login(client)))[0] == 404

    def test_is_used_from_a_page_of_another_origin(self, client: TestClient) -> None:
        """A preflight needs no token, and a refusal can be read."""
        preflight = client.simulate_options("/board/1", headers=PREFLIGHT)
        refusal = client.simulate_delete("/board/1", headers={"Origin": "https://board.example"})

        assert (preflight.status_code, preflight.headers["Access-Control-Allow-Methods"]) == (200, "DELETE")
        assert (refusal.status_code, refusal.headers["Access-Control-Allow-Origin"]) == (401, "*")


class TestCreateApp:
    def test_reads_the_secret_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """And says so when it is not there."""
        monkeypatch.setenv("SECRET_KEY", SECRET)
        assert TestClient(create_app()).simulate_get("/board").status_code == 200

        monkeypatch.delenv("SECRET_KEY")
        with pytest.raises(KeyError):
            create_app()
