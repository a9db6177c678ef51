"""What a private or public key is, and whether it is strong enough: PEM, kind, RSA numbers.

Signing is not decided here, and no algorithm is bound: see ``keys``. ``cryptography`` is imported
when a key is looked at, not with this module; the caller has made sure that it is there.

Messages name the form and the size of a key, never a part of it, and no exception of
``cryptography`` is kept as a cause.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from praetorian_core.errors import ConfigurationError

from .algorithms import HOW_TO_MAKE
from .weak_secrets import to_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

_LABEL = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----")  # RFC 7468 §3
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
_RSA_EXPONENT = 65537  # FIPS 186-5 §5.1: 2^16 < e; that it is odd, cryptography checks

# CVE-2017-15361, "ROCA": Infineon's library made primes k * M + (65537^a mod M), so the modulus is
# a power of 65537 modulo every small prime that divides M, and each M is divisible by all primes up
# to 167. Nemec et al., "The Return of Coppersmith's Attack" (CCS 2017) §3; their detector is
# github.com/crocs-muni/roca. An honest modulus looks like that once in 2^27.8 keys.
_ROCA_PRIMES = [r for r in range(3, 168, 2) if all(r % divisor for divisor in range(3, r, 2))]


def load_pem(pem: str | bytes, password: str | bytes | None) -> tuple[PrivateKeyTypes | None, PublicKeyTypes]:
    """Return the private half, if the PEM block holds it, and the public half.

    Args:
        pem: Exactly one block, PKCS #8, PKCS #1, SEC 1 or SubjectPublicKeyInfo.
        password: Only for an encrypted private key.

    Raises:
        ConfigurationError: there is no such block, or it cannot be read.
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
    except Exception:  # noqa: BLE001, S110 - whatever the reason, it is told below
        pass
    raise ConfigurationError(
        f"the {label} of the PEM cannot be read: "
        + ("the password is wrong, or it" if encrypted else "it")
        + " is damaged or of a kind that we do not know; write the content of the key's file "
        "unchanged: pathlib.Path(...).read_text()"
    )


def vet_public(public: PublicKeyTypes) -> str:
    """Return what kind of key it is, and refuse an RSA key that is too weak.

    Returns:
        ``RSA``, or the curve's name as JWKs write it, or another name for what we do not use.

    Raises:
        ConfigurationError: RSA numbers that are too small or come from a broken generator.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    if isinstance(public, RSAPublicKey):
        _vet_rsa(public.public_numbers())
        return "RSA"
    if isinstance(public, EllipticCurvePublicKey):
        return _CURVES.get(public.curve.name, public.curve.name)
    return type(public).__name__.removesuffix("PublicKey")


def _vet_rsa(numbers: RSAPublicNumbers) -> None:
    advice = f"make another key: {HOW_TO_MAKE['RSA']}"
    if (bits := numbers.n.bit_length()) < _RSA_BITS:
        raise ConfigurationError(f"the RSA key is {bits} bits; {_RSA_BITS} are needed (RFC 7518 §3.3); {advice}")
    if numbers.e < _RSA_EXPONENT:
        raise ConfigurationError(
            f"the public exponent of the RSA key is {numbers.e}; {_RSA_EXPONENT} or more is needed "
            f"(FIPS 186-5 §5.1); {advice}"
        )
    if all(numbers.n % r in {pow(65537, a, r) for a in range(r)} for r in _ROCA_PRIMES):
        raise ConfigurationError(
            "the RSA key bears the fingerprint of the ROCA generator, so its private part can be "
            f"computed (CVE-2017-15361); {advice}"
        )


def _single_label(octets: bytes) -> str:
    labels: list[str] = [label.decode() for label in _LABEL.findall(octets)]
    # ``openssl ecparam -genkey`` writes the curve's name in a block of its own before the key.
    labels = [label for label in labels if label != "EC PARAMETERS"]
    if not labels:
        raise ConfigurationError(f"the PEM holds no block{_advice_without_block(octets)}")
    if len(labels) > 1:
        raise ConfigurationError(f"the PEM holds {len(labels)} blocks ({', '.join(labels)}); write the one of the key")
    if labels[0] not in _PRIVATE_LABELS + _PUBLIC_LABELS:
        advice = _ADVICE_BY_LABEL.get(labels[0], "write a PRIVATE KEY or PUBLIC KEY block")
        raise ConfigurationError(f"the block of the PEM is {labels[0]}, not a key we read; {advice}")
    if b"\\n" in octets:
        raise ConfigurationError(
            r"the PEM's line breaks are written as backslash and n; write pem.replace('\\n', '\n')"
        )
    return labels[0]


def _advice_without_block(octets: bytes) -> str:
    text = octets.lstrip()
    if text.startswith((b"ssh-", b"ecdsa-sha2-")):
        return " but an SSH key; convert it: ssh-keygen -e -m PKCS8 -f key.pub"
    if text.startswith((b"{", b"[")):
        return " but JSON; write KeyRing.from_jwks"
    return (
        "; write the content of a file that begins with -----BEGIN PRIVATE KEY----- or "
        "-----BEGIN PUBLIC KEY-----, not its path: pathlib.Path(...).read_text()"
    )
