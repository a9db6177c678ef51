"""PEM blocks, and the numbers of RSA keys."""

from __future__ import annotations

import datetime as dt
import json
import math
import pathlib
import random
import re

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import RSAAlgorithm
from jwt.utils import base64url_decode
from tests.support import isolated_refusal

from praetorian_core.errors import ConfigurationError
from praetorian_core.token.key_pairs import load_pem, public_key_kind

VECTORS = pathlib.Path(__file__).parent / "vectors"

PASSWORD = b"correct horse battery staple"


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="module")
def pairs(rsa_key):
    return {
        "RSA": rsa_key,
        "P-256": ec.generate_private_key(ec.SECP256R1()),
        "P-384": ec.generate_private_key(ec.SECP384R1()),
        "P-521": ec.generate_private_key(ec.SECP521R1()),
        "secp256k1": ec.generate_private_key(ec.SECP256K1()),
        "Ed25519": ed25519.Ed25519PrivateKey.generate(),
        "Ed448": ed448.Ed448PrivateKey.generate(),
        "X25519": x25519.X25519PrivateKey.generate(),
    }


def private_pem(key, form=PrivateFormat.PKCS8, password=None):
    locked = NoEncryption() if password is None else BestAvailableEncryption(password)
    return key.private_bytes(Encoding.PEM, form, locked)


def public_pem(key, form=PublicFormat.SubjectPublicKeyInfo):
    return key.public_key().public_bytes(Encoding.PEM, form)


def refusal(pem, password=None):
    return isolated_refusal(load_pem, pem, password)


class TestLoadPem:
    @pytest.mark.parametrize("text", [bytes, bytes.decode], ids=["bytes", "text"])
    def test_a_private_block_gives_both_halves(self, pairs, text):
        """PKCS #8 holds every kind of key."""
        for key in pairs.values():
            private, public = load_pem(text(private_pem(key)), None)

            assert private_pem(key) == private_pem(private)
            assert key.public_key() == public

    @pytest.mark.parametrize("text", [bytes, bytes.decode], ids=["bytes", "text"])
    def test_a_public_block_gives_the_public_half(self, pairs, text):
        """SubjectPublicKeyInfo holds every kind of key."""
        for key in pairs.values():
            private, public = load_pem(text(public_pem(key)), None)

            assert private is None
            assert key.public_key() == public

    def test_the_older_forms_are_read(self, pairs):
        """PKCS #1 and SEC 1, as older tools write them."""
        for kind in ("RSA", "P-256"):
            pem = private_pem(pairs[kind], PrivateFormat.TraditionalOpenSSL)
            private, _ = load_pem(pem, None)

            assert private_pem(pairs[kind]) == private_pem(private)
        _, public = load_pem(public_pem(pairs["RSA"], PublicFormat.PKCS1), None)
        assert pairs["RSA"].public_key() == public

    def test_curve_parameters_before_the_key_are_passed_over(self, pairs):
        """``openssl ecparam -genkey`` writes them in a block of their own."""
        parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
        pem = private_pem(pairs["P-256"], PrivateFormat.TraditionalOpenSSL)

        private, _ = load_pem(parameters + pem, None)

        assert private_pem(pairs["P-256"]) == private_pem(private)

    def test_text_around_the_block_is_passed_over(self, rsa_key):
        """RFC 7468 §2: parsers ignore what stands outside; ``openssl`` writes remarks there."""
        _, public = load_pem(b"my key\r\n" + public_pem(rsa_key) + b"\n\n", None)

        assert rsa_key.public_key() == public


class TestPassword:
    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    @pytest.mark.parametrize("password", [PASSWORD, PASSWORD.decode()], ids=["bytes", "text"])
    def test_an_encrypted_key_opens_with_its_password(self, pairs, form, password):
        """Both ways to encrypt a PEM are read, with the password as bytes or as text."""
        private, _ = load_pem(private_pem(pairs["P-256"], form, PASSWORD), password)

        assert private_pem(pairs["P-256"]) == private_pem(private)

    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    def test_without_its_password_it_is_refused(self, pairs, form):
        """The text says which argument is missing."""
        message = refusal(private_pem(pairs["P-256"], form, PASSWORD))

        assert "is encrypted; write password=..." in message

    @pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
    @pytest.mark.parametrize("password", [b"", "", "hunter2", PASSWORD + b" "])
    def test_another_password_is_refused(self, pairs, form, password):
        """The password is used exactly as it is given, and is not in the message."""
        message = refusal(private_pem(pairs["P-256"], form, PASSWORD), password)

        assert "the password is wrong, or it is damaged" in message
        assert "hunter2" not in message

    @pytest.mark.parametrize("make", [private_pem, public_pem])
    def test_a_password_for_an_open_key_is_refused(self, pairs, make):
        """Who believes that a key is encrypted should know that it is not."""

        assert "is not encrypted; leave password out" in refusal(make(pairs["P-256"]), PASSWORD)

    def test_a_password_is_text_or_bytes(self, pairs):
        """A number is not turned into text."""
        message = refusal(private_pem(pairs["P-256"], password=PASSWORD), 1234)

        assert "the PEM's password must be str or bytes; got int" in message


