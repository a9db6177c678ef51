"""Tools for tests of applications, adapters and stores; not for production."""

from praetorian_core.testing.clock import FrozenClock
from praetorian_core.testing.passwords import cheapest_hasher
from praetorian_core.testing.requests import as_user
from praetorian_core.testing.users import MemoryUser, MemoryUsers

__all__ = ["FrozenClock", "MemoryUser", "MemoryUsers", "as_user", "cheapest_hasher"]
