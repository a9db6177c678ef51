"""The supported algorithms."""

from __future__ import annotations

import pytest
from tests.support import refusal

from praetorian_core.token.algorithms import (
    ALGORITHMS,
    HOW_TO_MAKE,
    hash_bytes,
    key_type,
    known_algorithm,
    pair_algorithm,
    require_kind,
)

HMAC = ["HS256", "HS384", "HS512"]
PAIRS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class TestKnownAlgorithm:
    def test_these_and_no_others_are_known(self):
        """The thirteen of RFC 7518 §3.1 and RFC 8037 that are for signatures, without ``none``."""

        assert (*HMAC, *PAIRS) == ALGORITHMS
        assert list(ALGORITHMS) == [known_algorithm(name) for name in ALGORITHMS]

    @pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE"])
    def test_none_is_refused_in_every_spelling(self, name):
        """RFC 8725 §3.2: an unsecured token is never accepted."""

        assert "got 'none', which accepts every token" in refusal(known_algorithm, name)

    @pytest.mark.parametrize(
        "name",
        ["", "hs256", "HS256 ", " HS256", "HS2566", "HS", "RS1", "ES256K", "ES521", "EDDSA",
         "Ed25519", "A256GCM", "RSA-OAEP", "none ", "HS256,none"],
    )  # fmt: skip
    def test_names_are_exact(self, name):
        """RFC 7515 §4.1.1: names are compared with letter case, and as a whole."""
        message = refusal(known_algorithm, name)

        assert "write exactly one of: HS256, HS384" in message
        assert message.startswith("the algorithm must be a supported one; got another text;")

    @pytest.mark.parametrize("name", [None, 256, b"HS256", ["HS256"], {"HS256"}])
    def test_only_text_is_a_name(self, name):
        """What is not text is refused, hashable or not."""

        assert f"got {type(name).__name__}; write " in refusal(known_algorithm, name)

    def test_what_was_given_is_not_repeated(self):
        """Who swaps two arguments finds no secret in the log."""

        assert "hunter2" not in refusal(known_algorithm, "hunter2")


class TestFamilies:
    @pytest.mark.parametrize(("name", "expected"), [("HS256", 32), ("HS384", 48), ("HS512", 64)])
    def test_hmac_has_a_hash(self, name, expected):
        """RFC 7518 §3.2 measures secrets by the output of the hash."""

        assert expected == hash_bytes(name)
        assert "oct" == key_type(name)

    @pytest.mark.parametrize("name", PAIRS)
    def test_other_algorithms_take_no_secret(self, name):
        """A secret for a public-key algorithm is a mistake, and the text says what to write."""
        message = refusal(hash_bytes, name)

        assert f"{name} needs a key pair, not a secret" in message
        assert f"algorithm={name!r}" in message

    @pytest.mark.parametrize("name", PAIRS)
    def test_pairs_are_for_pairs(self, name):
        """The other ten work with key pairs."""

        assert name == pair_algorithm(name)
        assert key_type(name) in ("RSA", "EC", "OKP")

    @pytest.mark.parametrize("name", HMAC)
    def test_hmac_takes_no_key_pair(self, name):
        """CVE-2015-9235: a public key never becomes a secret."""

        assert f"{name} needs a secret, not a key pair" in refusal(pair_algorithm, name)


FITTING = [
    ("RS256", "RSA"), ("RS384", "RSA"), ("RS512", "RSA"),
    ("PS256", "RSA"), ("PS384", "RSA"), ("PS512", "RSA"),
    ("ES256", "P-256"), ("ES384", "P-384"), ("ES512", "P-521"),
    ("EdDSA", "Ed25519"), ("EdDSA", "Ed448"),
]  # fmt: skip
KINDS = ["RSA", "P-256", "P-384", "P-521", "secp256k1", "Ed25519", "Ed448", "X25519", "DSA"]


class TestRequireKind:
    @pytest.mark.parametrize(("name", "kind"), FITTING)
    def test_what_fits_passes(self, name, kind):
        """Each algorithm takes its own kind of key."""

        assert require_kind(name, kind) is None

    @pytest.mark.parametrize(
        ("name", "kind"),
        [(name, kind) for name in PAIRS for kind in KINDS if (name, kind) not in FITTING],
    )
    def test_everything_else_is_refused(self, name, kind):
        """Each pair that is not in the table of RFC 7518 is refused, with a way out."""
        message = refusal(require_kind, name, kind)

        assert message.startswith(f"the key for {name} must be ")
        assert f"; got {kind}; write " in message
        assert "a new key: openssl genpkey" in message

    def test_the_algorithm_that_would_fit_is_named(self):
        """The cheaper way out comes first."""

        assert "write algorithm='ES384', or a new key" in refusal(require_kind, "ES256", "P-384")
        assert "write a new key" in refusal(require_kind, "ES256", "secp256k1")

    def test_there_is_a_command_for_each_algorithm(self):
        """Each kind that an algorithm asks for first can be made with one line."""
        first_kinds = {kind for _, kind in FITTING if kind != "Ed448"}

        assert first_kinds == set(HOW_TO_MAKE)
