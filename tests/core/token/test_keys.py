"""Keys and key rings."""

from __future__ import annotations

import copy
import functools
import json
import pathlib
import pickle
import secrets
import subprocess
import sys
import textwrap
import traceback

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import get_default_algorithms
from tests.support import PASSWORD, isolated_refusal

import praetorian_core
from praetorian_core.errors import ConfigurationError
from praetorian_core.token.keys import ALGORITHMS, Key, KeyRing, generate_secret

VECTORS = pathlib.Path(__file__).parent / "vectors"

HMAC = ["HS256", "HS384", "HS512"]
PAIRS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
MESSAGE = b"eyJhbGciOiJIUzI1NiJ9.Zm9v"
SECRET = secrets.token_urlsafe(64)
PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi"]


@functools.cache
def made(kind):
    """Return the key pair of a kind, made once a run."""
    return {
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
        "another RSA": lambda: rsa.generate_private_key(65537, 2048),
        "P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "another P-256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "P-521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "secp256k1": lambda: ec.generate_private_key(ec.SECP256K1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate,
        "another Ed25519": ed25519.Ed25519PrivateKey.generate,
        "Ed448": ed448.Ed448PrivateKey.generate,
    }[kind]()


def private_pem(kind):
    return made(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def public_pem(kind):
    return made(kind).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def kind_for(algorithm):
    return {"RS": "RSA", "PS": "RSA", "Ed": "Ed25519"}.get(
        algorithm[:2], {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}.get(algorithm)
    )


@functools.cache
def signing(algorithm):
    """Return a key that signs; a key is immutable, so one is enough."""
    if algorithm in HMAC:
        return Key.from_secret(SECRET, algorithm)
    return Key.from_pem(private_pem(kind_for(algorithm)), algorithm)


@functools.cache
def verifying(algorithm):
    """Return its public key, or the same secret."""
    if algorithm in HMAC:
        return Key.from_secret(SECRET, algorithm)
    return Key.from_pem(public_pem(kind_for(algorithm)), algorithm)


def private_jwk(algorithm, kind=None, **members):
    jwk = get_default_algorithms()[algorithm].to_jwk(made(kind or kind_for(algorithm)), as_dict=True)
    jwk.pop("key_ops", None)
    return {**jwk, "alg": algorithm, **members}


def public_jwk(algorithm, kind=None, **members):
    private = private_jwk(algorithm, kind, **members)
    return {name: private[name] for name in private if name not in PRIVATE_MEMBERS}


def oct_jwk(secret=SECRET, algorithm="HS256", **members):
    jwk = get_default_algorithms()[algorithm].to_jwk(secret, as_dict=True)
    return {**jwk, "alg": algorithm, **members}


class TestSignAndVerify:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_what_is_signed_verifies(self, algorithm):
        """Both halves know the signature of the private one."""
        key = signing(algorithm)
        signature = key.sign(MESSAGE)

        assert key.verifies(MESSAGE, signature) is True
        assert verifying(algorithm).verifies(MESSAGE, signature) is True

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_pyjwt_agrees(self, algorithm):
        """The signature is the one that PyJWT knows under this name."""
        engine = get_default_algorithms()[algorithm]
        key = SECRET.encode() if algorithm in HMAC else made(kind_for(algorithm)).public_key()

        assert engine.verify(MESSAGE, key, signing(algorithm).sign(MESSAGE))

    def test_ed448_is_an_eddsa_key_too(self):
        """RFC 8037 §3.1 has two curves under one name."""
        key = Key.from_pem(private_pem("Ed448"), "EdDSA")

        assert 114 == len(key.sign(MESSAGE))
        assert key.verifies(MESSAGE, key.sign(MESSAGE))

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_another_message_does_not_verify(self, algorithm):
        """One bit of the message is enough."""
        signature = signing(algorithm).sign(MESSAGE)

        assert verifying(algorithm).verifies(MESSAGE[:-1] + b"w", signature) is False
        assert verifying(algorithm).verifies(b"", signature) is False

    @pytest.mark.parametrize(
        ("algorithm", "kind"),
        [("RS256", "another RSA"), ("PS256", "another RSA"), ("ES256", "another P-256"),
         ("EdDSA", "another Ed25519"), ("EdDSA", "Ed448")],
    )  # fmt: skip
    def test_the_signature_of_another_key_does_not_verify(self, algorithm, kind):
        """The same algorithm with another key makes another signature."""
        signature = Key.from_pem(private_pem(kind), algorithm).sign(MESSAGE)

        assert verifying(algorithm).verifies(MESSAGE, signature) is False

    @pytest.mark.parametrize("algorithm", HMAC)
    def test_the_signature_of_another_secret_does_not_verify(self, algorithm):
        """A blank at the end makes another secret."""
        signature = Key.from_secret(SECRET + " ", algorithm).sign(MESSAGE)

        assert verifying(algorithm).verifies(MESSAGE, signature) is False

    @pytest.mark.parametrize(
        ("algorithm", "other"),
        [("RS256", "PS256"), ("PS256", "RS256"), ("RS256", "RS512"), ("HS256", "HS512"),
         ("HS512", "HS384")],
    )  # fmt: skip
    def test_the_signature_of_another_algorithm_does_not_verify(self, algorithm, other):
        """RFC 8725 §3.1: a key is used with one algorithm only."""
        assert verifying(algorithm).verifies(MESSAGE, signing(other).sign(MESSAGE)) is False

    @pytest.mark.parametrize("algorithm", HMAC)
    @pytest.mark.parametrize("kind", ["RSA", "P-256", "Ed25519"])
    def test_a_signature_with_the_public_key_as_secret_does_not_verify(self, algorithm, kind):
        """CVE-2015-9235: what PyJWT's HMAC makes of a public PEM is no signature to its key."""
        forged = get_default_algorithms()[algorithm].sign(MESSAGE, public_pem(kind))
        name = {"RSA": "RS256", "P-256": "ES256", "Ed25519": "EdDSA"}[kind]

        assert Key.from_pem(public_pem(kind), name).verifies(MESSAGE, forged) is False

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_garbage_of_any_length_does_not_verify(self, algorithm):
        """Not one byte more or less, not zeros (CVE-2022-21449), and nothing raises."""
        key = verifying(algorithm)
        signature = signing(algorithm).sign(MESSAGE)

        for length in range(200):
            assert key.verifies(MESSAGE, bytes(length)) is False
            assert key.verifies(MESSAGE, b"\xff" * length) is False
            if length != len(signature):
                assert key.verifies(MESSAGE, (signature * 7)[:length]) is False
        assert key.verifies(MESSAGE, signature + b"\0") is False
        assert key.verifies(MESSAGE, b"\0" + signature) is False

    @given(message=st.binary(), signature=st.binary(max_size=600))
    def test_random_signatures_do_not_verify(self, message, signature):
        """No bytes make it raise, and none of them is a signature."""
        for algorithm in ("HS256", "RS256", "PS384", "ES256", "ES512", "EdDSA"):
            assert verifying(algorithm).verifies(message, signature) is False

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize("signature", [None, 7, "text", "\u00e9", [b""]])
    def test_what_is_no_bytes_does_not_verify(self, algorithm, signature):
        """A caller's mistake verifies nothing and raises nothing."""

        assert verifying(algorithm).verifies(MESSAGE, signature) is False


class TestVerifyOnly:
    @pytest.mark.parametrize("algorithm", PAIRS)
    def test_a_public_key_cannot_sign(self, algorithm):
        """The text says what is missing."""
        key = verifying(algorithm)

        assert key.can_sign is False
        message = isolated_refusal(key.sign, MESSAGE)
        assert f"key {key.kid!r} only verifies: it has no private part to sign {algorithm} with" in message

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_a_private_key_can(self, algorithm):
        """So can a secret."""

        assert signing(algorithm).can_sign is True
        assert (algorithm in HMAC) is signing(algorithm).symmetric


class TestFromSecret:
    @pytest.mark.parametrize(("algorithm", "size"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
    def test_the_secret_is_as_long_as_the_hash(self, algorithm, size):
        """RFC 7518 §3.2, at its bound."""
        assert f"must have {size} bytes for {algorithm} (RFC 7518 §3.2); got {size - 1};" in isolated_refusal(
            Key.from_secret, secrets.token_bytes(size - 1), algorithm
        )
        assert Key.from_secret(secrets.token_bytes(size), algorithm).algorithm == algorithm

    def test_hs256_is_the_default(self):
        """The algorithm need not be said."""

        assert "HS256" == Key.from_secret(SECRET).algorithm

    def test_text_is_utf8(self):
        """The same secret as text and as bytes is the same key."""
        secret = SECRET + "\u00e9"
        one, other = Key.from_secret(secret), Key.from_secret(secret.encode())

        assert one.kid == other.kid
        assert one.verifies(MESSAGE, other.sign(MESSAGE))

    @pytest.mark.parametrize("algorithm", ["none", "hs256", "RS256", "", None])
    def test_other_algorithms_are_refused(self, algorithm):
        """A secret is for HMAC."""

        assert "; write " in isolated_refusal(Key.from_secret, SECRET, algorithm)

    def test_swapped_arguments_do_not_print_the_secret(self):
        """The algorithm that is unknown may be the secret."""

        assert SECRET not in isolated_refusal(Key.from_secret, "HS256", SECRET)

    def test_what_pyjwt_takes_for_a_key_is_refused(self):
        """PyJWT refuses all that begins like an SSH key, and has its say as well."""
        assert "PyJWT takes the HMAC secret for a key" in isolated_refusal(Key.from_secret, "ssh-rsa" + SECRET)
        assert Key.from_secret("ssh_rsa" + SECRET)

    def test_a_kid_that_holds_the_secret_is_refused(self):
        """Every token would show it."""
        for kid in (SECRET, f"key {SECRET}"):
            message = isolated_refusal(Key.from_secret, SECRET, kid=kid)

            assert "kid holds the secret" in message
            assert SECRET not in message
        assert SECRET[:60] == Key.from_secret(SECRET, kid=SECRET[:60]).kid


class TestKid:
    def test_by_default_it_is_the_start_of_the_thumbprint(self):
        """RFC 7638 §3.1, its first 11 characters, and 66 bits of a hash."""
        vector = json.loads((VECTORS / "rfc7638.json").read_text())
        jwk = {name: vector["jwk"][name] for name in ("kty", "n", "e", "alg")}

        assert vector["thumbprint"][:11] == Key.from_jwk(jwk).kid
        assert "NzbLsXh8uDC" == Key.from_jwk(jwk).kid

    @pytest.mark.parametrize("algorithm", PAIRS)
    def test_both_halves_have_the_same(self, algorithm):
        """It is made of what is public, from PEM or JWK alike."""
        kid = signing(algorithm).kid

        assert 11 == len(kid)
        assert kid == verifying(algorithm).kid
        assert kid == Key.from_jwk(private_jwk(algorithm)).kid
        assert kid == Key.from_jwk(public_jwk(algorithm)).kid

    def test_it_does_not_depend_on_how_the_secret_came(self):
        """An ``oct`` JWK and its bytes have one thumbprint."""

        assert Key.from_secret(SECRET).kid == Key.from_jwk(oct_jwk()).kid
        assert Key.from_secret(SECRET).kid != Key.from_secret(SECRET + "x").kid

    @pytest.mark.parametrize("kid", ["k", "2026-11", "a b/c+d==", " ", "~" * 128, "'\"\\"])
    def test_printable_ascii_passes(self, kid):
        """1 to 128 characters, from blank to tilde."""

        assert kid == Key.from_secret(SECRET, kid=kid).kid
        assert kid == Key.from_pem(public_pem("P-256"), "ES256", kid=kid).kid
        assert kid == Key.from_jwk(oct_jwk(kid=kid)).kid

    @pytest.mark.parametrize("kid", ["", "~" * 129, "a\n", "\t", "\x7f", "\u00e9", "\ud800", "a\0"])
    def test_other_text_is_refused(self, kid):
        """A name that a log or a header could not carry is no name."""
        for make in (
            lambda: Key.from_secret(SECRET, kid=kid),
            lambda: Key.from_pem(public_pem("P-256"), "ES256", kid=kid),
            lambda: Key.from_jwk(oct_jwk(kid=kid)),
        ):
            assert (
                f"kid must be 1 to 128 printable ASCII characters; got {len(kid)} characters, or some"
                in isolated_refusal(make)
            )

    @pytest.mark.parametrize("kid", [7, b"key", ["key"], True])
    def test_other_types_are_refused(self, kid):
        """A name is text."""

        assert f"kid must be a str; got {type(kid).__name__};" in isolated_refusal(Key.from_secret, SECRET, kid=kid)


class TestFromPem:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize("kind", ["RSA", "P-256", "P-384", "P-521", "Ed25519", "secp256k1"])
    def test_a_key_goes_with_its_own_algorithms_only(self, algorithm, kind):
        """RFC 7518 §3.3-3.5, RFC 8037 §3.1: family and curve, private and public."""
        for pem in (private_pem(kind), public_pem(kind)):
            if kind == kind_for(algorithm):
                assert Key.from_pem(pem, algorithm)
            elif algorithm in HMAC:
                assert "needs a secret, not a key pair" in isolated_refusal(Key.from_pem, pem, algorithm)
            else:
                assert f"the key for {algorithm} must be" in isolated_refusal(Key.from_pem, pem, algorithm)

    def test_a_password_opens_an_encrypted_key(self):
        """It is the last argument."""
        locked = made("P-256").private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
        )

        assert Key.from_pem(locked, "ES256", None, PASSWORD).can_sign
        assert "is encrypted; write password=" in isolated_refusal(Key.from_pem, locked, "ES256")

    @pytest.mark.parametrize("algorithm", ["none", "es256", "ES256K", None])
    def test_other_algorithms_are_refused(self, algorithm):
        """The name comes before the key is looked at."""

        assert "the algorithm must be a supported one; got " in isolated_refusal(Key.from_pem, "no key", algorithm)

    def test_a_small_rsa_key_is_refused(self):
        """1024 bits are too few, 2048 are not."""
        small = rsa.generate_private_key(65537, 1024)
        pem = small.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

        assert "2048 bits or more (RFC 7518 §3.3); got 1024;" in isolated_refusal(Key.from_pem, pem, "RS256")
        assert Key.from_pem(private_pem("RSA"), "RS256")


class TestFromJwk:
    @pytest.mark.parametrize("algorithm", PAIRS)
    def test_private_and_public_jwks_are_keys(self, algorithm):
        """They make and check the signatures of their PEM."""
        private = Key.from_jwk(private_jwk(algorithm))
        public = Key.from_jwk(public_jwk(algorithm))

        assert (True, False) == (private.can_sign, public.can_sign)
        assert (False, False) == (private.symmetric, public.symmetric)
        assert public.verifies(MESSAGE, private.sign(MESSAGE))
        assert verifying(algorithm).verifies(MESSAGE, private.sign(MESSAGE))

    @pytest.mark.parametrize("algorithm", HMAC)
    def test_oct_jwks_are_keys(self, algorithm):
        """The secret is what ``k`` decodes to."""
        key = Key.from_jwk(oct_jwk(algorithm=algorithm, use="sig", key_ops=["sign", "verify"]))

        assert (True, True) == (key.can_sign, key.symmetric)
        assert verifying(algorithm).verifies(MESSAGE, key.sign(MESSAGE))

    def test_an_oct_jwk_that_may_only_verify_does_so(self):
        """``key_ops`` is obeyed, though the secret is here."""
        key = Key.from_jwk(oct_jwk(key_ops=["verify"]))

        assert key.can_sign is False
        assert key.verifies(MESSAGE, signing("HS256").sign(MESSAGE))
        assert 'whose "key_ops" have "sign"' in isolated_refusal(key.sign, MESSAGE)

    def test_a_private_jwk_that_may_only_verify_does_so(self):
        """The private half is dropped."""
        key = Key.from_jwk(private_jwk("ES256", key_ops=["verify"]))

        assert key.can_sign is False
        assert key.verifies(MESSAGE, signing("ES256").sign(MESSAGE))

    def test_a_private_jwk_may_say_sign_alone(self):
        """PyJWT writes RSA keys so."""

        assert Key.from_jwk(private_jwk("RS256", key_ops=["sign"])).can_sign

    def test_an_rsa_key_may_leave_its_primes_out(self):
        """RFC 7518 §6.3.2: ``d`` is enough, ``p`` to ``qi`` are optional."""
        jwk = {k: v for k, v in private_jwk("RS256").items() if k not in PRIVATE_MEMBERS[1:]}

        assert verifying("RS256").verifies(MESSAGE, Key.from_jwk(jwk).sign(MESSAGE))

    @pytest.mark.parametrize(
        ("length", "algorithm"),
        [(31, "HS256"), (47, "HS384"), (63, "HS512")],
    )
    def test_short_secrets_are_refused(self, length, algorithm):
        """Wycheproof json_web_key_test tcId 10, 11, 12; one byte more passes."""
        octets = bytes(range(length + 1))

        assert f"bytes for {algorithm} (RFC 7518 §3.2); got {len(octets) - 1};" in isolated_refusal(
            Key.from_jwk, oct_jwk(octets[:-1], algorithm)
        )
        assert Key.from_jwk(oct_jwk(octets, algorithm))

    def test_a_public_key_as_k_is_refused(self):
        """CVE-2026-34950: wrapped in a JWK it is what it was."""

        assert "got a PEM block" in isolated_refusal(Key.from_jwk, oct_jwk(public_pem("RSA")))

    @pytest.mark.parametrize(
        ("jwk", "text"),
        [
            (lambda: private_jwk("ES256", d=private_jwk("ES256", "another P-256")["d"]), "ES256"),
            (lambda: private_jwk("EdDSA", x=public_jwk("EdDSA", "another Ed25519")["x"]), "EdDSA"),
            (lambda: private_jwk("RS256", d=private_jwk("RS256", "another RSA")["d"]), "RS256"),
            (lambda: public_jwk("ES256", crv="P-384"), "ES256"),
            (lambda: public_jwk("ES256", crv="P-257"), "ES256"),
            (lambda: public_jwk("ES256", y=public_jwk("ES256")["x"]), "ES256"),
            (lambda: {"kty": "EC", "alg": "ES256"}, "ES256"),
            (lambda: {"kty": "RSA", "alg": "PS256", "e": "AQAB"}, "PS256"),
            (lambda: {"kty": "OKP", "alg": "EdDSA", "crv": "X25519", "x": "AAAA"}, "EdDSA"),
            (lambda: {"kty": "RSA", "alg": "RS256", "e": "AQ", "n": public_jwk("RS256")["n"]}, ""),
            (lambda: {"kty": "RSA", "alg": "RS256", "e": "BA", "n": public_jwk("RS256")["n"]}, ""),
            (lambda: private_jwk("RS256", oth=[]), "RS256"),
        ],
    )
    def test_what_contradicts_itself_is_refused(self, jwk, text):
        """Halves that do not belong together, points off the curve, members that are missing."""
        message = isolated_refusal(Key.from_jwk, jwk())

        assert f"the JWK for {text}" in message
        assert "is incomplete, inconsistent" in message

    def test_halves_that_do_not_belong_together_are_refused_by_us_too(self, monkeypatch):
        """PyJWT before 2.15 took ``d`` and never looked at ``x``."""
        jwk = private_jwk("EdDSA", x=public_jwk("EdDSA", "another Ed25519")["x"])
        monkeypatch.setattr("jwt.algorithms.OKPAlgorithm.from_jwk", staticmethod(lambda jwk: made("Ed25519")))

        assert "is incomplete, inconsistent" in isolated_refusal(Key.from_jwk, jwk)
        assert Key.from_jwk(private_jwk("EdDSA")).can_sign

    def test_a_curve_that_is_not_that_of_the_algorithm_is_refused(self):
        """Wycheproof json_web_key_test tcId 23; the text says which algorithm fits."""
        jwk = public_jwk("ES384", alg="ES256")

        assert "the key for ES256 must be P-256; got P-384; write algorithm='ES384'" in isolated_refusal(
            Key.from_jwk, jwk
        )
        assert Key.from_jwk({**jwk, "alg": "ES384"})

    def test_a_weak_rsa_key_is_refused(self):
        """The numbers are checked, whichever document holds them."""
        vector = json.loads((VECTORS / "wycheproof_roca.json").read_text())

        assert "ROCA" in isolated_refusal(Key.from_jwk, vector["jwk"])
        assert "the JWK must be a mapping, as from json.loads; got NoneType" == isolated_refusal(Key.from_jwk, None)


class TestPublicJwk:
    @pytest.mark.parametrize("algorithm", PAIRS)
    def test_it_is_complete_and_public(self, algorithm):
        """It says its name, its algorithm and its use, and holds no private member."""
        jwk = signing(algorithm).public_jwk()

        assert {**public_jwk(algorithm), "kid": signing(algorithm).kid, "use": "sig"} == jwk
        assert jwk == verifying(algorithm).public_jwk()
        assert not set(jwk) & {*PRIVATE_MEMBERS, "k"}

    @pytest.mark.parametrize("algorithm", PAIRS)
    def test_it_makes_a_key_again(self, algorithm):
        """What is published verifies what was signed, under the same name."""
        key = Key.from_pem(private_pem(kind_for(algorithm)), algorithm, kid="mine")
        again = Key.from_jwk(key.public_jwk())

        assert "mine" == again.kid
        assert again.verifies(MESSAGE, key.sign(MESSAGE))
        assert again.can_sign is False

    @pytest.mark.parametrize("algorithm", HMAC)
    def test_hmac_has_none(self, algorithm):
        """A secret has no public part."""

        assert signing(algorithm).public_jwk() is None

    def test_changing_it_changes_nothing(self):
        """Each call gives a fresh copy."""
        key = signing("ES256")
        key.public_jwk()["kid"] = "other"

        assert key.kid == key.public_jwk()["kid"]


class TestKeyAsValue:
    def test_it_cannot_be_changed(self):
        """A key is frozen."""
        for name in ("kid", "algorithm", "can_sign", "verifies"):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(signing("HS256"), name, None)

    def test_it_equals_itself_only(self):
        """Comparing keys compares no secrets."""
        key = signing("HS256")

        assert key == key  # noqa: PLR0124
        assert key != Key.from_secret(SECRET)
        assert 1 == len({key, key})

    def test_a_copy_is_the_key_itself(self):
        """Configurations that are copied deeply do not multiply secrets."""
        key = signing("HS256")
        ring = KeyRing([key])

        assert key is copy.copy(key) is copy.deepcopy(key)
        assert ring is copy.copy(ring) is copy.deepcopy({"JWT_KEYS": ring})["JWT_KEYS"]

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_it_is_not_pickled(self, protocol):
        """A secret does not leave by a cache or a queue."""
        for value in (signing("HS256"), verifying("ES256"), KeyRing.from_secret(SECRET)):
            with pytest.raises(TypeError, match="cannot be pickled"):
                pickle.dumps(value, protocol)

    def test_its_repr_has_three_attributes(self):
        """Name, algorithm, and whether it signs."""
        assert "Key(kid='mine', algorithm='HS256', can_sign=True)" == repr(Key.from_secret(SECRET, kid="mine"))


class TestKeyRing:
    def test_a_ring_of_one_secret_signs(self):
        """The ordinary case takes one line."""
        ring = KeyRing.from_secret(SECRET, "HS384", "mine")

        assert ("HS384", "mine") == (ring.signing_key().algorithm, ring.signing_key().kid)
        assert ring.signing is ring.keys[0] is ring.signing_key()
        assert ring.symmetric is True

    def test_a_ring_of_one_private_key_signs(self):
        """The password is a keyword."""
        locked = made("P-256").private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
        )
        ring = KeyRing.from_pem(locked, algorithm="ES256", kid="mine", password=PASSWORD)

        assert "mine" == ring.signing_key().kid
        assert ring.symmetric is False

    def test_a_ring_of_public_keys_only_verifies(self):
        """A second service verifies tokens and cannot sign them."""
        ring = KeyRing.from_pem(public_pem("RSA"), algorithm="RS256")
        message = isolated_refusal(ring.signing_key)

        assert ring.signing is None
        assert f"the key ring only verifies: none of its keys ({ring.keys[0].kid!r} RS" in (message)
        assert "load the private key with KeyRing.from_pem" in message

    def test_keys_are_found_by_their_exact_name(self):
        """RFC 7515 §4.1.4: letter case counts."""
        one, two = Key.from_secret(SECRET, kid="a"), Key.from_secret(SECRET, kid="b")
        ring = KeyRing([one, two], signing="b")

        assert (one, two) == ring.keys
        assert (one, two, None, None, None) == tuple(map(ring.find, ["a", "b", "A", "", "a "]))
        assert two is ring.signing

    def test_any_iterable_will_do(self):
        """Keys may come from a generator, and are read once."""
        ring = KeyRing(key for key in [signing("HS256")])

        assert 1 == len(ring.keys)

    def test_families_of_public_keys_may_be_mixed(self):
        """RSA beside EC is what a change of algorithm looks like."""
        ring = KeyRing([verifying("RS256"), signing("ES256"), verifying("EdDSA")])

        assert "ES256" == ring.signing_key().algorithm

    def test_what_follows_from_the_keys_is_not_an_argument(self):
        """The family of a ring follows from its keys."""
        for name in ("symmetric", "by_kid"):
            with pytest.raises(TypeError):
                KeyRing([signing("HS256")], **{name: None})
        with pytest.raises(TypeError):
            KeyRing([signing("HS256")], None, True)  # noqa: FBT003

    def test_it_cannot_be_changed(self):
        """A ring is frozen."""
        ring = KeyRing.from_secret(SECRET)
        for name in ("keys", "signing", "symmetric"):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(ring, name, None)

    def test_its_repr_has_names_and_algorithms(self):
        """And which one signs."""
        keys = [verifying("RS256"), Key.from_pem(private_pem("P-256"), "ES256", kid="mine")]

        assert f"KeyRing({keys[0].kid!r} RS256, 'mine' ES256; signing='mine')" == repr(KeyRing(keys))
        assert repr(KeyRing(keys[:1])).endswith("; signing=None)")


class TestSigningChoice:
    def test_the_only_key_that_can_sign_does(self):
        """Public keys beside it do not matter."""
        ring = KeyRing([verifying("RS256"), signing("ES256")])

        assert ring.keys[1] is ring.signing

    def test_of_several_one_has_to_be_named(self):
        """Order is no choice; the text lists those that can."""
        keys = [Key.from_secret(SECRET, kid="a"), Key.from_secret(SECRET, kid="b")]

        message = isolated_refusal(KeyRing, keys)

        assert "signing must name one key, because 2 keys of the ring can sign; write the kid of one:" in message
        assert "'a' HS256, 'b' HS256" in message
        assert keys[0] is KeyRing(keys, "a").signing
        assert keys[1] is KeyRing(keys, signing="b").signing

    @pytest.mark.parametrize("name", ["c", "", "A", pytest.param(SECRET, id="secret"), 7, ["a"]])
    def test_a_name_that_is_not_there_is_refused(self, name):
        """What was given is not repeated, what is there is listed."""
        message = isolated_refusal(KeyRing, [Key.from_secret(SECRET, kid="a")], signing=name)

        assert "signing must be the kid of a key of the ring; got another name" in message
        assert "'a' HS256" in message
        assert SECRET not in message

    def test_a_key_that_cannot_sign_is_refused(self):
        """Though it is there, and though another one could."""
        keys = [Key.from_pem(public_pem("RSA"), "RS256", kid="public"), signing("ES256")]

        assert "signing must name a key that can sign; key 'public' only verifies" in isolated_refusal(
            KeyRing, keys, "public"
        )
        assert keys[1] is KeyRing(keys, keys[1].kid).signing


class TestWhatMakesNoRing:
    @pytest.mark.parametrize("keys", [[], (), iter([]), ""])
    def test_no_keys_are_refused(self, keys):
        """Such a ring would refuse everybody."""

        assert "has no keys" in isolated_refusal(KeyRing, keys)

    def test_a_key_alone_is_refused(self):
        """The text says what to write."""

        assert "write KeyRing([key])" in isolated_refusal(KeyRing, signing("HS256"))

    @pytest.mark.parametrize("keys", [None, 7])
    def test_what_is_not_iterable_is_refused(self, keys):
        """With its type."""

        assert f"keys must be a list of keys; got {type(keys).__name__};" in isolated_refusal(KeyRing, keys)

    @pytest.mark.parametrize("keys", [pytest.param(SECRET, id="secret"), [SECRET], [None], {"a": 1}])
    def test_what_is_no_key_is_refused(self, keys):
        """A secret has to become a key first, and is not in the message."""
        message = isolated_refusal(KeyRing, keys)

        assert "keys must hold Key objects; got " in message
        assert SECRET not in message

    def test_one_name_for_two_keys_is_refused(self):
        """Wycheproof json_web_key_test tcId 4; tcId 2 and 3 have two names."""
        one, other = secrets.token_bytes(32), secrets.token_bytes(32)

        message = isolated_refusal(KeyRing, [Key.from_secret(s, kid="a") for s in (one, other)], "a")
        assert "the keys of a ring must have different kids; got 'a' HS256, 'a' HS256;" in message
        assert KeyRing([Key.from_secret(one, kid="a"), Key.from_secret(other, kid="A")], "a")

    def test_the_same_key_twice_is_refused(self):
        """So is one secret under two algorithms without a name for each."""
        key = signing("HS256")

        assert "must have different kids" in isolated_refusal(KeyRing, [key, key])
        assert "must have different kids" in isolated_refusal(KeyRing, [key, signing("HS512")])
        assert KeyRing([key, Key.from_secret(SECRET, "HS512", kid="long")], "long")

    def test_hmac_and_public_keys_are_not_mixed(self):
        """Wycheproof json_web_key_test tcId 1; CVE-2015-9235, CVE-2024-37568."""
        message = isolated_refusal(KeyRing, [signing("HS256"), verifying("ES256")])

        assert "must be all HMAC or all public" in message
        assert KeyRing([signing("HS256")])
        assert KeyRing([verifying("ES256")])


class TestFromJwks:
    def test_a_set_makes_a_ring(self):
        """From a mapping or from its text, with the signing key by name."""
        document = {"keys": [oct_jwk(kid="a"), oct_jwk(SECRET + "x", kid="b")]}

        for source in (document, json.dumps(document)):
            ring = KeyRing.from_jwks(source, signing="b")
            assert ["a", "b"] == [key.kid for key in ring.keys]
            assert "b" == ring.signing_key().kid

    def test_a_public_set_makes_a_verifying_ring(self):
        """The published set of another service."""
        ring = KeyRing.from_jwks({"keys": [public_jwk("RS256"), public_jwk("EdDSA")]})

        assert ring.signing is None
        assert ring.keys[1].verifies(MESSAGE, signing("EdDSA").sign(MESSAGE))

    def test_a_bad_key_is_named_by_its_place(self):
        """No key is passed over in silence, and the message holds none of it."""
        bad = private_jwk("ES256", use="enc")

        message = isolated_refusal(KeyRing.from_jwks, {"keys": [private_jwk("RS256"), bad]})
        assert message.startswith('keys[1] of the JWK Set: the JWK is not for signatures: "use"')
        assert bad["d"] not in message

    @pytest.mark.parametrize("element", [None, "jwk", [], 7])
    def test_what_is_no_jwk_is_refused(self, element):
        """Each element is an object."""

        assert "keys[0] of the JWK Set: the JWK must be a mapping" in isolated_refusal(
            KeyRing.from_jwks, {"keys": [element]}
        )

    def test_an_empty_set_is_refused(self):
        """It has no keys."""

        assert "has no keys" in isolated_refusal(KeyRing.from_jwks, {"keys": []})

    def test_a_repeated_name_in_the_text_is_refused(self):
        """Parsers would disagree on which secret counts."""
        text = json.dumps({"keys": [oct_jwk()]}).replace('"kty"', '"k": "AAAA", "kty"')

        assert "a member name occurs twice" in isolated_refusal(KeyRing.from_jwks, text)


class TestToJwks:
    def test_public_parts_are_published(self):
        """Private members stay, and the published set makes a ring that verifies."""
        ring = KeyRing([signing("ES256"), verifying("RS256")])
        published = ring.to_jwks()
        again = KeyRing.from_jwks(json.dumps(published))

        assert [key.public_jwk() for key in ring.keys] == published["keys"]
        assert [key.kid for key in ring.keys] == [key.kid for key in again.keys]
        assert again.keys[0].verifies(MESSAGE, ring.signing_key().sign(MESSAGE))
        assert again.signing is None

    def test_secrets_are_not_published(self):
        """A ring of HMAC keys publishes an empty set."""

        assert {"keys": []} == KeyRing.from_secret(SECRET).to_jwks()


class TestGenerateSecret:
    @pytest.mark.parametrize(("algorithm", "length"), [("HS256", 64), ("HS384", 64), ("HS512", 86)])
    def test_it_is_good_for_its_algorithm(self, algorithm, length):
        """At least as many random bytes as the hash has, in URL-safe text."""
        secret = generate_secret(algorithm)

        assert length == len(secret)
        assert secret.replace("-", "").replace("_", "").isalnum()
        assert Key.from_secret(secret, algorithm).can_sign

    def test_no_two_are_the_same(self):
        """They are random."""

        assert 100 == len({generate_secret() for _ in range(100)})

    @pytest.mark.parametrize("algorithm", ["RS256", "none", None])
    def test_it_is_for_hmac(self, algorithm):
        """Key pairs are made otherwise."""

        assert "; write " in isolated_refusal(generate_secret, algorithm)


def all_private_values():
    """Return every encoding of the secret parts, none of which may be shown."""
    values = {SECRET, SECRET.encode().hex(), oct_jwk()["k"], PASSWORD}
    for algorithm in ("RS256", "ES256", "EdDSA"):
        jwk = private_jwk(algorithm)
        values |= {jwk[name] for name in PRIVATE_MEMBERS if name in jwk}
        values |= set(private_pem(kind_for(algorithm)).decode().splitlines()[1:-1])
    values |= {str(made("RSA").private_numbers().d), f"{made('RSA').private_numbers().p:x}"}
    return values


class TestNothingLeaks:
    def test_no_view_of_a_key_shows_its_secret(self):
        """repr, str, format, asdict, astuple and the published set are all silent."""
        rings = [
            KeyRing.from_secret(SECRET),
            KeyRing([signing(name) for name in ("RS256", "ES256", "EdDSA")], signing("ES256").kid),
        ]
        views = []
        for value in (*rings, *rings[0].keys, *rings[1].keys):
            views += [repr(value), str(value), f"{value}", f"{value!a}"]
            views += [repr(attrs.asdict(value)), repr(attrs.astuple(value)), repr(dir(value))]
        views += [json.dumps(ring.to_jwks()) for ring in rings]

        for secret in all_private_values():
            assert not [view for view in views if secret in view]

    def test_no_refusal_shows_a_secret(self):
        """Neither the text nor the traceback nor the pickled error holds any of it."""
        locked = made("P-256").private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode())
        )
        attempts = [
            lambda: Key.from_secret(SECRET[:31]),
            lambda: Key.from_secret(SECRET[:20] * 2),
            lambda: Key.from_secret(SECRET + "\ud800"),
            lambda: Key.from_secret(SECRET, SECRET),
            lambda: Key.from_secret(SECRET, "RS256"),
            lambda: Key.from_secret(SECRET, kid="\n" + SECRET),
            lambda: Key.from_secret(SECRET, kid=SECRET),
            lambda: Key.from_secret(private_pem("RSA")),
            lambda: Key.from_secret("ssh-rsa" + SECRET),
            lambda: Key.from_secret([SECRET]),
            lambda: Key.from_pem(private_pem("RSA"), "ES256"),
            lambda: Key.from_pem(private_pem("RSA"), "HS256"),
            lambda: Key.from_pem(private_pem("RSA")[:-60], "RS256"),
            lambda: Key.from_pem(private_pem("RSA"), "RS256", None, PASSWORD),
            lambda: Key.from_pem(locked, "ES256", None, PASSWORD + "x"),
            lambda: Key.from_pem("RS256", private_pem("RSA").decode()),
            lambda: Key.from_jwk(oct_jwk(k=oct_jwk()["k"] + "=")),
            lambda: Key.from_jwk(oct_jwk(use="enc")),
            lambda: Key.from_jwk(private_jwk("RS256", n=private_jwk("RS256", "another RSA")["n"])),
            lambda: Key.from_jwk(json.dumps(oct_jwk())),
            lambda: KeyRing([SECRET]),
            lambda: KeyRing([signing("HS256")], signing=SECRET),
            lambda: KeyRing.from_jwks(json.dumps(oct_jwk())),
            lambda: KeyRing.from_jwks(json.dumps({"keys": [oct_jwk()]})[:-1]),
            lambda: KeyRing.from_jwks({"keys": [json.dumps(oct_jwk())]}),
            lambda: KeyRing.from_jwks({"keys": oct_jwk()}),
        ]
        secrets_of_ours = all_private_values()
        for attempt in attempts:
            with pytest.raises(ConfigurationError) as caught:
                attempt()
            error = caught.value
            views = [
                repr(error),
                str(error),
                "".join(traceback.format_exception(type(error), error, error.__traceback__)),
                pickle.dumps(error).decode("latin-1"),
                repr(vars(error)),
            ]
            for secret in secrets_of_ours:
                assert not [view for view in views if secret in view]
            assert SECRET[:20] not in "".join(views)
            assert error.__context__ is None


