"""Encoding and decoding of tokens."""

from __future__ import annotations

import json
import uuid

import h11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser
from tests.support import NOW, RING

from praetorian_core import errors
from praetorian_core.principal import Principal
from praetorian_core.token import (
    FLASK_PRAETORIAN,
    STANDARD,
    ActionClaims,
    KeyRing,
    SessionClaims,
    TicketClaims,
    TokenCodec,
    verify_compact,
)
from praetorian_core.token.codec import MAX_ISSUED, MAX_REFRESHED, MAX_TICKET
from praetorian_core.token.jws import JWSSigner

SIGNER = JWSSigner(RING.signing_key())

SESSION = {"sub": "7", "id": 7, "roles": ["admin"], "iat": NOW, "exp": NOW + 900, "rf_exp": NOW + 9_000, "sid": "s1"}
ACTION = {"sub": "7", "id": 7, "action": "reset", "jti": "j1", "iat": NOW, "exp": NOW + 900}
TICKET = {"jti": "j1", "iat": NOW, "exp": NOW + 300, "session": SESSION}
LEGACY = {"jti": "s1", "id": 7, "rls": "admin", "iat": NOW, "exp": NOW + 900, "rf_exp": NOW + 9_000}

ABSENT = object()

KINDS = pytest.mark.parametrize(
    ("typ", "payload"),
    [
        ("JWT", SESSION),
        ("action+jwt", ACTION),
        ("ticket+jwt", TICKET),
        ("JWT", LEGACY),
        ("JWT", {**LEGACY, "is_prt": True}),
    ],
    ids=["session", "action", "ticket", "legacy session", "legacy action"],
)


def codec(**changes):
    options = {"ring": RING, "layout": STANDARD, "accept_layouts": (STANDARD, FLASK_PRAETORIAN)}
    return TokenCodec(**{**options, **changes})


def token_of(payload, typ="JWT", **changes):
    members = {name: value for name, value in {**payload, **changes}.items() if value is not ABSENT}
    return SIGNER.sign(typ, json.dumps(members).encode())


def session(**changes):
    values = {
        "identity": 7,
        "roles": frozenset({"admin"}),
        "claims": {"team": "red"},
        "session_id": "s1",
        "issued_at": NOW,
        "access_expires_at": NOW + 900,
        "refresh_expires_at": NOW + 9_000,
    }
    return SessionClaims(principal=Principal(**{**values, **changes}))


def action(**changes):
    values = {"identity": 7, "action": "reset", "token_id": "j1", "issued_at": NOW, "expires_at": NOW + 900}
    return ActionClaims(**{**values, **changes})


def ticket(**changes):
    return TicketClaims(principal=session(**changes).principal, token_id="j1", issued_at=NOW, expires_at=NOW + 30)


def said(claims):
    return claims.identity if isinstance(claims, ActionClaims) else claims.principal.identity


class TestRoundTrip:
    @pytest.mark.parametrize(
        "claims",
        [session(), action(), ticket(), session(identity="7", roles=frozenset()), action(identity="x")],
        ids=["session", "action", "ticket", "session of a str", "action of a str"],
    )
    def test_what_is_encoded_is_decoded(self, claims):
        """Every encoded token is decoded to the same claims."""

        assert claims == codec().decode(codec().encode(claims), NOW)

    @pytest.mark.parametrize("claims", [session(), action(), ticket()], ids=["session", "action", "ticket"])
    def test_the_other_layout_too(self, claims):
        """What flask-praetorian can express is decoded unchanged."""
        legacy = codec(layout=FLASK_PRAETORIAN)

        assert claims == legacy.decode(legacy.encode(claims), NOW)

    def test_the_token_says_what_it_must(self):
        """Header and payload as the design has them, and ``iss`` and ``aud`` where they are configured."""
        token = codec(issuer="me", audience="you").encode(session())
        header, payload = verify_compact(token, RING)

        assert {"alg": "HS256", "kid": RING.signing_key().kid, "typ": "JWT"} == header
        assert {**SESSION, "team": "red", "iss": "me", "aud": "you"} == json.loads(payload)

    def test_without_configuration_iss_and_aud_are_absent(self):
        """No ``iss`` and no ``aud``."""
        _, payload = verify_compact(codec().encode(action()), RING)

        assert ACTION == json.loads(payload)

    def test_disabled_roles_are_neither_written_nor_read(self):
        """Both ways use the same setting."""
        silent = codec(with_roles=False)
        token = silent.encode(session())

        assert "roles" not in json.loads(verify_compact(token, RING)[1])
        assert frozenset() == silent.decode(token, NOW).principal.roles

    def test_secrets_stay_out_of_the_repr(self):
        """The codec shows names only."""

        assert "_verifier" not in repr(codec())


