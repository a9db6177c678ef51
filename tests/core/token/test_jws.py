"""Verification and signing of compact JWS."""

from __future__ import annotations

import hashlib
import hmac
import json
import string
import sys
import time
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from types import MappingProxyType

import attrs
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core.errors import ConfigurationError, InvalidTokenError
from praetorian_core.token import Key, KeyRing, base64url, generate_secret, verify_compact
from praetorian_core.token.algorithms import ALGORITHMS
from praetorian_core.token.jws import MAX_LENGTH, JWSSigner, JWSVerifier, read_header

PAYLOAD = b'{"sub":"7"}'

CURVES = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}

_RSA = rsa.generate_private_key(65537, 2048)


def _pair(algorithm):
    if algorithm in CURVES:
        return ec.generate_private_key(CURVES[algorithm])
    if algorithm == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return _RSA


def _private_pem(pair):
    return pair.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _public_pem(pair):
    return pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


SECRETS = {algorithm: generate_secret(algorithm) for algorithm in ("HS256", "HS384", "HS512")}
PAIRS = {algorithm: _pair(algorithm) for algorithm in ALGORITHMS if algorithm not in SECRETS}
KEYS = {
    **{algorithm: Key.from_secret(secret, algorithm) for algorithm, secret in SECRETS.items()},
    **{algorithm: Key.from_pem(_private_pem(pair), algorithm) for algorithm, pair in PAIRS.items()},
}
RINGS = {algorithm: KeyRing([key]) for algorithm, key in KEYS.items()}

