"""JWK and JWK Set."""

from __future__ import annotations

import base64
import json
import pathlib
import secrets
from types import MappingProxyType

import pytest
from tests.support import isolated_refusal

from praetorian_core.token import base64url
from praetorian_core.token.jwk import JWK, read_jwk, read_jwks, thumbprint

VECTORS = pathlib.Path(__file__).parent / "vectors"

SECRET = secrets.token_bytes(32)
OCT = {"kty": "oct", "alg": "HS256", "k": base64url.encode(SECRET).decode()}
# Whether these are numbers of a key is decided elsewhere.
EC = {"kty": "EC", "alg": "ES256", "crv": "P-256", "x": "AAAA", "y": "AAAA"}


def without(document, name):
    return {key: value for key, value in document.items() if key != name}


class TestReadJwk:
    def test_a_secret_key_is_read(self):
        """An ``oct`` JWK brings its secret, decoded."""

        assert (JWK(algorithm="HS256", kid=None, may_sign=True, secret=SECRET, members=OCT)) == read_jwk(OCT)

    def test_a_public_key_is_read(self):
        """Other JWKs bring their members."""
        jwk = read_jwk({**EC, "kid": "mine"})

        assert ("ES256", "mine", True, None) == (
            jwk.algorithm,
            jwk.kid,
            jwk.may_sign,
            jwk.secret,
        )
        assert {**EC, "kid": "mine"} == jwk.members

    def test_any_mapping_will_do(self):
        """A read-only view is a mapping."""

        assert SECRET == read_jwk(MappingProxyType(OCT)).secret

    def test_members_unknown_to_us_are_ignored(self):
        """RFC 7517 §4: they MUST be ignored."""

        assert SECRET == read_jwk({**OCT, "x5t": "?", "owner": None}).secret

    def test_its_repr_is_silent(self):
        """A JWK in a log shows neither secret nor numbers."""
        shown = repr(read_jwk(OCT))

        assert OCT["k"] not in shown
        assert repr(SECRET) not in shown
        assert "algorithm='HS256'" in shown

    @pytest.mark.parametrize("document", [None, [], "{}", b"{}", [("kty", "oct")]])
    def test_what_is_no_mapping_is_refused(self, document):
        """JSON text of a single JWK has to be parsed first."""

        assert f"the JWK must be a mapping, as from json.loads; got {type(document).__name__}" == isolated_refusal(
            read_jwk, document
        )


class TestAlg:
    def test_a_key_without_alg_is_refused(self):
        """RFC 8725 §3.1: a key is bound to its algorithm, so it has to say it."""
        message = isolated_refusal(read_jwk, without(OCT, "alg"))

        assert 'the JWK has no "alg"' in message
        assert "add it to the JWK: one of HS256" in message

    @pytest.mark.parametrize("alg", ["none", "hs256", "A256GCM", "RSA-OAEP", "ES521", None, 5, []])
    def test_an_alg_that_is_none_of_ours_is_refused(self, alg):
        """Wycheproof json_web_key_test tcId 19, 20, 25 and 26 among others."""

        assert "the algorithm must be a supported one; got " in isolated_refusal(read_jwk, {**OCT, "alg": alg})

    @pytest.mark.parametrize(
        ("alg", "kty"),
        [("HS256", "RSA"), ("HS256", "OCT"), ("HS256", None), ("RS256", "oct"), ("RS256", "EC"),
         ("ES256", "RSA"), ("ES256", "OKP"), ("EdDSA", "EC"), ("PS512", "rsa"), ("ES512", ["EC"])],
    )  # fmt: skip
    def test_a_kty_that_does_not_go_with_alg_is_refused(self, alg, kty):
        """Wycheproof json_web_key_test tcId 24."""

        assert 'the "kty" of the JWK does not match its "alg"; write "kty": "' in isolated_refusal(
            read_jwk, {**OCT, "alg": alg, "kty": kty}
        )

    def test_an_absent_kty_is_refused(self):
        """RFC 7517 §4.1: it MUST be present."""

        assert 'write "kty": "oct" for HS256' in isolated_refusal(read_jwk, without(OCT, "kty"))


