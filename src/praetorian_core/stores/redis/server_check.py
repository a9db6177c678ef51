"""Checks that a server keeps what is written to it.

A server whose ``maxmemory-policy`` is not ``noeviction`` removes entries when its memory is full, and an ended session
whose entry is gone is valid again. A replica learns of a revocation later than its primary. The server is asked before
the first call, and again from time to time, because both can change while it runs.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Literal, TypeAlias, cast

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError

_LOG = logging.getLogger("praetorian")

_INTERVAL = 600
"""After a good answer the server is asked again in so many seconds."""

_POLICY = "maxmemory_policy"

Eviction: TypeAlias = Literal["refuse", "warn"]


class ServerCheck:
    """Decides when the server is asked, and what its answer means.

    Args:
        location: Names the server in messages.
        eviction: Whether to raise or to log a warning if the server may evict entries, or does not say.

    Raises:
        ConfigurationError: ``eviction`` has another value.
    """

    def __init__(self, location: str, eviction: Eviction) -> None:
        if eviction not in ("refuse", "warn"):
            raise ConfigurationError(f"eviction must be 'refuse' or 'warn'; got {eviction!r}")
        self._location = location
        self._refuses = eviction == "refuse"
        self._has_warned = False
        self._asks_at = -float("inf")

    def is_due(self) -> bool:
        """Return whether the server must be asked before the next call."""
        return time.monotonic() >= self._asks_at

    def accept(self, info: object) -> None:
        """Accept the reply to ``INFO`` or raise.

        Args:
            info: The reply as the client parses it; of a cluster, the replies by node.

        Raises:
            ServiceUnavailableError: The server is a replica, or it may evict entries and ``eviction`` is ``refuse``.
        """
        for server in _servers(info):
            if server.get("role") in ("slave", "replica"):
                raise ServiceUnavailableError(
                    f"the Redis server at {self._location} is a replica; expected the primary", retry_after=1
                )
            policy = server.get(_POLICY)
            if policy is None:
                self._object("does not say whether it may evict entries (INFO without maxmemory_policy)")
            elif policy != "noeviction":
                self._object(f"may evict entries (maxmemory-policy {policy})")
        self._asks_at = time.monotonic() + _INTERVAL

    def accept_error(self, error: Exception) -> bool:
        """Return whether the server refused the question, as managed servers may. Raise if that is not acceptable.

        Raises:
            ServiceUnavailableError: The server refuses ``INFO``, and ``eviction`` is ``refuse``.
        """
        # By name, so that redis-py need not be imported.
        if "ResponseError" not in {kind.__name__ for kind in type(error).__mro__}:
            return False
        self._object("does not say whether it may evict entries (it refuses INFO)")
        self._asks_at = time.monotonic() + _INTERVAL
        return True

    def _object(self, finding: str) -> None:
        text = (
            f"the Redis server at {self._location} {finding}, and an evicted entry makes an ended session valid again; "
            "set maxmemory-policy noeviction there"
        )
        if self._refuses:
            raise ServiceUnavailableError(f"{text}, or PRAETORIAN_STORE_EVICTION = 'warn' here")
        if not self._has_warned:
            self._has_warned = True
            _LOG.warning("%s", text)


def _servers(info: object) -> list[Mapping[str, object]]:
    """Return the fields of each server."""
    if isinstance(info, bytes):
        info = info.decode()
    if isinstance(info, str):
        # A client without redis-py's parser returns the text.
        fields = (line.partition(":") for line in info.splitlines())
        return [{name: value for name, _, value in fields}]
    if not isinstance(info, Mapping):
        return [{}]
    known = cast("Mapping[str, object]", info)
    if _POLICY not in known and any(isinstance(value, Mapping) for value in known.values()):
        return [server for node in known.values() for server in _servers(node)]
    return [known]