KEY = KEYS["HS256"]
RING = RINGS["HS256"]

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def encoded(octets):
    """Encode independently of what is tested."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode()


def header_of(key, **changes):
    """Return the header of an issued token, with changes; ``...`` removes a member."""
    members = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT", **changes}
    return {name: value for name, value in members.items() if value is not ...}


def forge(header, payload=PAYLOAD, *, sign=KEY.sign):
    """Return a token with any header, signed by whatever is handed in."""
    octets = header if isinstance(header, bytes) else json.dumps(header).encode()
    message = f"{encoded(octets)}.{encoded(payload)}"
    return f"{message}.{encoded(sign(message.encode()))}"


def by_hmac(secret, digest="sha256"):
    return lambda message: hmac.digest(secret, message, digest)


GOOD = forge(header_of(KEY))
HEAD, BODY, SIGNATURE = GOOD.split(".")


def refusal(token, ring=RING):
    """Return the reason for a refusal, having checked that it repeats nothing of the token."""
    with pytest.raises(InvalidTokenError) as caught:
        verify_compact(token, ring)
    detail = str(caught.value)
    if isinstance(token, str):
        for segment in (token, *token.split(".")):
            assert len(segment) < 5 or segment not in detail
    return detail


def accepted(token, ring=RING):
    header, payload = verify_compact(token, ring)
    return header, payload


class TestVerifyCompact:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_a_good_token_opens(self, algorithm):
        """For every algorithm the header comes back as a dict and the payload as the bytes that were signed."""
        key = KEYS[algorithm]
        token = forge(header_of(key), b"\x00 any \xff octets", sign=key.sign)

        assert (header_of(key), b"\x00 any \xff octets") == accepted(token, RINGS[algorithm])
        assert type(accepted(token, RINGS[algorithm])[0]) is dict

    def test_ed448_opens_too(self):
        """EdDSA is Ed25519 and Ed448 (RFC 8037 §3.1)."""
        key = Key.from_pem(_private_pem(ed448.Ed448PrivateKey.generate()), "EdDSA")

        assert PAYLOAD == accepted(forge(header_of(key), sign=key.sign), KeyRing([key]))[1]

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_a_token_of_pyjwt_opens(self, algorithm):
        """A token that PyJWT signed with the same key is accepted."""
        key = KEYS[algorithm]
        secret = SECRETS[algorithm] if algorithm in SECRETS else _private_pem(PAIRS[algorithm])
        token = jwt.encode({"sub": "7"}, secret, algorithm, headers={"kid": key.kid})

        assert {"sub": "7"} == json.loads(accepted(token, RINGS[algorithm])[1])

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_a_token_of_ours_is_opened_by_pyjwt(self, algorithm):
        """And the reverse."""
        secret = SECRETS[algorithm] if algorithm in SECRETS else _public_pem(PAIRS[algorithm])

        token = JWSSigner(KEYS[algorithm]).sign("JWT", PAYLOAD)

        assert {"sub": "7"} == jwt.decode(token, secret, [algorithm])

    @pytest.mark.parametrize("algorithm", sorted(PAIRS))
    def test_the_public_half_is_enough(self, algorithm):
        """A service that only verifies needs no private key."""
        key = KEYS[algorithm]
        ring = KeyRing([Key.from_pem(_public_pem(PAIRS[algorithm]), algorithm)])

        assert PAYLOAD == accepted(forge(header_of(key), sign=key.sign), ring)[1]

    def test_the_header_that_comes_back_is_the_callers(self):
        """Changing it changes nothing for the next call."""
        accepted(GOOD)[0]["alg"] = "none"

        assert header_of(KEY) == accepted(GOOD)[0]

    def test_the_payload_is_not_looked_into(self):
        """The payload may be anything here: it is parsed after the signature was verified."""

        assert b"no json at all" == accepted(forge(header_of(KEY), b"no json at all"))[1]


class TestSignature:
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_another_payload_is_refused(self, algorithm):
        """A signature is good for what it signed."""
        key = KEYS[algorithm]
        head, _, signature = forge(header_of(key), sign=key.sign).split(".")

        assert "no configured key verifies the signature" == refusal(
            f"{head}.{encoded(b'{}')}.{signature}", RINGS[algorithm]
        )

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    @pytest.mark.parametrize(
        "signature",
        [
            b"\x00",
            b"\x00" * 32,
            b"\x00" * 64,
            b"\x00" * 96,
            b"\x00" * 132,
            b"\x00" * 256,
            b"\xff" * 64,
            b"\x30\x06\x02\x01\x00\x02\x01\x00",
        ],
        ids=lambda octets: f"{octets[:1].hex()}x{len(octets)}",
    )
    def test_a_signature_of_nothing_is_refused(self, algorithm, signature):
        """Zeros, ones, the wrong length and ASN.1 are no signatures (CVE-2022-21449)."""
        token = forge(header_of(KEYS[algorithm]), sign=lambda message: signature)

        assert "no configured key verifies the signature" == refusal(token, RINGS[algorithm])

    def test_a_signature_of_the_curves_order_is_refused(self):
        """Both halves equal to the order: zero in disguise (CVE-2022-21449)."""
        order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
        key = KEYS["ES256"]

        token = forge(header_of(key), sign=lambda message: order.to_bytes(32, "big") * 2)

        assert "no configured key verifies the signature" == refusal(token, RINGS["ES256"])

    @pytest.mark.parametrize("algorithm", ["HS256", "ES256", "EdDSA"])
    def test_another_key_of_the_same_kind_is_refused(self, algorithm):
        """A kid proves nothing: the signature must be of the key that has it."""
        mine = KEYS[algorithm]
        other = (
            Key.from_secret(generate_secret())
            if algorithm == "HS256"
            else Key.from_pem(_private_pem(_pair(algorithm)), algorithm)
        )

        assert "no configured key verifies the signature" == refusal(
            forge(header_of(mine), sign=other.sign), RINGS[algorithm]
        )

    @pytest.mark.parametrize("length", [1, 16, 31])
    def test_a_part_of_a_signature_is_refused(self, length):
        """The whole MAC is compared (RFC 7518 §3.2)."""
        token = forge(header_of(KEY), sign=lambda message: KEY.sign(message)[:length])

        assert "no configured key verifies the signature" == refusal(token)

    @pytest.mark.parametrize("answer", [False, None, 1, "valid"])
    def test_only_true_verifies(self, answer):
        """A key that answers anything but True has not verified the signature."""
        key = attrs.evolve(KEY, verifies=lambda message, signature: answer)
        token = forge(header_of(key), sign=KEY.sign)

        assert "no configured key verifies the signature" == refusal(token, KeyRing([key]))

    def test_true_verifies(self):
        """The answer True is enough."""
        key = attrs.evolve(KEY, verifies=lambda message, signature: True)

        assert PAYLOAD == accepted(forge(header_of(key), sign=KEY.sign), KeyRing([key]))[1]


class TestAlgorithm:
    @pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES256", "EdDSA"])
    @pytest.mark.parametrize(
        "alg",
        [
            "none",
            "None",
            "NONE",
            "nOnE",
            "none ",
            " none",
            "none\x00",
            "",
            "null",
            ["none"],
            ["HS256"],
            [],
            None,
            0,
            False,
            True,
            1,
            1.5,
            {},
            {"alg": "none"},
            ...,
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("signature", ["", "AA", "own"])
    def test_none_is_refused(self, algorithm, alg, signature):
        """``none`` in any letter case, type or position is rejected, and so is no ``alg`` at all (RFC 8725 §3.2)."""
        key = KEYS[algorithm]
        sign = key.sign if signature == "own" else lambda message: urlsafe_b64decode(signature + "==")

        for kid in (key.kid, ...):
            refusal(forge(header_of(key, alg=alg, kid=kid), sign=sign), RINGS[algorithm])

    @pytest.mark.parametrize("configured", ["HS256", "RS256", "PS256", "ES256", "EdDSA"])
    @pytest.mark.parametrize(
        "named", [*ALGORITHMS, "ES256K", "RSA-OAEP", "dir", "HS", "HS2567", "HS256 ", "hs256", "Es256"]
    )
    def test_the_algorithm_is_compared_exactly(self, configured, named):
        """A key is used with its own algorithm alone, however good its signature (RFC 8725 §3.1, CVE-2026-48523)."""
        key = KEYS[configured]
        token = forge(header_of(key, alg=named), sign=key.sign)

        if named == configured:
            assert PAYLOAD == accepted(token, RINGS[configured])[1]
        else:
            assert "no configured key matches the header's alg and kid" == refusal(token, RINGS[configured])

    @pytest.mark.parametrize(
        "alg", [["HS256"], None, 256, True, {"HS256": 1}, "HS256\x00", "HS256,none", "HS256 none"], ids=repr
    )
    def test_an_algorithm_of_another_type_is_refused(self, alg):
        """A list, a number or null is no algorithm, and raises nothing else."""

        assert "no configured key matches the header" in refusal(forge(header_of(KEY, alg=alg)))

    @pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
    @pytest.mark.parametrize("mac", ["HS256", "HS384", "HS512"])
    def test_a_public_key_is_no_secret(self, algorithm, mac):
        """A MAC under the public key, in any encoding of it, opens nothing (CVE-2015-9235, CVE-2026-34950)."""
        key, public = KEYS[algorithm], PAIRS[algorithm].public_key()
        pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        encodings = {
            pem,
            pem.strip(),
            b" " + pem,
            b"\n" + pem,
            pem + b"\n",
            pem.replace(b"\n", b"\r\n"),
            pem.replace(b"\n", b""),
            pem.strip().replace(b"\n", b"\r\n"),
            b"".join(pem.splitlines()[1:-1]),
            public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
            public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH),
            public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1],
            json.dumps(key.public_jwk()).encode(),
            json.dumps(key.public_jwk(), separators=(",", ":")).encode(),
            str(key.public_jwk()).encode(),
            b"",
            b"None",
        }
        if algorithm in ("RS256", "PS256"):
            encodings |= {
                public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
                public.public_bytes(Encoding.DER, PublicFormat.PKCS1),
                public.public_numbers().n.to_bytes(256, "big"),
            }
        elif algorithm == "ES256":
            encodings |= {
                public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint),
                public.public_bytes(Encoding.X962, PublicFormat.CompressedPoint),
            }
        else:
            encodings.add(public.public_bytes(Encoding.Raw, PublicFormat.Raw))

        for secret in encodings:
            for kid in (key.kid, ...):
                for alg in (mac, algorithm):
                    sign = by_hmac(secret, mac.replace("HS", "sha"))
                    refusal(forge(header_of(key, alg=alg, kid=kid), sign=sign), RINGS[algorithm])

    def test_the_same_token_signed_with_a_secret_passes(self):
        """A MAC made by hand under the real secret opens, so the forgeries above fail for their key alone."""
        token = forge(header_of(KEY), sign=by_hmac(SECRETS["HS256"].encode()))

        assert PAYLOAD == accepted(token)[1]

    def test_an_empty_signature_is_none_by_another_name(self):
        """``header.payload.`` has an empty segment and is refused for its shape (CVE-2015-9235)."""

        assert "the signature is empty or not canonical base64url (RFC 7515 §2)" == refusal(f"{HEAD}.{BODY}.")


class TestKid:
    @pytest.mark.parametrize("algorithm", ["HS256", "ES256"])
    @pytest.mark.parametrize(
        "kid", ["unknown", "", None, 1, 0, True, 1.5, [], {}, ["kid"], "../../dev/null", "' OR 1=1 --"], ids=repr
    )
    def test_an_unknown_kid_is_refused(self, algorithm, kid):
        """A ``kid`` is a string that a configured key has; null is not an absence (RFC 7515 §4.1.4)."""
        key = KEYS[algorithm]

        detail = refusal(forge(header_of(key, kid=kid), sign=key.sign), RINGS[algorithm])

        assert "no configured key has the header's kid; do all processes share one secret?" == detail

    @pytest.mark.parametrize(
        "change",
        [
            str.swapcase,
            lambda kid: kid + " ",
            lambda kid: " " + kid,
            lambda kid: kid[:-1],
            lambda kid: kid + "\x00",
            lambda kid: [kid],
        ],
    )
    def test_a_kid_is_matched_exactly(self, change):
        """Another letter case, a blank, a part: another name."""
        key = Key.from_secret(generate_secret(), kid="Ab")

        refusal(forge(header_of(key, kid=change("Ab")), sign=key.sign), KeyRing([key]))

        assert PAYLOAD == accepted(forge(header_of(key), sign=key.sign), KeyRing([key]))[1]

    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_without_a_kid_a_ring_of_one_key_leaves_no_choice(self, algorithm):
        """A token without ``kid`` fits a ring of one key, whatever its kind."""
        key = KEYS[algorithm]

        assert PAYLOAD == accepted(forge(header_of(key, kid=...), sign=key.sign), RINGS[algorithm])[1]

    def test_without_a_kid_several_secrets_are_tried(self):
        """Tokens of flask-praetorian and of SECRET_KEY_FALLBACKS have no ``kid``, and each HMAC key is tried."""
        keys = [Key.from_secret(generate_secret()) for _ in range(3)]
        ring = KeyRing(keys, signing=keys[0].kid)

        for key in keys:
            assert PAYLOAD == accepted(forge(header_of(key, kid=...), sign=key.sign), ring)[1]
        other = Key.from_secret(generate_secret())
        assert "no configured key verifies the signature" == refusal(
            forge(header_of(other, kid=...), sign=other.sign), ring
        )

    def test_without_a_kid_only_secrets_of_the_named_algorithm_are_tried(self):
        """In a ring of an HS256 and an HS512 key each is used with its own algorithm."""
        ring = KeyRing([KEYS["HS256"], KEYS["HS512"]], signing=KEYS["HS256"].kid)

        assert PAYLOAD == accepted(forge(header_of(KEYS["HS512"], kid=...), sign=KEYS["HS512"].sign), ring)[1]
        refusal(forge(header_of(KEYS["HS256"], kid=...), sign=KEYS["HS512"].sign), ring)
        refusal(forge(header_of(KEYS["HS384"], kid=...), sign=KEYS["HS256"].sign), ring)

    def test_without_a_kid_several_public_keys_are_not_tried(self):
        """Among several public keys a token must name its key."""
        ring = KeyRing([KEYS["ES256"], KEYS["EdDSA"]], signing=KEYS["ES256"].kid)

        for key in ring.keys:
            assert "no configured key matches the header" in refusal(
                forge(header_of(key, kid=...), sign=key.sign), ring
            )
            assert PAYLOAD == accepted(forge(header_of(key), sign=key.sign), ring)[1]

    def test_a_kid_chooses_its_key_alone(self):
        """A token that names one key of the ring and is signed by another is refused."""
        keys = [Key.from_secret(generate_secret()) for _ in range(2)]
        ring = KeyRing(keys, signing=keys[0].kid)

        assert "no configured key verifies the signature" == refusal(forge(header_of(keys[0]), sign=keys[1].sign), ring)

    def test_a_kid_does_not_lead_to_another_algorithm(self):
        """The algorithm of one key with the kid of another is refused before any signature is checked."""
        ring = KeyRing([KEYS["RS256"], KEYS["ES256"]], signing=KEYS["ES256"].kid)

        for key, other in ((KEYS["RS256"], KEYS["ES256"]), (KEYS["ES256"], KEYS["RS256"])):
            refusal(forge(header_of(key, kid=other.kid), sign=key.sign), ring)
            assert PAYLOAD == accepted(forge(header_of(key), sign=key.sign), ring)[1]

    def test_unknown_kid_and_bad_signature_look_alike_outside(self):
        """Both are one class with one public message."""
        seen = set()
        for token in (forge(header_of(KEY, kid="x")), forge(header_of(KEY), sign=lambda message: b"x" * 32)):
            with pytest.raises(InvalidTokenError) as caught:
                verify_compact(token, RING)
            seen.add((type(caught.value), caught.value.code, caught.value.message))

        assert {(InvalidTokenError, "invalid_token", "the token is invalid")} == seen


class TestHeader:
    @pytest.mark.parametrize(
        "name", ["crit", "b64", "zip", "enc", "cty", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256"]
    )
    @pytest.mark.parametrize(
        "value", [None, "", "JWT", True, False, [], ["exp"], {}, "DEF", "https://attacker.example/jwks"], ids=repr
    )
    def test_a_forbidden_member_is_refused(self, name, value):
        """No extension is supported, and a token does not choose its key (RFC 7515 §4.1.11, RFC 8725 §3.10, §3.6)."""

        assert f"the header has the forbidden members ['{name}']" == refusal(forge(header_of(KEY, **{name: value})))

    @pytest.mark.parametrize(
        "crit",
        [
            ["b64"],
            ["exp"],
            [],
            "b64",
            {},
            None,
            [None],
            ["alg"],
            [1],
            [["b64"]],
            True,
            ["http://example.invalid/UNDEFINED"],
        ],
        ids=repr,
    )
    def test_every_form_of_crit_is_refused(self, crit):
        """Whatever ``crit`` lists, and whether or not it is there (CVE-2026-32597, CVE-2025-59420)."""
        refusal(forge(header_of(KEY, crit=crit)))
        refusal(forge(header_of(KEY, crit=crit, b64=False)))
        refusal(forge(header_of(KEY, crit=crit, exp=1, **{"http://example.invalid/UNDEFINED": True})))

    def test_an_embedded_key_is_not_used(self):
        """A token that brings its own key and a good signature under it is refused (CVE-2018-0114, CVE-2026-27962)."""
        other = Key.from_pem(_private_pem(_pair("ES256")), "ES256", kid=KEYS["ES256"].kid)

        for brought in ({"jwk": other.public_jwk()}, {}):
            refusal(forge({**header_of(other), **brought}, sign=other.sign), RINGS["ES256"])

    def test_an_unencoded_payload_is_refused(self):
        """RFC 7797's form, with a payload that is not base64url, has no way in."""
        header = encoded(json.dumps(header_of(KEY, b64=False, crit=["b64"])).encode())
        message = f"{header}.{PAYLOAD.decode()}"

        refusal(f"{message}.{encoded(KEY.sign(message.encode()))}")

    @pytest.mark.parametrize(
        "members",
        [
            {"x": 1},
            {"nonce": "n"},
            {"CRIT": ["b64"]},
            {"Jku": "x"},
            {"exp": 1},
            {"iss": None},
            {"p2c": 2**31},
            {"": [{}]},
        ],
        ids=repr,
    )
    def test_other_members_are_ignored(self, members):
        """What is not understood "MUST be ignored", and names are case-sensitive (RFC 7515 §4)."""
        header = {**header_of(KEY), **members}

        assert (header, PAYLOAD) == accepted(forge(header))

    @pytest.mark.parametrize("typ", ["JWT", "jwt", "Jwt", "jWT", "action+jwt", "ticket+jwt", ...], ids=repr)
    def test_a_typ_of_ours_passes(self, typ):
        """``JWT`` in any case, ``action+jwt`` and ``ticket+jwt`` exactly, or none; the layout is stricter."""

        assert header_of(KEY, typ=typ) == accepted(forge(header_of(KEY, typ=typ)))[0]

    @pytest.mark.parametrize(
        "typ",
        [
            "",
            "JWS",
            "JWE",
            "JOSE",
            "JOSE+JSON",
            "at+jwt",
            "logout+jwt",
            "Action+jwt",
            "action+JWT",
            "ACTION+JWT",
            "Ticket+jwt",
            "ticket+JWT",
            "application/jwt",
            "JWT ",
            " JWT",
            "JWT\x00",
            "JẂT",
            None,
            True,
            False,
            1,
            [],
            ["JWT"],
            {"typ": "JWT"},
        ],
        ids=ascii,
    )
    def test_another_typ_is_refused(self, typ):
        """Another kind of token, or another type of value: null is not an absence (RFC 8725 §3.11)."""

        assert "the header's typ is not 'JWT', 'action+jwt' or 'ticket+jwt'" == refusal(forge(header_of(KEY, typ=typ)))

    def test_no_character_but_six_is_a_letter_of_jwt(self):
        """Folding case makes J, W and T of six letters only; Unicode has no disguise for them."""
        found = {char for char in map(chr, range(sys.maxunicode + 1)) if char.upper() in ("J", "W", "T", "JW", "WT")}

        assert set("jwtJWT") == found

    @pytest.mark.parametrize(
        "text",
        [
            '{"alg":"%(alg)s","alg":"%(alg)s","kid":"%(kid)s"}',
            '{"alg":"none","alg":"%(alg)s","kid":"%(kid)s"}',
            '{"alg":"%(alg)s","alg":"none","kid":"%(kid)s"}',
            '{"alg":"%(alg)s","kid":"%(kid)s","kid" :"%(kid)s"}',
            r'{"alg":"%(alg)s","\u0061lg":"%(alg)s","kid":"%(kid)s"}',
            '{"alg":"%(alg)s","kid":"%(kid)s","x":{"y":1,"y":1}}',
        ],
    )
    def test_a_name_that_occurs_twice_is_refused(self, text):
        """Header names are unique (RFC 7515 §4, RFC 8725 §2.4)."""
        header = (text % {"alg": KEY.algorithm, "kid": KEY.kid}).encode()

        assert "the header is not strict JSON: a member name occurs twice" == refusal(forge(header))

    @pytest.mark.parametrize(
        "octets",
        [
            b"",
            b"{",
            b"null",
            b"[]",
            b'"HS256"',
            b"1",
            b"\xff",
            b"\xef\xbb\xbf{}",
            b"{}x",
            b'["alg","HS256"]',
            b"{'alg':'HS256'}",
        ],
    )
    def test_a_header_that_is_no_object_is_refused(self, octets):
        """The header is one UTF-8 JSON object (RFC 7515 §5.2)."""
        refusal(forge(octets))

    @pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"])
    def test_another_encoding_is_refused(self, codec):
        """Python's parser accepts these; RFC 7519 §3 requires UTF-8."""
        refusal(forge(json.dumps(header_of(KEY)).encode(codec)))

    def test_a_header_with_blanks_and_escapes_opens(self):
        """Any JSON text of the same object is a header."""
        header = json.dumps(header_of(KEY), indent=2).replace("alg", "\\u0061lg").encode()

        assert header_of(KEY) == accepted(forge(header))[0]

    @pytest.mark.parametrize("depth", [31, 32, 1_500])
    def test_depth_is_bounded(self, depth):
        """32 levels pass, 33 do not, and 1 500 raise nothing else."""
        header = json.dumps(header_of(KEY))[:-1] + ',"x":' + "[" * depth + "]" * depth + "}"

        if depth < 32:
            assert PAYLOAD == accepted(forge(header.encode()))[1]
        else:
            assert "the header is not strict JSON: nests deeper than 32" == refusal(forge(header.encode()))

    def test_a_header_that_never_ends_is_refused(self):
        """2 900 open brackets need no good signature, and are refused all the same."""

        assert "nests deeper than 32" in refusal(forge(b'{"a":' + b"[" * 2_900))

    @pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 4301])
    def test_a_number_that_is_not_json_is_refused(self, number):
        """Not even in a member that is ignored."""
        header = json.dumps(header_of(KEY))[:-1] + f',"x":{number}}}'

        assert refusal(forge(header.encode())).startswith("the header is not strict JSON: ")

    def test_a_lone_surrogate_is_refused(self):
        """``kid`` and the rest are characters (RFC 7493 §2.1)."""

        assert "lone surrogate" in refusal(forge(header_of(KEY, kid="\ud800")))

    def test_read_header_says_which_keys_fit(self):
        """What passed is remembered with its keys, so that only the signature is left to check."""
        header = read_header(json.dumps(header_of(KEY)).encode(), RING)

        assert ("JWT", (KEY,), header_of(KEY)) == (header.typ, header.candidates, dict(header.members))
        assert type(header.members) is MappingProxyType


