"""The application: members, resources and set-up."""

from __future__ import annotations

import itertools
import logging
import os
from typing import ClassVar

import attrs
import falcon

from praetorian_core import Guard, KeyRing, PasswordHasher, Settings
from praetorian_core.clock import Clock, system_clock
from praetorian_core.errors import PraetorianError
from praetorian_falcon import (
    auth_accepted,
    auth_required,
    authenticate,
    credentials,
    current_guard,
    current_token,
    current_user,
    current_user_or_none,
    init_app,
    roles_required,
)

LOG = logging.getLogger(__name__)


@attrs.define
class Member:
    """A member of the board; a real application queries its database in both class methods."""

    all: ClassVar[dict[str, Member]] = {}

    identity: int
    name: str
    password: str = attrs.field(repr=False)
    rolenames: list[str]
    is_banned: bool = False

    @classmethod
    def lookup(cls, username: str) -> Member | None:
        """Return the member with this name."""
        return cls.all.get(username)

    @classmethod
    def identify(cls, identity: int) -> Member | None:
        """Return the member with this identity."""
        return next((member for member in cls.all.values() if member.identity == identity), None)

    def is_valid(self) -> bool:
        """Return whether the account is active."""
        return not self.is_banned


class Session:
    """A session: POST logs in, PUT refreshes the token, DELETE logs out."""

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Exchange username and password for a token."""
        user = authenticate(req, *credentials(req))
        answer(resp, current_guard(req).issue(user))

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Exchange a token whose access lifespan has expired; auth_required would reject it."""
        answer(resp, current_guard(req).refresh(current_token(req)))

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Revoke the session in the shared store; an expired token is accepted."""
        current_guard(req).revoke(current_token(req))
        resp.status = falcon.HTTP_NO_CONTENT


def answer(resp: falcon.Response, token: str) -> None:
    """Send a token, which no cache may keep (RFC 6750 §5.3)."""
    resp.media = {"access_token": token}
    resp.cache_control = ["no-store"]


class Board:
    """The board and, under a second route, each of its notices."""

    def __init__(self) -> None:
        """Start with an empty board."""
        self.notices: dict[int, dict[str, str]] = {}
        # Numbers are not reused, so a new notice never takes the place of a deleted one.
        self.numbers = itertools.count(1)

    @auth_accepted
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Return every notice, and greet a member by name."""
        member = current_user_or_none(req, Member)
        resp.media = {"hello": member.name if member else "stranger", "notices": self.notices}

    @auth_required
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Add a notice. The member is loaded only because the notice shows the name."""
        text = text_of(req)
        number = next(self.numbers)
        self.notices[number] = {"by": current_user(req, Member).name, "text": text}
        resp.media = {"number": number}
        resp.status = falcon.HTTP_CREATED

    @roles_required("moderator")
    def on_delete_notice(self, req: falcon.Request, resp: falcon.Response, number: int) -> None:
        """Delete a notice."""
        if self.notices.pop(number, None) is None:
            raise falcon.HTTPNotFound
        LOG.info("notice %s was deleted by %s", number, current_user(req, Member).name)
        resp.status = falcon.HTTP_NO_CONTENT


def text_of(req: falcon.Request) -> str:
    """Return the JSON string in the body; 400 for any other body."""
    try:
        text: object = req.get_media()
        if isinstance(text, str):
            text.encode()
            return text
    except (RecursionError, UnicodeEncodeError):
        pass  # deep nesting, or a lone surrogate, which no response could carry
    raise falcon.HTTPBadRequest(description="expected a JSON string")


def log_error(error: PraetorianError) -> None:
    """Log the detail of an error, which the client does not receive."""
    LOG.info("%s: %s", error.code, error)


def create_app(
    secret: str | None = None, *, passwords: PasswordHasher | None = None, clock: Clock = system_clock
) -> falcon.App[falcon.Request, falcon.Response]:
    """Return a new application.

    Args:
        secret: Signing secret; by default the environment variable SECRET_KEY.
        passwords: Password hasher; tests pass a cheap one.
        clock: Clock; tests pass a frozen one.
    """
    keys = KeyRing.from_secret(os.environ["SECRET_KEY"] if secret is None else secret)
    passwords = passwords or PasswordHasher()
    if not Member.all:
        # So that the example can be tried; a real application has its members in a database.
        Member.all["ada"] = Member(1, "ada", passwords.hash("correct horse battery staple"), ["moderator"])
    guard = Guard(Member, Settings(keys=keys, store="memory://"), passwords=passwords, clock=clock)
    app = init_app(falcon.App(cors_enable=True), guard, on_error=log_error)
    board = Board()
    app.add_route("/session", Session())
    app.add_route("/board", board)
    app.add_route("/board/{number:int}", board, suffix="notice")
    return app
