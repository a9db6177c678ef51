"""The names of ``flask_praetorian.utilities``."""

from praetorian_flask.compat._durations import duration_from_string
from praetorian_flask.compat._utilities import deprecated, is_jsonable
from praetorian_flask.compat._views import (
    add_jwt_data_to_app_context,
    app_context_has_jwt_data,
    current_custom_claims,
    current_guard,
    current_rolenames,
    current_user,
    current_user_id,
    get_jwt_data_from_app_context,
    remove_jwt_data_from_app_context,
)

__all__ = [
    "add_jwt_data_to_app_context",
    "app_context_has_jwt_data",
    "current_custom_claims",
    "current_guard",
    "current_rolenames",
    "current_user",
    "current_user_id",
    "deprecated",
    "duration_from_string",
    "get_jwt_data_from_app_context",
    "is_jsonable",
    "remove_jwt_data_from_app_context",
]