class TestShape:
    @pytest.mark.parametrize(
        "token",
        [
            "",
            ".",
            "..",
            "...",
            HEAD,
            f"{HEAD}.{BODY}",
            f"{HEAD}.{BODY}.{SIGNATURE}.",
            f".{HEAD}.{BODY}.{SIGNATURE}",
            f"{HEAD}..{BODY}.{SIGNATURE}",
            f"{HEAD}.{BODY}.{SIGNATURE}.{SIGNATURE}",
            f"{HEAD}.{BODY}.{SIGNATURE}.{SIGNATURE}.{SIGNATURE}",
            f"{HEAD}....",
            f".{BODY}.{SIGNATURE}",
            f"{HEAD}..{SIGNATURE}",
            f"{HEAD}.{BODY}.",
            f"{BODY}.{HEAD}.{SIGNATURE}",
            "." * 100,
            "." * MAX_LENGTH,
            "." * 100_000,
            "a.a.a",
        ],
        ids=lambda token: token.replace(HEAD, "h").replace(BODY, "p").replace(SIGNATURE, "s")[:20] or "empty",
    )
    def test_three_segments_or_nothing(self, token):
        """Exactly three non-empty segments; a hundred thousand dots are not even split (CVE-2025-30204)."""
        refusal(token)

    @pytest.mark.parametrize("empty", [0, 1, 2])
    def test_an_empty_segment_is_refused_even_when_signed(self, empty):
        """A detached payload has no way in, though the signature over it is good (RFC 7515 appendix F)."""
        segments = [HEAD, BODY, SIGNATURE]
        segments[empty] = ""
        if empty < 2:
            segments[2] = encoded(KEY.sign(".".join(segments[:2]).encode()))

        name = ("header", "payload", "signature")[empty]
        assert f"the {name} is empty or not canonical base64url (RFC 7515 §2)" == refusal(".".join(segments))

    def test_json_serialisations_are_refused(self):
        """Flattened, general and a polyglot of JSON and compact (CVE-2022-39227)."""
        flattened = {"protected": HEAD, "payload": BODY, "signature": SIGNATURE}
        general = {"payload": BODY, "signatures": [{"protected": HEAD, "signature": SIGNATURE}]}
        polyglot = f'{{"{HEAD}.{BODY}.":"","protected":"{HEAD}","payload":"{BODY}","signature":"{SIGNATURE}"}}'

        for token in (json.dumps(flattened), json.dumps(general), polyglot, f'  {{"{GOOD}":1}}', f'"{GOOD}"'):
            refusal(token)

    def test_a_jwe_is_refused(self):
        """Five parts, whatever they hold: a plain token inside, or a p2c of 2**31 (CVE-2026-29000, CVE-2023-6681)."""
        for header in ({"alg": "dir", "enc": "A256GCM"}, {"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31}):
            head = encoded(json.dumps(header).encode())
            refusal(f"{head}.AAAA.AAAA.{encoded(GOOD.encode())}.AAAA")
            refusal(f"{head}..AAAA.{encoded(GOOD.encode())}.AAAA")
            refusal(forge({**header_of(KEY), **header}))

    def test_a_token_in_a_token_is_no_token(self):
        """A nested JWT is a payload that is no object; ``cty`` is rejected."""
        refusal(forge(header_of(KEY, cty="JWT"), GOOD.encode()))

        assert GOOD.encode() == accepted(forge(header_of(KEY), GOOD.encode()))[1]

    @pytest.mark.parametrize(
        "token",
        [None, bytearray(GOOD, "ascii"), memoryview(GOOD.encode()), 1, True, [], [GOOD], {}, object()],
        ids=lambda value: type(value).__name__,
    )
    def test_another_type_is_rejected(self, token):
        """A token is a str or bytes."""

        assert f"the token must be a str or bytes; got {type(token).__name__}" == refusal(token)

    @pytest.mark.parametrize(("base", "token"), [(str, GOOD), (bytes, GOOD.encode())], ids=["str", "bytes"])
    def test_a_subclass_is_rejected(self, base, token):
        """It could return something else each time it is read."""

        assert "the token must be a str or bytes; got Text" == refusal(type("Text", (base,), {})(token))

    def test_ascii_bytes_pass(self):
        """Some frameworks and clients hold header values as bytes."""

        assert accepted(GOOD) == accepted(GOOD.encode())

    @pytest.mark.parametrize("octet", [b"\x80", b"\xff", b"\x00", b"=", b"\n"], ids=repr)
    def test_other_bytes_are_rejected(self, octet):
        """Bytes are checked like the characters of a str."""

        assert "the token is not three base64url segments with dots between them" == refusal(GOOD.encode() + octet)

    def test_a_token_of_the_longest_length_opens(self):
        """8192 characters pass, and 8193 are refused before anything is read."""
        # Each octet of the header moves the room for the payload by one or two characters.
        for filler in range(4):
            header = {**header_of(KEY), "x": "x" * filler}
            room = MAX_LENGTH - len(forge(header, b""))
            if room % 4 != 1:
                break
        octets = room * 3 // 4
        token = forge(header, b"x" * octets)
        assert MAX_LENGTH == len(token)

        assert octets == len(accepted(token)[1])
        longer = f"the token has {MAX_LENGTH + 1} characters; expected at most {MAX_LENGTH}"
        assert longer == refusal(token + "A")
        assert longer == refusal("x" * (MAX_LENGTH + 1))

    def test_a_huge_token_costs_nothing(self):
        """Ten million characters are refused by their number (CVE-2025-61920)."""
        token = "a." * 5_000_000
        begun = time.thread_time()
        with pytest.raises(InvalidTokenError) as caught:
            verify_compact(token, RING)

        assert time.thread_time() - begun < 0.02
        assert "the token has 10000000 characters; expected at most 8192" == str(caught.value)


class TestBase64:
    @pytest.mark.parametrize("index", [0, 1, 2])
    @pytest.mark.parametrize("padding", ["=", "==", "===", "%3D", "\n", " ", "\r\n", "\t", "\x00", "!", "~"], ids=ascii)
    def test_padding_and_blanks_are_refused(self, index, padding):
        """One token has one text form (RFC 7515 §2, GHSA-hxm8-2xgr-2p9m)."""
        for place in ("after", "before", "within"):
            segments = [HEAD, BODY, SIGNATURE]
            segment = segments[index]
            segments[index] = {
                "after": segment + padding,
                "before": padding + segment,
                "within": segment[:4] + padding + segment[4:],
            }[place]

            assert "the token is not three base64url segments with dots between them" == refusal(".".join(segments))

    def test_canonical_padding_is_refused_even_when_signed(self):
        """A token with padding is rejected, although its signature over the padded text is valid."""
        for payload in (b"{}", b"{ }", b"{  }"):
            head, body = b64encode(json.dumps(header_of(KEY)).encode()).decode(), b64encode(payload).decode()
            body = body if "=" in body else body + "===="
            message = f"{head}.{body}"
            refusal(f"{message}.{encoded(KEY.sign(message.encode()))}")

    @pytest.mark.parametrize(("character", "other"), [("-", "+"), ("_", "/")])
    def test_the_standard_alphabet_is_refused(self, character, other):
        """``+`` and ``/`` belong to another encoding (RFC 4648 §5)."""
        payload = b"\xfb\xef\xbe" if character == "-" else b"\xff\xff\xff"
        head, body, signature = forge(header_of(KEY), payload).split(".")
        assert character in body

        assert payload == accepted(f"{head}.{body}.{signature}")[1]
        refusal(f"{head}.{body.replace(character, other)}.{signature}")

    @pytest.mark.parametrize(
        "text", ["é", "\u0430", "\uff0e", "😀", "\ud800", "\x80", "\u200b", "?", "\u212a"], ids=ascii
    )
    def test_what_is_not_ascii_is_refused(self, text):
        """No character outside the alphabet is skipped, replaced or normalised."""
        for token in (GOOD + text, text + GOOD, GOOD.replace(".", f".{text}", 1), GOOD.replace(".", text)):
            assert "the token is not three base64url segments with dots between them" == refusal(token)

    def test_no_other_character_is_of_the_alphabet(self):
        """Of the first 300 characters of Unicode exactly 64 may stand in a segment."""
        passed = set()
        for char in map(chr, range(300)):
            detail = refusal(f"{char * 4}.{BODY}.{SIGNATURE}")
            if detail != "the token is not three base64url segments with dots between them":
                passed.add(char)

        assert set(ALPHABET) == passed

    @pytest.mark.parametrize("octets", [1, 2, 3])
    def test_left_over_bits_are_refused(self, octets):
        """Of the last characters that decode to the same octets exactly one is canonical (GHSA-hxm8-2xgr-2p9m)."""
        text = encoded(b"\xff" * octets)
        decoded = {}
        for last in ALPHABET:
            segment = text[:-1] + last
            if encoded(urlsafe_b64decode(segment + "==")) == segment:
                decoded[segment] = base64url.decode(segment)
            else:
                with pytest.raises(ValueError, match="empty or not canonical base64url"):
                    base64url.decode(segment)

        # One character carries 6 bits, of which 2, 4 and 6 belong to the last octet.
        assert 4**octets == len(decoded) == len(set(decoded.values()))

    @pytest.mark.parametrize("length", [1, 5, 9, 4 * 100 + 1])
    def test_a_length_that_no_octets_have_is_refused(self, length):
        """One character over four holds no octet."""
        with pytest.raises(ValueError, match="not canonical"):
            base64url.decode(b"A" * length)

    @pytest.mark.parametrize("index", [0, 1, 2])
    def test_left_over_bits_are_refused_in_every_segment(self, index):
        """Also where the signer itself wrote them, and the signature over them is good."""
        variants = 0
        for blanks in range(3):
            segments = forge(json.dumps(header_of(KEY)).encode() + b" " * blanks, b"{}" + b" " * blanks).split(".")
            octets = urlsafe_b64decode(segments[index] + "==")
            for last in set(ALPHABET) - {segments[index][-1]}:
                changed = [*segments]
                changed[index] = segments[index][:-1] + last
                if urlsafe_b64decode(changed[index] + "==") != octets:
                    continue
                variants += 1
                if index < 2:
                    changed[2] = encoded(KEY.sign(".".join(changed[:2]).encode()))
                assert "is empty or not canonical base64url (RFC 7515 §2)" in refusal(".".join(changed))

        # 15 other texts where one octet is over, 3 where two are, and a MAC of 32 octets has 3 each time.
        assert (15 + 3 if index < 2 else 3 * 3) == variants

    @given(st.binary(min_size=1, max_size=80))
    def test_encoding_and_decoding_are_inverse(self, octets):
        """Each octet string has one text, the one of RFC 7515 appendix C."""
        segment = base64url.encode(octets)

        assert encoded(octets).encode() == segment
        assert octets == base64url.decode(segment)


class TestHeaderCache:
    def test_a_header_is_remembered_after_a_good_signature(self):
        """And not before: an attacker cannot fill the cache."""
        verifier = JWSVerifier(RING)
        for token in (
            forge(header_of(KEY), sign=lambda message: b"x" * 32),
            forge(header_of(KEY, kid="x")),
            f"{HEAD}.{BODY}.",
            f"{HEAD}.{encoded(b'other')}.{SIGNATURE}",
        ):
            with pytest.raises(InvalidTokenError):
                verifier.verify(token)
            assert {} == verifier._headers

        verifier.verify(GOOD)

        assert [HEAD.encode()] == list(verifier._headers)

    def test_a_remembered_header_lets_no_bad_signature_pass(self):
        """What is remembered is the reading of the header, never the verdict on a signature."""
        verifier = JWSVerifier(RING)
        verifier.verify(GOOD)
        for token in (
            f"{HEAD}.{encoded(b'other')}.{SIGNATURE}",
            f"{HEAD}.{BODY}.{encoded(b'x' * 32)}",
            f"{HEAD}.{BODY}.",
            f"{HEAD}.{BODY}.{SIGNATURE[:-4]}",
            forge(header_of(KEY), sign=by_hmac(b"another secret")),
        ):
            for _ in range(2):
                with pytest.raises(InvalidTokenError):
                    verifier.verify(token)

        assert PAYLOAD == verifier.verify(GOOD)[1]

    def test_the_same_header_is_read_once(self):
        """The second token with the same header gets the same reading."""
        verifier = JWSVerifier(RING)

        assert verifier.verify(GOOD)[0] is verifier.verify(forge(header_of(KEY), b"{}"))[0]

    def test_the_table_is_bounded(self):
        """A holder of the key can write any number of headers; 64 are remembered, and all of them open."""
        verifier = JWSVerifier(RING)
        tokens = [forge({**header_of(KEY), "x": number}) for number in range(70)]
        for _ in range(2):
            for number, token in enumerate(tokens):
                assert number == verifier.verify(token)[0].members["x"]

        assert 64 == len(verifier._headers)

    def test_bad_signatures_do_not_evict(self):
        """Forged headers leave what is remembered where it is (CVE-2026-48524)."""
        verifier = JWSVerifier(RING)
        verifier.verify(GOOD)
        for number in range(200):
            with pytest.raises(InvalidTokenError):
                verifier.verify(forge({**header_of(KEY), "x": number}, sign=lambda message: b"x" * 32))

        assert [HEAD.encode()] == list(verifier._headers)

    def test_two_gates_share_nothing(self):
        """A header that one ring knows is unknown to the next."""
        JWSVerifier(RING).verify(GOOD)

        with pytest.raises(InvalidTokenError):
            JWSVerifier(KeyRing.from_secret(generate_secret())).verify(GOOD)


class TestJWSSigner:
    @pytest.mark.parametrize("typ", ["JWT", "action+jwt"])
    @pytest.mark.parametrize("algorithm", ALGORITHMS)
    def test_what_is_sealed_opens(self, algorithm, typ):
        """Both kinds of token, for every algorithm, with ``alg``, ``kid`` and ``typ`` and nothing else."""
        key = KEYS[algorithm]
        token = JWSSigner(key).sign(typ, PAYLOAD)

        assert ({"alg": algorithm, "kid": key.kid, "typ": typ}, PAYLOAD) == accepted(token, RINGS[algorithm])

    def test_a_key_without_its_private_half_seals_nothing(self):
        """It says what is missing."""
        key = Key.from_pem(_public_pem(PAIRS["ES256"]), "ES256")

        with pytest.raises(ConfigurationError, match="only verifies"):
            JWSSigner(key).sign("JWT", PAYLOAD)

    def test_a_mac_is_the_one_of_rfc_7518(self):
        """The signature is HMAC-SHA256 over the text before the last dot."""
        token = JWSSigner(KEY).sign("JWT", PAYLOAD)
        message, _, signature = token.rpartition(".")

        assert encoded(hmac.new(SECRETS["HS256"].encode(), message.encode(), hashlib.sha256).digest()) == signature


def refused(token):
    """Tell that a token is refused with our own error."""
    with pytest.raises(InvalidTokenError):
        verify_compact(token, RING)
    return True


class TestRandomInput:
    @given(st.text())
    def test_any_text_is_refused_with_our_error(self, text):
        """Whatever the text is, it raises InvalidTokenError and nothing else."""

        assert refused(text)

    @given(st.text(alphabet=ALPHABET + ".=+/ \n", max_size=60))
    def test_texts_of_the_alphabet_are_refused(self, text):
        """Also where it looks like a token."""

        assert refused(text)

    @given(st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.lists(st.text()))
    def test_any_value_is_refused_with_our_error(self, value):
        """A token that is no str is refused as well."""

        assert refused(value)

    @given(st.binary(max_size=60), st.binary(max_size=60))
    def test_any_octets_under_a_good_signature(self, header, payload):
        """A valid signature over a random header is accepted only if the header is valid."""

        assert refused(forge(header, payload))

    @given(
        st.dictionaries(
            st.sampled_from(["alg", "kid", "typ", "crit", "jwk", "x"]),
            st.sampled_from(["HS256", KEY.kid, "JWT", "none", None, 1, [], {}, True, "action+jwt"]),
        )
    )
    def test_any_header_under_a_good_signature(self, members):
        """A header is accepted exactly if the rules of the design accept it."""
        fits = (
            members.get("alg") == "HS256"
            and members.get("kid", KEY.kid) == KEY.kid
            and members.get("typ", "JWT") in ("JWT", "action+jwt")
            and not {"crit", "jwk"} & members.keys()
        )
        if fits:
            assert (members, PAYLOAD) == accepted(forge(members))
        else:
            assert refused(forge(members))


class TestRing:
    @pytest.mark.parametrize("ring", ["secret", b"secret", None, object()], ids=["str", "bytes", "None", "object"])
    def test_what_is_no_ring(self, ring):
        """For a bare secret in the place of the ring the error says what to write."""
        with pytest.raises(ConfigurationError, match=r"ring must be a KeyRing, such as KeyRing.from_secret\(secret\)"):
            verify_compact("a.b.c", ring)