WITHOUT_CRYPTOGRAPHY = """
import sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cryptography":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Blocked())
from praetorian_core.errors import ConfigurationError
from praetorian_core.token.keys import ALGORITHMS, Key, KeyRing, generate_secret

pem, der = eval(sys.stdin.read())
for algorithm in ("HS256", "HS384", "HS512"):
    key = KeyRing.from_secret(generate_secret(algorithm), algorithm).signing_key()
    assert key.verifies(b"message", key.sign(b"message"))
    assert not key.verifies(b"message", b"")
    assert 11 == len(key.kid)
for algorithm, make in [
    ("RS256", lambda: Key.from_pem(pem, "RS256")),
    ("EdDSA", lambda: KeyRing.from_pem(pem, algorithm="EdDSA")),
    ("ES256", lambda: Key.from_jwk({"kty": "EC", "alg": "ES256", "x": "AAAA", "y": "AAAA"})),
]:
    try:
        make()
    except ConfigurationError as error:
        assert str(error) == (
            f"{algorithm} needs the package cryptography, which is not installed; write: "
            'pip install "praetorian-core[asymmetric]"'
        )
    else:
        raise AssertionError(algorithm)
for secret in (pem, der, b" " + pem, b"-----BEGIN" + pem.replace(b"-", b"")):
    try:
        Key.from_secret(secret)
    except ConfigurationError as error:
        assert "must be random; got a " in str(error)
    else:
        raise AssertionError(secret)
assert "cryptography" not in sys.modules
print("done")
"""


