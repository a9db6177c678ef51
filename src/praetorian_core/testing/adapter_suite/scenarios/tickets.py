"""Tickets in the query, with which a page opens an EventSource: ``new EventSource("/protected?ticket=…")``."""

from __future__ import annotations

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import ALICE, one, several
from praetorian_core.testing.adapter_suite.tokens import TICKET
from praetorian_core.testing.adapter_suite.values import Expected, Request, Scenario, Setting, Step


def _ask(ticket: str, *headers: tuple[str, str], path: str = "/protected", method: str = "GET") -> Request:
    return Request(method=method, path=f"{path}?{ticket}", headers=headers)


def _one(name: str, request: Request, expected: Expected, setting: Setting = Setting.TICKETS) -> Scenario:
    return one(f"ticket: {name}", request, expected, setting)


def _several(name: str, *steps: Step | tuple[Request, Expected]) -> Scenario:
    return several(f"ticket: {name}", *steps, setting=Setting.TICKETS)


def _unspent(name: str, request: Request, expected: Expected) -> Scenario:
    """Return a scenario of a rejection that does not spend the ticket."""
    return _several(name, (request, expected), (_ask("ticket=<ticket>"), ALICE))


_ID = Expected(body={"id": 1})

SCENARIOS = (
    _one("not a place unless configured", _ask("ticket=<ticket>"), refused("MissingTokenError"), Setting.USUAL),
    _one("in the query", _ask("ticket=<ticket>"), ALICE),
    _one("among other parameters", _ask("a=1&ticket=<ticket>&b=2"), ALICE),
    _one("beside a header of another scheme", _ask("ticket=<ticket>", ("Authorization", "Basic YTpi")), ALICE),
    _one("optional", _ask("ticket=<ticket>", path="/optional"), _ID),
    _one("optional, none", _ask("a=1", path="/optional"), Expected(body={"id": None})),
    _one("a request with two checks", _ask("ticket=<ticket>", path="/twice"), _ID),
    _one("loads its user", _ask("ticket=<ticket>", path="/me"), Expected(body={"username": "alice"})),
    _one(
        "an unsafe method needs no proof",
        _ask("ticket=<ticket>", path="/counter", method="POST"),
        Expected(body={"count": 1}),
    ),
    # once, and in time
    _several(
        "twice",
        (_ask("ticket=<ticket>"), ALICE),
        (_ask("ticket=<ticket>"), refused("ReusedTokenError")),
        (_ask("ticket=<ticket>", path="/optional"), refused("ReusedTokenError")),
        (_ask("ticket=<other_ticket>"), ALICE),
    ),
    _several("in its last second", Step(tick=TICKET - 1, request=_ask("ticket=<ticket>"), expected=ALICE)),
    _several("at its exp", Step(tick=TICKET, request=_ask("ticket=<ticket>"), expected=refused("ExpiredTicketError"))),
    _several(
        "after a refusal for its roles",
        (_ask("ticket=<ticket>", path="/admin"), refused("MissingRoleError")),
        (_ask("ticket=<ticket>"), refused("ReusedTokenError")),
    ),
    _one("of an ended session", _ask("ticket=<revoked_ticket>"), refused("RevokedTokenError")),
    # other values than tickets
    _one("an empty one", _ask("ticket="), refused("InvalidTokenError")),
    _one("malformed", _ask("ticket=canary"), refused("InvalidTokenError")),
    _one("a session token in the query", _ask("ticket=<good>"), refused("MisusedTokenError")),
    _one("an action token in the query", _ask("ticket=<action>"), refused("MisusedTokenError")),
    _one("another parameter", _ask("token=<good>&access_token=<good>"), refused("MissingTokenError")),
    _unspent(
        "in the header",
        Request(headers=(("Authorization", "Bearer <ticket>"),)),
        refused("MisusedTokenError"),
    ),
    _unspent(
        "in the cookie",
        Request(headers=(("Cookie", "__Host-access_token=<ticket>"),)),
        refused("MisusedTokenError"),
    ),
    # one token alone
    _unspent("two of them", _ask("ticket=<ticket>&ticket=<ticket>"), refused("ConflictingTokensError")),
    _unspent(
        "beside a token in the header",
        _ask("ticket=<ticket>", ("Authorization", "Bearer <good>")),
        refused("ConflictingTokensError"),
    ),
    _unspent(
        "beside a token in the cookie",
        _ask("ticket=<ticket>", ("Cookie", "__Host-access_token=<good>")),
        refused("ConflictingTokensError"),
    ),
    _unspent(
        "beside a malformed header",
        _ask("ticket=<ticket>", ("Authorization", "Bearer")),
        refused("MalformedHeaderError"),
    ),
    # neither refreshed nor revoked
    *(
        _unspent(
            f"in a request to {path}", _ask("ticket=<ticket>", path=path, method="POST"), refused("MissingTokenError")
        )
        for path in ("/refresh", "/logout")
    ),
)
