"""Weak HMAC secrets that are rejected, and similar ones that pass."""

from __future__ import annotations

import base64
import datetime as dt
import json
import pathlib
import random
import secrets
import string
import urllib.parse

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm
from tests.support import isolated_refusal

from praetorian_core.errors import ConfigurationError
from praetorian_core.token.weak_secrets import ADVICE, check_secret, to_bytes


def vet(secret, minimum=32):
    return check_secret(secret, algorithm=f"HS{minimum * 8}", minimum=minimum)


def refusal(secret, minimum=32):
    return isolated_refusal(vet, secret, minimum)


class TestWhatIsReturned:
    def test_bytes_come_back_as_they_were_given(self):
        """Nothing is stripped from a secret, not even the newline at its end."""
        secret = b" " + secrets.token_bytes(40) + b" \r\n"

        assert secret == vet(secret)

    def test_text_becomes_utf8(self):
        """Text is encoded as UTF-8, without any normalisation."""
        secret = "A\u030a\u00c5" + secrets.token_urlsafe(32)

        assert secret.encode() == vet(secret)

    def test_each_advice_is_a_line_that_makes_a_secret_that_passes(self):
        """What a refusal tells to paste makes a secret that is long enough for HS512."""
        made = secrets.token_urlsafe(48)

        assert "secrets.token_urlsafe(48)" in ADVICE
        assert made.encode() == vet(made, minimum=64)


class TestTypes:
    @pytest.mark.parametrize("secret", [None, 7, bytearray(48), memoryview(bytes(48)), ["s" * 48], pathlib.Path("key")])
    def test_only_text_and_bytes_are_secrets(self, secret):
        """Anything but str and bytes is refused, with the name of its type."""

        assert f"the HMAC secret must be str or bytes; got {type(secret).__name__}" == refusal(secret)

    def test_a_lone_surrogate_is_refused(self):
        """Text that UTF-8 cannot carry is refused, and the error does not drag it along."""
        secret = secrets.token_urlsafe(40) + "\ud800"

        message = refusal(secret)

        assert "lone surrogate" in message
        assert secret[:8] not in message

    def test_a_pair_of_surrogates_in_one_character_passes(self):
        """A character outside the basic plane is an ordinary character."""

        assert vet(secrets.token_urlsafe(40) + "\U0001f511").endswith(b"\xf0\x9f\x94\x91")

    def test_to_bytes_says_what_it_was_given(self):
        """The name of the value is part of the message."""
        with pytest.raises(ConfigurationError, match=r"^the PEM must be str or bytes; got int$"):
            to_bytes(7, "the PEM")


class TestLength:
    @pytest.mark.parametrize("minimum", [32, 48, 64])
    def test_one_byte_less_than_the_hash_is_refused(self, minimum):
        """RFC 7518 §3.2: a key as long as the hash output or longer."""
        message = refusal(secrets.token_bytes(minimum - 1), minimum)

        assert f"must have {minimum} bytes for HS{minimum * 8} (RFC 7518 §3.2); got {minimum - 1};" in message
        assert message.endswith(ADVICE)

    @pytest.mark.parametrize("minimum", [32, 48, 64])
    def test_as_many_bytes_as_the_hash_pass(self, minimum):
        """The shortest secret that RFC 7518 allows is allowed."""
        secret = secrets.token_bytes(minimum)

        assert secret == vet(secret, minimum)

    def test_bytes_count_and_not_characters(self):
        """31 characters of which one takes two bytes are 32 bytes."""
        secret = secrets.token_hex(15) + "\u00e9"

        assert 31 == len(secret)
        assert 32 == len(vet(secret))

    @pytest.mark.parametrize("secret", ["", b""])
    def test_nothing_is_refused(self, secret):
        """An empty secret has a message of its own."""

        assert "got none;" in refusal(secret)

    @pytest.mark.parametrize("secret", [" " * 40, b"\t\r\n " * 12, "\u00a0\u3000" * 20])
    def test_white_space_is_refused(self, secret):
        """White space alone is no secret, also that of other scripts."""

        assert "got only white space;" in refusal(secret)


