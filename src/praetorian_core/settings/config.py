"""Reading of a framework's configuration: the settings' keys, mistyped keys, and secrets.

Rules:

* A key whose value is None counts as absent, because frameworks preset keys to None.
* ``JWT_KEYS`` takes precedence over ``JWT_SECRET_KEY``, and that over ``SECRET_KEY`` with ``SECRET_KEY_FALLBACKS``.
* An unknown ``PRAETORIAN_`` key raises, because a mistyped setting would silently do nothing. Other keys may belong to
  other libraries, so they raise only if they resemble a known key.
* flask-jwt-extended writes its defaults into Flask's configuration, so only another value of its keys causes a warning.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import cast

from praetorian_core.errors import ConfigurationError
from praetorian_core.messages import type_name
from praetorian_core.token.algorithms import HASH_BYTES, known_algorithm
from praetorian_core.token.keys import Key, KeyRing

_LOG = logging.getLogger("praetorian")

SECRET_KEYS = ("JWT_SECRET_KEY", "JWT_ALGORITHM")
"""Keys of which ``key_ring_from`` makes the attribute ``keys``, beside Flask's own ``SECRET_KEY`` and its fallbacks."""

FLASK_PRAETORIAN_KEYS = frozenset(
    {
        "JWT_ALLOWED_ALGORITHMS",
        "PRAETORIAN_HASH_SCHEME",
        "PRAETORIAN_HASH_ALLOWED_SCHEMES",
        "PRAETORIAN_HASH_DEPRECATED_SCHEMES",
        "PRAETORIAN_HASH_AUTOUPDATE",
        "PRAETORIAN_HASH_AUTOTEST",
        *(
            f"PRAETORIAN_{purpose}_{part}"
            for purpose in ("CONFIRMATION", "RESET")
            for part in ("TEMPLATE", "URI", "SENDER", "SUBJECT", "LIFESPAN")
        ),
    }
)
"""Keys of flask-praetorian that have no effect.

Algorithms are bound to keys, passwords are argon2id, and the application sends its own mail.
"""

FLASK_JWT_EXTENDED_KEYS: dict[str, tuple[object, str]] = {
    "JWT_ACCESS_TOKEN_EXPIRES": (timedelta(minutes=15), "JWT_ACCESS_LIFESPAN"),
    "JWT_REFRESH_TOKEN_EXPIRES": (timedelta(days=30), "JWT_REFRESH_LIFESPAN"),
    "JWT_TOKEN_LOCATION": (("headers",), "JWT_PLACES"),
    "JWT_ACCESS_COOKIE_NAME": ("access_token_cookie", "JWT_COOKIE_NAME"),
    "JWT_COOKIE_DOMAIN": (None, "PRAETORIAN_COOKIE_DOMAIN"),
    "JWT_COOKIE_SAMESITE": (None, "PRAETORIAN_COOKIE_SAMESITE"),
    "JWT_COOKIE_SECURE": (False, "PRAETORIAN_COOKIE_SECURE"),
    "JWT_DECODE_LEEWAY": (0, "JWT_LEEWAY"),
    "JWT_DECODE_AUDIENCE": (None, "JWT_AUDIENCE"),
    "JWT_ENCODE_AUDIENCE": (None, "JWT_AUDIENCE"),
    "JWT_DECODE_ISSUER": (None, "JWT_ISSUER"),
    "JWT_ENCODE_ISSUER": (None, "JWT_ISSUER"),
    "JWT_DECODE_ALGORITHMS": (None, "JWT_KEYS"),
    "JWT_PRIVATE_KEY": (None, "JWT_KEYS"),
    "JWT_PUBLIC_KEY": (None, "JWT_KEYS"),
    "JWT_BLACKLIST_ENABLED": (False, "PRAETORIAN_STORE"),
    "JWT_BLACKLIST_TOKEN_CHECKS": (("access", "refresh"), "PRAETORIAN_CHECK_SESSIONS"),
}
"""Keys of flask-jwt-extended 3 and 4 that have a counterpart: the default that it writes, and the counterpart."""

_OTHERS_KEYS = frozenset({"JWT_CSRF_HEADER_NAME"})
"""Keys of flask-jwt-extended that resemble a known key; it writes its defaults into the same configuration."""

_SHARED_PREFIXES = ("JWT_", "USER_CLASS_", "DISABLE_")
"""Prefixes of known keys that keys of other libraries begin with too."""

_FLASK_KEYS = frozenset({"SECRET_KEY", "SECRET_KEY_FALLBACKS"})

_COMMAND = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'


def values_from(config: Mapping[str, object], attributes: Mapping[str, str]) -> dict[str, object]:
    """Return the configured values by attribute.

    Args:
        config: The framework's configuration.
        attributes: The attribute of each key.

    Raises:
        ConfigurationError: A key is unknown and is, or may be, a mistyped key of Praetorian.
    """
    _check_names(config, frozenset((*attributes, *SECRET_KEYS)))
    return {attributes[key]: config[key] for key in attributes if config.get(key) is not None}


