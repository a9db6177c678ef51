"""The life of a token: a table of requests and their expected answers.

The table holds HTTP alone, so it fits every framework. It is played against all servers at once, one column each. The
first answer that differs from the table ends the play.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from threading import Event
from typing import Literal

from client import Answer, Token, send
from timeline import draw

NAME = "alice"
PASSWORD = "correct horse battery staple"
ACCESS = 4
"""Access lifespan of the demo's tokens, in seconds."""
REFRESH = 10
"""Refresh lifespan of the demo's tokens, in seconds."""

Fact = tuple[str, object, object]
"""The name of a fact, the expected value and the value found."""


class UnexpectedError(Exception):
    """The answer of a server differs from the table.

    Attributes:
        findings: One line for each such server: the step, the server, the expected and the found value.
    """

    def __init__(self, findings: list[str]) -> None:
        super().__init__(*findings)
        self.findings = findings


# ---------------------------------------------------------------- facts of a token


def begins(_: Token | None, new: Token) -> Iterator[Fact]:
    """A login begins both lifespans."""
    yield "exp of the token", new.iat + ACCESS, new.exp
    yield "rf_exp of the token", new.iat + REFRESH, new.rf_exp


def prolongs(old: Token | None, new: Token) -> Iterator[Fact]:
    """A refresh begins a new access lifespan within the old refresh lifespan."""
    yield "rf_exp of the new token", old and old.rf_exp, new.rf_exp
    yield "exp of the new token", min(new.iat + ACCESS, new.rf_exp), new.exp


def is_cut(old: Token | None, new: Token) -> Iterator[Fact]:
    """The last refresh of a session grants access until the end of the session."""
    yield "rf_exp of the new token", old and old.rf_exp, new.rf_exp
    yield "exp of the new token", new.rf_exp, new.exp


# ---------------------------------------------------------------- the table


@dataclass(frozen=True)
class Step:
    """One request and its answer.

    Attributes:
        request: Method and path.
        status: The expected HTTP status.
        code: The expected code of the error; None for an answer without error.
        shows: An explanation for the reader.
        bearer: Whether the request carries the latest token.
        body: The JSON body of the request; None for no body.
        challenge: The expected ``WWW-Authenticate``; None if it must be absent.
        calls: The expected number of user-store calls.
        token: The expected facts of the token in the answer; None for an answer without token.
        after: The deadline of the latest token to wait for before the request.
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
        Step("GET /protected", 401, "missing_token", "a token is required", bearer=False, challenge=BARE),
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
        Step("GET /protected", 200, None, "the token grants access"),
        Step("GET /admins", 403, "missing_role", "the role admin is missing", challenge=DENIED),
        Step("GET /editors", 200, None, "the role editor is in the token"),
        Step("POST /refresh", 400, "early_refresh", "too early: access has not expired"),
        Step("GET /protected", 401, "expired_access", "access has expired", challenge=INVALID, after="exp"),
        Step("POST /refresh", 200, None, "refreshed: new exp, SAME rf_exp", calls=1, token=prolongs),
        Step("GET /protected", 200, None, "the new token grants access"),
        Step(
            "POST /refresh",
            200,
            None,
            "refreshed: exp is cut at the SAME rf_exp",
            calls=1,
            token=is_cut,
            after="exp",
        ),
        Step(
            "GET /protected", 401, "expired_refresh", "both lifespans have expired", challenge=INVALID, after="rf_exp"
        ),
        Step("POST /refresh", 401, "expired_refresh", "no refresh either: log in again", challenge=INVALID),
        Step("POST /login", 200, None, "logged in again: new rf_exp", bearer=False, body=right, calls=1, token=begins),
    )


# ---------------------------------------------------------------- the play


@dataclass(frozen=True)
class Outcome:
    """The result of a step on one server.

    Attributes:
        instant: The time of the request, in seconds since the epoch.
        status: The HTTP status of the answer, as the column shows it.
        finding: The difference from the table; None if there is none.
        token: The latest token from this server.
    """

    instant: float
    status: str
    finding: str | None
    token: Token | None


@dataclass
class Player:
    """A client of one server.

    Attributes:
        name: The name of the server's column.
        url: The URL of the server.
        tokens: All tokens from the server, the latest last.
    """

    name: str
    url: str
    tokens: list[Token] = field(default_factory=list[Token])

    @property
    def latest(self) -> Token | None:
        """The token that the client sends."""
        return self.tokens[-1] if self.tokens else None

    def calls(self) -> object:
        """Return the server's own count of user-store calls."""
        return send(self.url, "GET", "/user-store-calls").body.get("calls")

    def perform(self, step: Step, stop: Event) -> Outcome:
        """Wait for the step's time, send its request and compare the answer with the table."""
        if step.after is not None and self.latest is not None:
            _wait_until(getattr(self.latest, step.after), stop)
        instant = time.time()
        try:
            status, finding = ("---", "stopped") if stop.is_set() else self._ask(step)
        except (OSError, HTTPException) as error:
            status, finding = "---", f"no answer: {error}"
        if finding is not None:
            finding = f"{self.name}: {finding}{_excuse(self.latest, step)}"
        return Outcome(instant, status, finding, self.latest)

    def _ask(self, step: Step) -> tuple[str, str | None]:
        before = self.calls()
        method, _, path = step.request.partition(" ")
        answer = send(self.url, method, path, token=self.latest if step.bearer else None, body=step.body)
        after = self.calls()
        cost = after - before if isinstance(after, int) and isinstance(before, int) else None
        for what, expected, found in self._facts(step, answer, cost):
            if expected != found:
                return str(answer.status), f"{what}: expected {expected!r}, found {found!r}"
        return str(answer.status), None

    def _facts(self, step: Step, answer: Answer, cost: int | None) -> Iterator[Fact]:
        yield "status", step.status, answer.status
        yield "code", step.code, answer.code
        yield "WWW-Authenticate", step.challenge, answer.challenge
        yield "user-store calls", step.calls, cost
        if step.token is not None:
            token = _token_of(answer)
            if token is None:
                yield "access_token", "a token with iat, exp and rf_exp", None
            else:
                yield from step.token(self.latest, token)
                self.tokens.append(token)


