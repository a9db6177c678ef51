"""Describes where an exception comes from, for the operator, without the exception's text."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

_OURS = ("praetorian_core", "praetorian_flask", "praetorian_restx", "praetorian_falcon")
_STANDARD_LIBRARY = tuple(Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib"))
_INSTALLED = {"site-packages", "dist-packages"}


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
        path = Path(self.file).resolve()
        # Frozen modules and code from a string have no file.
        return (
            self.file.startswith("<")
            or not _INSTALLED.isdisjoint(path.parts)
            or any(path.is_relative_to(folder) for folder in _STANDARD_LIBRARY)
        )


def is_raised_here(error: BaseException) -> bool:
    """Return whether the core itself raised an error, so that its text holds no secret."""
    frames = list(_frames(error.__traceback__))
    return bool(frames) and frames[-1].is_ours


def place_of(error: BaseException, application: str) -> str:
    """Return the file, line and function of the application that an error comes from.

    If no frame is the application's, it is the last one of a library; if there is none either, the last one.

    Args:
        error: The error.
        application: The package of the application, which may be installed like a library.
    """
    frames = list(_frames(error.__traceback__))
    foreign = [frame for frame in frames if not frame.is_ours]
    own = [frame for frame in foreign if frame.package == application or not frame.is_library]
    for chosen in (own, foreign, frames):
        if chosen:
            _, file, line, function = chosen[-1]
            return f"{Path(file).name}:{line} in {function}"
    return "?"


def package_of(module: str) -> str:
    """Return the top-level package of a module, by their names."""
    return module.partition(".")[0]


def _frames(trace: TracebackType | None) -> Iterator[_Frame]:
    while trace is not None:
        code = trace.tb_frame.f_code
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        yield _Frame(package_of(name), code.co_filename, trace.tb_lineno, code.co_name)
        trace = trace.tb_next
