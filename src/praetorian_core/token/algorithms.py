"""The supported algorithms and the keys that each of them needs.

Names are compared exactly and case-sensitively (RFC 7515 §4.1.1). ``none`` is not supported (RFC 8725 §3.2).
"""

from __future__ import annotations

from praetorian_core.errors import ConfigurationError

# The output size of each hash in bytes (RFC 7518 §3.2).
HASH_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}

# For each algorithm: the "kty" of its keys, and RSA or the allowed curves (RFC 7518 §3.3-3.5 and §6.1, RFC 8037 §2).
_RSA = ("RSA", ("RSA",))
_PAIRS: dict[str, tuple[str, tuple[str, ...]]] = {
    "RS256": _RSA,
    "RS384": _RSA,
    "RS512": _RSA,
    "PS256": _RSA,
    "PS384": _RSA,
    "PS512": _RSA,
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519", "Ed448")),
}

ALGORITHMS = (*HASH_BYTES, *_PAIRS)
"""The supported algorithms, named as in RFC 7518 and RFC 8037."""

HOW_TO_MAKE = {
    "RSA": "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem",
    "P-256": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
    "P-384": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem",
    "P-521": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out key.pem",
    "Ed25519": "openssl genpkey -algorithm ed25519 -out key.pem",
}
"""For each type of key pair, the command that generates one."""


def known_algorithm(algorithm: object) -> str:
    """Return the name of a supported algorithm.

    Raises:
        ConfigurationError: It is not one of ``ALGORITHMS``.
    """
    if not isinstance(algorithm, str):
        found = type(algorithm).__name__
    elif algorithm in ALGORITHMS:
        return algorithm
    elif algorithm.lower() == "none":
        found = "'none', which accepts every token"
    else:
        # Not shown: it is a secret if two arguments were swapped.
        found = "another text"
    raise ConfigurationError(
        f"the algorithm must be a supported one; got {found}; write exactly one of: {', '.join(ALGORITHMS)}"
    )


def hash_bytes(algorithm: object) -> int:
    """Return the output size of an HMAC algorithm's hash, in bytes.

    Raises:
        ConfigurationError: It is not an HMAC algorithm.
    """
    name = known_algorithm(algorithm)
    if name not in HASH_BYTES:
        raise ConfigurationError(
            f"{name} needs a key pair, not a secret; write KeyRing.from_pem(pem, algorithm={name!r}), or an algorithm for "
            f"secrets: {', '.join(HASH_BYTES)}"
        )
    return HASH_BYTES[name]


def pair_algorithm(algorithm: object) -> str:
    """Return the name of an algorithm for key pairs.

    Raises:
        ConfigurationError: It is an HMAC algorithm, or not supported.
    """
    name = known_algorithm(algorithm)
    if name not in _PAIRS:
        raise ConfigurationError(
            f"{name} needs a secret, not a key pair: with a public key as the secret, anyone could sign tokens; write one "
            f"of: {', '.join(_PAIRS)}"
        )
    return name


def key_type(algorithm: str) -> str:
    """Return the ``kty`` of a JWK for this algorithm (RFC 7518 §6.1)."""
    return "oct" if algorithm in HASH_BYTES else _PAIRS[algorithm][0]


def require_kind(algorithm: str, kind: str) -> None:
    """Raise unless a key pair of this type can be used with an algorithm.

    Args:
        algorithm: An algorithm for key pairs.
        kind: ``RSA`` or the name of a curve.

    Raises:
        ConfigurationError: It cannot; the text names an algorithm for this key, if there is one.
    """
    wanted = _PAIRS[algorithm][1]
    if kind not in wanted:
        matching = [name for name, (_, kinds) in _PAIRS.items() if kind in kinds]
        raise ConfigurationError(
            f"the key for {algorithm} must be {' or '.join(wanted)}; got {kind}; write "
            + (f"algorithm={matching[0]!r}, or " if matching else "")
            + f"a new key: {HOW_TO_MAKE[wanted[0]]}"
        )