class TestDecode:
    def test_a_bad_signature_is_refused_before_the_payload_is_read(self):
        """The payload is not parsed before its signature is verified."""
        head, _, signature = token_of(SESSION).split(".")

        with pytest.raises(errors.InvalidTokenError, match="no configured key verifies the signature"):
            codec().decode(f"{head}.bm8ganNvbg.{signature}", NOW)

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"[]",
            b"null",
            b'"x"',
            b"no json",
            b"\xff",
            b"\xef\xbb\xbf{}",
            json.dumps(SESSION).encode("utf-16"),
            json.dumps(SESSION)[:-1].encode() + b',"sub":"8"}',
            json.dumps(SESSION)[:-1].encode() + b',"x":NaN}',
            json.dumps(SESSION)[:-1].encode() + b',"x":1e400}',
            json.dumps(SESSION)[:-1].encode() + b',"x":' + b"[" * 2_900 + b"}",
            json.dumps(SESSION).encode() + b"{}",
        ],
        ids=["empty", "array", "null", "text", "junk", "octets", "bom", "utf-16", "twice", "nan", "inf", "deep", "two"],
    )
    def test_a_payload_that_is_no_strict_object_is_refused(self, payload):
        """Though its signature be good (RFC 7519 §7.2, RFC 8725 §2.4)."""
        with pytest.raises(errors.InvalidTokenError):
            codec().decode(SIGNER.sign("JWT", payload), NOW)

    @KINDS
    def test_a_good_payload_passes(self, typ, payload):
        """The matching positive test of every refusal here."""

        assert 7 == said(codec().decode(token_of(payload, typ), NOW))

    @pytest.mark.parametrize(("accept", "payload"), [((STANDARD,), LEGACY), ((FLASK_PRAETORIAN,), SESSION)])
    def test_a_layout_that_is_not_accepted_is_refused(self, accept, payload):
        """Only what the operator reads is read; the error names the layout."""
        reader = codec(layout=accept[0], accept_layouts=accept)

        with pytest.raises(errors.InvalidTokenError, match="which accept_layouts does not hold"):
            reader.decode(token_of(payload), NOW)

    @pytest.mark.parametrize(("accept", "payload"), [((STANDARD,), SESSION), ((FLASK_PRAETORIAN,), LEGACY)])
    def test_a_layout_that_is_accepted_is_read(self, accept, payload):
        """Alone or beside another."""

        assert 7 == said(codec(layout=accept[0], accept_layouts=accept).decode(token_of(payload), NOW))
        assert 7 == said(codec(layout=accept[0]).decode(token_of(payload), NOW))

    @pytest.mark.parametrize("payload", [{}, {**SESSION, **LEGACY}])
    def test_a_payload_of_both_layouts_or_none_is_refused(self, payload):
        """One token has one meaning."""
        with pytest.raises(errors.InvalidTokenError, match="of no known layout"):
            codec().decode(token_of(payload), NOW)

    def test_the_typ_of_the_header_decides_the_kind(self):
        """A session's payload under ``action+jwt`` is refused, and the reverse (RFC 8725 §3.12)."""
        for typ, payload in (("action+jwt", SESSION), ("JWT", ACTION), ("action+jwt", LEGACY)):
            with pytest.raises(errors.InvalidTokenError):
                codec().decode(token_of(payload, typ), NOW)

    @pytest.mark.parametrize("now", [NOW + 900, NOW + 9_000, NOW + 10**9])
    def test_an_expired_token_is_decoded(self, now):
        """Expiry is checked elsewhere: refresh and revoke read expired tokens too."""

        assert 7 == said(codec().decode(token_of(SESSION), now))


