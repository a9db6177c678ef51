"""The life of a token, as a table of requests and of what each must be answered with.

The table knows HTTP and nothing of any framework: it is played against every server at once, one column each. Whatever
is not as the table says ends the play.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from client import Answer, Token, send
from timeline import draw

ACCESS = 4
"""How long the demo's tokens open routes, in seconds."""
REFRESH = 10
"""How long after login the demo's tokens can be exchanged, in seconds."""

Fact = tuple[str, object, object]
"""What was looked at, what was expected, what was found."""


class UnexpectedError(Exception):
    """A server did something else than the table says."""


# ---------------------------------------------------------------- what must be true of a token


def begins(_: Token | None, new: Token) -> Iterator[Fact]:
    """A login begins both lifespans."""
    yield "exp of the token", new.iat + ACCESS, new.exp
    yield "rf_exp of the token", new.iat + REFRESH, new.rf_exp


def prolongs(old: Token | None, new: Token) -> Iterator[Fact]:
    """A refresh begins a new access lifespan inside the old refresh lifespan."""
    yield "rf_exp of the new token", old and old.rf_exp, new.rf_exp
    yield "exp of the new token", min(new.iat + ACCESS, new.rf_exp), new.exp


def is_cut(old: Token | None, new: Token) -> Iterator[Fact]:
    """The last refresh of a session gives what is left of it, and no more."""
    yield "rf_exp of the new token", old and old.rf_exp, new.rf_exp
    yield "exp of the new token", new.rf_exp, new.exp


# ---------------------------------------------------------------- the table


@dataclass(frozen=True)
class Step:
    """One request and its answer.

    Attributes:
        request: Method and path.
        status: The HTTP status that must come.
        code: The error's code that must come; None where nothing is refused.
        shows: What the step shows, for the reader.
        bearer: Whether the latest token is sent along.
        body: The JSON body that is sent along; None for none.
        challenge: What ``WWW-Authenticate`` must say; None where there must be none.
        calls: How many user-store calls the answer must have cost.
        token: What must be true of the token that comes; None where none does.
        after: Which deadline of the latest token is waited for.
    """

    request: str
    status: int
    code: str | None
    shows: str
    bearer: bool = True
    body: object = None
    challenge: str | None = None
    calls: int = 0
    token: Callable[[Token | None, Token], Iterator[Fact]] | None = None
    after: Literal["exp", "rf_exp"] | None = None


BARE = 'Bearer realm="api"'
INVALID = 'Bearer realm="api", error="invalid_token"'
DENIED = 'Bearer realm="api", error="insufficient_scope"'


def life(username: str, password: str) -> tuple[Step, ...]:
    """Return the life of a token of this user, who has the role ``editor`` and no other."""
    right = {"username": username, "password": password}
    wrong = {"username": username, "password": "not the password"}
    return (
        Step("GET /protected", 401, "missing_token", "no token, no entry", bearer=False, challenge=BARE),
        Step(
            "POST /login",
            401,
            "bad_credentials",
            "a wrong password",
            bearer=False,
            body=wrong,
            challenge=BARE,
            calls=1,
        ),
        Step("POST /login", 200, None, "logged in: one token", bearer=False, body=right, calls=1, token=begins),
        Step("GET /protected", 200, None, "the token opens the route"),
        Step("GET /admins", 403, "missing_role", "the role admin is missing", challenge=DENIED),
        Step("GET /editors", 200, None, "the role editor is in the token"),
        Step("POST /refresh", 400, "early_refresh", "too early: the token still opens routes"),
        Step("GET /protected", 401, "expired_access", "access is over", challenge=INVALID, after="exp"),
        Step("POST /refresh", 200, None, "refreshed: new exp, SAME rf_exp", calls=1, token=prolongs),
        Step("GET /protected", 200, None, "the new token opens the route"),
        Step(
            "POST /refresh",
            200,
            None,
            "refreshed: exp is cut at the SAME rf_exp",
            calls=1,
            token=is_cut,
            after="exp",
        ),
        Step("GET /protected", 401, "expired_refresh", "both lifespans are over", challenge=INVALID, after="rf_exp"),
        Step("POST /refresh", 401, "expired_refresh", "no refresh either: log in again", challenge=INVALID),
        Step("POST /login", 200, None, "logged in again: new rf_exp", bearer=False, body=right, calls=1, token=begins),
    )


# ---------------------------------------------------------------- the play