class TestRepetition:
    @pytest.mark.parametrize(
        ("secret", "block"),
        [
            (b"\0" * 32, 1),
            ("x" * 64, 1),
            ("ab" * 16, 2),
            ("secret" * 8, 6),
            ("secretsecretsecretsecretsecretsecre", 6),
            ("0123456789" * 4, 10),
            ("your-256-bit-secret" * 2, 19),
            (secrets.token_bytes(16) * 2, 16),
            (secrets.token_bytes(31) * 2, 31),
        ],
        ids=["nul", "x", "ab", "secret", "cut", "digits", "jwt.io", "16", "31"],
    )
    def test_a_short_block_written_again_is_refused(self, secret, block):
        """A secret is as long as the block that it repeats."""

        assert f"that repeat after {block};" in refusal(secret)

    def test_a_long_block_written_again_passes(self):
        """A block that is long enough by itself may be repeated."""

        assert vet(secrets.token_bytes(32) * 2)

    def test_a_block_written_less_than_twice_passes(self):
        """32 bytes that repeat from the 18th on are no repetition yet; from the 17th on they are."""
        block = secrets.token_bytes(17)

        assert vet((block * 2)[:32])
        assert "that repeat after 16;" in refusal((block[:16] * 2)[:32])

    def test_ends_that_agree_are_no_repetition(self):
        """A secret that begins and ends with the same byte is an ordinary one."""
        middle = secrets.token_bytes(30)

        assert vet(b"k" + middle + b"k")

    def test_a_rising_sequence_of_bytes_passes(self):
        """Wycheproof's json_web_key_test tcId 13 calls the bytes 0 to 64 a valid key."""

        assert vet(bytes(range(65)))


class TestDistinctBytes:
    def test_four_different_bytes_are_refused(self):
        """32 bytes of 4 values hold 64 bits at the most."""
        secret = "abcd" + "".join(random.Random(4).choices("abcd", k=44))

        assert "different byte values or more, as random ones have; got 4;" in refusal(secret)

    def test_five_different_bytes_pass(self):
        """Five is the bound, as in Django's security.W009."""

        assert vet("abcde" + "".join(random.Random(5).choices("abcde", k=43)))


PUBLISHED = [
    # Flask's documentation: Configuration Handling, and Quickstart (as bytes, as text, escaped)
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",
    b'_5#y2L"F4Q8z\n\xec]/' + b"padding-12345678",
    '_5#y2L"F4Q8z\n\xec]/' + "padding-12345678",
    r'_5#y2L"F4Q8z\n\xec]/' + "0000000000000",
    # FastAPI's tutorial: OAuth2 with Password, Bearer with JWT tokens
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    # Spring tutorials
    "5367566B59703373367639792F423F4528482B4D6251655468576D5A71347437",
    # jwt.io
    "a-string-secret-at-least-256-bits-long",
    "your-256-bit-secretyour-256-bit-",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    # flask-praetorian, flask-jwt-extended, express-session
    "top secret" + " " * 22,
    "super-secret" + "=" * 20,
    "keyboard cat" + "1234567890" * 2,
]

PLACEHOLDERS = [
    "change-me" + "0" * 23,
    "CHANGEME_CHANGEME_CHANGEME_please",
    "please-change-this-secret-key-in-production",
    "my-super-secret-jwt-signing-key-for-development",
    "supersecretkey" + "1234567890" * 2,
    "password" + "x" * 24,
    "x" * 30 + "testing",
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "0123456789abcdefghijklmnopqrstuvwxyz",
    "this is the test secret of my flask app",
    "insecure-development-key-do-not-use",
]


