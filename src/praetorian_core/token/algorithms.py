"""Which algorithms there are, and what each of them needs for a key.

The names are compared exactly and with letter case, as RFC 7515 §4.1.1 wants it, and ``none`` is
not among them in any spelling (RFC 8725 §3.2).
"""

from __future__ import annotations

from typing import NoReturn

from praetorian_core.errors import ConfigurationError

# The length of each hash in bytes (RFC 7518 §3.2).
HASH_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}

# "kty" and the kinds of key that fit (RFC 7518 §3.3-3.5 and §6.1, RFC 8037 §2).
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
"""The algorithms that a key may have, spelled as in RFC 7518 and RFC 8037."""

HOW_TO_MAKE = {
    "RSA": "openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:3072 -out key.pem",
    "P-256": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
    "P-384": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem",
    "P-521": "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-521 -out key.pem",
    "Ed25519": "openssl genpkey -algorithm ed25519 -out key.pem",
}
"""For each kind of key pair, the command that makes a good one."""


def known_algorithm(algorithm: object) -> str:
    """Return the name of an algorithm that we have, or refuse it.

    Raises:
        ConfigurationError: it is not one of ``ALGORITHMS``.
    """
    if not isinstance(algorithm, str):
        found = f"of type {type(algorithm).__name__}"
    elif algorithm in ALGORITHMS:
        return algorithm
    elif algorithm.lower() == "none":
        found = "'none', with which every token would be good"
    else:
        # If two arguments were swapped, it is a secret: it is not repeated.
        found = "not one that we know"
    raise ConfigurationError(f"the algorithm is {found}; write one of these, exactly: {', '.join(ALGORITHMS)}")


def hash_bytes(algorithm: object) -> int:
    """Return the length of the hash of an HMAC algorithm, in bytes.

    Raises:
        ConfigurationError: it is not one of HMAC.
    """
    name = known_algorithm(algorithm)
    if name not in HASH_BYTES:
        raise ConfigurationError(
            f"{name} needs a key pair, not a secret; write KeyRing.from_pem(pem, "
            f"algorithm={name!r}), or an algorithm for secrets: {', '.join(HASH_BYTES)}"
        )
    return HASH_BYTES[name]


def pair_algorithm(algorithm: object) -> str:
    """Return the name of an algorithm that works with key pairs.

    Raises:
        ConfigurationError: it is not one of those.
    """
    name = known_algorithm(algorithm)
    if name not in _PAIRS:
        raise ConfigurationError(
            f"{name} needs a secret, not a key pair: a public key taken for a secret lets "
            f"everybody mint tokens; write one of: {', '.join(_PAIRS)}"
        )
    return name


def key_type(algorithm: str) -> str:
    """Return the ``kty`` that a JWK for this algorithm has (RFC 7518 §6.1)."""
    return "oct" if algorithm in HASH_BYTES else _PAIRS[algorithm][0]


def require_kind(algorithm: str, kind: str) -> None:
    """Check that a key pair of this kind fits an algorithm.

    Args:
        algorithm: One that works with key pairs.
        kind: ``RSA`` or the name of a curve.

    Raises:
        ConfigurationError: it does not; the text says which algorithm it fits, if any.
    """
    wanted = _PAIRS[algorithm][1]
    if kind not in wanted:
        _refuse_kind(algorithm, kind, wanted)


def _refuse_kind(algorithm: str, kind: str, wanted: tuple[str, ...]) -> NoReturn:
    fitting = [name for name, (_, kinds) in _PAIRS.items() if kind in kinds]
    raise ConfigurationError(
        f"the key is {kind}; {algorithm} needs {' or '.join(wanted)}; write "
        + (f"algorithm={fitting[0]!r}, or " if fitting else "")
        + f"make another key: {HOW_TO_MAKE[wanted[0]]}"
    )