class TestNotBefore:
    @KINDS
    @pytest.mark.parametrize(("ahead", "leeway"), [(-1, 0), (0, 0), (10, 0), (60, 60)])
    def test_a_token_that_was_issued_by_now_passes(self, typ, payload, ahead, leeway):
        """``iat`` may lie ahead by the leeway, or by 10 seconds."""
        token = token_of(payload, typ, iat=NOW + ahead)

        assert 7 == said(codec(leeway=leeway).decode(token, NOW))

    @KINDS
    @pytest.mark.parametrize(("ahead", "leeway"), [(11, 0), (61, 60)])
    def test_a_token_of_the_future_is_refused(self, typ, payload, ahead, leeway):
        """Of sessions and of actions."""
        with pytest.raises(errors.InvalidTokenError, match=f"claim 'iat' lies {ahead} s in the future"):
            codec(leeway=leeway).decode(token_of(payload, typ, iat=NOW + ahead), NOW)

    @KINDS
    @pytest.mark.parametrize(("ahead", "leeway"), [(-NOW, 0), (-1, 0), (0, 0), (10, 0), (60, 60)])
    def test_a_token_that_has_begun_passes(self, typ, payload, ahead, leeway):
        """``nbf`` is obeyed where it is (RFC 7519 §4.1.5)."""
        token = token_of(payload, typ, nbf=NOW + ahead)

        assert 7 == said(codec(leeway=leeway).decode(token, NOW))

    @KINDS
    @pytest.mark.parametrize(("ahead", "leeway"), [(11, 0), (61, 60), (2**53 - 1 - NOW, 60)])
    def test_a_token_that_has_not_begun_is_refused(self, typ, payload, ahead, leeway):
        """One second more than tolerated is rejected, also after exp."""
        with pytest.raises(errors.InvalidTokenError, match=f"claim 'nbf' lies {ahead} s in the future"):
            codec(leeway=leeway).decode(token_of(payload, typ, nbf=NOW + ahead), NOW)

    @KINDS
    @pytest.mark.parametrize("nbf", [True, False, 1.0, "1", "", None, -1, 2**53, [], {}], ids=repr)
    def test_an_nbf_that_is_no_time_is_refused(self, typ, payload, nbf):
        """It is checked as the other times are, and null is not an absence."""
        with pytest.raises(errors.InvalidTokenError, match=f"claim 'nbf' is {type(nbf).__name__}; expected an integer"):
            codec().decode(token_of(payload, typ, nbf=nbf), NOW)


class TestIssuer:
    @KINDS
    def test_the_configured_issuer_passes(self, typ, payload):
        """Exactly the same text."""

        assert 7 == said(codec(issuer="me").decode(token_of(payload, typ, iss="me"), NOW))

    @KINDS
    @pytest.mark.parametrize(
        "issuer", ["Me", "m", "me ", " me", "mee", "", "you", None, True, 1, ["me"], [], {"me": 1}], ids=repr
    )
    def test_another_issuer_is_refused(self, typ, payload, issuer):
        """A part, another letter case or a list is another issuer (RFC 8725 §3.8, CVE-2024-53861)."""
        with pytest.raises(errors.InvalidTokenError) as caught:
            codec(issuer="me").decode(token_of(payload, typ, iss=issuer), NOW)

        assert "claim 'iss' is not the configured issuer" == str(caught.value)

    @KINDS
    def test_no_issuer_is_refused(self, typ, payload):
        """Configured is required."""
        with pytest.raises(errors.MissingClaimError) as caught:
            codec(issuer="me").decode(token_of(payload, typ), NOW)

        assert "iss" == caught.value.claim

    def test_without_a_configured_issuer_any_is_ignored(self):
        """RFC 7519 §4.1.1 leaves it to the application, which has not asked."""

        assert 7 == said(codec().decode(token_of(SESSION, iss="any"), NOW))