class TestWhatIsNoKey:
    @pytest.mark.parametrize("pem", [None, 7, pathlib.Path("key.pem"), bytearray(b"-")])
    def test_only_text_and_bytes_are_pem(self, pem):
        """A path is not opened for its owner."""

        assert f"the PEM must be str or bytes; got {type(pem).__name__}" == refusal(pem)

    @pytest.mark.parametrize("pem", ["", "key.pem", "/run/secrets/key.pem", b"\x30\x82\x01"])
    def test_text_without_a_block_is_refused(self, pem):
        """A path given as text gets a line to write instead."""
        message = refusal(pem)

        assert "the PEM holds no block; write the content of a file" in message
        assert "not its path: pathlib.Path(...).read_text()" in message

    def test_an_ssh_key_is_refused(self, pairs):
        """The text says how to convert it, the public and the private one."""
        public = pairs["Ed25519"].public_key()
        line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)

        assert "but an SSH key; convert it: ssh-keygen -e -m PKCS8" in refusal(line)
        assert "is OPENSSH PRIVATE KEY, not a supported key; convert it: ssh-keygen -p" in refusal(
            private_pem(pairs["Ed25519"], PrivateFormat.OpenSSH)
        )

    def test_json_is_refused(self):
        """A JWK Set is loaded another way."""

        assert "but JSON; write KeyRing.from_jwks" in refusal(' {"keys": []}')

    def test_a_certificate_is_refused(self, pairs):
        """A certificate expires and can be revoked, which is not checked here."""
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "praetorian.test")])
        start = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
        certificate = x509.CertificateBuilder(
            name, name, pairs["P-256"].public_key(), 7, start, start + dt.timedelta(days=1)
        ).sign(pairs["P-256"], hashes.SHA256())
        request = x509.CertificateSigningRequestBuilder(name).sign(pairs["P-256"], hashes.SHA256())

        assert "CERTIFICATE, not a supported key; write its public key: openssl x509" in refusal(
            certificate.public_bytes(Encoding.PEM)
        )
        assert "CERTIFICATE REQUEST, not a supported key; write its public key: openssl" in refusal(
            request.public_bytes(Encoding.PEM)
        )

    def test_other_blocks_are_refused(self):
        """A block of an unknown name is not tried."""
        message = refusal("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n")

        assert "is X509 CRL, not a supported key; write a PRIVATE KEY or PUBLIC" in message

    def test_two_blocks_are_refused(self, pairs):
        """It is not clear which of two keys is meant."""
        message = refusal(private_pem(pairs["P-256"]) + public_pem(pairs["P-256"]))

        assert "the PEM holds 2 blocks (PRIVATE KEY, PUBLIC KEY)" in message

    @pytest.mark.parametrize("escaped", [r"\n", r"\r\n", r"\\n", r"\\r\\n", r"\\\\n", r"\r"])
    @pytest.mark.parametrize("make", [private_pem, public_pem], ids=["private", "public"])
    def test_escaped_line_breaks_are_rejected(self, pairs, make, escaped):
        """An .env file often has them, a second layer of configuration doubles the backslashes; the advice works."""
        pem = make(pairs["P-256"]).decode().replace("\n", escaped)
        message = refusal(pem)
        prefix, advice = message.split("; write ")

        assert "the PEM must have line breaks; got escaped ones" == prefix
        assert load_pem(eval(advice, {"re": re, "pem": pem}), None)

    @pytest.mark.parametrize("make", [private_pem, public_pem])
    def test_a_damaged_block_is_refused(self, pairs, make):
        """The text names the block, not what is in it."""
        lines = make(pairs["RSA"]).splitlines()
        del lines[2]

        message = refusal(b"\n".join(lines))

        assert "KEY of the PEM cannot be loaded: it is damaged" in message
        assert lines[2].decode() not in message

    def test_a_lone_surrogate_is_refused(self):
        """Such text has no bytes."""

        assert "the PEM must be encodable as UTF-8; got a lone surrogate" in refusal("-----BEGIN \ud800")


class TestKind:
    def test_every_kind_has_its_name(self, pairs):
        """Curves are called as in RFC 7518 §6.2.1.1 and RFC 8037 §2."""
        for kind, key in pairs.items():
            assert kind == public_key_kind(key.public_key())

    def test_kinds_that_sign_no_token_have_names_too(self):
        """So the refusal can say what was found."""
        parameters = dsa.DSAParameterNumbers(p=2**1024 - 105, q=2**160 - 47, g=2)

        assert "DSA" == public_key_kind(dsa.DSAPublicNumbers(4, parameters).public_key())