@dataclass
class Player:
    """One server, and what a client of it holds.

    Attributes:
        name: The name of its column.
        url: Where it listens.
        tokens: Every token it gave, the latest last.
    """

    name: str
    url: str
    tokens: list[Token] = field(default_factory=list[Token])

    @property
    def latest(self) -> Token | None:
        """The token that a client would send now."""
        return self.tokens[-1] if self.tokens else None

    def calls(self) -> object:
        """Return how many user-store calls there were so far, as the server says."""
        return send(self.url, "GET", "/user-store-calls").body.get("calls")

    def perform(self, step: Step) -> Answer:
        """Send the step's request and hold the answer against the table.

        Raises:
            UnexpectedError: Something is not as the table says.
        """
        before = self.calls()
        method, _, path = step.request.partition(" ")
        answer = send(self.url, method, path, token=self.latest if step.bearer else None, body=step.body)
        after = self.calls()
        cost = after - before if isinstance(after, int) and isinstance(before, int) else None
        self._expect(
            ("status", step.status, answer.status),
            ("code", step.code, answer.code),
            ("WWW-Authenticate", step.challenge, answer.challenge),
            ("user-store calls", step.calls, cost),
        )
        if step.token is not None:
            token = _token_of(answer)
            if token is None:
                self._expect(("access_token", "a token with iat, exp and rf_exp", None))
            else:
                self._expect(*step.token(self.latest, token))
                self.tokens.append(token)
        return answer

    def _expect(self, *facts: Fact) -> None:
        for what, expected, found in facts:
            if expected != found:
                raise UnexpectedError(f"{self.name}: {what}: expected {expected!r}, found {found!r}")


def _token_of(answer: Answer) -> Token | None:
    try:
        return Token.read(str(answer.body["access_token"]))
    except (KeyError, IndexError, ValueError):
        return None


def play(steps: tuple[Step, ...], urls: Mapping[str, str], write: Callable[[str], object]) -> None:
    """Play the table against every server and write down what happens, while it happens.

    Args:
        steps: The table.
        urls: The servers, by the name of their column.
        write: Takes one line.

    Raises:
        UnexpectedError: A server did something else than the table says.
        OSError: A server cannot be reached.
    """
    players = [Player(name, url) for name, url in urls.items()]
    # From a full second on, because tokens know nothing finer: it makes the times below easy to read.
    start = int(time.time()) + 1
    _wait_until(start)
    acts: list[tuple[float, list[int]]] = [(0.0, [])]
    columns = "".join(f"{name:<{_width(name)}}" for name in urls)
    head = f"  #   second  request           {columns}code              "
    write(f"{head}what it shows")
    for number, step in enumerate(steps, 1):
        if step.after is not None:
            deadline = max(getattr(player.latest, step.after) for player in players)
            write(f" --- waiting until second {deadline - start}, the token's {step.after} ---")
            _wait_until(deadline)
            acts.append((time.time() - start, []))
        acts[-1][1].append(number)
        second = time.time() - start
        statuses = ""
        try:
            for player in players:
                statuses += f"{player.perform(step).status:<{_width(player.name)}}"
        except UnexpectedError as error:
            detail = f"step {number}, {step.request}: {error}{_excuse(players, step)}"
            raise UnexpectedError(detail) from None
        method, _, path = step.request.partition(" ")
        write(f" {number:>2}  {second:>5.1f} s  {method:<4} {path:<11}  {statuses}{step.code or '':<18}{step.shows}")
        for line in _details(step, players[0].latest, start):
            write(" " * len(head) + line)
    write("")
    for line in draw(players[0].tokens, acts, start):
        write(line)


def _details(step: Step, token: Token | None, start: int) -> Iterator[str]:
    if step.status == 200:
        yield f"{step.calls} user-store {'call was' if step.calls == 1 else 'calls were'} made"
    if step.challenge is not None:
        yield f"WWW-Authenticate: {step.challenge}"
    if step.token is not None and token is not None:
        dates = [("iat", token.iat), ("exp", token.exp), ("rf_exp", token.rf_exp)]
        yield ", ".join(f"{name} = second {date - start}" for name, date in dates)


def _width(name: str) -> int:
    return max(len(name), 3) + 2


def _excuse(players: list[Player], step: Step) -> str:
    late = any(player.latest is not None and time.time() >= player.latest.exp for player in players)
    unaware = step.code is None or not step.code.startswith("expired")
    return "; exp had passed already, was this machine too busy?" if late and unaware else ""


def _wait_until(instant: float) -> None:
    while (left := instant - time.time()) > 0:
        time.sleep(min(left, 0.05))
