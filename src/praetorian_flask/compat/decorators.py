"""The names of ``flask_praetorian.decorators``."""

from praetorian_flask.compat._views import auth_accepted, auth_required, roles_accepted, roles_required

__all__ = ["auth_accepted", "auth_required", "roles_accepted", "roles_required"]