def run(program, text=""):
    source = pathlib.Path(praetorian_core.__path__[0]).parent
    program = f"import sys; sys.path.insert(0, {str(source)!r})\n" + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", program], input=text, capture_output=True, text=True, check=False)


class TestWithoutCryptography:
    def test_hmac_works_and_the_rest_names_the_extra(self):
        """``cryptography`` is an extra, and public keys are known as such without it."""
        der = made("RSA").public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

        finished = run(WITHOUT_CRYPTOGRAPHY, repr((public_pem("RSA"), der)))

        assert ("done\n", "") == (finished.stdout, finished.stderr)

    @pytest.mark.parametrize("algorithm", PAIRS)
    def test_every_algorithm_with_key_pairs_asks_for_it(self, algorithm, monkeypatch):
        """From PEM and from JWK, before the key is looked at."""
        jwk = public_jwk(algorithm)
        monkeypatch.setattr("jwt.algorithms.has_crypto", False)

        for make in (lambda: Key.from_pem("no key", algorithm), lambda: Key.from_jwk(jwk)):
            assert 'write: pip install "praetorian-core[asymmetric]"' in isolated_refusal(make)

    def test_importing_the_module_imports_neither_jwt_nor_cryptography(self):
        """What is heavy waits for the first key."""
        finished = run(
            """
            import praetorian_core.token.keys
            print([name for name in sys.modules if name in ("jwt", "cryptography")])
            """
        )

        assert ("[]\n", "") == (finished.stdout, finished.stderr)