def rsa_public(bits, exponent=65537, seed=1):
    """Return an RSA key of which only the size and the exponent matter: the modulus is random."""
    modulus = 1 << (bits - 1) | random.Random(seed).getrandbits(bits - 1) | 1
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


class TestRsaSize:
    @pytest.mark.parametrize("bits", [1024, 2047])
    def test_less_than_2048_bits_are_refused(self, bits):
        """RFC 7518 §3.3; Wycheproof json_web_key_test tcId 8."""
        with pytest.raises(ConfigurationError, match=rf"2048 bits or more \(RFC 7518 §3.3\); got {bits};") as caught:
            public_key_kind(rsa_public(bits))

        assert "openssl genpkey -algorithm RSA" in str(caught.value)

    @pytest.mark.parametrize("bits", [2048, 2049, 3072])
    def test_2048_bits_pass(self, bits):
        """The bound itself is allowed."""

        assert "RSA" == public_key_kind(rsa_public(bits))

    def test_the_smallest_good_key_that_is_generated_passes(self, rsa_key):
        """A real key is no worse than a random number."""

        assert "RSA" == public_key_kind(rsa_key.public_key())


class TestRsaExponent:
    @pytest.mark.parametrize("exponent", [3, 17, 65535])
    def test_small_exponents_are_refused(self, exponent):
        """FIPS 186-5 §5.1."""
        with pytest.raises(
            ConfigurationError, match=rf"exponent of the RSA key must be 65537 or more .* got {exponent};"
        ):
            public_key_kind(rsa_public(2048, exponent))

    @pytest.mark.parametrize("exponent", [65537, 65539])
    def test_large_exponents_pass(self, exponent):
        """65537 is the usual exponent."""

        assert "RSA" == public_key_kind(rsa_public(2048, exponent))


SMALL_PRIMES = [n for n in range(2, 702) if all(n % d for d in range(2, math.isqrt(n) + 1))]


def roca_modulus(seed, primes=SMALL_PRIMES):
    """Return a product of two numbers of the form k * M + (65537^a mod M), as CVE-2017-15361 has.

    For 2048 bits, M is the product of the first 126 primes (Nemec et al. 2017, table 1).
    """
    source = random.Random(seed)
    product = math.prod(primes)

    def factor():
        multiplier = (1 << 1024) // product + source.getrandbits(40)
        return multiplier * product + pow(65537, source.getrandbits(200), product)

    return factor() * factor()


class TestRoca:
    def test_the_key_of_wycheproof_is_refused(self):
        """Wycheproof json_web_key_test tcId 7; that its signature is good proves the file."""
        vector = json.loads((VECTORS / "wycheproof_roca.json").read_text())
        public = RSAAlgorithm.from_jwk(vector["jwk"])
        message, _, signature = vector["jws"].rpartition(".")
        engine = RSAAlgorithm(RSAAlgorithm.SHA256)
        assert engine.verify(message.encode(), public, base64url_decode(signature))
        with pytest.raises(ConfigurationError, match=r"ROCA generator.*CVE-2017-15361"):
            public_key_kind(public)

    @pytest.mark.parametrize("seed", range(5))
    def test_keys_of_that_form_are_refused(self, seed):
        """What the broken generator made is known by its form."""
        public = rsa.RSAPublicNumbers(65537, roca_modulus(seed)).public_key()

        with pytest.raises(ConfigurationError, match="ROCA"):
            public_key_kind(public)

    @pytest.mark.parametrize("seed", range(5))
    def test_their_neighbours_pass(self, seed):
        """A modulus two further on is not of that form."""
        public = rsa.RSAPublicNumbers(65537, roca_modulus(seed) + 2).public_key()

        assert "RSA" == public_key_kind(public)

    @pytest.mark.parametrize("prime", [r for r in SMALL_PRIMES if r <= 167])
    def test_one_small_prime_is_enough_to_pass(self, prime):
        """All primes up to 167 have to agree, or it is another generator's key."""
        powers = {pow(65537, a, prime) for a in range(prime)}
        others = [r for r in SMALL_PRIMES if r != prime]
        moduli = [roca_modulus(seed, others) | 1 for seed in range(40)]
        foreign = [n for n in moduli if n % prime and n % prime not in powers]

        # Where 65537 generates all residues, the prime distinguishes no keys.
        assert bool(foreign) is (len(powers) < prime - 1)
        for modulus in foreign:
            assert "RSA" == public_key_kind(rsa.RSAPublicNumbers(65537, modulus).public_key())

    def test_random_moduli_pass(self):
        """By chance one in 2^27.8 would not."""
        for seed in range(200):
            assert "RSA" == public_key_kind(rsa_public(2048, seed=seed))
