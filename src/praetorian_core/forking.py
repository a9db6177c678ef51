"""Keeps objects with locks, threads or connections usable on both sides of ``os.fork``.

A fork copies the calling thread only. A lock that another thread holds at that moment stays locked in the child for
good, and a database connection of the parent must not be used, or closed last, by the child. Objects that register here
prepare themselves before the fork and recover after it.
"""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Forkable(Protocol):
    """An object that takes part in a fork. It must be hashable and allow weak references."""

    def before_fork(self) -> None:
        """Reach a state that may be copied, such as holding the own lock. Must return after a bounded time."""
        ...

    def after_fork_in_parent(self) -> None:
        """Undo ``before_fork``."""
        ...

    def after_fork_in_child(self) -> None:
        """Replace what a child must not share. Also called without ``before_fork``, if C code forked (uWSGI)."""
        ...


class _Registry:
    """All registered objects, without keeping them alive."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known = weakref.WeakSet[Forkable]()
        self._prepared: list[Forkable] = []

    def add(self, resource: Forkable) -> None:
        with self._lock:
            self._known.add(resource)

    def before(self) -> None:
        # Held until the fork is done: another thread that forks waits, and the set does not change meanwhile.
        self._lock.acquire()
        self._prepared = list(self._known)
        for resource in self._prepared:
            resource.before_fork()

    def in_parent(self) -> None:
        for resource in self._prepared:
            resource.after_fork_in_parent()
        self._prepared = []
        self._lock.release()

    def in_child(self) -> None:
        self._lock = threading.Lock()
        for resource in self._prepared or list(self._known):
            resource.after_fork_in_child()
        self._prepared = []


_REGISTRY = _Registry()

# Windows has no fork.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(before=_REGISTRY.before, after_in_parent=_REGISTRY.in_parent, after_in_child=_REGISTRY.in_child)


def register(resource: Forkable) -> None:
    """Call the object's three methods around every fork, for as long as the object lives."""
    _REGISTRY.add(resource)