def _token_of(answer: Answer) -> Token | None:
    try:
        return Token.read(str(answer.body["access_token"]))
    except (KeyError, IndexError, ValueError):
        return None


def play(steps: tuple[Step, ...], urls: Mapping[str, str], write: Callable[[str], object]) -> None:
    """Play the table against every server and print each step as it ends.

    Each server has its own thread and its own tokens, so no server waits for the deadlines of another. The line of a step
    is printed when its last answer has come.

    Args:
        steps: The table.
        urls: The servers by the names of their columns.
        write: Prints one line.

    Raises:
        UnexpectedError: The answer of a server differs from the table, or there is no answer.
    """
    players = [Player(name, url) for name, url in urls.items()]
    stop = Event()
    # Start at a full second: the dates of tokens are whole seconds, so the times below are easy to read.
    start = int(time.time()) + 1
    _wait_until(start, stop)
    acts: list[tuple[float, list[int]]] = [(0.0, [])]
    for line in _heads(players):
        write(line)
    with ExitStack() as stack:
        # One thread for each server: it runs the steps one after the other.
        threads = [stack.enter_context(ThreadPoolExecutor(1)) for _ in players]
        stack.callback(stop.set)
        plays = [
            [thread.submit(player.perform, step, stop) for step in steps]
            for thread, player in zip(threads, players, strict=True)
        ]
        tokens: list[Token | None] = []
        for number, (step, *pending) in enumerate(zip(steps, *plays, strict=True), 1):
            if step.after is not None:
                deadline = max(getattr(token, step.after) for token in tokens)
                write(f" --- waiting until second {deadline - start}, the token's {step.after} ---")
            outcomes = [play.result() for play in pending]
            second = max(outcome.instant for outcome in outcomes) - start
            if step.after is not None:
                acts.append((outcomes[0].instant - start, []))
            acts[-1][1].append(number)
            findings = [outcome.finding for outcome in outcomes if outcome.finding is not None]
            statuses = [outcome.status for outcome in outcomes]
            end = ("", "NOT AS EXPECTED") if findings else (step.code or "", step.shows)
            write(_row(players, str(number), f"{second:.1f} s", step.request, statuses, *end))
            if findings:
                raise UnexpectedError([f"step {number}, {step.request}: {finding}" for finding in findings])
            tokens = [outcome.token for outcome in outcomes]
            for line in _details(step, players, tokens, start):
                write(" " * MARGIN + line)
    write("")
    for line in _picture(players, acts, start):
        write(line)


# ---------------------------------------------------------------- the output


MARGIN = 30
"""The first character of the first server's column."""


def _row(players: list[Player], number: str, second: str, request: str, cells: list[str], code: str, shows: str) -> str:
    method, _, path = request.partition(" ")
    middle = "".join(f"{cell:<{_width(player)}}" for player, cell in zip(players, cells, strict=True))
    begin = f"{number:>3} {second:>7}  {f'{method:<4} {path}':<15}"
    return f"{begin:<{MARGIN}}{middle}{code:<17}{shows}".rstrip()


def _heads(players: list[Player]) -> Iterator[str]:
    names = [_commands(player.name) for player in players]
    height = max(map(len, names))
    *above, last = ([(name[-line] if line <= len(name) else "") for name in names] for line in range(height, 0, -1))
    for words in above:
        yield _row(players, "", "", "", words, "", "")
    yield _row(players, "#", "second", "request", last, "code", "meaning")


def _commands(name: str) -> list[str]:
    return re.split(r"(?<=-)| ", name)


def _width(player: Player) -> int:
    return max(map(len, ["...", *_commands(player.name)])) + 2


def _details(step: Step, players: list[Player], tokens: list[Token | None], start: int) -> Iterator[str]:
    if step.status == 200:
        yield f"{step.calls} user-store call{'' if step.calls == 1 else 's'} on each server"
    if step.challenge is not None:
        yield f"WWW-Authenticate: {step.challenge}"
    if step.token is not None:
        dates = [_dates(token, start) for token in tokens if token is not None]
        if len(set(dates)) == 1:
            yield dates[0]
        else:
            yield from (f"{player.name}: {line}" for player, line in zip(players, dates, strict=True))


def _dates(token: Token, start: int) -> str:
    return ", ".join(f"{name} = second {getattr(token, name) - start}" for name in ("iat", "exp", "rf_exp"))


def _picture(players: list[Player], acts: list[tuple[float, list[int]]], start: int) -> Iterator[str]:
    first, *others = players
    if others:
        dates = [[_dates(token, start) for token in player.tokens] for player in players]
        same = all(line == dates[0] for line in dates)
        rest = "the others' have the same dates" if same else "the others' dates are in the table"
        yield f"The tokens of {first.name}; {rest}."
        yield ""
    yield from draw(first.tokens, acts, start)


def _excuse(token: Token | None, step: Step) -> str:
    late = token is not None and time.time() >= token.exp
    unaware = step.code is None or not step.code.startswith("expired")
    return "; the token had expired before the request, the machine may be overloaded" if late and unaware else ""


def _wait_until(instant: float, stop: Event) -> None:
    while (left := instant - time.time()) > 0 and not stop.wait(min(left, 0.05)):
        pass
