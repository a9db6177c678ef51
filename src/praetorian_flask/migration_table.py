"""What each name of flask-praetorian becomes, for ``praetorian migrate`` and ``docs/migration.md``."""

from __future__ import annotations

from collections.abc import Mapping

import attrs


@attrs.frozen
class Advice:
    """What one name becomes.

    Attributes:
        becomes: The new way to write it.
        kept: Whether the drop-in keeps it as it is.
        distinctive: Whether the name alone says that flask-praetorian is meant.
    """

    becomes: str
    kept: bool = attrs.field(default=True, kw_only=True)
    distinctive: bool = attrs.field(default=True, kw_only=True)


_PRAETORIAN = "from praetorian_flask import Praetorian; Praetorian(app, User)"
_GUARD = "current_guard()"

NAMES: Mapping[str, Advice] = {
    "Praetorian": Advice(_PRAETORIAN),
    "PraetorianError": Advice("praetorian_core.errors.PraetorianError"),
    "SQLAlchemyUserMixin": Advice("lookup, identify, identity, password and rolenames in the user class"),
    "auth_required": Advice("praetorian_flask.auth_required"),
    "auth_accepted": Advice("praetorian_flask.auth_accepted"),
    "roles_required": Advice("praetorian_flask.roles_required"),
    "roles_accepted": Advice("praetorian_flask.roles_accepted"),
    "current_user": Advice("praetorian_flask.current_user"),
    "current_user_id": Advice("praetorian_flask.current_user_id"),
    "current_rolenames": Advice("praetorian_flask.current_rolenames, a frozenset"),
    "current_custom_claims": Advice("praetorian_flask.current_custom_claims, a dict"),
    "current_guard": Advice("praetorian_flask.current_guard"),
    "duration_from_string": Advice("praetorian_core.lifespan.parse_lifespan, which returns seconds"),
    "is_jsonable": Advice("no counterpart: issue rejects a claim that JSON cannot carry"),
    "AccessType": Advice("a method for each purpose: verify, refresh, redeem_action"),
    "VITAM_AETERNUM": Advice("a lifespan that ends, such as '5 years'"),
    "RESERVED_CLAIMS": Advice("praetorian_core.token.claims.RESERVED"),
    "MissingClaimError": Advice("praetorian_core.errors.MissingClaimError"),
    "BlacklistedError": Advice("praetorian_core.errors.RevokedTokenError"),
    "ExpiredAccessError": Advice("praetorian_core.errors.ExpiredAccessError"),
    "EarlyRefreshError": Advice("praetorian_core.errors.EarlyRefreshError"),
    "ExpiredRefreshError": Advice("praetorian_core.errors.ExpiredRefreshError"),
    "MissingToken": Advice("praetorian_core.errors.MissingTokenError"),
    "MissingTokenHeader": Advice("praetorian_core.errors.MissingTokenError"),
    "InvalidTokenHeader": Advice("praetorian_core.errors.InvalidTokenError or MalformedHeaderError"),
    "InvalidUserError": Advice("praetorian_core.errors.InvalidUserError"),
    "MissingRoleError": Advice("praetorian_core.errors.MissingRoleError"),
    "MissingUserError": Advice("praetorian_core.errors.MissingUserError"),
    "AuthenticationError": Advice("praetorian_core.errors.AuthenticationError"),
    "ClaimCollisionError": Advice("praetorian_core.errors.ClaimCollisionError"),
    "LegacyScheme": Advice("no counterpart: an old hash is renewed at login by save_password"),
    "InvalidRegistrationToken": Advice("praetorian_core.errors.MisusedTokenError"),
    "InvalidResetToken": Advice("praetorian_core.errors.MisusedTokenError"),
    "MisusedRegistrationToken": Advice("praetorian_core.errors.MisusedTokenError"),
    "MisusedResetToken": Advice("praetorian_core.errors.MisusedTokenError"),
    "ConfigurationError": Advice("praetorian_core.errors.ConfigurationError"),
}
"""Names that are imported from flask-praetorian or one of its submodules."""

