"""Which keys may sign and verify: each bound to one algorithm, vetted once, at birth.

A key that is accepted here is trusted by everything above: the gate compares a token's ``alg`` with
``Key.algorithm``, looks its ``kid`` up in a ``KeyRing`` and calls ``Key.verifies``. So each way to
misuse a key is refused before the first request (RFC 8725 §3.1, §3.2, §3.5; RFC 7517; RFC 7518):

* an algorithm outside ``ALGORITHMS``, ``none`` before all;
* a secret that is no secret: see ``weak_secrets``;
* a key of another kind than its algorithm needs, or too weak: see ``key_pairs``;
* a JWK that says of itself that it is for something else;
* a ring that knows one ``kid`` twice, or mixes HMAC with public keys.

Signatures are made and checked by PyJWT's ``Algorithm`` objects, with keys that were prepared once.
PyJWT and ``cryptography`` are imported when the first key is made, not with this module, and HMAC
needs PyJWT only. No message holds key material, and no foreign exception is kept as a cause, since
those carry the document that they failed on.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import attrs

from praetorian_core.errors import ConfigurationError

from .algorithms import ALGORITHMS, hash_bytes, pair_algorithm, require_kind
from .jwk import JWK, read_jwk, read_jwks, thumbprint, to_base64url
from .key_pairs import load_pem, vet_public
from .weak_secrets import vet_secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
    from jwt.algorithms import Algorithm

__all__ = ["ALGORITHMS", "Key", "KeyRing", "generate_secret"]

_KID = re.compile(r"[\x20-\x7e]{1,128}")
_DEFAULT_KID_LENGTH = 11  # of the 43 characters of a thumbprint


def generate_secret(algorithm: str = "HS256") -> str:
    """Return a new random secret of URL-safe characters, to be kept where secrets are kept.

    Args:
        algorithm: The HMAC algorithm it is for; it has as many random bytes as the hash, or more.

    Raises:
        ConfigurationError: the algorithm is not one of HMAC.
    """
    return secrets.token_urlsafe(max(48, hash_bytes(algorithm)))


@attrs.frozen(kw_only=True, eq=False)
class Key:
    """One key, bound to one algorithm; made by ``from_secret``, ``from_pem`` or ``from_jwk``.

    Attributes:
        kid: The name that tokens carry (RFC 7515 §4.1.4).
        algorithm: One of ``ALGORITHMS``, and the only one that this key is ever used with.
        can_sign: Whether the secret or the private part is here.
        symmetric: Whether it is an HMAC key: whoever can verify with it could also sign.
        verifies: ``verifies(message, signature) -> bool``, False for any bytes that do not fit.
    """

    kid: str
    algorithm: str
    can_sign: bool
    symmetric: bool = attrs.field(repr=False)
    # Functions in slots: the hot path saves a look-up and a frame, and key material lives in their
    # closures alone, where neither repr nor asdict nor a dump of attributes finds it.
    verifies: Callable[[bytes, bytes], bool] = attrs.field(repr=False)
    _sign: Callable[[bytes], bytes] = attrs.field(repr=False, alias="sign")
    _public: Mapping[str, str] | None = attrs.field(repr=False, alias="public")

    @classmethod
    def from_secret(cls, secret: str | bytes, algorithm: str = "HS256", kid: str | None = None) -> Key:
        """Make an HMAC key.

        Args:
            secret: At least as many bytes as the hash has, used as they are; text is UTF-8.
            algorithm: ``HS256``, ``HS384`` or ``HS512``.
            kid: 1 to 128 printable ASCII characters; by default the start of the thumbprint.

        Raises:
            ConfigurationError: one of these cannot be used; the text says what to write.

        See:
            RFC 7518 §3.2, RFC 7638.
        """
        return _hmac_key(secret, algorithm, kid, may_sign=True)

    @classmethod
    def from_pem(
        cls,
        pem: str | bytes,
        algorithm: str,
        kid: str | None = None,
        password: str | bytes | None = None,
    ) -> Key:
        """Make a key from a PEM block: a private one signs and verifies, a public one verifies.

        Args:
            pem: Exactly one block, PKCS #8, PKCS #1, SEC 1 or SubjectPublicKeyInfo.
            algorithm: One of ``ALGORITHMS`` that the key fits.
            kid: 1 to 128 printable ASCII characters; by default the start of the thumbprint.
            password: Only for an encrypted private key.

        Raises:
            ConfigurationError: one of these cannot be used; the text says what to write.
        """
        _require_cryptography(pair_algorithm(algorithm))
        private, public = load_pem(pem, password)
        return _pair_key(private, public, algorithm, kid)

    @classmethod
    def from_jwk(cls, document: Mapping[str, object]) -> Key:
        """Make a key from a JWK: ``oct``, private or public.

        Args:
            document: The parsed JWK. It has to say its ``alg``; ``use`` and ``key_ops`` are obeyed
                and members unknown to us ignored.

        Raises:
            ConfigurationError: the JWK cannot be used; the text says what to write.

        See:
            RFC 7517 §4, RFC 7518 §6, RFC 8037 §2.
        """
        return _jwk_key(read_jwk(document))

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message.

        Raises:
            ConfigurationError: this key only verifies.
        """
        return self._sign(message)

    def public_jwk(self) -> dict[str, str] | None:
        """Return the public part as a JWK with ``kid``, ``alg`` and ``use``; None for HMAC."""
        return None if self._public is None else dict(self._public)

    def __copy__(self) -> Key:
        """Return the key itself: it cannot change, and its secret need not be twice in memory."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Key:
        """Return the key itself, as ``copy`` does."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: the secret stays in this process."""
        raise TypeError("a key cannot be pickled; make it anew from its source where it is needed")


