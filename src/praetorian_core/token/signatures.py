"""Signature functions over PyJWT's ``Algorithm`` objects, with keys that are prepared once.

PyJWT and ``cryptography`` are imported when the first key is created, not with this module, and HMAC needs only PyJWT.
No message holds key material, and no exception of these libraries is kept as a cause, because it may carry the key.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from praetorian_core.errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from jwt.algorithms import Algorithm

Verify = Callable[[bytes, bytes], bool]
"""``verify(message, signature)``: whether the signature is valid; False for malformed bytes too."""

Sign = Callable[[bytes], bytes]
"""``sign(message)``: the signature of the message."""


def hmac_functions(algorithm: str, secret: bytes) -> tuple[Verify, Sign]:
    """Return the functions of an HMAC secret.

    Raises:
        ConfigurationError: PyJWT takes the secret for a key or a certificate.
    """
    from jwt.exceptions import InvalidKeyError

    engine = _engine(algorithm)
    try:
        prepared = engine.prepare_key(secret)
    except InvalidKeyError:
        pass
    else:
        return _verifier(engine, prepared), _signer(engine, prepared)
    raise ConfigurationError(
        "PyJWT takes the HMAC secret for a key or a certificate; write a random secret, or load the key with "
        "KeyRing.from_pem"
    )


def verify_function(algorithm: str, public: PublicKeyTypes) -> Verify:
    """Return the function that verifies with a public key."""
    engine = _engine(algorithm)
    return _verifier(engine, engine.prepare_key(public))


def sign_function(algorithm: str, private: PrivateKeyTypes) -> Sign:
    """Return the function that signs with a private key."""
    engine = _engine(algorithm)
    return _signer(engine, engine.prepare_key(private))


def refusing_function(kid: str, algorithm: str) -> Sign:
    """Return the function in the place of ``sign`` for a key that only verifies."""

    def refuse(_message: bytes) -> NoReturn:
        raise ConfigurationError(
            f"key {kid!r} only verifies: it has no private part to sign {algorithm} with; load the private key, or a "
            'JWK whose "key_ops" have "sign"'
        )

    return refuse


def public_members(algorithm: str, public: PublicKeyTypes) -> dict[str, str]:
    """Return the members of a public key's JWK that its ``kty`` requires (RFC 7638 §3.2)."""
    members = _engine(algorithm).to_jwk(public, as_dict=True)
    # PyJWT adds it for RSA keys only; the published JWK has "use" instead.
    members.pop("key_ops", None)
    return members


def load_jwk_pair(algorithm: str, members: dict[str, object]) -> tuple[PrivateKeyTypes | None, PublicKeyTypes]:
    """Return the private key, if the JWK has one, and the public key.

    Raises:
        ConfigurationError: The members are not a key for this algorithm.
    """
    engine = _engine(algorithm)
    try:
        loaded = engine.from_jwk(members)
        private = loaded if hasattr(loaded, "public_key") else None
        public = loaded if private is None else private.public_key()
        # PyJWT before 2.15 does not check on Ed25519 and Ed448 that both halves belong together.
        if engine.to_jwk(public, as_dict=True).get("x") == members.get("x"):
            return private, public
    except Exception:  # noqa: BLE001, S110 - the error below covers every reason
        pass
    raise ConfigurationError(
        f"the JWK for {algorithm} is incomplete, inconsistent or on an unsupported curve; write the JWK as its "
        "generator printed it"
    )


def require_cryptography(algorithm: str) -> None:
    """Raise unless the package ``cryptography`` is installed.

    Raises:
        ConfigurationError: It is not; the text names the extra.
    """
    from jwt.algorithms import has_crypto

    if not has_crypto:
        raise ConfigurationError(
            f"{algorithm} needs the package cryptography, which is not installed; write: "
            'pip install "praetorian-core[asymmetric]"'
        )


def _engine(algorithm: str) -> Algorithm:
    from jwt.algorithms import get_default_algorithms

    return get_default_algorithms()[algorithm]


def _verifier(engine: Algorithm, prepared: object) -> Verify:
    verify = engine.verify

    def verifies(message: bytes, signature: bytes) -> bool:
        try:
            return verify(message, prepared, signature)
        except Exception:  # noqa: BLE001 - malformed bytes are a wrong signature, whatever the library raises
            return False

    return verifies


def _signer(engine: Algorithm, prepared: object) -> Sign:
    sign = engine.sign

    def signature_of(message: bytes) -> bytes:
        return sign(message, prepared)

    return signature_of
