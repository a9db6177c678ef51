"""The picture: the two lifespans of each token, and the steps below them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from client import Token

MARGIN = 12
WIDTH = 84

_FINE = ("┣", "━", "╋", "╌", "┫", "·")
_PLAIN = ("|", "=", "|", "-", "|", ".")


def draw(tokens: Sequence[Token], acts: Sequence[tuple[float, Sequence[int]]], start: int) -> Iterator[str]:
    """Return the lines of the picture.

    Args:
        tokens: In the order of issue.
        acts: The start of each act, in seconds since the start of the play, and its steps.
        start: Second 0 of the picture, in seconds since the epoch.
    """
    # The clock of a server on another machine may be behind, so the first token may start before second 0.
    first = min(0, tokens[0].iat - start)
    last = max(token.rf_exp for token in tokens[:-1]) - start + 2
    scale = max(1, (WIDTH - MARGIN) // (last - first))
    width = (last - first) * scale + 1

    def at(second: float) -> int:
        return min(width - 1, int((second - first) * scale))

    yield _line("second", width, [(at(second), str(second)) for second in range(first, last + 1)])
    for number, token in enumerate(tokens, 1):
        iat, exp, rf_exp = (date - start for date in (token.iat, token.exp, token.rf_exp))
        bar, labels = _bar(width, at(iat), at(exp), at(rf_exp), ends=rf_exp < last, cut=exp == rf_exp)
        yield f"{f'token {number}':<{MARGIN}}{bar}".rstrip()
        yield _line("", width, labels)
    yield _line("steps", width, [(at(second), _span(steps)) for second, steps in acts])


def _bar(width: int, iat: int, exp: int, rf_exp: int, *, ends: bool, cut: bool) -> tuple[str, list[tuple[int, str]]]:
    begin, access, turn, refresh, end, rest = _glyphs()
    cells = [" "] * width
    cells[iat:exp] = access * (exp - iat)
    cells[exp:rf_exp] = refresh * (rf_exp - exp)
    _put(cells, iat, exp, " access ")
    _put(cells, exp, rf_exp, " refresh ")
    cells[exp] = turn
    cells[rf_exp] = end
    cells[iat] = begin
    if not ends:
        # The token expires after the end of the picture.
        cells[width - 3 :] = rest * 3
        return "".join(cells), [(iat, "iat")]
    return "".join(cells), [(iat, "iat"), *([(exp, "exp = rf_exp")] if cut else [(exp, "exp"), (rf_exp, "rf_exp")])]


def _put(cells: list[str], begin: int, end: int, word: str) -> None:
    room = end - begin - 3
    if room >= len(word):
        place = begin + (end - begin - len(word)) // 2 + 1
        cells[place : place + len(word)] = word


def _line(name: str, width: int, labels: Sequence[tuple[int, str]]) -> str:
    text = ""
    for place, label in labels:
        if place >= len(text):
            text = f"{text:<{place}}{label} "
    return f"{name:<{MARGIN}}{text[: width + 12]}".rstrip()


def _span(steps: Sequence[int]) -> str:
    return str(steps[0]) if len(steps) == 1 else f"{steps[0]}-{steps[-1]}"


def _glyphs() -> tuple[str, ...]:
    try:
        "".join(_FINE).encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return _PLAIN
    return _FINE
