"""Every route of the example application, without TESTING."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from praetorian_core import PasswordHasher, generate_secret
from praetorian_core.errors import ConfigurationError
from praetorian_core.testing import FrozenClock, cheapest_hasher

from . import create_app
from .users import Role, User, database

ALICE = "alice@example.org"
PASSWORD = "correct horse battery staple"
BEARER = 'Bearer realm="api"'


class World:
    """One application with a user, a client, a clock and an outbox."""

    def __init__(self, config: dict[str, object], hasher: PasswordHasher) -> None:
        self.clock = FrozenClock()
        self.outbox: list[tuple[str, str, str]] = []
        self.hasher = hasher
        self.app: Flask = create_app(config, send_mail=self.send_mail, passwords=hasher, clock=self.clock)
        self.client: FlaskClient = self.app.test_client()
        self.add(ALICE, "editor")

    def send_mail(self, address: str, subject: str, text: str) -> None:
        self.outbox.append((address, subject, text))

    def add(self, email: str, *roles: str, confirmed: bool = True, hashed: str | None = None) -> None:
        with self.app.app_context():
            password = hashed or self.hasher.hash(PASSWORD)
            granted = [Role(name=name) for name in roles]
            database().add(User(email=email, password=password, confirmed=confirmed, roles=granted))
            database().commit()

    def post(self, path: str, bearing: str | None = None, /, **body: object) -> TestResponse:
        return self.client.post(path, json=body, headers=bearer(bearing))

    def get(self, path: str, token: str | None = None) -> TestResponse:
        return self.client.get(path, headers=bearer(token))

    def log_in(self, username: str = ALICE, password: str = PASSWORD) -> str:
        return str(members(self.post("/login", username=username, password=password))["access_token"])


def bearer(token: str | None) -> dict[str, str]:
    return {} if token is None else {"Authorization": f"Bearer {token}"}


def members(response: TestResponse) -> dict[str, object]:
    return cast("dict[str, object]", response.get_json())


def outcome(response: TestResponse) -> tuple[int, object, str | None]:
    """Return status, code and challenge of a refusal."""
    assert members(response)["status_code"] == response.status_code
    assert response.headers["Cache-Control"] == "no-store"
    return response.status_code, members(response)["code"], response.headers.get("WWW-Authenticate")


@pytest.fixture
def config(tmp_path: Path) -> dict[str, object]:
    return {"SECRET_KEY": generate_secret(), "DATABASE": f"sqlite:///{tmp_path / 'users.sqlite'}"}


@pytest.fixture
def world(config: dict[str, object]) -> Iterator[World]:
    world = World(config, cheapest_hasher())
    yield world
    cast("Engine", world.app.extensions["engine"]).dispose()


class TestCreateApp:
    def test_needs_a_secret(self, config: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
        """The code contains no secret and generates none."""
        monkeypatch.delenv("FLASK_SECRET_KEY", raising=False)
        del config["SECRET_KEY"]

        with pytest.raises(ConfigurationError, match="SECRET_KEY or JWT_SECRET_KEY must be set"):
            create_app(config)

    def test_hashes_at_the_real_cost(self, config: dict[str, object]) -> None:
        """Without a hasher, the application uses the recommended cost."""
        app = create_app(config)
        with app.app_context():
            hashed = app.extensions["praetorian"].guard.hash_password(PASSWORD)
        cast("Engine", app.extensions["engine"]).dispose()

        assert hashed.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


class TestLogin:
    def test_gives_a_token_that_no_cache_keeps(self, world: World) -> None:
        """The right username and password are exchanged for a token."""
        response = world.post("/login", username=ALICE, password=PASSWORD)

        assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
        assert members(world.get("/me", str(members(response)["access_token"])))["email"] == ALICE

    @pytest.mark.parametrize(
        "body",
        [
            {"username": ALICE, "password": "wrong password"},
            {"username": "nobody@example.org", "password": PASSWORD},
            {"username": "pending@example.org", "password": PASSWORD},
            {"username": ALICE},
            {"username": 7, "password": [PASSWORD]},
        ],
    )
    def test_refuses_with_one_answer(self, world: World, body: dict[str, object]) -> None:
        """Wrong, unknown, unconfirmed, missing and mistyped values get the same answer."""
        world.add("pending@example.org", confirmed=False)

        assert outcome(world.post("/login", **body)) == (401, "bad_credentials", BEARER)

    def test_wants_a_json_object(self, world: World) -> None:
        """Another JSON value is 400."""

        assert world.client.post("/login", json=[ALICE, PASSWORD]).status_code == 400

    def test_renews_a_hash_of_another_cost(self, world: World) -> None:
        """The new hash is stored and verifies the same password."""
        world.add("old@example.org", hashed=cheapest_hasher(memory_cost=16).hash(PASSWORD))
        world.log_in("old@example.org")
        with world.app.app_context():
            user = User.lookup("old@example.org")

            assert user is not None
            assert str(user.password).startswith("$argon2id$v=19$m=8,")
        world.log_in("old@example.org")


class TestRefresh:
    def test_gives_a_token_after_access_has_expired(self, world: World) -> None:
        """The old token no longer grants access, the new one does."""
        token = world.log_in()
        world.clock.tick(15 * 60)

        assert outcome(world.get("/me", token)) == (401, "expired_access", f'{BEARER}, error="invalid_token"')
        response = world.post("/refresh", token)
        assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
        assert world.get("/me", str(members(response)["access_token"])).status_code == 200

    def test_is_refused_before_access_expires(self, world: World) -> None:
        """One second before the end of the access lifespan it is too early."""
        token = world.log_in()
        world.clock.tick(15 * 60 - 1)

        assert outcome(world.post("/refresh", token)) == (400, "early_refresh", None)

    def test_is_refused_after_both_lifespans(self, world: World) -> None:
        """The user must log in again."""
        token = world.log_in()
        world.clock.tick(30 * 86_400)

        assert outcome(world.post("/refresh", token)) == (401, "expired_refresh", f'{BEARER}, error="invalid_token"')

    def test_is_refused_for_a_token_that_was_refreshed(self, world: World) -> None:
        """A second refresh after the grace period revokes the session."""
        old = world.log_in()
        world.clock.tick(15 * 60)
        new = str(members(world.post("/refresh", old))["access_token"])
        world.clock.tick(60)

        assert outcome(world.post("/refresh", old)) == (401, "reused_token", f'{BEARER}, error="invalid_token"')
        assert outcome(world.get("/me", new)) == (401, "revoked_token", f'{BEARER}, error="invalid_token"')

    def test_needs_a_token(self, world: World) -> None:
        """Without a token the answer is 401."""

        assert outcome(world.post("/refresh")) == (401, "missing_token", BEARER)


class TestLogout:
    def test_revokes_the_session(self, world: World) -> None:
        """Its token no longer grants access; the session of another login continues."""
        token, other = world.log_in(), world.log_in()

        assert world.post("/logout", token).status_code == 200
        assert outcome(world.get("/me", token)) == (401, "revoked_token", f'{BEARER}, error="invalid_token"')
        assert world.get("/me", other).status_code == 200

    def test_needs_a_token(self, world: World) -> None:
        """Without a token the answer is 401."""

        assert outcome(world.post("/logout")) == (401, "missing_token", BEARER)


class TestProtectedRoutes:
    @pytest.mark.parametrize("path", ["/me", "/admin", "/drafts"])
    def test_need_a_token(self, world: World, path: str) -> None:
        """Without a token the answer is 401 with a challenge."""

        assert outcome(world.get(path)) == (401, "missing_token", BEARER)

    @pytest.mark.parametrize("path", ["/me", "/admin", "/drafts", "/feed"])
    def test_refuse_an_invalid_token(self, world: World, path: str) -> None:
        """Also on routes that need none."""
        token = world.log_in()[:-4] + "AAAA"

        assert outcome(world.get(path, token)) == (401, "invalid_token", f'{BEARER}, error="invalid_token"')

    def test_me(self, world: World) -> None:
        """It returns address and roles."""

        assert members(world.get("/me", world.log_in())) == {"email": ALICE, "roles": ["editor"]}

    def test_admin_needs_the_role(self, world: World) -> None:
        """An editor is refused, an admin is not."""
        world.add("root@example.org", "admin")

        assert outcome(world.get("/admin", world.log_in())) == (
            403,
            "missing_role",
            f'{BEARER}, error="insufficient_scope"',
        )
        assert world.get("/admin", world.log_in("root@example.org")).status_code == 200

    def test_drafts_need_one_of_two_roles(self, world: World) -> None:
        """Editors and admins are admitted, others are refused."""
        world.add("root@example.org", "admin")
        world.add("bob@example.org")

        assert world.get("/drafts", world.log_in()).status_code == 200
        assert world.get("/drafts", world.log_in("root@example.org")).status_code == 200
        assert world.get("/drafts", world.log_in("bob@example.org")).status_code == 403

    def test_feed_greets_a_user(self, world: World) -> None:
        """A token is accepted and not needed."""

        assert members(world.get("/feed"))["hello"] == "stranger"
        assert members(world.get("/feed", world.log_in()))["hello"] == ALICE

    def test_a_refusal_is_logged_with_its_reason(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """The log holds the detail."""
        caplog.set_level("INFO", logger=world.app.logger.name)
        world.get("/admin", world.log_in())

        assert "GET /admin: missing_role: the principal's roles do not satisfy: all of admin" in caplog.messages


class TestAccounts:
    def test_registration(self, world: World) -> None:
        """Register, set a password with the mailed token, log in."""
        assert world.post("/register", username="bob@example.org").status_code == 202
        ((address, _, token),) = world.outbox
        assert address == "bob@example.org"
        assert outcome(world.post("/login", username=address, password="bob's password")) == (
            401,
            "bad_credentials",
            BEARER,
        )

        assert world.post("/confirm", token=token, password="bob's password").status_code == 200
        assert members(world.get("/me", world.log_in(address, "bob's password"))) == {"email": address, "roles": []}

    def test_reset(self, world: World) -> None:
        """The old password and every earlier session are rejected."""
        session = world.log_in()
        world.post("/forgot", username=ALICE)
        ((_, _, token),) = world.outbox

        assert world.post("/reset", token=token, password="another password").status_code == 200
        assert outcome(world.get("/me", session))[:2] == (401, "revoked_token")
        assert outcome(world.post("/login", username=ALICE, password=PASSWORD))[:2] == (401, "bad_credentials")
        world.log_in(ALICE, "another password")

    @pytest.mark.parametrize("path", ["/register", "/forgot"])
    def test_are_not_revealed(self, world: World, path: str) -> None:
        """The answer is the same with and without an account; only its owner gets mail."""
        known = world.post(path, username=ALICE)
        unknown = world.post(path, username="nobody@example.org")

        assert (known.status_code, known.data) == (unknown.status_code, unknown.data) == (202, known.data)
        assert (ALICE, "Set your password (reset)") in [mail[:2] for mail in world.outbox]

    def test_confirmation_after_a_lost_mail(self, world: World) -> None:
        """The mail can be sent again; its token confirms, and cannot reset."""
        world.post("/register", username="bob@example.org")
        world.post("/forgot", username="bob@example.org")
        (_, (_, subject, token)) = world.outbox

        assert subject == "Set your password (registration)"
        assert outcome(world.post("/reset", token=token, password=PASSWORD))[:2] == (401, "misused_token")
        assert world.post("/confirm", token=token, password=PASSWORD).status_code == 200

    @pytest.mark.parametrize(("ask", "path"), [("/register", "/confirm"), ("/forgot", "/reset")])
    def test_a_mailed_token_works_once(self, world: World, ask: str, path: str) -> None:
        """A second use is refused, and a late one as well."""
        email = ALICE if ask == "/forgot" else "bob@example.org"
        world.post(ask, username=email)
        world.post("/forgot", username=email)
        (_, _, token), (_, _, unused) = world.outbox

        assert world.post(path, token=token, password=PASSWORD).status_code == 200
        assert outcome(world.post(path, token=token, password=PASSWORD))[:2] == (401, "reused_token")
        world.clock.tick(15 * 60)
        assert outcome(world.post(path, token=unused, password=PASSWORD))[:2] == (401, "expired_action")

    def test_a_weak_password_keeps_the_token(self, world: World) -> None:
        """The token can be used again with a better password."""
        world.post("/forgot", username=ALICE)
        ((_, _, token),) = world.outbox

        assert outcome(world.post("/reset", token=token, password="short")) == (400, "weak_password", None)
        assert world.post("/reset", token=token, password="long enough").status_code == 200

    def test_a_session_token_sets_no_password(self, world: World) -> None:
        """A mailed token grants no access, and a session token sets no password."""
        world.post("/forgot", username=ALICE)
        ((_, _, mailed),) = world.outbox

        assert outcome(world.post("/reset", token=world.log_in(), password=PASSWORD))[:2] == (401, "misused_token")
        assert outcome(world.get("/me", mailed))[:2] == (401, "misused_token")

    @pytest.mark.parametrize("path", ["/register", "/forgot", "/confirm", "/reset"])
    @pytest.mark.parametrize("body", [{}, {"username": 7, "token": 7, "password": PASSWORD}, []])
    def test_need_text(self, world: World, path: str, body: object) -> None:
        """An absent member, or one that is not a text, is 400."""

        assert world.client.post(path, json=body).status_code == 400

    @pytest.mark.parametrize("path", ["/login", "/register", "/forgot", "/confirm", "/reset"])
    @pytest.mark.parametrize(
        ("body", "statuses"),
        [
            (b"[" * 20_000, {400}),
            (b'{"username":' * 5_000, {400}),
            (b'{"username": "\\ud800", "token": "\\ud800", "password": "\\ud800"}', {400, 401}),
            (b'{"username": "a", "token": "b", "password": "c"}' + b" " * 65_536, {413}),
        ],
        ids=["deep lists", "deep objects", "surrogates", "too long"],
    )
    def test_hostile_json(self, world: World, path: str, body: bytes, statuses: set[int]) -> None:
        """Nesting that exhausts the parser, half a surrogate pair and a long body cause no server error."""

        assert world.client.post(path, data=body, content_type="application/json").status_code in statuses


class TestAddUser:
    def test_creates_an_account_with_roles(self, world: World) -> None:
        """For the first admin."""
        arguments = ["add-user", "root@example.org", "admin", "editor", "--password", PASSWORD]

        assert world.app.test_cli_runner().invoke(args=arguments).exit_code == 0
        assert members(world.get("/me", world.log_in("root@example.org")))["roles"] == ["admin", "editor"]


class TestPrintMail:
    def test_prints_the_mail(self, config: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
        """Without a mail server the example prints its mail."""
        app = create_app(config, passwords=cheapest_hasher())
        app.test_client().post("/register", json={"username": ALICE})
        cast("Engine", app.extensions["engine"]).dispose()

        assert capsys.readouterr().out.startswith(f"To: {ALICE}\nSubject: Set your password (registration)\n\ney")
