"""The application and its routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, cast

import click
from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request
from sqlalchemy.exc import IntegrityError

from praetorian_core import Guard, PasswordHasher, Settings
from praetorian_core.clock import Clock, system_clock
from praetorian_core.errors import PraetorianError
from praetorian_flask import (
    Praetorian,
    auth_accepted,
    auth_required,
    credentials,
    current_rolenames,
    current_token,
    current_user,
    current_user_or_none,
    roles_accepted,
    roles_required,
)

from .users import Role, User, database, init_database

SendMail: TypeAlias = Callable[[str, str, str], object]
"""Takes an address, a subject and a text. It should only queue the mail: the wait must not tell who has an account."""

Reply: TypeAlias = tuple[Response, int]

api = Blueprint("api", __name__, cli_group=None)
praetorian = Praetorian[User]()


def print_mail(address: str, subject: str, text: str) -> None:
    """Stand in for a mail server."""
    click.echo(f"To: {address}\nSubject: {subject}\n\n{text}\n")


def create_app(
    config: Mapping[str, object] | None = None,
    *,
    send_mail: SendMail = print_mail,
    passwords: PasswordHasher | None = None,
    clock: Clock = system_clock,
) -> Flask:
    """Return a new application.

    Args:
        config: Settings that win over the defaults and over environment variables that begin with ``FLASK_``.
        send_mail: How mail goes out.
        passwords: Another hasher than the usual one; tests hand in a cheap one.
        clock: Another clock than the system's; tests hand in one that stands still.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE="sqlite:///flask_app.sqlite3",
        # Remembers in this process which sessions were ended and which action tokens were spent. Without a store there
        # is no logout, and a token that is bound to no password has to be redeemed with once=False, which is for what
        # may happen twice without harm.
        PRAETORIAN_STORE="memory://",
    )
    app.config.from_prefixed_env()
    app.config.from_mapping(config)
    guard = Guard(
        User,
        Settings.from_mapping(app.config),
        save_password=save_password,
        passwords=passwords or PasswordHasher(),
        clock=clock,
    )
    praetorian.init_app(app, guard, on_error=log_refusal)
    init_database(app)
    app.extensions["send_mail"] = send_mail
    app.register_blueprint(api)
    return app


def save_password(user: User, new_hash: str) -> None:
    """Keep the hash that a login made anew, because the stored one was of another cost."""
    user.password = new_hash
    database().commit()


def log_refusal(error: PraetorianError) -> None:
    """Write down who was refused what; ``str(error)`` says more than the client is told."""
    current_app.logger.info("%s %s: %s: %s", request.method, request.path, error.code, error)


# ---------------------------------------------------------------- a session: begun, prolonged, ended


@api.post("/login")
def login() -> Response:
    """Exchange name and password for a token."""
    username, password = credentials()
    user = praetorian.guard.authenticate(username, password, source=request.remote_addr)
    return token_response(praetorian.guard.issue(user))


@api.post("/refresh")
def refresh() -> Response:
    """Exchange a token whose access is over. No auth_required: it would refuse each of them."""
    return token_response(praetorian.guard.refresh(current_token()))


@api.post("/logout")
def logout() -> Reply:
    """End the session of the token, and of every token that was refreshed from it; an expired one will do."""
    praetorian.guard.revoke(current_token())
    return jsonify(message="logged out"), 200


def token_response(token: str) -> Response:
    """Return a token, which no cache may keep (RFC 6750 §5.3)."""
    response = jsonify(access_token=token)
    response.headers["Cache-Control"] = "no-store"
    return response


# ---------------------------------------------------------------- what a token opens


@api.get("/me")
@auth_required
def me() -> Response:
    """Return who acts. The user is loaded because their address is asked for, and for no other reason."""
    return jsonify(email=current_user(User).email, roles=sorted(current_rolenames()))


@api.get("/admin")
@roles_required("admin")
def admin() -> Response:
    """Return what only admins see."""
    return jsonify(message="the keys of the house")


@api.get("/drafts")
@roles_accepted("editor", "admin")
def drafts() -> Response:
    """Return what editors see, and admins too."""
    return jsonify(drafts=["On locks", "On keys"])


@api.get("/feed")
@auth_accepted
def feed() -> Response:
    """Return something for everybody, with a greeting for those who are known."""
    user = current_user_or_none(User)
    return jsonify(hello=user.email if user else "stranger", items=["news"])


# ---------------------------------------------------------------- accounts: no answer tells who has one


@api.post("/register")
def register() -> Reply:
    """Open an account that waits for its owner.

    It has no password yet: else whoever registers the address of another would know the password of an account that
    its owner then confirms.
    """
    email = text_of("username")
    database().add(User(email=email))
    try:
        database().commit()
    except IntegrityError:
        # There is such an account. Its owner is told, by mail; whoever asks here is not.
        database().rollback()
    return invite(email)


@api.post("/forgot")
def forgot() -> Reply:
    """Send the owner of an account what sets a new password."""
    return invite(text_of("username"))


def invite(email: str) -> Reply:
    """Mail a token that sets the password of the account, if there is one; answer as if there were."""
    user = User.lookup(email)
    if user is not None:
        action = "reset" if user.confirmed else "registration"
        send_mail = cast("SendMail", current_app.extensions["send_mail"])
        send_mail(user.email, f"Set your password ({action})", praetorian.guard.issue_action(user, action))
    return jsonify(message="look into your mail"), 202


@api.post("/confirm")
def confirm() -> Reply:
    """Set the first password."""
    return set_password("registration")


@api.post("/reset")
def reset() -> Reply:
    """Set a new password."""
    return set_password("reset")


def set_password(action: str) -> Reply:
    """Redeem the token of a mail and end the user's sessions: another person may know the old password."""
    user, hashed = praetorian.guard.reset_password(text_of("token"), text_of("password"), action=action)
    user.password = hashed
    user.confirmed = True
    database().commit()
    praetorian.guard.revoke_user(user.identity)
    return jsonify(message="the password is set, log in"), 200


def text_of(name: str) -> str:
    """Return a member of the JSON body, which must be a text."""
    body: object = request.get_json()
    value = cast("dict[str, object]", body).get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value:
        abort(400, f"expected a JSON object with the text member {name}")
    return value


# ---------------------------------------------------------------- the command line


@api.cli.command("add-user")
@click.argument("email")
@click.argument("roles", nargs=-1)
@click.password_option()
def add_user(email: str, roles: tuple[str, ...], password: str) -> None:
    """Open an account with roles, confirmed at once."""
    hashed = praetorian.guard.hash_password(password)
    database().add(User(email=email, password=hashed, confirmed=True, roles=[Role(name=name) for name in roles]))
    database().commit()
