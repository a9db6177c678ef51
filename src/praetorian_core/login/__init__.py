"""How somebody who has no token yet proves who they are, and what slows a guesser down."""

from praetorian_core.login.passwords import PasswordHasher
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.questions import PasswordCheck

__all__ = ["LoginThrottle", "PasswordCheck", "PasswordHasher"]