ATTRIBUTES: Mapping[str, Advice] = {
    "authenticate": Advice("praetorian_flask.authenticate(username, password)", distinctive=False),
    "hash_password": Advice(f"{_GUARD}.hash_password(password)", distinctive=False),
    "encrypt_password": Advice(f"{_GUARD}.hash_password(password)", distinctive=False),
    "_verify_password": Advice(f"{_GUARD}.verify_password(password, hashed)", distinctive=False),
    "verify_and_update": Advice("Guard(User, settings, save_password=...)"),
    "pwd_ctx": Advice(f"{_GUARD}.hash_password and {_GUARD}.verify_password"),
    "encode_jwt_token": Advice(f"{_GUARD}.issue(user, access_lifespan=..., refresh_lifespan=..., **claims)"),
    "encode_eternal_jwt_token": Advice(f"{_GUARD}.issue(user, ...) with lifespans that end"),
    "refresh_jwt_token": Advice(f"{_GUARD}.refresh(token)"),
    "extract_jwt_token": Advice(f"{_GUARD}.verify(token), which returns a Principal"),
    "read_token": Advice("praetorian_flask.current_token()", distinctive=False),
    "read_token_from_header": Advice("praetorian_flask.current_token()"),
    "read_token_from_cookie": Advice("praetorian_flask.current_token(), with 'cookie' in JWT_PLACES"),
    "_unpack_header": Advice("praetorian_flask.current_token()"),
    "_unpack_cookie": Advice("praetorian_flask.current_token(), with 'cookie' in JWT_PLACES"),
    "pack_header_for_user": Advice("{'Authorization': f'Bearer {current_guard().issue(user)}'}; in tests as_user"),
    "send_registration_email": Advice("praetorian_core.mail.ActionMail.registration(...) and issue_action"),
    "send_reset_email": Advice("praetorian_core.mail.ActionMail.reset(...) and issue_action"),
    "send_token_email": Advice("praetorian_core.mail.ActionMail(...) and issue_action"),
    "get_user_from_registration_token": Advice(f"{_GUARD}.redeem_action(token, 'registration')"),
    "validate_reset_token": Advice(f"{_GUARD}.redeem_action(token, 'reset')"),
    "is_blacklisted": Advice("PRAETORIAN_STORE, and current_guard().revoke(token)"),
    "encode_jwt_token_hook": Advice("Guard(User, settings, on_event=...)"),
    "refresh_jwt_token_hook": Advice("Guard(User, settings, on_event=...)"),
    "override_access_lifespan": Advice("access_lifespan="),
    "override_refresh_lifespan": Advice("refresh_lifespan="),
    "bypass_user_check": Advice("issue_action, which does not ask whether the user is valid"),
    "encode_key": Advice("Settings(keys=...); no counterpart on the guard"),
    "encode_algorithm": Advice("JWT_ALGORITHM; no counterpart on the guard"),
    "allowed_algorithms": Advice("no counterpart: each key has one algorithm"),
    "register_error_handler_with_flask_restx": Advice("praetorian_restx.init_api(api)"),
    "register_error_handler_with_flask_restplus": Advice("praetorian_restx.init_api(api)"),
    "build_error_handler_for_flask_restx": Advice("praetorian_restx.init_api(api)"),
    "require_condition": Advice("if ...: raise ...", distinctive=False),
    "handle_errors": Advice("try: ... except ...: raise ... from error", distinctive=False),
}
"""Methods and attributes of the guard and of its errors, and keywords of their calls."""

_SENT_BY_MAIL = Advice("an argument of praetorian_core.mail.ActionMail")
_HASHES = Advice("no setting: new hashes are Argon2id, old ones are verified with the extra legacy-hashes")

KEYS: Mapping[str, Advice] = {
    **{
        f"PRAETORIAN_{purpose}_{part}": _SENT_BY_MAIL
        for purpose in ("CONFIRMATION", "RESET")
        for part in ("TEMPLATE", "URI", "SENDER", "SUBJECT")
    },
    "PRAETORIAN_CONFIRMATION_LIFESPAN": Advice("issue_action(user, 'registration', lifespan=...)"),
    "PRAETORIAN_RESET_LIFESPAN": Advice("issue_action(user, 'reset', lifespan=...)"),
    "PRAETORIAN_HASH_SCHEME": _HASHES,
    "PRAETORIAN_HASH_ALLOWED_SCHEMES": _HASHES,
    "PRAETORIAN_HASH_DEPRECATED_SCHEMES": _HASHES,
    "PRAETORIAN_HASH_AUTOUPDATE": _HASHES,
    "PRAETORIAN_HASH_AUTOTEST": _HASHES,
    "JWT_ALLOWED_ALGORITHMS": Advice("no setting: each key has one algorithm"),
    "JWT_PLACES": Advice("JWT_PLACES; with 'cookie' unsafe requests need a CSRF header, see docs/browsers.md"),
    "JWT_COOKIE_NAME": Advice("JWT_COOKIE_NAME, with 'cookie' in JWT_PLACES"),
    "PRAETORIAN_ROLES_DISABLED": Advice("PRAETORIAN_ROLES_DISABLED"),
    "USER_CLASS_VALIDATION_METHOD": Advice("USER_CLASS_VALIDATION_METHOD"),
    "DISABLE_PRAETORIAN_ERROR_HANDLER": Advice("DISABLE_PRAETORIAN_ERROR_HANDLER"),
}
"""Configuration keys."""
