"""Reads an application's configuration as flask-praetorian did, with its defaults and its tolerance."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import cast

import attrs

from praetorian_core import KeyRing, Settings
from praetorian_core import errors as core_errors
from praetorian_core.settings.browsers import to_origins
from praetorian_core.settings.declaration import declaration_of
from praetorian_core.token import Key, base64url
from praetorian_core.token.algorithms import HASH_BYTES
from praetorian_core.token.jwk import thumbprint
from praetorian_core.token.signatures import hmac_functions
from praetorian_flask.compat import _constants as constants
from praetorian_flask.compat._durations import to_duration
from praetorian_flask.compat._errors import ConfigurationError, PraetorianError
from praetorian_flask.migration_table import KEYS

_LOG = logging.getLogger("praetorian")

_EXAMPLE = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'


@attrs.frozen(kw_only=True)
class Options:
    """The configuration of one ``Praetorian``, under the names that its attributes have.

    Attributes:
        encode_key: The secret.
        ring: The keys: the secret signs, former secrets verify.
    """

    encode_key: str | bytes = attrs.field(repr=False)
    ring: KeyRing
    encode_algorithm: str
    allowed_algorithms: list[str]
    access_lifespan: timedelta
    refresh_lifespan: timedelta
    early_refresh: timedelta
    leeway: int
    is_standard: bool
    jwt_places: list[str]
    cookie_name: str
    trusted_origins: tuple[str, ...]
    header_name: str
    header_type: str
    roles_disabled: bool
    user_class_validation_method: str
    hash_autoupdate: bool
    hash_autotest: bool
    confirmation_template: str
    confirmation_uri: str | None
    confirmation_sender: str | None
    confirmation_subject: str
    confirmation_lifespan: timedelta
    reset_template: str
    reset_uri: str | None
    reset_sender: str | None
    reset_subject: str
    reset_lifespan: timedelta
    is_testing: bool
    store: str | None
    throttle: bool


def read_options(config: Mapping[str, object]) -> Options:
    """Return the options in an application's configuration.

    Raises:
        PraetorianError: There is no ``SECRET_KEY``.
        ConfigurationError: A value cannot be used.
    """
    secret = config.get("SECRET_KEY")
    if secret is None:
        raise PraetorianError("There must be a SECRET_KEY app config setting set")
    if not isinstance(secret, str | bytes) or not secret:
        raise ConfigurationError("SECRET_KEY must be a non-empty str or bytes")
    _warn_of_unknown(config)
    algorithm = _text(config, "JWT_ALGORITHM", constants.DEFAULT_JWT_ALGORITHM)
    allowed = list(cast("Iterable[str]", config.get("JWT_ALLOWED_ALGORITHMS") or [algorithm]))
    access = to_duration(
        config.get("JWT_ACCESS_LIFESPAN") or constants.DEFAULT_JWT_ACCESS_LIFESPAN, "JWT_ACCESS_LIFESPAN"
    )
    refresh = to_duration(
        config.get("JWT_REFRESH_LIFESPAN") or constants.DEFAULT_JWT_REFRESH_LIFESPAN, "JWT_REFRESH_LIFESPAN"
    )
    # Up to 1.5 a mail's token lived as long as an access, since 1.6 for 15 minutes: the longer serves both.
    sent = max(access, constants.DEFAULT_JWT_ACCESS_LIFESPAN)
    early = config.get("PRAETORIAN_EARLY_REFRESH")
    places = config.get("JWT_PLACES", constants.DEFAULT_JWT_PLACES)
    return Options(
        encode_key=secret,
        ring=_ring(secret, config.get("SECRET_KEY_FALLBACKS"), algorithm, allowed),
        encode_algorithm=algorithm,
        allowed_algorithms=allowed,
        access_lifespan=access,
        refresh_lifespan=refresh,
        early_refresh=timedelta() if not early else to_duration(early, "PRAETORIAN_EARLY_REFRESH"),
        leeway=cast("int", config.get("JWT_LEEWAY") or 0),
        is_standard=str(getattr(config.get("PRAETORIAN_LAYOUT"), "name", config.get("PRAETORIAN_LAYOUT")))
        == "STANDARD",
        jwt_places=[places] if isinstance(places, str) else list(cast("Iterable[str]", places)),
        cookie_name=_text(config, "JWT_COOKIE_NAME", constants.DEFAULT_JWT_COOKIE_NAME),
        trusted_origins=_origins(config),
        header_name=_text(config, "JWT_HEADER_NAME", constants.DEFAULT_JWT_HEADER_NAME),
        header_type=_text(config, "JWT_HEADER_TYPE", constants.DEFAULT_JWT_HEADER_TYPE),
        roles_disabled=bool(config.get("PRAETORIAN_ROLES_DISABLED", constants.DEFAULT_ROLES_DISABLED)),
        user_class_validation_method=_text(
            config, "USER_CLASS_VALIDATION_METHOD", constants.DEFAULT_USER_CLASS_VALIDATION_METHOD
        ),
        hash_autoupdate=bool(config.get("PRAETORIAN_HASH_AUTOUPDATE", constants.DEFAULT_HASH_AUTOUPDATE)),
        hash_autotest=bool(config.get("PRAETORIAN_HASH_AUTOTEST", constants.DEFAULT_HASH_AUTOTEST)),
        confirmation_template=_text(
            config, "PRAETORIAN_CONFIRMATION_TEMPLATE", constants.DEFAULT_CONFIRMATION_TEMPLATE
        ),
        confirmation_uri=cast("str | None", config.get("PRAETORIAN_CONFIRMATION_URI")),
        confirmation_sender=cast("str | None", config.get("PRAETORIAN_CONFIRMATION_SENDER")),
        confirmation_subject=_text(config, "PRAETORIAN_CONFIRMATION_SUBJECT", constants.DEFAULT_CONFIRMATION_SUBJECT),
        confirmation_lifespan=to_duration(
            config.get("PRAETORIAN_CONFIRMATION_LIFESPAN") or sent,
            "PRAETORIAN_CONFIRMATION_LIFESPAN",
        ),
        reset_template=_text(config, "PRAETORIAN_RESET_TEMPLATE", constants.DEFAULT_RESET_TEMPLATE),
        reset_uri=cast("str | None", config.get("PRAETORIAN_RESET_URI")),
        reset_sender=cast("str | None", config.get("PRAETORIAN_RESET_SENDER")),
        reset_subject=_text(config, "PRAETORIAN_RESET_SUBJECT", constants.DEFAULT_RESET_SUBJECT),
        reset_lifespan=to_duration(
            config.get("PRAETORIAN_RESET_LIFESPAN") or sent,
            "PRAETORIAN_RESET_LIFESPAN",
        ),
        is_testing=bool(config.get("TESTING", False)),
        store=cast("str | None", config.get("PRAETORIAN_STORE")),
        throttle=config.get("PRAETORIAN_THROTTLE", True) is not False,
    )


def _text(config: Mapping[str, object], key: str, default: str) -> str:
    value = config.get(key)
    return default if value is None else str(value)


def _origins(config: Mapping[str, object]) -> tuple[str, ...]:
    setting = declaration_of(attrs.fields_dict(Settings)["trusted_origins"])
    origins = to_origins(cast("str | Iterable[str]", config.get(setting.key) or ()))
    try:
        setting.check(setting, origins)
    except core_errors.ConfigurationError as error:
        raise ConfigurationError(str(error)) from None
    return origins


def _ring(secret: str | bytes, former: object, algorithm: str, allowed: Iterable[str]) -> KeyRing:
    """Return the keys of a secret and of the secrets before it, one for each algorithm that tokens may have."""
    secrets = [secret, *(cast("Iterable[str | bytes]", former) if former else ())]
    algorithms = [algorithm, *(other for other in allowed if other != algorithm)]
    keys = dict[str, Key]()
    for number, value in enumerate(secrets):
        for name in algorithms:
            if name not in HASH_BYTES:
                raise ConfigurationError(
                    f"JWT_ALGORITHM and JWT_ALLOWED_ALGORITHMS must be HS256, HS384 or HS512; got {name!r}, whose tokens "
                    "flask-praetorian could sign and not verify; write praetorian_flask.Praetorian with JWT_KEYS"
                )
            key = _key(value, name, "SECRET_KEY" if number == 0 else "SECRET_KEY_FALLBACKS", warns=name == algorithm)
            keys.setdefault(key.kid, key)
    return KeyRing(list(keys.values()), signing=next(iter(keys)))


def _key(secret: str | bytes, algorithm: str, setting: str, *, warns: bool) -> Key:
    octets = secret.encode() if isinstance(secret, str) else secret
    kid = f"{thumbprint({'k': base64url.encode(octets).decode(), 'kty': 'oct'})[:11]}.{algorithm[2:]}"
    try:
        return Key.from_secret(secret, algorithm, kid)
    except core_errors.ConfigurationError as error:
        reason = str(error)
    if warns:
        _LOG.warning(
            "%s is accepted for the move from flask-praetorian only: %s. Write a new SECRET_KEY, as printed by %s, and "
            "SECRET_KEY_FALLBACKS = [the old one]; all users stay logged in",
            setting,
            reason.partition(";")[0],
            _EXAMPLE,
        )
    verifies, sign = hmac_functions(algorithm, octets)
    return Key(kid=kid, algorithm=algorithm, can_sign=True, symmetric=True, verifies=verifies, sign=sign, public=None)


def _warn_of_unknown(config: Mapping[str, object]) -> None:
    known = {str(declaration_of(field).key) for field in attrs.fields(Settings)} | set(KEYS)
    for name in config:
        if isinstance(name, str) and name.startswith("PRAETORIAN_") and name not in known:
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
            _LOG.warning("%s is not a setting of Praetorian and has no effect; did you mean %s?", name, nearest[0])