class TestAudience:
    @KINDS
    @pytest.mark.parametrize("audience", ["you", ["you"], ["other", "you"], ["you", "you"]], ids=repr)
    def test_the_configured_audience_passes(self, typ, payload, audience):
        """A string, or one of a list (RFC 7519 §4.1.3)."""

        assert 7 == said(codec(audience="you").decode(token_of(payload, typ, aud=audience), NOW))

    @KINDS
    @pytest.mark.parametrize(
        "audience",
        [
            "You",
            "yo",
            "you ",
            "yours",
            "y",
            "",
            "other",
            ["You"],
            ["yo", "u"],
            [],
            ["other"],
            [["you"]],
            None,
            True,
            1,
            {"you": 1},
            ["you", 1],
            ["you", None],
            [True, "you"],
            ["you", ["you"]],
        ],
        ids=repr,
    )
    def test_another_audience_is_refused(self, typ, payload, audience):
        """No part of a name, no other case, and no list that holds anything but strings (RFC 8725 §3.9)."""
        with pytest.raises(errors.InvalidTokenError) as caught:
            codec(audience="you").decode(token_of(payload, typ, aud=audience), NOW)

        assert "claim 'aud' does not name the configured audience" == str(caught.value)

    @KINDS
    def test_no_audience_is_refused(self, typ, payload):
        """Configured is required."""
        with pytest.raises(errors.MissingClaimError) as caught:
            codec(audience="you").decode(token_of(payload, typ), NOW)

        assert "aud" == caught.value.claim

    @KINDS
    @pytest.mark.parametrize("audience", ["you", ["you"], [], "", None, [None], 0], ids=repr)
    def test_an_audience_that_nobody_configured_is_refused(self, typ, payload, audience):
        """Who has no name is not meant: "If the principal … does not identify itself …" (RFC 7519 §4.1.3)."""
        with pytest.raises(errors.InvalidTokenError, match="claim 'aud' does not name"):
            codec().decode(token_of(payload, typ, aud=audience), NOW)

    def test_both_are_asked_for(self):
        """Issuer and audience do not stand in for each other."""
        both = codec(issuer="me", audience="you")

        assert 7 == said(both.decode(token_of(SESSION, iss="me", aud="you"), NOW))
        for members in ({"iss": "me"}, {"aud": "you"}, {"iss": "you", "aud": "me"}, {}):
            with pytest.raises(errors.InvalidTokenError):
                both.decode(token_of(SESSION, **members), NOW)


def refuse(text):
    raise ValueError(text)


def fail(text):
    raise ConnectionError(text)