class TestUse:
    @pytest.mark.parametrize("use", ["enc", "SIG", "", None, 1, ["sig"]])
    def test_another_use_is_refused(self, use):
        """Wycheproof json_web_key_test tcId 6 and 21."""

        assert '"use" must be "sig" or absent' in isolated_refusal(read_jwk, {**OCT, "use": use})

    @pytest.mark.parametrize("extra", [{}, {"use": "sig"}])
    def test_sig_and_silence_pass(self, extra):
        """The member is optional."""

        assert SECRET == read_jwk({**OCT, **extra}).secret


class TestKeyOps:
    @pytest.mark.parametrize(
        ("operations", "may_sign"),
        [(["verify"], False), (["sign", "verify"], True), (["verify", "sign"], True)],
    )
    @pytest.mark.parametrize("document", [OCT, EC, {**EC, "d": "AAAA"}])
    def test_verify_is_wanted_and_sign_is_obeyed(self, document, operations, may_sign):
        """A key that may not sign is a key that verifies."""

        assert may_sign is read_jwk({**document, "key_ops": operations}).may_sign

    def test_a_private_key_may_say_sign_alone(self):
        """RFC 7517 §4.3: "verify" is for the public half, which comes with it."""

        assert read_jwk({**EC, "d": "AAAA", "key_ops": ["sign"]}).may_sign

    @pytest.mark.parametrize("document", [OCT, EC])
    def test_a_key_that_must_not_verify_is_refused(self, document):
        """Every key of a ring verifies."""

        assert '"key_ops" must be ["verify"]' in isolated_refusal(read_jwk, {**document, "key_ops": ["sign"]})

    @pytest.mark.parametrize(
        "operations",
        [[], None, "verify", {"verify": 1}, ["verify", "verify"], ["verify", "encrypt"],
         ["deriveBits"], [["verify"]], [None], ["VERIFY"]],
    )  # fmt: skip
    def test_anything_else_is_refused(self, operations):
        """RFC 7517 §4.3: no duplicates, and no unrelated operations."""

        assert '"key_ops" must be' in isolated_refusal(read_jwk, {**OCT, "key_ops": operations})


class TestKid:
    def test_null_is_refused(self):
        """RFC 7517 §4.5: its value is a string; null is not the same as absent."""

        assert 'the "kid" of the JWK must be a string or absent; got null' in isolated_refusal(
            read_jwk, {**OCT, "kid": None}
        )


class TestNumbers:
    def test_a_secret_key_without_k_is_refused(self):
        """RFC 7518 §6.4.1: the secret has to be there."""

        assert 'has no "k"' in isolated_refusal(read_jwk, without(OCT, "k"))

    @pytest.mark.parametrize(
        "text",
        [
            *("", "A", "AAAAA", "ab+d", "ab/d", "ab.d", "AB", "\u0391\u0391\u0391\u0391", None, 7, b"AAAA", ["AAAA"]),
            pytest.param(OCT["k"] + "=", id="padding"),
            pytest.param(OCT["k"] + "\n", id="line break"),
            pytest.param(" " + OCT["k"], id="space"),
        ],
    )
    def test_what_is_not_canonical_base64url_is_refused(self, text):
        """RFC 7515 §2: no padding, no line breaks, no stray bits; one secret has one text."""

        assert '"k" of the JWK is not base64url' in isolated_refusal(read_jwk, {**OCT, "k": text})

    @pytest.mark.parametrize("length", range(1, 9))
    def test_canonical_base64url_passes(self, length):
        """Every length of bytes has one canonical text, and that is read."""
        octets = bytes([255] * length)

        assert octets == read_jwk({**OCT, "k": base64url.encode(octets).decode()}).secret

    def test_one_stray_bit_is_refused(self):
        """The last character of 32 bytes carries four bits, the other two have to be zero."""
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        stray = OCT["k"][:-1] + alphabet[alphabet.index(OCT["k"][-1]) + 1]

        assert base64.urlsafe_b64decode(stray + "=") == SECRET
        assert "left-over bits" in isolated_refusal(read_jwk, {**OCT, "k": stray})

    @pytest.mark.parametrize("name", ["x", "y", "d"])
    def test_the_numbers_of_pairs_are_checked_alike(self, name):
        """PyJWT would read past what is not base64url."""

        assert f'"{name}" of the JWK is not base64url' in isolated_refusal(read_jwk, {**EC, "d": "AAAA", name: "AA AA"})

    def test_no_message_holds_the_value(self):
        """A secret that is written wrongly is still a secret."""

        assert OCT["k"] not in isolated_refusal(read_jwk, {**OCT, "k": OCT["k"] + "="})


