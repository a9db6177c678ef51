"""The names of ``flask_praetorian.user_mixins``."""

from praetorian_flask.compat._mixin import SQLAlchemyUserMixin

__all__ = ["SQLAlchemyUserMixin"]
