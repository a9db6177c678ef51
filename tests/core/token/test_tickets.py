"""The encoding of tickets."""

from __future__ import annotations

import json

import pytest
from tests.core.token.layouts.payloads import ABSENT, NO_NAMES, NO_TIMES, changed, session
from tests.support import NOW, RING

from praetorian_core import errors
from praetorian_core.principal import Principal
from praetorian_core.token import FLASK_PRAETORIAN, STANDARD, TicketClaims, TokenCodec, verify_compact
from praetorian_core.token.tickets import read_ticket, write_ticket

PRINCIPAL = Principal(
    identity=7,
    roles=frozenset({"admin"}),
    claims={"team": "red", "tags": [{"a": [1]}]},
    session_id="s1",
    issued_at=100,
    access_expires_at=200,
    refresh_expires_at=300,
    authenticated_at=90,
    session_epoch="e1",
)
CLAIMS = TicketClaims(principal=PRINCIPAL, token_id="j1", issued_at=110, expires_at=140)


def ticket(**changes):
    """Return the payload of a ticket, with changes."""
    return changed({"jti": "j1", "iat": 110, "exp": 140, "session": session(auth_time=90, epoch="e1")}, changes)


def read(payload, *, with_roles=True):
    return read_ticket(payload, with_roles=with_roles)


def refusal(payload):
    with pytest.raises(errors.InvalidTokenError) as caught:
        read(payload)
    return str(caught.value)


class TestWrite:
    def test_payload(self):
        """The session is an object within the payload, whose claims are those of a STANDARD session token."""
        encoded = write_ticket(CLAIMS, with_roles=True)
        expected = session(auth_time=90, epoch="e1", team="red", tags=[{"a": [1]}])

        assert "ticket+jwt" == encoded.typ
        assert ticket(session=expected) == json.loads(json.dumps(encoded.payload))

    def test_without_roles(self):
        """Disabled roles are neither written nor read."""
        payload = json.loads(json.dumps(write_ticket(CLAIMS, with_roles=False).payload))

        assert "roles" not in payload["session"]
        assert frozenset() == read(payload, with_roles=False).principal.roles


class TestRead:
    def test_round_trip(self):
        """What is written is read."""

        assert CLAIMS == read(json.loads(json.dumps(write_ticket(CLAIMS, with_roles=True).payload)))

    @pytest.mark.parametrize("name", ["iat", "exp"])
    @pytest.mark.parametrize("value", NO_TIMES, ids=repr)
    def test_times(self, name, value):
        """A time is an integer of seconds; nothing is converted."""

        assert f"claim {name!r} is" in refusal(ticket(**{name: value}))

    @pytest.mark.parametrize("value", NO_NAMES, ids=lambda value: repr(value)[:20])
    def test_id(self, value):
        """``jti`` is a short non-empty string."""

        assert "claim 'jti' is" in refusal(ticket(jti=value))

    @pytest.mark.parametrize(
        "value", [None, [], "x", 1, True, [session()]], ids=["null", "[]", "x", "1", "true", "array"]
    )
    def test_session(self, value):
        """``session`` is an object."""

        assert "claim 'session' is" in refusal(ticket(session=value))

    @pytest.mark.parametrize("name", ["jti", "iat", "exp", "session"])
    def test_absent(self, name):
        """Every claim is required."""

        assert f"claim {name!r} is missing" == refusal(ticket(**{name: ABSENT}))

    @pytest.mark.parametrize("name", ["sub", "id", "roles", "rf_exp", "sid", "team", "rls", ""])
    def test_others(self, name):
        """A ticket has no other claims: those of the session stand within it."""

        assert f"claim {name!r} is not allowed in a ticket" == refusal(ticket(**{name: "x"}))
        assert CLAIMS.token_id == read(ticket(iss="x", aud="x", nbf=1)).token_id

    @pytest.mark.parametrize(
        "changes",
        [{"sub": ABSENT}, {"id": 8}, {"exp": 400}, {"sid": 1}, {"roles": "admin"}, {"jti": "j1"}, {"action": "reset"}],
        ids="-".join,
    )
    def test_the_layout_reads_the_session(self, changes):
        """The claims of the session are checked like those of a session token."""

        assert refusal(ticket(session=session(**changes)))

    def test_order_of_times(self):
        """A ticket that was issued after its expiry is rejected."""

        assert "claim 'iat' is later than 'exp' (141 > 140)" == refusal(ticket(iat=141))


class TestOtherReaders:
    @pytest.mark.parametrize("layout", [STANDARD, FLASK_PRAETORIAN], ids=lambda layout: layout.name)
    @pytest.mark.parametrize("typ", ["JWT", "action+jwt", "ticket+jwt", None])
    def test_reject_the_payload(self, layout, typ):
        """No layout reads a ticket, whatever ``typ`` says."""
        with pytest.raises(errors.InvalidTokenError):
            layout.read(typ, ticket(), with_roles=True)

    @pytest.mark.parametrize("typ", ["JWT", "action+jwt"])
    def test_another_typ(self, typ):
        """A payload of a ticket under the ``typ`` of another kind is of no known layout (RFC 8725 §3.11)."""
        codec = TokenCodec(ring=RING, layout=STANDARD, accept_layouts=(STANDARD, FLASK_PRAETORIAN))
        signed = codec._signer.sign(typ, json.dumps(ticket()).encode())

        with pytest.raises(errors.InvalidTokenError, match="of no known layout"):
            codec.decode(signed, NOW)

    def test_the_header(self):
        """The header of a ticket has the key's id and its own ``typ``."""
        codec = TokenCodec(ring=RING, layout=FLASK_PRAETORIAN, accept_layouts=(FLASK_PRAETORIAN,))
        token = codec.encode(CLAIMS)

        assert {"alg": "HS256", "kid": RING.signing_key().kid, "typ": "ticket+jwt"} == verify_compact(token, RING)[0]
        assert CLAIMS == codec.decode(token, NOW)