def unknown_name(name: str, known: Iterable[str], kind: str) -> ConfigurationError:
    """Return the error for a name that is not known, with the nearest one that is."""
    nearest = max(sorted(known), key=lambda key: max(_likeness(name, key), _likeness(_stem(name), _stem(key))))
    return ConfigurationError(f"{name} is not {kind}; did you mean {nearest}?")


def _likeness(left: str, right: str) -> float:
    return difflib.SequenceMatcher(None, left, right).ratio()


def _stem(key: str) -> str:
    return key.replace("PRAETORIAN_", "", 1).removeprefix("JWT_")


def _check_names(config: Mapping[str, object], known: frozenset[str]) -> None:
    others = FLASK_PRAETORIAN_KEYS | FLASK_JWT_EXTENDED_KEYS.keys() | _OTHERS_KEYS | _FLASK_KEYS
    for name in config:
        if isinstance(name, str) and name not in known | others and _is_mistyped(name, known):
            raise unknown_name(name, known | _FLASK_KEYS, "a setting of Praetorian")
    _warn(config)


# The names of a framework's own keys are the same for every application, and each comparison takes long.
@lru_cache(maxsize=512)
def _is_mistyped(name: str, known: frozenset[str]) -> bool:
    first = name.partition("_")[0]
    if first == "PRAETORIAN" or difflib.get_close_matches(first, ["PRAETORIAN"], cutoff=0.8):
        return True
    if first == "JWT" and _stem(name) in map(_stem, known):
        return True
    cutoff = 0.8 if name.startswith(_SHARED_PREFIXES) else 0.92
    return bool(difflib.get_close_matches(name, known | {"SECRET_KEY_FALLBACKS"}, n=1, cutoff=cutoff))


def _warn(config: Mapping[str, object]) -> None:
    without_effect = sorted(FLASK_PRAETORIAN_KEYS & config.keys())
    if without_effect:
        _LOG.warning("these settings of flask-praetorian have no effect; remove them: %s", ", ".join(without_effect))
    replaced = [
        f"{key} (set {counterpart})"
        for key, (default, counterpart) in FLASK_JWT_EXTENDED_KEYS.items()
        if config.get(key) is not None and not _is_default(config[key], default) and config.get(counterpart) is None
    ]
    if replaced:
        _LOG.warning("these settings of flask-jwt-extended have no effect here: %s", ", ".join(replaced))


def _is_default(value: object, default: object) -> bool:
    if not isinstance(default, tuple) or not isinstance(value, Iterable):
        return value == default
    expected = cast("tuple[object, ...]", default)
    names = [value] if isinstance(value, str) else list(cast("Iterable[object]", value))
    return all(name in expected for name in names) and all(name in names for name in expected)


def key_ring_from(config: Mapping[str, object]) -> KeyRing:
    """Return the key ring of the configured secrets.

    Raises:
        ConfigurationError: There is no secret, or one that cannot be used. The message shows no secret.
    """
    algorithm = _algorithm(config.get("JWT_ALGORITHM"))
    name = "SECRET_KEY" if config.get("JWT_SECRET_KEY") is None else "JWT_SECRET_KEY"
    secret = config.get(name)
    if secret is None:
        raise ConfigurationError(
            f"SECRET_KEY or JWT_SECRET_KEY must be set; got neither; write what this command prints: {_COMMAND}"
        )
    keys = [_key(name, secret, algorithm)]
    fallbacks = config.get("SECRET_KEY_FALLBACKS") if name == "SECRET_KEY" else None
    if fallbacks is not None:
        if isinstance(fallbacks, str | bytes) or not isinstance(fallbacks, Iterable):
            raise ConfigurationError(
                f"SECRET_KEY_FALLBACKS must be a list of former secrets; got {type_name(fallbacks)}; "
                "write SECRET_KEY_FALLBACKS = [former_secret]"
            )
        formers = cast("Iterable[object]", fallbacks)
        keys += [_key("SECRET_KEY_FALLBACKS", former, algorithm) for former in formers]
    if len({key.kid for key in keys}) < len(keys):
        raise ConfigurationError(
            "SECRET_KEY_FALLBACKS must hold each former secret once, without SECRET_KEY; got a repeated secret; "
            "remove the repetition"
        )
    return KeyRing(keys, signing=keys[0].kid)


def _algorithm(value: object) -> str:
    try:
        # The message does not show an unknown value: it may be a secret that was set under the wrong key.
        algorithm = "HS256" if value is None else known_algorithm(value)
    except ConfigurationError as error:
        raise ConfigurationError(f"JWT_ALGORITHM: {error}") from None
    if algorithm not in HASH_BYTES:
        raise ConfigurationError(
            f"JWT_ALGORITHM must be HS256, HS384 or HS512, which sign with a secret; got {algorithm!r}, which signs "
            f"with a private key; write JWT_KEYS = KeyRing.from_pem(pem, algorithm={algorithm!r})"
        )
    return algorithm


def _key(name: str, secret: object, algorithm: str) -> Key:
    if not isinstance(secret, str | bytes):
        raise ConfigurationError(
            f"{name} must be a str or bytes; got {type_name(secret)}; write what this command prints: {_COMMAND}"
        )
    try:
        return Key.from_secret(secret, algorithm)
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from None
