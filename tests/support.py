"""Values and fakes that many tests share."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import attrs
import pytest

from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.stores.memory import MemoryStore
from praetorian_core.testing import MemoryUsers, cheapest_hasher
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD, KeyRing, generate_secret

NOW = 1_800_000_000
DAY = 86_400
ACCESS, REFRESH = 900, DAY
"""Lifespans in seconds."""

SECRET = generate_secret()
RING = KeyRing.from_secret(SECRET)
OTHER_RING = KeyRing.from_secret(generate_secret())

PASSWORD = "correct horse battery staple"
HASHED = cheapest_hasher().hash(PASSWORD)

both_layouts = pytest.mark.parametrize("layout", [STANDARD, FLASK_PRAETORIAN], ids=lambda layout: layout.name)


def refusal(call, *args, error=ConfigurationError, **options):
    """Return the message of the expected error."""
    with pytest.raises(error) as caught:
        call(*args, **options)
    return str(caught.value)


def isolated_refusal(call, *args, **options):
    """Return the message of the expected error. It has no cause and no context, which could hold a secret."""
    with pytest.raises(ConfigurationError) as caught:
        call(*args, **options)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    return str(caught.value)


def outcome(call, *args, **options):
    """Return the result of a call, or the class of its error."""
    try:
        return call(*args, **options)
    except PraetorianError as error:
        return type(error)


@attrs.define
class Request:
    """A ``RequestInfo`` with these header lines, pairs of a name and a value."""

    lines: Iterable[tuple[str, str]] = ()
    method: str = "GET"
    remote: str | None = None
    is_websocket: bool = False
    query: str = ""
    renewal: object = None
    redemption: object = None

    def header(self, name):
        return next(iter(self.headers(name)), None)

    def headers(self, name):
        return [value for key, value in self.lines if key.lower() == name.lower()]


def authorization(*values):
    """Return a request with these values of ``Authorization``, a line each."""
    return Request(tuple(("Authorization", value) for value in values))


def bearer(token):
    """Return a request with this token."""
    return authorization(f"Bearer {token}")


class AsyncUsers(MemoryUsers):
    """A user source whose methods are coroutines."""

    async def lookup(self, username):
        await asyncio.sleep(0)
        return super().lookup(username)

    async def identify(self, identity):
        await asyncio.sleep(0)
        return super().identify(identity)


class AsyncMemoryStore:
    """A store whose methods are coroutines."""

    def __init__(self):
        self.inner = MemoryStore()

    async def get(self, *keys, now):
        await asyncio.sleep(0)
        return self.inner.get(*keys, now=now)

    async def compare_and_set(self, key, expected, new, *, expires_at, now):
        await asyncio.sleep(0)
        return self.inner.compare_and_set(key, expected, new, expires_at=expires_at, now=now)

    async def increment(self, key, amount, *, expires_at, now):
        await asyncio.sleep(0)
        return self.inner.increment(key, amount, expires_at=expires_at, now=now)


class KeyedStore(MemoryStore):
    """A ``MemoryStore`` that knows which keys were written."""

    def __init__(self):
        super().__init__()
        self.keys = []

    def compare_and_set(self, key, expected, new, **times):
        self._note(key)
        return super().compare_and_set(key, expected, new, **times)

    def increment(self, key, amount, **times):
        self._note(key)
        return super().increment(key, amount, **times)

    def _note(self, key):
        if key not in self.keys:
            self.keys.append(key)

    def held(self, now):
        """Return the live entries."""
        return {key: value for key, value in zip(self.keys, self.get(*self.keys, now=now), strict=True) if value}
