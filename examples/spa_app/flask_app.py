"""The application on Flask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import attrs
from flask import Flask, Response, abort, jsonify, request

from praetorian_core import Guard, PasswordHasher, Settings
from praetorian_core.clock import Clock, system_clock
from praetorian_flask import (
    Praetorian,
    auth_required,
    authenticate,
    clear_token_cookies,
    credentials,
    current_principal,
    current_token,
    current_user,
    set_token_cookies,
)

from .config import CONFIG, PAGE, headers_for, is_note
from .devices import device_of
from .people import People, Person


def create_app(
    config: Mapping[str, object] | None = None,
    *,
    passwords: PasswordHasher | None = None,
    clock: Clock = system_clock,
) -> Flask:
    """Return a new application.

    Args:
        config: Configuration that overrides the defaults and the environment variables that begin with ``FLASK_``.
        passwords: The password hasher; tests pass a cheap one.
        clock: The clock; tests pass a frozen one.
    """
    app = Flask(__name__, static_folder=PAGE, static_url_path="")
    app.config.from_mapping(CONFIG, MAX_CONTENT_LENGTH=65_536)
    app.config.from_prefixed_env()
    app.config.from_mapping(config)
    passwords = passwords or PasswordHasher()
    guard = Guard(People(passwords), Settings.from_mapping(app.config), passwords=passwords, clock=clock)
    Praetorian(app, guard)
    notes: list[str] = []

    @app.after_request
    def protect(response: Response) -> Response:
        response.headers.update(headers_for(request.path))
        return response

    @app.get("/")
    def page() -> Response:
        return app.send_static_file("index.html")

    # ------------------------------------------------------------ the session in cookies

    @app.post("/api/login")
    def login() -> Response:
        user = authenticate(*credentials(), kind=Person)
        return set_token_cookies(jsonify(name=user.name), guard.issue(user, label=device()))

    @app.post("/api/logout")
    def logout() -> Response:
        guard.revoke(current_token())
        return clear_token_cookies(jsonify(message="logged out"))

    # ------------------------------------------------------------ the session in a header

    @app.post("/api/token")
    def issue() -> Response:
        user = authenticate(*credentials(), kind=Person)
        return jsonify(access_token=guard.issue(user, label=device()))

    @app.put("/api/token")
    def refresh() -> Response:
        return jsonify(access_token=guard.refresh(current_token()))

    @app.delete("/api/token")
    def revoke() -> Response:
        guard.revoke(current_token())
        return jsonify(message="logged out")

    # ------------------------------------------------------------ guarded routes, which accept both

    @app.get("/api/me")
    @auth_required
    def me() -> Response:
        principal = current_principal()
        return jsonify(
            name=current_user(Person).name,
            access_ends=principal.access_expires_at,
            session_ends=principal.refresh_expires_at,
        )

    @app.get("/api/sessions")
    @auth_required
    def sessions() -> Response:
        principal = current_principal()
        found = guard.sessions(principal.identity, current=principal.session_id)
        return jsonify(sessions=[attrs.asdict(session) for session in found])

    @app.delete("/api/sessions/<session_id>")
    @auth_required
    def end_session(session_id: str) -> Response:
        # Only a session of this user ends, whatever id the client sends.
        return jsonify(ended=guard.revoke_session(current_principal().identity, session_id))

    @app.delete("/api/sessions")
    @auth_required
    def end_other_sessions() -> Response:
        principal = current_principal()
        guard.revoke_user(principal.identity, keep=principal.session_id)
        return jsonify(ended=True)

    @app.get("/api/notes")
    @auth_required
    def read() -> Response:
        return jsonify(notes=notes)

    @app.post("/api/notes")
    @auth_required
    def write() -> Response:
        body: object = request.get_json()
        text = cast("dict[str, object]", body).get("text") if isinstance(body, dict) else None
        if not is_note(text):
            abort(400, "expected a JSON object with the text member text")
        notes.append(cast("str", text))
        return jsonify(notes=notes)

    return app


def device() -> str:
    """Return the label of a session that begins with this request."""
    return device_of(request.headers.get("User-Agent"))
