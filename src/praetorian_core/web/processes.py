"""Warn of state that each worker process of a server keeps for itself."""

from __future__ import annotations

import logging

_LOG = logging.getLogger("praetorian")


def warn_of_memory_store(store: object, *, is_one_of_several: bool) -> None:
    """Log a warning if several processes serve an application whose store is ``memory://``.

    Args:
        store: The setting ``store``.
        is_one_of_several: Whether the server runs several processes.
    """
    if is_one_of_several and str(store) == "memory://":
        _LOG.warning(
            "PRAETORIAN_STORE is memory://, but the server runs several processes, and each has a store of its own: a "
            "session that is revoked in one stays valid in the others; write sqlite:///path or redis://host"
        )
