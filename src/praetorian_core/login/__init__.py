"""Password hashing and the login throttle."""

from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.questions import PasswordCheck

__all__ = ["LoginThrottle", "PasswordCheck", "PasswordHasher"]
