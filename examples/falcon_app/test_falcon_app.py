"""The notice board over HTTP."""

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
    """Return a frozen clock."""
    return FrozenClock()


@pytest.fixture
def client(clock: FrozenClock, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """Return a client of a board with two members."""
    hasher = cheapest_hasher()
    members = {
        name: Member(number, name, hasher.hash(PASSWORD), roles)
        for number, (name, roles) in enumerate((("ada", ["moderator"]), ("bea", list[str]())))
    }
    monkeypatch.setattr(Member, "all", members)
    return TestClient(create_app(SECRET, passwords=hasher, clock=clock))


def login(client: TestClient, name: str = "ada") -> dict[str, str]:
    """Log in and return the headers with the token."""
    response = client.simulate_post("/session", json={"username": name, "password": PASSWORD})
    assert response.headers["Cache-Control"] == "no-store"
    return {"Authorization": f"Bearer {response.json['access_token']}"}


def outcome(response: Result) -> tuple[int, str | None]:
    """Return the status, and the code of the error or None."""
    return response.status_code, response.json.get("code") if response.status_code >= 400 else None


class TestSession:
    def test_login(self, client: TestClient) -> None:
        """A login needs the right password."""
        wrong = client.simulate_post("/session", json={"username": "ada", "password": "wrong"})

        assert outcome(wrong) == (401, "bad_credentials")
        assert outcome(client.simulate_post("/board", json="hello", headers=login(client))) == (201, None)

    def test_refresh(self, client: TestClient, clock: FrozenClock) -> None:
        """A token is refreshed after its access lifespan, not before, and not for a banned member."""
        headers = login(client)
        assert outcome(client.simulate_put("/session", headers=headers)) == (400, "early_refresh")

        clock.tick(15 * 60)
        assert outcome(client.simulate_post("/board", json="x", headers=headers)) == (401, "expired_access")
        newer = client.simulate_put("/session", headers=headers).json["access_token"]
        assert outcome(client.simulate_post("/board", json="x", headers={"Authorization": f"Bearer {newer}"}))[0] == 201

        banned = login(client, "bea")
        Member.all["bea"].is_banned = True
        clock.tick(15 * 60)
        assert outcome(client.simulate_put("/session", headers=banned)) == (401, "invalid_user")

    def test_logout(self, client: TestClient) -> None:
        """After the logout the token is revoked."""
        headers = login(client)

        assert outcome(client.simulate_delete("/session", headers=headers)) == (204, None)
        assert outcome(client.simulate_post("/board", json="x", headers=headers)) == (401, "revoked_token")


class TestBoard:
    def test_reading(self, client: TestClient) -> None:
        """Reading needs no token, but an invalid token is refused."""
        assert client.simulate_get("/board").json == {"hello": "stranger", "notices": {}}
        assert client.simulate_get("/board", headers=login(client, "bea")).json["hello"] == "bea"
        assert outcome(client.simulate_get("/board", headers={"Authorization": "Bearer x"})) == (401, "invalid_token")

    def test_writing(self, client: TestClient) -> None:
        """Writing needs a token, and the notice shows the member's name."""
        assert outcome(client.simulate_post("/board", json="hello")) == (401, "missing_token")

        client.simulate_post("/board", json="hello", headers=login(client, "bea"))
        assert client.simulate_get("/board").json["notices"] == {"1": {"by": "bea", "text": "hello"}}

    def test_deletion(self, client: TestClient) -> None:
        """Deletion needs the role."""
        client.simulate_post("/board", json="spam", headers=login(client, "bea"))

        assert outcome(client.simulate_delete("/board/1", headers=login(client, "bea"))) == (403, "missing_role")
        assert outcome(client.simulate_delete("/board/1", headers=login(client))) == (204, None)
        assert outcome(client.simulate_delete("/board/1", headers=login(client)))[0] == 404

    def test_numbers_are_not_reused(self, client: TestClient) -> None:
        """A notice that is written after a deletion overwrites no other."""
        headers = login(client)
        for text in ("one", "two"):
            client.simulate_post("/board", json=text, headers=headers)
        client.simulate_delete("/board/1", headers=headers)

        assert client.simulate_post("/board", json="three", headers=headers).json == {"number": 3}
        notices = client.simulate_get("/board").json["notices"]
        assert {number: notice["text"] for number, notice in notices.items()} == {"2": "two", "3": "three"}

    @pytest.mark.parametrize(
        "body",
        ["{}", "1", "null", "[" * 100_000, r'"\ud800"', "{"],
        ids=["object", "int", "null", "deep", "surrogate", "broken"],
    )
    def test_bodies_that_are_no_text(self, client: TestClient, body: str) -> None:
        """A body that is not a JSON string is answered with 400, and the board stays readable."""
        headers = {**login(client), "Content-Type": "application/json"}

        assert client.simulate_post("/board", body=body, headers=headers).status_code == 400
        assert client.simulate_get("/board").json["notices"] == {}

    def test_page_of_another_origin(self, client: TestClient) -> None:
        """A preflight needs no token, and a script can read the error."""
        preflight = client.simulate_options("/board/1", headers=PREFLIGHT)
        refusal = client.simulate_delete("/board/1", headers={"Origin": "https://board.example"})

        assert (preflight.status_code, preflight.headers["Access-Control-Allow-Methods"]) == (200, "DELETE")
        assert (refusal.status_code, refusal.headers["Access-Control-Allow-Origin"]) == (401, "*")


class TestCreateApp:
    def test_reads_the_secret_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without the variable there is no application."""
        monkeypatch.setenv("SECRET_KEY", SECRET)
        assert TestClient(create_app()).simulate_get("/board").status_code == 200

        monkeypatch.delenv("SECRET_KEY")
        with pytest.raises(KeyError):
            create_app()
