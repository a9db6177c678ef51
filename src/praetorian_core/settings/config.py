"""Reading of a framework's configuration: the settings' keys, mistyped keys, and secrets.

Rules:

* A key whose value is None counts as absent, because frameworks preset keys to None.
* ``JWT_KEYS`` takes precedence over ``JWT_SECRET_KEY``, and that over ``SECRET_KEY`` with ``SECRET_KEY_FALLBACKS``.
* An unknown ``PRAETORIAN_`` key raises, because a mistyped setting would silently do nothing. Keys with other prefixes
  may belong to other libraries, so they raise only if they resemble a known key.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable, Mapping
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
        "JWT_COOKIE_NAME",
        "JWT_PLACES",
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
"""Keys of flask-praetorian that have no effect: algorithms are bound to keys, tokens are read from the header alone,
passwords are argon2id, and the application sends its own mail."""

_OTHERS_KEYS = frozenset({"JWT_ACCESS_COOKIE_NAME", "JWT_COOKIE_SAMESITE", "JWT_CSRF_HEADER_NAME"})
"""Keys of flask-jwt-extended that resemble a known key; it writes its defaults into the same configuration."""

_SHARED_PREFIXES = ("JWT_", "USER_CLASS_", "DISABLE_")
"""Prefixes of known keys that keys of other libraries begin with too."""

_COMMAND = 'python -c "import secrets; print(secrets.token_urlsafe(48))"'


def values_from(config: Mapping[str, object], attributes: Mapping[str, str]) -> dict[str, object]:
    """Return the configured values by attribute.

    Args:
        config: The framework's configuration.
        attributes: The attribute of each key.

    Raises:
        ConfigurationError: A key is unknown and is, or may be, a mistyped key of Praetorian.
    """
    _check_names(config, {*attributes, *SECRET_KEYS})
    return {attributes[key]: config[key] for key in attributes if config.get(key) is not None}


def unknown_name(name: str, known: Iterable[str], kind: str) -> ConfigurationError:
    """Return the error for a name that is not known, with the nearest one that is."""
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
    return ConfigurationError(f"{name} is not {kind}; did you mean {nearest[0]}?")


def _check_names(config: Mapping[str, object], known: set[str]) -> None:
    without_effect = sorted(FLASK_PRAETORIAN_KEYS & config.keys())
    if without_effect:
        _LOG.warning("these settings of flask-praetorian have no effect; remove them: %s", ", ".join(without_effect))
    for name in config:
        if not isinstance(name, str) or name in known | FLASK_PRAETORIAN_KEYS | _OTHERS_KEYS:
            continue
        if name.startswith("PRAETORIAN_"):
            raise unknown_name(name, (key for key in known if "PRAETORIAN" in key), "a setting of Praetorian")
        if name.startswith(_SHARED_PREFIXES) and difflib.get_close_matches(name, known, n=1, cutoff=0.8):
            raise unknown_name(name, known, "a setting of Praetorian")


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
