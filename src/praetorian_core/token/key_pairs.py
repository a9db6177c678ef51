"""Loads PEM keys, and checks the type and the strength of a public key.

``keys`` binds them to algorithms. ``cryptography`` is imported when a key is loaded, not with this module; the caller
has checked that it is installed.

Messages name the form and the size of a key, never a part of it, and no exception of ``cryptography`` is kept as a
cause.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from praetorian_core.errors import ConfigurationError
from praetorian_core.token.algorithms import HOW_TO_MAKE
from praetorian_core.token.weak_secrets import to_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")  # RFC 7468 §3
_ESCAPED_BREAKS = re.compile(rb"\\[rn]")
_PRIVATE_LABELS = ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY")
_PUBLIC_LABELS = ("PUBLIC KEY", "RSA PUBLIC KEY")
_ADVICE_BY_LABEL = {
    "CERTIFICATE": "write its public key: openssl x509 -in cert.pem -pubkey -noout",
    "TRUSTED CERTIFICATE": "write its public key: openssl x509 -in cert.pem -pubkey -noout",
    "CERTIFICATE REQUEST": "write its public key: openssl req -in request.pem -pubkey -noout",
    "OPENSSH PRIVATE KEY": "convert it: ssh-keygen -p -m PKCS8 -f key",
}

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}  # RFC 7518 §6.2.1.1

_RSA_BITS = 2048  # RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used"
_RSA_EXPONENT = 65537  # FIPS 186-5 §5.1: 2^16 < e, and odd, which cryptography checks

# CVE-2017-15361, "ROCA": Infineon's library generated primes k * M + (65537^a mod M), so the modulus is a power of 65537
# modulo every small prime that divides M, and each M is divisible by all primes up to 167. Nemec et al., "The Return of
# Coppersmith's Attack" (CCS 2017) §3; their detector is github.com/crocs-muni/roca. A sound modulus has this property
# once in 2^27.8 keys.
_ROCA_PRIMES = [r for r in range(3, 168, 2) if all(r % divisor for divisor in range(3, r, 2))]


def load_pem(pem: str | bytes, password: str | bytes | None) -> tuple[PrivateKeyTypes | None, PublicKeyTypes]:
    """Return the private key, if the PEM block holds one, and the public key.

    Args:
        pem: Exactly one block: PKCS #8, PKCS #1, SEC 1 or SubjectPublicKeyInfo.
        password: Only for an encrypted private key.

    Raises:
        ConfigurationError: There is no such block, or it cannot be loaded.
    """
    from cryptography.hazmat.primitives.serialization import (
        load_pem_private_key,
        load_pem_public_key,
    )

    octets = to_bytes(pem, "the PEM")
    secret = None if password is None else to_bytes(password, "the PEM's password")
    label = _single_label(octets)
    encrypted = label.startswith("ENCRYPTED") or b"Proc-Type: 4,ENCRYPTED" in octets
    if encrypted and secret is None:
        raise ConfigurationError("the private key in the PEM is encrypted; write password=...")
    if secret is not None and not encrypted:
        raise ConfigurationError("the key in the PEM is not encrypted; leave password out")
    try:
        if label in _PUBLIC_LABELS:
            return None, load_pem_public_key(octets)
        private = load_pem_private_key(octets, secret)
        return private, private.public_key()
    except Exception:  # noqa: BLE001, S110 - the error below covers every reason
        pass
    raise ConfigurationError(
        f"the {label} of the PEM cannot be loaded: "
        + ("the password is wrong, or it" if encrypted else "it")
        + " is damaged or of an unsupported type; write the unchanged content of the key's file: "
        "pathlib.Path(...).read_text()"
    )


def public_key_kind(public: PublicKeyTypes) -> str:
    """Return the type of a public key, after checking an RSA key's strength.

    Returns:
        ``RSA``, the curve's name as in a JWK, or another name for an unsupported type.

    Raises:
        ConfigurationError: The RSA numbers are too small or come from a broken generator.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(public, RSAPublicKey):
        _check_rsa(public.public_numbers())
        return "RSA"
    if isinstance(public, EllipticCurvePublicKey):
        return _CURVES.get(public.curve.name, public.curve.name)
    return type(public).__name__.removesuffix("PublicKey")


def _check_rsa(numbers: RSAPublicNumbers) -> None:
    advice = f"generate a new key: {HOW_TO_MAKE['RSA']}"
    if (bits := numbers.n.bit_length()) < _RSA_BITS:
        raise ConfigurationError(
            f"the RSA key must have {_RSA_BITS} bits or more (RFC 7518 §3.3); got {bits}; {advice}"
        )
    if numbers.e < _RSA_EXPONENT:
        raise ConfigurationError(
            f"the public exponent of the RSA key must be {_RSA_EXPONENT} or more (FIPS 186-5 §5.1); got {numbers.e}; {advice}"
        )
    if all(numbers.n % r in {pow(65537, a, r) for a in range(r)} for r in _ROCA_PRIMES):
        raise ConfigurationError(
            "the RSA key has the fingerprint of the ROCA generator, so its private part can be computed "
            f"(CVE-2017-15361); {advice}"
        )


def _single_label(octets: bytes) -> str:
    labels: list[str] = [label.decode() for label in _LABEL.findall(octets)]
    # ``openssl ecparam -genkey`` writes a separate block with the curve's name before the key.
    labels = [label for label in labels if label != "EC PARAMETERS"]
    if not labels:
        raise ConfigurationError(f"the PEM holds no block{_advice_without_block(octets)}")
    if len(labels) > 1:
        raise ConfigurationError(
            f"the PEM holds {len(labels)} blocks ({', '.join(labels)}); write only the block of the key"
        )
    if labels[0] not in _PRIVATE_LABELS + _PUBLIC_LABELS:
        advice = _ADVICE_BY_LABEL.get(labels[0], "write a PRIVATE KEY or PUBLIC KEY block")
        raise ConfigurationError(f"the block of the PEM is {labels[0]}, not a supported key; {advice}")
    if _ESCAPED_BREAKS.search(octets):
        # re.sub, because a break may be \r\n, and a second layer of configuration doubles its backslashes.
        raise ConfigurationError(
            r"""the PEM must have line breaks; got escaped ones; write re.sub(r"(\\+[rn])+", "\n", pem)"""
        )
    return labels[0]


def _advice_without_block(octets: bytes) -> str:
    text = octets.lstrip()
    if text.startswith((b"ssh-", b"ecdsa-sha2-")):
        return " but an SSH key; convert it: ssh-keygen -e -m PKCS8 -f key.pub"
    if text.startswith((b"{", b"[")):
        return " but JSON; write KeyRing.from_jwks"
    return (
        "; write the content of a file that begins with -----BEGIN PRIVATE KEY----- or -----BEGIN PUBLIC KEY-----, not "
        "its path: pathlib.Path(...).read_text()"
    )