class TestPlaceholders:
    @pytest.mark.parametrize("secret", PUBLISHED + PLACEHOLDERS)
    def test_what_was_printed_or_is_a_placeholder_is_refused(self, secret):
        """Samples and placeholders are the first guesses, in any case and however padded."""
        message = refusal(secret)

        assert "is a placeholder or a published sample" in message
        assert message.endswith(ADVICE)

    @pytest.mark.parametrize("secret", PUBLISHED[:1] + PLACEHOLDERS[2:4])
    def test_letter_case_makes_no_secret(self, secret):
        """The same in capitals is the same."""

        assert "so it is a placeholder" in refusal(secret.upper())

    def test_words_and_15_unknown_bytes_are_refused(self):
        """Besides the words there have to be 16 bytes."""

        assert "must have 16 bytes or more besides well-known words; got 15," in refusal(
            "my-secret-key-for-flask" + "q9Zr1vWx4Lg7n"
        )

    def test_words_and_16_unknown_bytes_pass(self):
        """One byte more, and the words do no harm."""

        assert vet("my-secret-key-for-flask" + "q9Zr1vWx4Lg7nU")

    def test_separators_count_where_there_are_no_words(self):
        """Only what has words in it is suspected."""

        assert vet("j-4.q_8 -r.0-m_.6 t-.1x_.7-d ._9")

    def test_a_published_sample_with_random_bytes_passes(self):
        """Only bytes besides well-known words count."""

        assert vet(PUBLISHED[0] + "J4wq88Rz0Lm6Tn1X")

    @pytest.mark.parametrize("prefix", ["django-insecure-", "Django-Insecure-"])
    def test_what_startproject_wrote_is_refused(self, prefix):
        """Django marks the secrets that lie in a source file."""

        assert "must not begin with 'django-insecure-'" in refusal(prefix + secrets.token_urlsafe(50))

    def test_a_django_secret_without_the_mark_passes(self):
        """The mark is what is refused, not Django."""

        assert vet("django-" + secrets.token_urlsafe(50))


class TestRandomSecrets:
    @pytest.mark.parametrize(
        "alphabet",
        [
            bytes(range(256)),
            string.hexdigits[:16].encode(),
            (string.ascii_letters + string.digits + "-_").encode(),
            (string.ascii_letters + string.digits + "+/").encode(),
            string.digits.encode(),
            string.ascii_lowercase.encode(),
            string.printable[:94].encode(),
        ],
        ids=["bytes", "hex", "base64url", "base64", "digits", "letters", "printable"],
    )
    def test_random_secrets_pass(self, alphabet):
        """No heuristic takes a random secret for a weak one."""
        source = random.Random(20171017)

        for length in [32, 43, 64, 86] * 250:
            secret = bytes(source.choices(alphabet, k=length))
            assert secret == vet(secret)


# ---- Keys in the place of secrets: CVE-2017-11424, CVE-2022-29217, CVE-2024-33663, CVE-2026-34950.


def _certificate(private):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "praetorian.test")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    digest = None if isinstance(private, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=1))
        .sign(private, digest)
    )