class TestParseIdentity:
    @pytest.mark.parametrize(("typ", "payload"), [("JWT", SESSION), ("action+jwt", ACTION)], ids=["session", "action"])
    def test_a_text_is_parsed(self, typ, payload):
        """``identify`` gets what ``user.identity`` was: a UUID."""
        identity = uuid.UUID(int=7)
        token = token_of(payload, typ, sub=str(identity), id=ABSENT)

        assert identity == said(codec(parse_identity=uuid.UUID).decode(token, NOW))
        assert str(identity) == said(codec().decode(token, NOW))

    def test_a_text_of_the_other_layout_is_parsed_too(self):
        """``id`` holds text there."""
        identity = uuid.UUID(int=7)

        assert identity == said(codec(parse_identity=uuid.UUID).decode(token_of(LEGACY, id=str(identity)), NOW))

    @KINDS
    def test_an_integer_is_not_parsed(self, typ, payload):
        """It came back as what it was already."""

        assert 7 == said(codec(parse_identity=fail).decode(token_of(payload, typ), NOW))

    @pytest.mark.parametrize(("typ", "payload"), [("JWT", SESSION), ("action+jwt", ACTION)], ids=["session", "action"])
    @pytest.mark.parametrize("parse", [uuid.UUID, int, refuse])
    def test_a_value_error_refuses_the_token(self, typ, payload, parse):
        """The parser says that this is no identity; the text of its error is not repeated."""
        with pytest.raises(errors.InvalidTokenError) as caught:
            codec(parse_identity=parse).decode(token_of(payload, typ, sub="canary", id=ABSENT), NOW)

        assert "parse_identity rejects the token's identity with a ValueError" == str(caught.value)
        assert caught.value.__suppress_context__

    @pytest.mark.parametrize(
        "parse", [fail, lambda text: text.nothing, lambda: None], ids=["store", "bug", "signature"]
    )
    def test_any_other_failure_is_ours(self, parse):
        """The token may be valid: 503, with the cause for the log."""
        with pytest.raises(errors.ServiceUnavailableError) as caught:
            codec(parse_identity=parse).decode(token_of(SESSION, sub="canary", id=ABSENT), NOW)

        cause = caught.value.__cause__
        expected = f"parse_identity must return a value or raise ValueError; it raised {type(cause).__name__}"
        assert expected == str(caught.value)
        assert isinstance(cause, ConnectionError | AttributeError | TypeError)

    def test_an_interrupt_passes_through(self):
        """KeyboardInterrupt is no failure of the parser."""

        def interrupt(text):
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            codec(parse_identity=interrupt).decode(token_of(SESSION, id=ABSENT), NOW)

    def test_nothing_is_parsed_before_the_token_is_found_good(self):
        """The parser is called last, with a text from a valid token (CVE-2025-65945)."""
        seen = []

        def parse(text):
            seen.append(text)
            return text

        reader = codec(parse_identity=parse, issuer="me")
        head, body, signature = token_of(SESSION, sub="a", id=ABSENT, iss="me").split(".")
        for token in (
            f"{head}.{body}.{signature.swapcase()}",
            token_of(SESSION, sub="b", id=ABSENT, iss="you"),
            token_of(SESSION, sub="c", id=ABSENT, iss="me", iat=NOW + 11),
            token_of(SESSION, sub="d", id=ABSENT, iss="me", exp="soon"),
        ):
            with pytest.raises(errors.InvalidTokenError):
                reader.decode(token, NOW)

        assert [] == seen
        reader.decode(f"{head}.{body}.{signature}", NOW)
        assert ["a"] == seen


def longest(limit):
    """Return a token of at most so many characters, which are as many as there can be."""
    maker = codec()
    length = (limit - len(maker.encode(session(claims={"x": ""})))) * 3 // 4
    token = ""
    for extra in range(8):
        longer = maker.encode(session(claims={"x": "x" * (length + extra)}), max_length=limit + 16)
        if len(longer) > limit:
            break
        token = longer
    return token


