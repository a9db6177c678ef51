"""Builds the commands of both stores and parses the replies.

Facts:

* Each method is one command and one round trip: ``MGET`` for ``get``, a script for the other two. A script runs alone in
  the server, so what it reads cannot change before it writes (valkey.io/topics/eval-intro).
* An entry is its expiry, the id of the call that wrote it, and its value, with blanks between them. The expiry and the
  ``now`` of a call decide whether the entry is live.
* A client may send a command again because the answer was lost, after the server has run it. The script then finds the
  id of its own call and returns the same answer. Without it a refresh would lose against itself and be reported as
  reuse, and a login attempt would count twice.
* The server's time to live only removes what has expired, by the clock of the caller and by the server's own: a caller
  whose clock is ahead for a moment must not shorten the life of a revocation.
* Every key begins with a digest in braces, the hash tag of a cluster, so all keys of one call are in one slot
  (valkey.io/topics/cluster-spec).
"""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TypeAlias, cast

from praetorian_core.errors import ConfigurationError

_LONGEST = 10**12
"""The longest time to live that is sent, in seconds; Redis accepts a little more."""

_CALL_ID_BYTES = 6

# KEYS: the entry. ARGV: now, the id of the call, the expiry, the seconds to live by the caller's clock, and more below.
_READ_ENTRY = f"""
local entry = redis.call('GET', KEYS[1])
local expires_at, written_by, value, live = 0, false, false, false
if entry then
    local first = string.find(entry, ' ', 1, true)
    local second = string.find(entry, ' ', first + 1, true)
    expires_at = tonumber(string.sub(entry, 1, first - 1))
    written_by = string.sub(entry, first + 1, second - 1)
    value = string.sub(entry, second + 1)
    if expires_at > tonumber(ARGV[1]) then live = value end
end
local function write(new)
    local by_server = tonumber(ARGV[3]) - tonumber(redis.call('TIME')[1])
    local seconds = math.min(math.max(tonumber(ARGV[4]), by_server), {_LONGEST})
    redis.call('SET', KEYS[1], ARGV[3] .. ' ' .. ARGV[2] .. ' ' .. new, 'EX', string.format('%.0f', seconds))
end
"""

# ARGV[5]: "absent", or "=" and the expected value. ARGV[6]: the new value.
_COMPARE_AND_SET = f"""{_READ_ENTRY}
if (live and '=' .. live or 'absent') ~= ARGV[5] then return written_by == ARGV[2] and 1 or 0 end
write(ARGV[6])
return 1
"""

# ARGV[5]: the amount.
_INCREMENT = f"""{_READ_ENTRY}
if written_by == ARGV[2] then return tonumber(value) end
local sum = tonumber(ARGV[5])
if live then sum = sum + tonumber(live) end
local total = string.format('%.0f', sum)
if total == '0' then redis.call('DEL', KEYS[1])
elseif live then
    local kept = string.format('%.0f', expires_at)
    redis.call('SET', KEYS[1], kept .. ' ' .. ARGV[2] .. ' ' .. total, 'KEEPTTL')
else write(total) end
return sum
"""

_PREFIX = re.compile(r"[!-z|~]*")

Command: TypeAlias = tuple[object, ...]


class Script:
    """A script, and the digest under which a server knows it after the first run."""

    def __init__(self, text: str) -> None:
        self.text = text
        # The name that the server gives it; nothing depends on its strength.
        self.digest: str = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def by_digest(self, arguments: Command) -> Command:
        """Return the command for a server that knows the script."""
        return ("EVALSHA", self.digest, 1, *arguments)

    def in_full(self, arguments: Command) -> Command:
        """Return the command for a server that does not."""
        return ("EVAL", self.text, 1, *arguments)


COMPARE_AND_SET = Script(_COMPARE_AND_SET)
INCREMENT = Script(_INCREMENT)


class Commands:
    """The commands of a store with a prefix.

    Raises:
        ConfigurationError: The prefix cannot be the start of a key.
    """

    def __init__(self, prefix: str) -> None:
        # A brace would be taken for the hash tag.
        if type(prefix) is not str or not _PREFIX.fullmatch(prefix):
            raise ConfigurationError(
                f"the prefix must be ASCII without blanks and braces, such as 'praetorian:'; got {prefix!r}"
            )
        self._prefix = prefix

    def get(self, keys: tuple[str, ...]) -> Command:
        """Return the command that reads the keys."""
        prefix = self._prefix
        return ("MGET", *(prefix + key for key in keys))

    def compare_and_set(self, key: str, expected: str | None, new: str, expires_at: int, now: int) -> Command:
        """Return the arguments of ``COMPARE_AND_SET``."""
        return (*self._write(key, expires_at, now), "absent" if expected is None else f"={expected}", new)

    def increment(self, key: str, amount: int, expires_at: int, now: int) -> Command:
        """Return the arguments of ``INCREMENT``."""
        return (*self._write(key, expires_at, now), amount)

    def _write(self, key: str, expires_at: int, now: int) -> Command:
        seconds = min(max(expires_at - now, 1), _LONGEST)
        return (self._prefix + key, now, secrets.token_urlsafe(_CALL_ID_BYTES), expires_at, seconds)


def live_values(reply: object, now: int) -> list[str | None]:
    """Return the live values of a reply to ``MGET``.

    Raises:
        TypeError, ValueError: It holds an entry that was not written here.
    """
    if not isinstance(reply, list):
        raise TypeError(f"MGET returned {type(reply).__name__}; expected a list")
    return [None if entry is None else _live_value(entry, now) for entry in cast("list[object]", reply)]


def _live_value(entry: object, now: int) -> str | None:
    # The client decides whether it decodes.
    text = entry.decode() if isinstance(entry, bytes) else entry
    parts = text.split(" ", 2) if isinstance(text, str) else []
    if len(parts) != 3:
        raise ValueError("the entry was not written by this store; expected an expiry, an id and a value")
    expires_at, _, value = parts
    return value if now < int(expires_at) else None


def total(reply: object) -> int:
    """Return the sum that ``INCREMENT`` returned.

    Raises:
        TypeError: It is not an integer.
    """
    if type(reply) is not int:
        raise TypeError(f"the script returned {type(reply).__name__}; expected an integer")
    return reply


def is_unknown_script(error: Exception) -> bool:
    """Return whether the server does not know a digest; by name, so that redis-py need not be imported."""
    return type(error).__name__ == "NoScriptError"