@pytest.fixture(scope="module")
def pairs():
    return {
        "rsa": rsa.generate_private_key(65537, 2048),
        "p256": ec.generate_private_key(ec.SECP256R1()),
        "p384": ec.generate_private_key(ec.SECP384R1()),
        "p521": ec.generate_private_key(ec.SECP521R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate(),
        "ed448": ed448.Ed448PrivateKey.generate(),
    }


@pytest.fixture(scope="module")
def other_ders():
    """A DSA key, an ML-DSA-65 key (RFC 9881) and an EC key without its curve (RFC 5915)."""
    dsa_key = dsa.generate_private_key(2048).public_key()
    return [
        dsa_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        bytes.fromhex("308207b2300b0609608648016503040312038207a100") + secrets.token_bytes(1952),
        bytes.fromhex("30250201010420") + secrets.token_bytes(32),
    ]


def _ders(name, private):
    public = private.public_key()
    yield "spki", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    yield "pkcs8", private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    if name == "rsa":
        yield "pkcs1 public", public.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    if not name.startswith("ed"):
        traditional = PrivateFormat.TraditionalOpenSSL
        yield "traditional", private.private_bytes(Encoding.DER, traditional, NoEncryption())
    if name in ("rsa", "p256", "ed25519"):
        yield "certificate", _certificate(private).public_bytes(Encoding.DER)


def _pems(name, private):
    public = private.public_key()
    locked = BestAvailableEncryption(b"hunter2")
    yield "spki", public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield "pkcs8", private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    yield "locked", private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    if name == "rsa":
        yield "pkcs1 public", public.public_bytes(Encoding.PEM, PublicFormat.PKCS1)
    if name in ("rsa", "p256", "ed25519"):
        yield "certificate", _certificate(private).public_bytes(Encoding.PEM)


def _jwk(name, private):
    kind = RSAAlgorithm if name == "rsa" else OKPAlgorithm if name.startswith("ed") else ECAlgorithm
    return kind.to_jwk(private.public_key(), as_dict=True)


def _body(pem):
    return b"\n".join(line for line in pem.splitlines() if not line.startswith(b"--"))


KINDS = ["rsa", "p256", "p384", "p521", "ed25519", "ed448"]

TEXT_MANGLINGS = {
    "as it is": lambda text: text,
    "leading blank": lambda text: b" " + text,
    "trailing blank": lambda text: text + b"\n \t",
    "no last newline": lambda text: text.rstrip(),
    "byte order mark": lambda text: b"\xef\xbb\xbf" + text,
    "crlf": lambda text: text.replace(b"\n", b"\r\n"),
    "no newlines": lambda text: text.replace(b"\n", b""),
    "blanks for newlines": lambda text: text.replace(b"\n", b" "),
    "escaped newlines": lambda text: text.replace(b"\n", b"\\n"),
    "twice escaped newlines": lambda text: text.replace(b"\n", b"\\\\n"),
    "escaped crlf": lambda text: text.replace(b"\n", b"\\r\\n"),
    "quoted": lambda text: b'"' + text + b'"',
    "json string": lambda text: json.dumps(text.decode()).encode(),
    "indented": lambda text: text.replace(b"\n", b"\n    "),
    "utf-16": lambda text: text.decode().encode("utf-16"),
    "base64": base64.b64encode,
    "base64url": lambda text: base64.urlsafe_b64encode(text).rstrip(b"="),
    "hex": lambda text: text.hex().encode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text)),
    "base64 of crlf": lambda text: base64.encodebytes(text.replace(b"\n", b"\r\n")),
    "percent": lambda text: urllib.parse.quote(text).encode(),
    "repr of bytes": lambda text: repr(text).encode(),
}
NESTED = ("base64", "base64url", "hex", "base64 twice", "base64 of crlf")

BINARY_MANGLINGS = {
    "as it is": lambda octets: octets,
    "newline": lambda octets: octets + b"\n",
    "blank before": lambda octets: b" " + octets,
    "base64": base64.b64encode,
    "base64 lines": base64.encodebytes,
    "base64url": lambda octets: base64.urlsafe_b64encode(octets).rstrip(b"="),
    "hex": lambda octets: octets.hex().encode(),
    "HEX": lambda octets: octets.hex().upper().encode(),
    "rest of an armor": lambda octets: b"PUBLIC KEY-----" + base64.b64encode(octets),
    "hex with colons": lambda octets: octets.hex(":").upper().encode(),
    "hex with 0x": lambda octets: b", ".join(b"0x%02x" % octet for octet in octets),
    "base64 twice": lambda octets: base64.b64encode(base64.b64encode(octets)),
    "hex of base64": lambda octets: base64.b64encode(octets).hex().encode(),
    "base32": base64.b32encode,
    "percent": lambda octets: urllib.parse.quote_from_bytes(octets).encode(),
    "repr of bytes": lambda octets: repr(octets).encode(),
    "escapes": lambda octets: b"".join(b"\\x%02x" % octet for octet in octets),
    "json escapes": lambda octets: json.dumps(octets.decode("latin-1")).encode(),
    "latin-1": lambda octets: octets.decode("latin-1"),
    "latin-1 twice": lambda octets: octets.decode("latin-1").encode().decode("latin-1"),
    "latin-1 and a newline": lambda octets: octets.decode("latin-1") + "\n",
    "cp437": lambda octets: octets.decode("cp437"),
    "mac-roman": lambda octets: octets.decode("mac-roman"),
}
LOSSY_MANGLINGS = {
    "ignored": lambda octets: octets.decode(errors="ignore"),
    "replaced": lambda octets: octets.decode(errors="replace"),
    "ascii, ignored": lambda octets: octets.decode("ascii", "ignore"),
    "question marks": lambda octets: octets.decode("latin-1").encode("ascii", "replace"),
    "backslashes": lambda octets: octets.decode("ascii", "backslashreplace"),
}


