"""The sessions of a user: listed, ended one by one, ended all but one, and limited."""

from __future__ import annotations

import attrs

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import bearer, login, one, several
from praetorian_core.testing.adapter_suite.tokens import PASSWORD
from praetorian_core.testing.adapter_suite.values import Expected, Request, Scenario, Setting, Step

_PATH = "/sessions"
_CAROL = Expected(body={"id": 6, "roles": []})
_ENDED = Expected(body={"ended": True})
_NOT_ENDED = Expected(body={"ended": False})
_LABEL = "Firefox on Linux"


def _list(token: str, *labels: str) -> tuple[Request, Expected]:
    """Return a request for the list, and these labels; that of the token's session is the current one."""
    return bearer(token, path=_PATH), Expected(body={"sessions": [[label, label == token] for label in labels]})


def _end(token: str, session: str) -> Request:
    return bearer(token, method="DELETE", path=f"{_PATH}/<{session}_id>")


def _login(username: str, password: str = PASSWORD) -> Request:
    return attrs.evolve(login(username, password, headers=(("User-Agent", _LABEL),)), path=_PATH)


SCENARIOS = (
    several("sessions: the list", _list("laptop", "tablet", "phone", "laptop")),
    several("sessions: the list of another device", _list("phone", "tablet", "phone", "laptop")),
    one("sessions: no token", Request(path=_PATH), refused("MissingTokenError")),
    several(
        "sessions: ending another one",
        (_end("laptop", "phone"), _ENDED),
        (bearer("phone"), refused("RevokedTokenError")),
        (bearer("tablet"), _CAROL),
        _list("laptop", "tablet", "laptop"),
        (_end("laptop", "phone"), _NOT_ENDED),
    ),
    several(
        "sessions: ending the current one",
        (_end("laptop", "laptop"), _ENDED),
        (bearer("laptop", path=_PATH), refused("RevokedTokenError")),
        _list("phone", "tablet", "phone"),
    ),
    several(
        "sessions: ending that of another user",
        (_end("good", "phone"), _NOT_ENDED),
        (bearer("phone"), _CAROL),
    ),
    one(
        "sessions: ending one without a token",
        Request(method="DELETE", path=f"{_PATH}/<phone_id>"),
        refused("MissingTokenError"),
    ),
    several(
        "sessions: log out everywhere else",
        (bearer("laptop", method="DELETE", path=_PATH), _ENDED),
        (bearer("phone"), refused("RevokedTokenError")),
        (bearer("tablet", method="POST", path="/refresh"), refused("EarlyRefreshError")),
        (bearer("laptop"), _CAROL),
        _list("laptop", "laptop"),
    ),
    several(
        "sessions: the label of a login",
        (_login("carol"), Expected(body={"username": "carol"})),
        _list("laptop", _LABEL, "tablet", "phone", "laptop"),
    ),
    Scenario(
        name="sessions: a login beyond the limit",
        setting=Setting.ONE_SESSION,
        steps=(
            Step(request=_login("dave"), expected=refused("SessionLimitError")),
            Step(request=_login("dave", "wrong"), expected=refused("AuthenticationError")),
            Step(request=bearer("only_session", method="POST", path="/logout"), expected=_ENDED),
            Step(request=_login("dave"), expected=Expected(body={"username": "dave"})),
            Step(request=_login("dave"), expected=refused("SessionLimitError")),
        ),
    ),
)
