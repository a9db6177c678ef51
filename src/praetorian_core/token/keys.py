"""Keys and key rings: which keys verify and sign, each bound to one algorithm and validated on construction.

Every layer above trusts an accepted key: the verifier compares a token's ``alg`` with ``Key.algorithm``, looks its
``kid`` up in a ``KeyRing`` and calls ``Key.verifies``. So each known way to misuse a key is rejected before the first
request (RFC 8725 §3.1, §3.2, §3.5; RFC 7517; RFC 7518):

* an algorithm outside ``ALGORITHMS``, such as ``none``;
* a guessable or public secret: see ``weak_secrets``;
* a key of the wrong type for its algorithm, or a weak one: see ``key_pairs``;
* a JWK that is meant for another use;
* a ring with a duplicate ``kid``, or with HMAC and public keys together.

No message holds key material.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

import attrs

from praetorian_core.errors import ConfigurationError
from praetorian_core.token import base64url
from praetorian_core.token.algorithms import ALGORITHMS, hash_bytes, pair_algorithm, require_kind
from praetorian_core.token.jwk import JWK, read_jwk, read_jwks, thumbprint
from praetorian_core.token.key_pairs import load_pem, public_key_kind
from praetorian_core.token.signatures import (
    hmac_functions,
    load_jwk_pair,
    public_members,
    refusing_function,
    require_cryptography,
    sign_function,
    verify_function,
)
from praetorian_core.token.weak_secrets import check_secret

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

__all__ = ["ALGORITHMS", "Key", "KeyRing", "generate_secret"]

_KID = re.compile(r"[\x20-\x7e]{1,128}")
_DEFAULT_KID_LENGTH = 11  # of the 43 characters of a thumbprint


def generate_secret(algorithm: str = "HS256") -> str:
    """Return a new random secret of URL-safe characters.

    Args:
        algorithm: The HMAC algorithm; the secret has at least as many random bytes as its hash.

    Raises:
        ConfigurationError: The algorithm is not an HMAC algorithm.
    """
    return secrets.token_urlsafe(max(48, hash_bytes(algorithm)))


@attrs.frozen(kw_only=True, eq=False)
class Key:
    """One key, bound to one algorithm; made by ``from_secret``, ``from_pem`` or ``from_jwk``.

    Attributes:
        kid: The key's id in the header of tokens (RFC 7515 §4.1.4).
        algorithm: One of ``ALGORITHMS``; the key is used with no other.
        can_sign: Whether the key has its secret or private part.
        symmetric: Whether it is an HMAC key, with which every verifier could also sign.
        verifies: ``verifies(message, signature) -> bool``; False for malformed bytes too.
    """

    kid: str
    algorithm: str
    can_sign: bool
    symmetric: bool = attrs.field(repr=False)
    # Functions in slots save a look-up and a frame on the hot path. Key material lives only in their closures, where
    # neither repr nor asdict nor a dump of attributes finds it.
    verifies: Callable[[bytes, bytes], bool] = attrs.field(repr=False)
    _sign: Callable[[bytes], bytes] = attrs.field(repr=False, alias="sign")
    _public: Mapping[str, str] | None = attrs.field(repr=False, alias="public")

    @classmethod
    def from_secret(cls, secret: str | bytes, algorithm: str = "HS256", kid: str | None = None) -> Key:
        """Return an HMAC key.

        Args:
            secret: At least as many bytes as the hash has, used unchanged; a str is encoded as UTF-8.
            algorithm: ``HS256``, ``HS384`` or ``HS512``.
            kid: 1 to 128 printable ASCII characters; by default the first 11 characters of the thumbprint.

        Raises:
            ConfigurationError: An argument cannot be used; the text says what to write.

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
        """Return the key of a PEM block: a private key signs and verifies, a public key verifies.

        Args:
            pem: Exactly one block: PKCS #8, PKCS #1, SEC 1 or SubjectPublicKeyInfo.
            algorithm: One of ``ALGORITHMS``, for this type of key.
            kid: 1 to 128 printable ASCII characters; by default the first 11 characters of the thumbprint.
            password: Only for an encrypted private key.

        Raises:
            ConfigurationError: An argument cannot be used; the text says what to write.
        """
        require_cryptography(pair_algorithm(algorithm))
        private, public = load_pem(pem, password)
        return _pair_key(private, public, algorithm, kid)

    @classmethod
    def from_jwk(cls, document: Mapping[str, object]) -> Key:
        """Return the key of a JWK: a secret (``oct``), a private or a public key.

        Args:
            document: The parsed JWK. ``alg`` is required, ``use`` and ``key_ops`` are respected, and unknown members
                are ignored.

        Raises:
            ConfigurationError: The JWK cannot be used; the text says what to write.

        See:
            RFC 7517 §4, RFC 7518 §6, RFC 8037 §2.
        """
        return _jwk_key(read_jwk(document))

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message.

        Raises:
            ConfigurationError: The key only verifies.
        """
        return self._sign(message)

    def public_jwk(self) -> dict[str, str] | None:
        """Return the public part as a JWK with ``kid``, ``alg`` and ``use``; None for HMAC."""
        return None if self._public is None else dict(self._public)

    def __copy__(self) -> Key:
        """Return the key itself: it is immutable, and a copy would hold the secret twice in memory."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Key:
        """Return the key itself, as ``copy`` does."""
        return self

    def __reduce__(self) -> NoReturn:
        """Raise, so that the secret stays in this process."""
        raise TypeError("a key cannot be pickled; create it from its source in each process")


