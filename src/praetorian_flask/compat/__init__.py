"""A drop-in for flask-praetorian: the same names, signatures and answers, on the engine of Praetorian.

An application changes one line, or none::

    import praetorian_flask.compat as flask_praetorian

    sys.modules["flask_praetorian"] = praetorian_flask.compat  # before the first import of flask_praetorian

Its submodules only pass names on. Imported under the alias they are other modules, but with the same classes.
``docs/migration.md`` describes what differs on purpose, and the way to the new names.
"""

from praetorian_flask.compat import base, constants, decorators, exceptions, user_mixins, utilities
from praetorian_flask.compat._errors import PraetorianError
from praetorian_flask.compat._guard import Praetorian
from praetorian_flask.compat._mixin import SQLAlchemyUserMixin
from praetorian_flask.compat._views import (
    auth_accepted,
    auth_required,
    current_custom_claims,
    current_rolenames,
    current_user,
    current_user_id,
    roles_accepted,
    roles_required,
)

__all__ = [
    "Praetorian",
    "PraetorianError",
    "SQLAlchemyUserMixin",
    "auth_accepted",
    "auth_required",
    "base",
    "constants",
    "current_custom_claims",
    "current_rolenames",
    "current_user",
    "current_user_id",
    "decorators",
    "exceptions",
    "roles_accepted",
    "roles_required",
    "user_mixins",
    "utilities",
]
