"""Describes where an exception comes from, for the operator, without the exception's text."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

_OURS = ("praetorian_core", "praetorian_flask", "praetorian_restx", "praetorian_falcon")
_LIBRARIES = tuple(
    str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)


class _Frame(NamedTuple):
    package: str
    file: str
    line: int
    function: str

    @property
    def is_ours(self) -> bool:
        return self.package in _OURS

    @property
    def is_library(self) -> bool:
        # Frozen modules and code from a string have no file.
        return self.file.startswith("<") or str(Path(self.file).resolve()).startswith(_LIBRARIES)


def is_raised_here(error: BaseException) -> bool:
    """Return whether the core itself raised an error, so that its text holds no secret."""
    frames = list(_frames(error.__traceback__))
    return bool(frames) and frames[-1].is_ours


def place_of(error: BaseException) -> str:
    """Return the file, line and function of the application that an error comes from.

    If no frame is the application's, it is the last one of a library; if there is none either, the last one.
    """
    frames = list(_frames(error.__traceback__))
    foreign = [frame for frame in frames if not frame.is_ours]
    application = [frame for frame in foreign if not frame.is_library]
    for chosen in (application, foreign, frames):
        if chosen:
            _, file, line, function = chosen[-1]
            return f"{Path(file).name}:{line} in {function}"
    return "?"


def _frames(trace: TracebackType | None) -> Iterator[_Frame]:
    while trace is not None:
        code = trace.tb_frame.f_code
        package = str(trace.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
        yield _Frame(package, code.co_filename, trace.tb_lineno, code.co_name)
        trace = trace.tb_next