def _members(keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the keys of a ring, validated one by one and together."""
    if isinstance(keys, Key):
        raise ConfigurationError("keys must be a list of keys; got a single Key; write KeyRing([key])")
    if not isinstance(keys, Iterable):
        raise ConfigurationError(f"keys must be a list of keys; got {type(keys).__name__}; write KeyRing([key, ...])")
    members = tuple(keys)
    if not members:
        raise ConfigurationError("the key ring has no keys; write KeyRing([key, ...])")
    for key in members:
        if not isinstance(key, Key):
            raise ConfigurationError(
                f"keys must hold Key objects; got {type(key).__name__}; write Key.from_secret, Key.from_pem or "
                "Key.from_jwk"
            )
    if len({key.kid for key in members}) < len(members):
        raise ConfigurationError(
            f"the keys of a ring must have different kids; got {_listed(members)}; write another kid= for one of them, "
            "or leave one out"
        )
    if len({key.symmetric for key in members}) > 1:  # CVE-2015-9235, CVE-2024-37568
        raise ConfigurationError(
            f"the keys of a ring must be all HMAC or all public; got {_listed(members)}; write one ring for each family"
        )
    return members


def _choose_signing(keys: Sequence[Key], kid: str | None) -> Key | None:
    able = [key for key in keys if key.can_sign]
    if kid is None:
        if len(able) > 1:
            raise ConfigurationError(
                f"signing must name one key, because {len(able)} keys of the ring can sign; write the kid of one: "
                f"{_listed(able)}"
            )
        return able[0] if able else None
    named = [key for key in keys if key.kid == kid]
    if not named:
        raise ConfigurationError(
            f"signing must be the kid of a key of the ring; got another name; write the kid of one: {_listed(keys)}"
        )
    if not named[0].can_sign:
        raise ConfigurationError(
            f"signing must name a key that can sign; key {kid!r} only verifies; load its private key, or leave signing= "
            "out"
        )
    return named[0]


@attrs.frozen(eq=False, repr=False)
class KeyRing:
    """Several keys that verify, of which at most one signs: ``KeyRing(keys, signing=None)``.

    To rotate keys, add the new key and name it as ``signing``; remove the old key when its last token has expired.

    Args:
        keys: One or more keys with different ``kid``, either all HMAC or all public.
        signing: The ``kid`` of the key that signs; optional if at most one key can sign.

    Attributes:
        keys: All keys, in the order given.
        signing: The key that signs, or None on a ring that only verifies.
        symmetric: Whether these are HMAC keys.

    Raises:
        ConfigurationError: The keys cannot be in one ring; the text says why and what to write.
    """

    keys: tuple[Key, ...] = attrs.field(converter=_members)
    _signing_kid: str | None = attrs.field(default=None, alias="signing")
    # Derived from the two above.
    signing: Key | None = attrs.field(
        init=False,
        default=attrs.Factory(
            lambda ring: _choose_signing(ring.keys, ring._signing_kid),  # noqa: SLF001 - its own attribute
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
        """Return a ring of one HMAC key; see ``Key.from_secret`` for arguments and errors."""
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
        """Return a ring of one key; see ``Key.from_pem`` for arguments and errors."""
        return cls([Key.from_pem(pem, algorithm, kid, password)])

    @classmethod
    def from_jwks(cls, document: Mapping[str, object] | str, signing: str | None = None) -> KeyRing:
        """Return the ring of a JWK Set.

        Args:
            document: The parsed set or its JSON text.
            signing: The ``kid`` of the key that signs; optional if at most one key can sign.

        Raises:
            ConfigurationError: The set or one of its keys cannot be used. No key is skipped silently; remove keys for
                other purposes from the set.

        See:
            RFC 7517 §5.
        """
        jwks = read_jwks(document)
        return cls([_numbered_jwk(jwk, number) for number, jwk in enumerate(jwks)], signing)

    def find(self, kid: str) -> Key | None:
        """Return the key with exactly this ``kid``, or None."""
        return self._by_kid.get(kid)

    def signing_key(self) -> Key:
        """Return the key that signs.

        Raises:
            ConfigurationError: The ring only verifies.
        """
        if self.signing is None:
            raise ConfigurationError(
                f"the key ring only verifies: none of its keys ({_listed(self.keys)}) has a private part; to issue "
                "tokens, load the private key with KeyRing.from_pem"
            )
        return self.signing

    def to_jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public keys as a JWK Set to publish; HMAC keys are never in it."""
        jwks = (key.public_jwk() for key in self.keys)
        return {"keys": [jwk for jwk in jwks if jwk is not None]}

    def __repr__(self) -> str:
        """Show only the kids and algorithms."""
        signing = None if self.signing is None else self.signing.kid
        return f"KeyRing({_listed(self.keys)}; {signing=})"

    def __copy__(self) -> KeyRing:
        """Return the ring itself: it is immutable."""
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> KeyRing:
        """Return the ring itself, as ``copy`` does."""
        return self

    def __reduce__(self) -> NoReturn:
        """Raise, so that secrets stay in this process."""
        raise TypeError("a key ring cannot be pickled; create it from its source in each process")


def _listed(keys: Sequence[Key]) -> str:
    return ", ".join(f"{key.kid!r} {key.algorithm}" for key in keys)


def _hmac_key(secret: str | bytes, algorithm: str, kid: object, *, may_sign: bool) -> Key:
    octets = check_secret(secret, algorithm=algorithm, minimum=hash_bytes(algorithm))
    # The default kid reveals 66 bits of the secret's thumbprint. It lets an attacker test guesses at the secret, as
    # every token does; neither helps against a secret of 256 bits.
    name = _checked_kid(kid, thumbprint({"k": base64url.encode(octets).decode(), "kty": "oct"}))
    if octets in name.encode():
        raise ConfigurationError("kid holds the secret, and every token shows it; leave kid out")
    verifies, sign = hmac_functions(algorithm, octets)
    return Key(
        kid=name,
        algorithm=algorithm,
        can_sign=may_sign,
        symmetric=True,
        verifies=verifies,
        sign=sign if may_sign else refusing_function(name, algorithm),
        public=None,
    )


def _pair_key(private: PrivateKeyTypes | None, public: PublicKeyTypes, algorithm: str, kid: object) -> Key:
    require_kind(algorithm, public_key_kind(public))
    members = public_members(algorithm, public)
    name = _checked_kid(kid, thumbprint(members))
    return Key(
        kid=name,
        algorithm=algorithm,
        can_sign=private is not None,
        symmetric=False,
        # Always with the public key: PyJWT derives it from a private one at each verification, except for RSA.
        verifies=verify_function(algorithm, public),
        sign=refusing_function(name, algorithm) if private is None else sign_function(algorithm, private),
        public={**members, "kid": name, "alg": algorithm, "use": "sig"},
    )


def _jwk_key(jwk: JWK) -> Key:
    if jwk.secret is not None:
        return _hmac_key(jwk.secret, jwk.algorithm, jwk.kid, may_sign=jwk.may_sign)
    require_cryptography(jwk.algorithm)
    private, public = load_jwk_pair(jwk.algorithm, jwk.members)
    return _pair_key(private if jwk.may_sign else None, public, jwk.algorithm, jwk.kid)


def _numbered_jwk(document: object, number: int) -> Key:
    try:
        return _jwk_key(read_jwk(document))
    except ConfigurationError as error:
        detail = str(error)
    # Outside of the except block, so that the error has no context.
    raise ConfigurationError(f"keys[{number}] of the JWK Set: {detail}")


def _checked_kid(kid: object, thumb: str) -> str:
    if kid is None:
        return thumb[:_DEFAULT_KID_LENGTH]
    if not isinstance(kid, str):
        raise ConfigurationError(f"kid must be a str; got {type(kid).__name__}; write a str, or leave kid out")
    if not _KID.fullmatch(kid):
        raise ConfigurationError(
            f"kid must be 1 to 128 printable ASCII characters; got {len(kid)} characters, or some that are not "
            "printable ASCII; write another kid, or leave kid out"
        )
    return kid
