"""The application: its members, its resources and how they are put together."""

from __future__ import annotations

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
    """A member of the board; a real application would ask its database in both class methods."""

    everybody: ClassVar[dict[str, Member]] = {}

    identity: int
    name: str
    password: str = attrs.field(repr=False)
    rolenames: list[str]
    is_banned: bool = False

    @classmethod
    def lookup(cls, username: str) -> Member | None:
        """Return the member of this name."""
        return cls.everybody.get(username)

    @classmethod
    def identify(cls, identity: int) -> Member | None:
        """Return the member of this identity."""
        return next((member for member in cls.everybody.values() if member.identity == identity), None)

    def is_valid(self) -> bool:
        """Tell whether the member may still act."""
        return not self.is_banned


class Session:
    """A session: POST begins it, PUT prolongs it, DELETE ends it."""

    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Exchange name and password for a token."""
        user = authenticate(req, *credentials(req))
        answer(resp, current_guard(req).issue(user))

    def on_put(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Exchange a token whose access is over. No auth_required: it would refuse each of them."""
        answer(resp, current_guard(req).refresh(current_token(req)))

    def on_delete(self, req: falcon.Request, resp: falcon.Response) -> None:
        """End the session on every machine; an expired token will do."""
        current_guard(req).revoke(current_token(req))
        resp.status = falcon.HTTP_NO_CONTENT


def answer(resp: falcon.Response, token: str) -> None:
    """Answer with a token, which no cache may keep (RFC 6750 §5.3)."""
    resp.media = {"access_token": token}
    resp.cache_control = ["no-store"]


class Board:
    """The board, and by itself each notice on it: one class, two routes."""

    def __init__(self) -> None:
        """Begin with an empty board."""
        self.notices: dict[int, dict[str, str]] = {}

    @auth_accepted
    def on_get(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Show everything to everybody, with a greeting for those who are known."""
        member = current_user_or_none(req, Member)
        resp.media = {"hello": member.name if member else "stranger", "notices": self.notices}

    @auth_required
    def on_post(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Let a member write. The member is loaded because the name is asked for, and for no other reason."""
        number = len(self.notices) + 1
        self.notices[number] = {"by": current_user(req, Member).name, "text": str(req.get_media())}
        resp.media = {"number": number}
        resp.status = falcon.HTTP_CREATED

    @roles_required("moderator")
    def on_delete_notice(self, req: falcon.Request, resp: falcon.Response, number: int) -> None:
        """Let a moderator take a notice off."""
        if self.notices.pop(number, None) is None:
            raise falcon.HTTPNotFound
        LOG.info("notice %s was taken off by %s", number, current_user(req, Member).name)
        resp.status = falcon.HTTP_NO_CONTENT


def log_refusal(error: PraetorianError) -> None:
    """Write down what was refused; ``str(error)`` says more than the client is told."""
    LOG.info("%s: %s", error.code, error)


def create_app(
    secret: str | None = None, *, passwords: PasswordHasher | None = None, clock: Clock = system_clock
) -> falcon.App[falcon.Request, falcon.Response]:
    """Return a new application.

    Args:
        secret: What tokens are signed with; left out it is read from the environment variable SECRET_KEY.
        passwords: Another hasher than the usual one; tests hand in a cheap one.
        clock: Another clock than the system's; tests hand in one that stands still.
    """
    keys = KeyRing.from_secret(os.environ["SECRET_KEY"] if secret is None else secret)
    guard = Guard(Member, Settings(keys=keys, store="memory://"), passwords=passwords or PasswordHasher(), clock=clock)
    app = init_app(falcon.App(cors_enable=True), guard, log_refusal)
    board = Board()
    app.add_route("/session", Session())
    app.add_route("/board", board)
    app.add_route("/board/{number:int}", board, suffix="notice")
    return app
