"""The URL of a store, checked, with its password hidden.

``memory://``
    One process.
``sqlite:///relative/path.db``, ``sqlite:////absolute/path.db``
    The processes of one machine.
``redis://host:6379/0``, ``rediss://`` with TLS, ``unix:///path`` for a socket, ``valkey://``, ``valkeys://`` with TLS
    Many machines.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from praetorian_core.errors import ConfigurationError
from praetorian_core.messages import type_name
from praetorian_core.stores.redis_url import SCHEMES, read_redis_url

_NAME = "PRAETORIAN_STORE"
_WRITE = "write 'memory://', 'sqlite:///path/to/file.db' or 'redis://host:6379/0'"


class StoreURL:
    """The URL of a store.

    ``str``, ``repr`` and serializers show the location alone, because the text may hold a password: the text is kept in
    a function, so no attribute holds it. A StoreURL equals its text.

    Args:
        text: The URL.

    Raises:
        ConfigurationError: No store can be opened by this URL, or its parts have no clear meaning. The message does not
            repeat it.
    """

    __slots__ = ("_reveal", "kind", "location", "prefix")

    kind: Literal["memory", "sqlite", "redis"]
    location: str
    prefix: str | None
    _reveal: Callable[[], tuple[str, str]]

    def __init__(self, text: str) -> None:
        """Check the URL without opening the store."""
        if type(text) is not str:
            raise ConfigurationError(f"{_NAME} must be the URL of a store; got {type_name(text)}; {_WRITE}")
        self.prefix = None
        scheme, mark, rest = text.partition("://")
        if mark and scheme == "memory":
            if rest:
                raise _error("a text after memory://; write 'memory://'")
            self.kind, self.location, target = "memory", text, ""
        elif mark and scheme == "sqlite":
            self.kind, self.location, target = "sqlite", text, _sqlite_path(rest)
        elif mark and scheme in SCHEMES:
            read = read_redis_url(text, _NAME)
            self.kind, self.location, target, self.prefix = "redis", read.location, read.server, read.prefix
        else:
            raise _error(f"a text that does not begin with a known scheme; {_WRITE}")
        self._reveal = lambda: (text, target)

    def reveal_target(self) -> str:
        """Return the path of the SQLite file or the URL for redis-py, which may hold a password."""
        return self._reveal()[1]

    def __eq__(self, other: object) -> bool:
        """Compare with another URL or with a text."""
        text, _ = self._reveal()
        if isinstance(other, StoreURL):
            return text == other._reveal()[0]
        return text == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        """Return the hash of the text, which is equal."""
        return hash(self._reveal()[0])

    def __str__(self) -> str:
        """Return the location."""
        return self.location

    def __repr__(self) -> str:
        """Return the location in quotes."""
        return f"StoreURL({self.location!r})"


def to_store_url(value: str | StoreURL | None) -> StoreURL | None:
    """Return the URL of a store, or None for no store."""
    return value if value is None or isinstance(value, StoreURL) else StoreURL(value)


def _error(found: str) -> ConfigurationError:
    return ConfigurationError(f"{_NAME} must be the URL of a store; got {found}")


def _sqlite_path(rest: str) -> str:
    if not rest.startswith("/"):
        raise _error("sqlite:// with two slashes, which needs three slashes; write 'sqlite:///state.db'")
    path = rest[1:]
    if not path or path.endswith("/"):
        raise _error("sqlite:/// where the file is missing; write 'sqlite:///state.db'")
    if path == ":memory:":
        raise _error("a database in memory, which each connection has to itself; write 'memory://'")
    if path != path.strip() or not path.isprintable():
        raise _error("a path with a blank at an end or a control character; write 'sqlite:///state.db'")
    if "?" in path or "#" in path or path.startswith("file:"):
        raise _error("options of SQLite, which would become part of the file's name; write 'sqlite:///state.db'")
    if "%" in path:
        raise _error("a '%', although the path is not decoded; write the path without percent-encoding")
    if path.startswith("~") or any(character in path for character in "${}"):
        raise _error(
            "'~', '$' or a brace, which are not expanded; write an absolute path, 'sqlite:////var/lib/app/state.db'"
        )
    return path