class TestKeysInThePlaceOfSecrets:
    @pytest.mark.parametrize("mangling", TEXT_MANGLINGS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_pem_block_is_refused(self, pairs, kind, mangling):
        """A PEM block, public or private, is no secret, however a configuration mangled it."""
        for form, pem in _pems(kind, pairs[kind]):
            message = refusal(TEXT_MANGLINGS[mangling](pem), minimum=64)

            assert "the HMAC secret must be random; got a PEM block" in message, form
            assert "KeyRing.from_pem" in message

    @pytest.mark.parametrize("mangling", TEXT_MANGLINGS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_the_body_of_a_pem_block_is_refused(self, pairs, kind, mangling):
        """Without its armor a key is a key."""
        for form, pem in _pems(kind, pairs[kind]):
            if form != "locked" and mangling not in NESTED:
                message = refusal(TEXT_MANGLINGS[mangling](_body(pem)), minimum=64)

                assert "the HMAC secret must be random; got a DER key or certificate" in message, form

    @pytest.mark.parametrize("mangling", BINARY_MANGLINGS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_der_is_refused(self, pairs, kind, mangling):
        """The DER of a key or a certificate is no secret, nor is its base64 or hex."""
        for form, der in _ders(kind, pairs[kind]):
            message = refusal(BINARY_MANGLINGS[mangling](der), minimum=64)

            assert "the HMAC secret must be random; got a DER key or certificate" in message, form

    @pytest.mark.parametrize("mangling", LOSSY_MANGLINGS)
    @pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "p521", "ed25519", "ed448"])
    def test_der_that_lost_its_high_bytes_is_rejected(self, pairs, kind, mangling):
        """A part of a public key is as public as the whole key."""
        der = pairs[kind].public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

        assert "got a DER key or certificate" in refusal(LOSSY_MANGLINGS[mangling](der), minimum=64)

    @pytest.mark.parametrize("mangling", BINARY_MANGLINGS)
    def test_keys_of_other_algorithms_are_rejected(self, other_ders, mangling):
        """They verify no token here, and are public all the same."""
        for octets in other_ders:
            assert "got a DER key or certificate" in refusal(BINARY_MANGLINGS[mangling](octets), minimum=64)

    @pytest.mark.parametrize("mangling", TEXT_MANGLINGS)
    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "ed448"])
    def test_an_ssh_key_is_refused(self, pairs, kind, mangling):
        """CVE-2022-29217: an SSH key is as public as any other."""
        public = pairs[kind].public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        private = pairs[kind].private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        listed = b'no-pty,command="ls" ' + public + b" someone@example.org\n"

        for text in (public, listed, _body(private)):
            if text not in (public, listed) and mangling in NESTED:
                continue
            assert "the HMAC secret must be random; got " in refusal(TEXT_MANGLINGS[mangling](text), minimum=64)
        assert "an SSH key" in refusal(public)
        assert "an SSH key" in refusal(_body(private))

    @pytest.mark.parametrize("mangling", TEXT_MANGLINGS)
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_jwk_is_refused(self, pairs, kind, mangling):
        """A JWK is loaded, not hashed."""
        jwk = _jwk(kind, pairs[kind])

        for document in (jwk, {"keys": [jwk]}, [jwk]):
            for text in (json.dumps(document), json.dumps(document, indent=1), repr(document)):
                message = refusal(TEXT_MANGLINGS[mangling](text.encode()), minimum=64)

                assert "the HMAC secret must be random; got a JWK or another JSON document" in message

    @pytest.mark.parametrize("mangling", ["as it is", "crlf", "no newlines", "base64", "utf-16", "percent"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_a_jwk_in_another_notation_is_rejected(self, pairs, kind, mangling):
        """YAML, TOML and lines of names and values."""
        members = _jwk(kind, pairs[kind]).items()
        notations = [
            "".join(f"{name}: {value}\n" for name, value in members),
            "".join(f'{name} = "{value}"\n' for name, value in members),
            "".join(f"{name}={value}\n" for name, value in members),
        ]
        for text in notations:
            assert "got a JWK or another JSON document" in refusal(TEXT_MANGLINGS[mangling](text.encode()), minimum=64)

    @pytest.mark.parametrize(
        "make",
        [
            lambda n: f"<RSAKeyValue><Modulus>{n}</Modulus><Exponent>AQAB</Exponent></RSAKeyValue>",
            lambda n: f"<ds:RSAKeyValue><ds:Modulus>{n}</ds:Modulus></ds:RSAKeyValue>",
            lambda n: f"Modulus={n.encode().hex().upper()}\n",
            lambda n: f"Public-Key: (2048 bit)\nModulus:\n    00:{n.encode().hex(':')}\nExponent: 65537 (0x10001)\n",
            lambda n: f"Public-Key: (256 bit)\npub:\n    04:{n.encode().hex(':')}\nASN1 OID: prime256v1\n",
        ],
        ids=["XML", "XML with a prefix", "openssl -modulus", "openssl -text of RSA", "openssl -text of EC"],
    )
    def test_a_printed_key_is_rejected(self, pairs, make):
        """XML Signature and openssl print public keys in forms of their own."""
        text = make(_jwk("rsa", pairs["rsa"])["n"][:64])

        assert "got a key as printed by a tool" in refusal(text, minimum=64)
        assert "got a key as printed by a tool" in refusal(base64.b64encode(text.encode()), minimum=64)

    @pytest.mark.parametrize(
        "text",
        [
            '{"issuer": "https://idp.example.org", "jwks_uri": "https://idp.example.org/jwks"}',
            '["https://idp.example.org/jwks", "https://idp.example.org/token"]',
            "[" * 100_000 + '"q9Zr1vWx4Lg7nUq9Zr1vWx4Lg7nU"' + "]" * 100_000,
            '"\\u006bty" : "oct", "kty" : "oct", "k": "q9Zr1vWx4Lg7nUq9Zr1vWx4Lg7nU"',
        ],
        ids=["object", "array", "deep", "members without braces"],
    )
    def test_any_json_document_is_refused(self, text):
        """No secret is a JSON object or array."""

        assert "a JWK or another JSON document" in refusal(text)

    @pytest.mark.parametrize(
        "text",
        ['"q9Zr1vWx4Lg7nUq9Zr1vWx4Lg7nU8_"', "84719203847561029384756120938475"],
        ids=["string", "number"],
    )
    def test_json_that_is_no_document_passes(self, text):
        """A secret in quotes, or of digits only, is a secret."""

        assert vet(text)

    def test_a_key_that_is_too_short_is_told_to_be_a_key(self, pairs):
        """An Ed25519 key is shorter than HS512's hash, and that is not what is wrong with it."""
        public = pairs["ed25519"].public_key()
        der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

        assert 44 == len(der)
        assert "a DER key" in refusal(der, minimum=64)

    def test_no_message_holds_any_part_of_the_key(self, pairs):
        """A refusal does not say what it refuses."""
        for kind in KINDS:
            for _, pem in _pems(kind, pairs[kind]):
                assert _body(pem).decode()[8:24] not in refusal(pem)

    @pytest.mark.parametrize("dashes", ["---", "----"])
    def test_dashes_are_no_armor(self, dashes):
        """Random text with dashes and a word of PEM is random text."""

        assert vet(f"Jq{dashes[:3]}END9wq_8Rz0Lm6Tn1XbQm{dashes}7Hd")
