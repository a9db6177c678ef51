"""Settings: their declarations, their reading from a framework's configuration, and the validated whole."""

from praetorian_core.settings.complete import Settings
from praetorian_core.settings.state import MAX_SESSIONS, CheckSessions, SessionLimit, StoreEviction, ThrottleFailure
from praetorian_core.settings.tokens import ACTION_LIFESPAN, MAX_LEEWAY

__all__ = [
    "ACTION_LIFESPAN",
    "MAX_LEEWAY",
    "MAX_SESSIONS",
    "CheckSessions",
    "SessionLimit",
    "Settings",
    "StoreEviction",
    "ThrottleFailure",
]