class TestReadJwks:
    def test_a_set_is_read_from_a_mapping_and_from_text(self):
        """Both give the JWKs, in their order."""
        document = {"keys": [OCT, EC], "issuer": "ignored"}

        assert [OCT, EC] == read_jwks(document)
        assert [OCT, EC] == read_jwks(json.dumps(document))
        assert [OCT, EC] == read_jwks({"keys": (OCT, EC)})

    @pytest.mark.parametrize("document", [None, 7, b'{"keys": []}', [OCT], "[]", "null", '"keys"'])
    def test_what_is_no_object_is_refused(self, document):
        """A set is an object, or its JSON text; bytes are not guessed at."""

        assert "the JWK Set must be an object or its JSON text; got " in isolated_refusal(read_jwks, document)

    def test_a_single_key_is_told_from_a_set(self):
        """The text says how to make a set of it."""

        assert 'is a single JWK; write {"keys": [jwk]}' in isolated_refusal(read_jwks, OCT)

    @pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": {}}, {"keys": "[]"}])
    def test_an_object_without_an_array_of_keys_is_refused(self, document):
        """RFC 7517 §5.1: the member MUST be there, and an array."""

        assert 'has no array "keys"' in isolated_refusal(read_jwks, document)

    @pytest.mark.parametrize(
        "text",
        [
            '{"keys": [], "keys": []}',
            '{"keys": [{"kty": "oct", "kty": "RSA"}]}',
            '{"keys": [], "extra": {"deep": [{"a": 1, "\\u0061": 2}]}}',
        ],
    )
    def test_a_repeated_name_is_refused_at_every_level(self, text):
        """RFC 7517 §4: member names MUST be unique, or parsers disagree on the key."""

        assert "the JWK Set is not strict JSON: a member name occurs twice" in isolated_refusal(read_jwks, text)

    def test_the_same_name_in_two_objects_passes(self):
        """Each JWK has its own ``kty``."""

        assert [{"kty": "a"}, {"kty": "b"}] == read_jwks('{"keys": [{"kty": "a"}, {"kty": "b"}]}')

    @pytest.mark.parametrize(
        "text",
        ["", "{", "\ufeff{}", "{'keys': []}", '{"keys": [' * 50_000],
        ids=["empty", "cut", "bom", "python", "deep"],
    )
    def test_what_is_not_json_is_refused(self, text):
        """The parser's own error, which carries the text, is not passed on."""

        assert "the JWK Set is not strict JSON" in isolated_refusal(read_jwks, text)


class TestThumbprint:
    def test_the_vector_of_the_rfc(self):
        """RFC 7638 §3.1."""
        vector = json.loads((VECTORS / "rfc7638.json").read_text())
        required = {name: vector["jwk"][name] for name in ("n", "kty", "e")}

        assert vector["thumbprint"] == thumbprint(required)
        assert "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs" == thumbprint(required)