class TestEncode:
    @pytest.mark.parametrize("limit", [MAX_ISSUED, MAX_REFRESHED])
    def test_the_longest_token(self, limit):
        """A token of exactly the limit is encoded and decoded; one character more is rejected."""
        token = longest(limit)

        assert limit - 1 <= len(token) <= limit
        assert 7 == codec().decode(token, NOW).principal.identity
        with pytest.raises(errors.ConfigurationError, match=f"at most {limit} characters"):
            codec().encode(session(claims={"x": "x" * limit}), max_length=limit)

    def test_the_longest_token_can_be_refreshed_under_another_key(self):
        """The longest generation, the longest kid and an RSA key of 4096 bits fit into the headroom."""
        claims = codec().decode(longest(MAX_ISSUED), NOW)
        key = rsa.generate_private_key(65537, 2048)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        ring = KeyRing.from_pem(pem, algorithm="RS256", kid="k" * 128)

        token = codec(ring=ring).encode(claims._replace(generation=2**53 - 1), max_length=MAX_REFRESHED)

        # A signature of 4096 bits is 256 bytes longer than one of 2048.
        assert MAX_ISSUED < len(token) <= MAX_REFRESHED - 256 * 4 // 3

    def test_gunicorn_accepts_the_longest_token(self):
        """With its default limits: 8190 bytes for a line."""
        token = longest(MAX_REFRESHED)
        head = f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

        (request,) = RequestParser(Config(), iter([head]), ("127.0.0.1", 1))

        assert ("AUTHORIZATION", f"Bearer {token}") in request.headers

    def test_the_server_of_uvicorn_accepts_the_longest_token(self):
        """With its default limits: 16 KiB for all headers."""
        token = longest(MAX_REFRESHED)
        connection = h11.Connection(h11.SERVER)
        connection.receive_data(f"GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n".encode())

        assert (b"authorization", f"Bearer {token}".encode()) in connection.next_event().headers

    def test_gunicorn_accepts_the_longest_ticket(self):
        """With its default limits: 4094 bytes for the request line; one character more than the limit is rejected."""
        longest = ""
        for length in range(2_400, 2_900):
            claims = ticket(claims={"x": "x" * length})
            encoded = codec().encode(claims, max_length=MAX_REFRESHED)
            if len(encoded) > MAX_TICKET:
                break
            longest = codec().encode(claims, max_length=MAX_TICKET)
        path = f"/{'p' * 230}?ticket={longest}"

        (request,) = RequestParser(
            Config(), iter([f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()]), ("127.0.0.1", 1)
        )

        assert MAX_TICKET - 1 <= len(longest) <= MAX_TICKET
        assert f"ticket={longest}" == request.query
        with pytest.raises(
            errors.ConfigurationError, match="a ticket must have at most 3840 characters, so that servers"
        ):
            codec().encode(claims, max_length=MAX_TICKET)

    def test_a_token_that_is_far_too_long_is_rejected(self):
        """The error states both lengths and what to write, and shows no claim."""
        with pytest.raises(errors.ConfigurationError) as caught:
            codec().encode(session(roles=frozenset({f"canary{number}" for number in range(1_000)})))

        assert str(caught.value).startswith("a token must have at most 7168 characters, so that it can be refreshed")
        assert str(caught.value).endswith("; write fewer or shorter custom claims and roles")
        assert "canary" not in str(caught.value)

    def test_a_ring_that_only_verifies_mints_nothing(self):
        """It says what is missing, when it is asked and not before, and still reads."""
        pair = ec.generate_private_key(ec.SECP256R1())
        pem = pair.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        reader = codec(ring=KeyRing.from_pem(pem, algorithm="ES256"))

        with pytest.raises(
            errors.ConfigurationError, match=r"only verifies.*load the private key with KeyRing\.from_pem"
        ):
            reader.encode(session())

    @pytest.mark.parametrize("role", ["guest,admin", " admin"])
    def test_a_role_that_the_layout_cannot_spell_is_refused(self, role):
        """Nothing is encoded that would be decoded as another role."""
        with pytest.raises(errors.ClaimValueError):
            codec(layout=FLASK_PRAETORIAN).encode(session(roles=frozenset({role})))

        assert role in codec().decode(codec().encode(session(roles=frozenset({role}))), NOW).principal.roles

    def test_an_action_that_the_layout_cannot_spell_is_refused(self):
        """flask-praetorian has two, and STANDARD any."""
        with pytest.raises(errors.ConfigurationError, match="got 'invite'"):
            codec(layout=FLASK_PRAETORIAN).encode(action(action="invite"))

        assert "invite" == codec().decode(codec().encode(action(action="invite")), NOW).action
