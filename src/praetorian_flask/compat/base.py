"""The names of ``flask_praetorian.base``."""

from praetorian_flask.compat._guard import Praetorian

__all__ = ["Praetorian"]
