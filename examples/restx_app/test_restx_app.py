"""The routes and the documentation of the example."""

import pytest
from examples.restx_app.app import PASSWORD, create_app


@pytest.fixture
def client():
    """Return a client of a new application, without TESTING."""
    return create_app().test_client()


def log_in(client, username):
    """Return the headers of a soldier who logged in."""
    token = client.post("/login", json={"username": username, "password": PASSWORD}).json["access_token"]
    return {"Authorization": f"Bearer {token}"}


class TestSession:
    def test_login(self, client):
        """Username and password are exchanged for a token that grants access."""
        response = client.get("/camp/me", headers=log_in(client, "alice"))

        assert response.json == {"username": "alice", "roles": ["soldier"]}

    @pytest.mark.parametrize("username", ["alice", "nobody"])
    def test_wrong_password(self, client, username):
        """A wrong password and an unknown username get the same answer."""
        response = client.post("/login", json={"username": username, "password": "wrong"})

        assert (response.status_code, response.json["code"]) == (401, "bad_credentials")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"[" * 60_000, 400),
            (b'{"username": 7, "password": []}', 401),
            (rb'{"username": "\ud800", "password": "\ud800"}', 401),
            (b" " * 65_537, 413),
        ],
        ids=["nested", "no strings", "surrogates", "long"],
    )
    def test_hostile_body(self, client, body, status):
        """A body that no honest client sends is refused, and the next login works."""

        assert client.post("/login", data=body, content_type="application/json").status_code == status
        assert log_in(client, "alice")

    def test_refresh_is_for_expired_tokens(self, client):
        """A token that still grants access is not refreshed."""
        response = client.post("/refresh", headers=log_in(client, "alice"))

        assert (response.status_code, response.json["code"]) == (400, "early_refresh")


class TestCamp:
    def test_without_a_token(self, client):
        """Without a token the gate greets a stranger, and every other route refuses."""
        statuses = [client.get(path).status_code for path in ("/camp/me", "/treasury/gold")]

        assert client.get("/camp/gate").json == {"greeting": "Salve, stranger!"}
        assert statuses == [401, 401]
        assert client.post("/camp/orders").status_code == 401

    @pytest.mark.parametrize(("username", "allowed"), [("alice", False), ("julia", True)])
    def test_soldiers(self, client, username, allowed):
        """Every soldier is greeted by name; orders and gold require the role of a general."""
        headers = log_in(client, username)

        assert client.get("/camp/gate", headers=headers).json == {"greeting": f"Salve, {username}!"}
        assert client.post("/camp/orders", headers=headers).status_code == (202 if allowed else 403)
        assert client.get("/treasury/gold", headers=headers).status_code == (200 if allowed else 403)


class TestDocumentation:
    def test_shows_requirements(self, client):
        """Every guarded operation names the scheme and its roles."""
        paths = client.get("/swagger.json").json["paths"]

        secured = {path: operation.get("security") for path, item in paths.items() for operation in item.values()}
        assert secured == {
            "/login": None,
            "/refresh": [{"Bearer": []}],
            "/camp/gate": [{"Bearer": []}, {}],
            "/camp/me": [{"Bearer": []}],
            "/camp/orders": [{"Bearer": []}],
            "/treasury/gold": [{"Bearer": []}],
        }
        assert paths["/treasury/gold"]["get"]["description"] == "Roles required: all of general"
        assert {"200", "401", "429"} == set(paths["/login"]["post"]["responses"])

    def test_page(self, client):
        """The page needs no token."""

        assert client.get("/").status_code == 200