def _members(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Check what a ring is made of, and that it goes together."""
    if isinstance(keys, Key):
        raise ConfigurationError("keys is a single key; write KeyRing([key])")
    if not isinstance(keys, Iterable):
        raise ConfigurationError(f"keys is of type {type(keys).__name__}; write KeyRing([key, ...])")
    members = tuple(keys)
    if not members:
        raise ConfigurationError("the key ring has no keys; write KeyRing([key, ...])")
    for key in members:
        if not isinstance(key, Key):
            raise ConfigurationError(
                f"the key ring is given a {type(key).__name__} where a Key is expected; write "
                "Key.from_secret, Key.from_pem or Key.from_jwk"
            )
    if len({key.kid for key in members}) < len(members):
        raise ConfigurationError(
            f"two keys of the key ring have the same kid ({_listed(members)}), so a token would "
            "not say which one it means; write another kid= for one of them or leave one out"
        )
    if len({key.symmetric for key in members}) > 1:  # CVE-2015-9235, CVE-2024-37568
        raise ConfigurationError(
            f"the key ring mixes HMAC and public keys ({_listed(members)}); write one ring for each family"
        )
    return members


def _choose_signing(keys: Sequence[Key], kid: str | None) -> Key | None:
    able = [key for key in keys if key.can_sign]
    if kid is None:
        if len(able) > 1:
            raise ConfigurationError(
                f"{len(able)} keys of the key ring can sign; write signing= with the kid of the "
                f"one that does: {_listed(able)}"
            )
        return able[0] if able else None
    named = [key for key in keys if key.kid == kid]
    if not named:
        raise ConfigurationError(
            f"the key ring has no key of the kid that signing= names; write the kid of one of these: {_listed(keys)}"
        )
    if not named[0].can_sign:
        raise ConfigurationError(
            f"key {kid!r}, named by signing=, only verifies: what it signs with is not here; "
            "load the private key, or leave signing= out"
        )
    return named[0]


@attrs.frozen(eq=False, repr=False)
class KeyRing:
    """Several keys that verify, of which at most one signs: ``KeyRing(keys, signing=None)``.

    To change keys, add the new one as the signing one, and leave the old one out when the last of
    its tokens is dead.

    Args:
        keys: One or more, no ``kid`` twice, all of them HMAC keys or none.
        signing: The ``kid`` of the key that signs; may be left out where no more than one can.

    Attributes:
        keys: All keys, in the order given.
        signing: The key that signs, or None on a ring that only verifies.
        symmetric: Whether these are HMAC keys.

    Raises:
        ConfigurationError: the keys do not go together; the text says why and what to write.
    """

    keys: tuple[Key, ...] = attrs.field(converter=_members)
    _signing_kid: str | None = attrs.field(default=None, alias="signing")
    # All below follow from these two.
    signing: Key | None = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda ring: _choose_signing(ring.keys, ring._signing_kid),  # noqa: SLF001 - its own
            takes_self=True,
        ),
    )
    symmetric: bool = attrs.field(
        init=False, default=attrs.Factory(lambda ring: ring.keys[0].symmetric, takes_self=True)
    )
    _by_kid: dict[str, Key] = attrs.field(
        init=False,
        default=attrs.Factory(lambda ring: {key.kid: key for key in ring.keys}, takes_self=True),
    )

    @classmethod
    def from_secret(cls, secret: str | bytes, algorithm: str = "HS256", kid: str | None = None) -> KeyRing:
        """Make a ring of one HMAC key; arguments and errors are those of ``Key.from_secret``."""
        return cls([Key.from_secret(secret, algorithm, kid)])

    @classmethod
    def from_pem(
        cls,
        pem: str | bytes,
        *,
        algorithm: str,
        kid: str | None = None,
        password: str | bytes | None = None,
    ) -> KeyRing:
        """Make a ring of one key; arguments and errors are those of ``Key.from_pem``."""
        return cls([Key.from_pem(pem, algorithm, kid, password)])

    @classmethod
    def from_jwks(cls, document: Mapping[str, object] | str, signing: str | None = None) -> KeyRing:
        """Make a ring from a JWK Set.

        Args:
            document: The parsed set or its JSON text.
            signing: The ``kid`` of the key that signs; may be left out where no more than one can.

        Raises:
            ConfigurationError: the set or one of its keys cannot be used. No key is passed over in
                silence: what is meant for another purpose has to be left out.

        See:
            RFC 7517 §5.
        """
        jwks = read_jwks(document)
        return cls([_numbered_jwk(jwk, number) for number, jwk in enumerate(jwks)], signing)

    def find(self, kid: str) -> Key | None:
        """Return the key of exactly this name, or None."""
        return self._by_kid.get(kid)

    def signing_key(self) -> Key:
        """Return the key that signs.

        Raises:
            ConfigurationError: this ring only verifies.
        """
        if self.signing is None:
            raise ConfigurationError(
                f"the key ring only verifies: no private part of its keys ({_listed(self.keys)}) "
                "is here; to issue tokens, load the private key with KeyRing.from_pem"
            )
        return self.signing

    def to_jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public parts as a JWK Set to publish; HMAC keys never appear in it."""
        jwks = (key.public_jwk() for key in self.keys)
        return {"keys": [jwk for jwk in jwks if jwk is not None]}

    def __repr__(self) -> str:
        """Show names and algorithms only."""
        signing = None if self.signing is None else self.signing.kid
        return f"KeyRing({_listed(self.keys)}; {signing=})"

    def __copy__(self) -> KeyRing:
        """Return the ring itself: it cannot change."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> KeyRing:
        """Return the ring itself, as ``copy`` does."""
        return self

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled: secrets stay in this process."""
        raise TypeError("a key ring cannot be pickled; make it anew from its source")


def _listed(keys: Sequence[Key]) -> str:
    return ", ".join(f"{key.kid!r} {key.algorithm}" for key in keys)


# How keys are made. Two families, and no way that leads from one into the other.


def _hmac_key(secret: str | bytes, algorithm: str, kid: object, *, may_sign: bool) -> Key:
    octets = vet_secret(secret, algorithm=algorithm, minimum=hash_bytes(algorithm))
    # Of the thumbprint of a secret 66 bits become public. They allow to test guesses at the secret,
    # and so does every token; a secret of 256 bits is not found with either.
    name = _vet_kid(kid, thumbprint({"k": to_base64url(octets), "kty": "oct"}))
    if octets in name.encode():
        raise ConfigurationError("kid holds the secret, and every token shows it; leave kid out")
    engine = _engine(algorithm)
    prepared = _prepared_secret(engine, octets)
    return Key(
        kid=name,
        algorithm=algorithm,
        can_sign=may_sign,
        symmetric=True,
        verifies=_verifier(engine, prepared),
        sign=_signer(engine, prepared) if may_sign else _refuser(name, algorithm),
        public=None,
    )


def _pair_key(private: PrivateKeyTypes | None, public: PublicKeyTypes, algorithm: str, kid: object) -> Key:
    require_kind(algorithm, vet_public(public))
    engine = _engine(algorithm)
    jwk = engine.to_jwk(public, as_dict=True)
    jwk.pop("key_ops", None)  # PyJWT gives it to RSA keys only; "use" says as much
    name = _vet_kid(kid, thumbprint(jwk))
    return Key(
        kid=name,
        algorithm=algorithm,
        can_sign=private is not None,
        symmetric=False,
        # PyJWT verifies with the public half of RSA keys only, and derives others each time.
        verifies=_verifier(engine, engine.prepare_key(public)),
        sign=(_refuser(name, algorithm) if private is None else _signer(engine, engine.prepare_key(private))),
        public={**jwk, "kid": name, "alg": algorithm, "use": "sig"},
    )


def _jwk_key(jwk: JWK) -> Key:
    if jwk.secret is not None:
        return _hmac_key(jwk.secret, jwk.algorithm, jwk.kid, may_sign=jwk.may_sign)
    _require_cryptography(jwk.algorithm)
    private, public = _load_jwk(jwk)
    return _pair_key(private if jwk.may_sign else None, public, jwk.algorithm, jwk.kid)


def _load_jwk(jwk: JWK) -> tuple[PrivateKeyTypes | None, PublicKeyTypes]:
    engine = _engine(jwk.algorithm)
    try:
        loaded = engine.from_jwk(jwk.members)
        private = loaded if hasattr(loaded, "public_key") else None
        public = loaded if private is None else private.public_key()
        # That both halves belong together, PyJWT before 2.15 did not check on Ed25519 and Ed448.
        if engine.to_jwk(public, as_dict=True).get("x") == jwk.members.get("x"):
            return private, public
    except Exception:  # noqa: BLE001, S110 - whatever the reason, it is told below
        pass
    raise ConfigurationError(
        f"the JWK for {jwk.algorithm} is incomplete, contradicts itself, or is on a curve that we "
        "do not know; write it as it was made"
    )


def _numbered_jwk(document: object, number: int) -> Key:
    try:
        return _jwk_key(read_jwk(document))
    except ConfigurationError as error:
        detail = str(error)
    raise ConfigurationError(f"keys[{number}] of the JWK Set: {detail}")


def _engine(algorithm: str) -> Algorithm:
    from jwt.algorithms import get_default_algorithms

    return get_default_algorithms()[algorithm]


def _prepared_secret(engine: Algorithm, octets: bytes) -> object:
    from jwt.exceptions import InvalidKeyError

    try:
        return engine.prepare_key(octets)
    except InvalidKeyError:
        pass
    raise ConfigurationError(
        "PyJWT takes the HMAC secret for a key or a certificate; write a random secret, or load "
        "the key with KeyRing.from_pem"
    )


def _verifier(engine: Algorithm, prepared: object) -> Callable[[bytes, bytes], bool]:
    verify = engine.verify

    def verifies(message: bytes, signature: bytes) -> bool:
        try:
            return verify(message, prepared, signature)
        except Exception:  # noqa: BLE001 - a signature is good or it is not; nothing else gets out
            return False

    return verifies


def _signer(engine: Algorithm, prepared: object) -> Callable[[bytes], bytes]:
    sign = engine.sign

    def signature_of(message: bytes) -> bytes:
        return sign(message, prepared)

    return signature_of


def _refuser(kid: str, algorithm: str) -> Callable[[bytes], NoReturn]:
    def refuse(_message: bytes) -> NoReturn:
        raise ConfigurationError(
            f"key {kid!r} only verifies: what {algorithm} signs with is not here; load the private "
            'key, or a JWK whose "key_ops" have "sign"'
        )

    return refuse


def _require_cryptography(algorithm: str) -> None:
    from jwt.algorithms import has_crypto

    if not has_crypto:
        raise ConfigurationError(
            f"{algorithm} needs the package cryptography, which is not installed; write: "
            'pip install "praetorian-core[asymmetric]"'
        )


def _vet_kid(kid: object, thumb: str) -> str:
    if kid is None:
        return thumb[:_DEFAULT_KID_LENGTH]
    if not isinstance(kid, str):
        raise ConfigurationError(f"kid is of type {type(kid).__name__}; write str or leave it out")
    if not _KID.fullmatch(kid):
        raise ConfigurationError(
            f"kid is {len(kid)} characters, or has some that are not printable ASCII; write 1 to "
            "128 that are, or leave it out"
        )
    return kid
