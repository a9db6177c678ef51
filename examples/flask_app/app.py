"""The application and its routes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeAlias, cast

import click
from flask import Blueprint, Flask, Response, abort, current_app, jsonify, request
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from praetorian_core import Guard, PasswordHasher, Settings
from praetorian_core.clock import Clock, system_clock
from praetorian_core.errors import PraetorianError
from praetorian_flask import (
    Praetorian,
    auth_accepted,
    auth_required,
    authenticate,
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
"""Takes an address, a subject and a text. It should only queue the mail: its duration must not reveal an account."""

Reply: TypeAlias = tuple[Response, int]

api = Blueprint("api", __name__, cli_group=None)
praetorian = Praetorian[User]()


def print_mail(address: str, subject: str, text: str) -> None:
    """Print a mail, in place of a mail server."""
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
        config: Configuration that overrides the defaults and the environment variables that begin with ``FLASK_``.
        send_mail: Sends a mail.
        passwords: The password hasher; tests pass a cheap one.
        clock: The clock; tests pass a frozen one.
    """
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE="sqlite:///flask_app.sqlite3",
        # Holds revoked sessions and redeemed action tokens, in this process. Without a store there is no logout, and the
        # token of a registration cannot be redeemed once. With several workers, write sqlite:///path or redis://host.
        PRAETORIAN_STORE="memory://",
        # No route needs a longer body.
        MAX_CONTENT_LENGTH=65_536,
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


def save_password(user: User, new_hash: str, former: str) -> None:
    """Store the hash that a login computed anew, unless the password was changed during the login."""
    unchanged = update(User).where(User.id == user.id, User.password == former)
    database().execute(unchanged.values(password=new_hash))
    database().commit()


def log_refusal(error: PraetorianError) -> None:
    """Log a refusal; ``str(error)`` is the detail that the client does not receive."""
    current_app.logger.info("%s %s: %s: %s", request.method, request.path, error.code, error)


# ---------------------------------------------------------------- sessions: login, refresh, logout


@api.post("/login")
def login() -> Response:
    """Exchange username and password for a token."""
    user = authenticate(*credentials(), kind=User)
    return token_response(praetorian.guard.issue(user))


@api.post("/refresh")
def refresh() -> Response:
    """Exchange a token whose access lifespan has expired. ``auth_required`` would reject it."""
    return token_response(praetorian.guard.refresh(current_token()))


@api.post("/logout")
def logout() -> Reply:
    """Revoke the session of the token, which may have expired."""
    praetorian.guard.revoke(current_token())
    return jsonify(message="logged out"), 200


def token_response(token: str) -> Response:
    """Return a token in a response that no cache stores (RFC 6750 §5.3)."""
    response = jsonify(access_token=token)
    response.headers["Cache-Control"] = "no-store"
    return response


# ---------------------------------------------------------------- guarded routes


@api.get("/me")
@auth_required
def me() -> Response:
    """Return the user's address, for which the user is loaded, and the roles, which are in the token."""
    return jsonify(email=current_user(User).email, roles=sorted(current_rolenames()))


@api.get("/admin")
@roles_required("admin")
def admin() -> Response:
    """Return the audit log, for admins."""
    return jsonify(log=["alice logged in"])


@api.get("/drafts")
@roles_accepted("editor", "admin")
def drafts() -> Response:
    """Return the drafts, for editors and admins."""
    return jsonify(drafts=["On locks", "On keys"])


@api.get("/feed")
@auth_accepted
def feed() -> Response:
    """Return the news for all, with a greeting for a user who is logged in."""
    user = current_user_or_none(User)
    return jsonify(hello=user.email if user else "stranger", items=["news"])


# ---------------------------------------------------------------- accounts: no answer reveals whether one exists


@api.post("/register")
def register() -> Reply:
    """Create an account without a password, and mail a token to its address.

    A password at this point would be known to a person who registers the address of another person.
    """
    email = text_of("username")
    database().add(User(email=email))
    try:
        database().commit()
    except IntegrityError:
        # The account exists. Its owner learns that by mail; the response is the same.
        database().rollback()
    return invite(email)


@api.post("/forgot")
def forgot() -> Reply:
    """Mail a token that sets a new password."""
    return invite(text_of("username"))


def invite(email: str) -> Reply:
    """Mail a token that sets the password, if the account exists; the response is the same if it does not."""
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
    """Redeem a mailed token and revoke the user's sessions: another person may know the old password."""
    user, hashed = praetorian.guard.reset_password(text_of("token"), text_of("password"), action=action)
    user.password = hashed
    user.confirmed = True
    database().commit()
    praetorian.guard.revoke_user(user.identity)
    return jsonify(message="the password is set, log in"), 200


def text_of(name: str) -> str:
    """Return a member of the JSON body, which must be a text that UTF-8 can encode."""
    body: object = None
    with suppress(RecursionError):  # Python's parser raises it for deep nesting.
        body = request.get_json()
    value = cast("dict[str, object]", body).get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value or not is_encodable(value):
        abort(400, f"expected a JSON object with the text member {name}")
    return value


def is_encodable(text: str) -> bool:
    """Return whether UTF-8 can encode a text: JSON can spell half of a surrogate pair, and databases reject it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# ---------------------------------------------------------------- the command line


@api.cli.command("add-user")
@click.argument("email")
@click.argument("roles", nargs=-1)
@click.password_option()
def add_user(email: str, roles: tuple[str, ...], password: str) -> None:
    """Create a confirmed account with roles."""
    hashed = praetorian.guard.hash_password(password)
    database().add(User(email=email, password=hashed, confirmed=True, roles=[Role(name=name) for name in roles]))
    database().commit()
