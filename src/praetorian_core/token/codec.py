"""Encodes typed claims as signed tokens, and decodes and validates them."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from praetorian_core.errors import (
    ConfigurationError,
    InvalidTokenError,
    MissingClaimError,
    ServiceUnavailableError,
)
from praetorian_core.token.claims import (
    MAX_TIME,
    TICKET_TYP,
    ActionClaims,
    Claims,
    ParseIdentity,
    SessionClaims,
    TicketClaims,
)
from praetorian_core.token.jws import JWSSigner, JWSVerifier
from praetorian_core.token.keys import KeyRing
from praetorian_core.token.layouts import Layout, layout_of
from praetorian_core.token.lifecycle import check_not_in_future
from praetorian_core.token.strict_json import JSONValue, dump_object, parse_object
from praetorian_core.token.tickets import read_ticket, write_ticket

MAX_REFRESHED = 8000
"""The maximum length of a token that a refresh returns, in characters.

gunicorn rejects a header line of more than 8190 bytes, and uvicorn a head of more than 16 KiB. 190 bytes are left for
the header's name, the scheme and the line break.
"""

MAX_ISSUED = 7168
"""The maximum length of a new token, in characters.

The next refresh may make it longer by up to 832 characters: 32 for a generation, 157 for the ``kid`` of another key and
640 for the signature of an RSA key of 4096 bits in the place of an HMAC.
"""

MAX_TICKET = 3840
"""The maximum length of a ticket, in characters.

gunicorn rejects a request line of more than 4094 bytes. 254 are left for the method, the path and the version.
"""


def _verifier_of(codec: TokenCodec) -> JWSVerifier:
    return JWSVerifier(codec.ring)


def _signer_of(codec: TokenCodec) -> JWSSigner | None:
    return None if codec.ring.signing is None else JWSSigner(codec.ring.signing)


@attrs.frozen(kw_only=True)
class TokenCodec:
    """Encodes and decodes the tokens of one guard.

    Attributes:
        ring: The keys that verify and sign.
        layout: The layout of new tokens.
        accept_layouts: The layouts that are accepted.
        issuer: The ``iss`` that is written and required; None for neither.
        audience: The ``aud`` that is written and required; None to reject tokens that have one.
        leeway: The maximum difference between the clocks of machines, in seconds.
        with_roles: Whether tokens carry roles.
        parse_identity: Converts a token's text to the application's identity; None leaves it a str.
    """

    ring: KeyRing
    layout: Layout
    accept_layouts: tuple[Layout, ...]
    issuer: str | None = None
    audience: str | None = None
    leeway: int = 0
    with_roles: bool = True
    parse_identity: ParseIdentity | None = None
    _verifier: JWSVerifier = attrs.field(init=False, repr=False, default=attrs.Factory(_verifier_of, takes_self=True))
    _signer: JWSSigner | None = attrs.field(init=False, repr=False, default=attrs.Factory(_signer_of, takes_self=True))

    def decode(self, token: str | bytes, now: int) -> Claims | TicketClaims:
        """Return the claims of a valid token.

        Expiry and the kind of token are checked elsewhere: by ``lifecycle`` and the flows.

        Args:
            token: The compact serialization, as a str or in ASCII.
            now: The current time, in seconds since the epoch.

        Raises:
            InvalidTokenError: The signature or a claim is invalid.

        See:
            RFC 7519 §7.2, RFC 8725 §3.
        """
        header, octets = self._verifier.verify(token)
        payload = parse_object(octets, "payload")
        claims: Claims | TicketClaims
        if header.typ == TICKET_TYP:
            claims = read_ticket(payload, with_roles=self.with_roles)
        else:
            claims = self._read(header.typ, payload)
        issued_at = claims.principal.issued_at if isinstance(claims, SessionClaims) else claims.issued_at
        # The comparison spares a call on the hot path.
        if issued_at > now:
            check_not_in_future("iat", issued_at, now, self.leeway)
        if "nbf" in payload:
            check_not_in_future("nbf", _not_before(payload), now, self.leeway)
        if self.issuer is not None or self.audience is not None or "aud" in payload:
            self._check_issuer_and_audience(payload)
        return claims if self.parse_identity is None else self._with_parsed_identity(claims)

    def as_decoded(self, claims: SessionClaims) -> SessionClaims:
        """Return claims as ``decode`` returns them for their token: with the identity that ``parse_identity`` returns."""
        principal = claims.principal
        return claims._replace(principal=attrs.evolve(principal, identity=self._parse(principal.identity)))

    def encode(self, claims: Claims | TicketClaims, *, max_length: int = MAX_ISSUED) -> str:
        """Return the signed token of some claims.

        Args:
            claims: The claims of a session token, an action token or a ticket.
            max_length: The maximum length of the token in characters: ``MAX_REFRESHED`` for a refreshed token,
                ``MAX_TICKET`` for a ticket.

        Raises:
            ConfigurationError: The ring cannot sign, the layout has no encoding for the claims, or the token would be
                too long.

        See:
            RFC 7519 §7.1.
        """
        # Without a signing key the ring raises, and the error says what is missing.
        signer = self._signer or JWSSigner(self.ring.signing_key())
        if isinstance(claims, TicketClaims):
            encoded = write_ticket(claims, with_roles=self.with_roles)
        else:
            encoded = self.layout.write(claims, with_roles=self.with_roles)
        payload = dict(encoded.payload)
        if self.issuer is not None:
            payload["iss"] = self.issuer
        if self.audience is not None:
            payload["aud"] = self.audience
        token = signer.sign(encoded.typ, dump_object(payload))
        if len(token) > max_length:
            kind, reason = "token", "it can be refreshed and servers accept its header line"
            if isinstance(claims, TicketClaims):
                kind, reason = "ticket", "servers accept its request line"
            raise ConfigurationError(
                f"a {kind} must have at most {max_length} characters, so that {reason}; got {len(token)}; write fewer or "
                "shorter custom claims and roles"
            )
        return token

    def _read(self, typ: str | None, payload: dict[str, JSONValue]) -> Claims:
        layout = layout_of(payload)
        if layout not in self.accept_layouts:
            raise InvalidTokenError(f"the payload is of the layout {layout.name}, which accept_layouts does not hold")
        return layout.read(typ, payload, with_roles=self.with_roles)

    def _check_issuer_and_audience(self, payload: Mapping[str, JSONValue]) -> None:
        # RFC 7519 §4.1.1, §4.1.3: "iss" and "aud" are case-sensitive; they are compared as a whole.
        if self.issuer is not None:
            if "iss" not in payload:
                raise MissingClaimError("iss")
            if payload["iss"] != self.issuer:
                raise InvalidTokenError("claim 'iss' is not the configured issuer")
        if "aud" not in payload:
            if self.audience is not None:
                raise MissingClaimError("aud")
            return
        audience = payload["aud"]
        names = audience if type(audience) is list else [audience]
        # RFC 7519 §4.1.3: a recipient that does not identify itself with a value of "aud" must reject the token. Without
        # a configured audience, that is every token with "aud".
        if self.audience is None or self.audience not in names or not all(type(name) is str for name in names):
            raise InvalidTokenError("claim 'aud' does not name the configured audience")

    def _with_parsed_identity(self, claims: Claims | TicketClaims) -> Claims | TicketClaims:
        if isinstance(claims, ActionClaims):
            return attrs.evolve(claims, identity=self._parse(claims.identity))
        if isinstance(claims, TicketClaims):
            principal = attrs.evolve(claims.principal, identity=self._parse(claims.principal.identity))
            return attrs.evolve(claims, principal=principal)
        return self.as_decoded(claims)

    def _parse(self, identity: object) -> object:
        if self.parse_identity is None or type(identity) is not str:
            return identity
        try:
            parsed = self.parse_identity(identity)
            text = str(parsed)
        except ValueError:
            raise InvalidTokenError("parse_identity rejects the token's identity with a ValueError") from None
        except Exception as error:
            raise ServiceUnavailableError(
                f"parse_identity must return a value or raise ValueError; it raised {type(error).__name__}"
            ) from error
        if text != identity:
            # The store keeps sessions under the text of the identity, so another text would not find them.
            raise ConfigurationError(
                "parse_identity must return a value whose str() is the text that it was given; got "
                f"{type(parsed).__name__} with another text"
            )
        return parsed


def _not_before(payload: Mapping[str, JSONValue]) -> int:
    instant = payload["nbf"]
    if type(instant) is not int or not 0 <= instant <= MAX_TIME:
        raise InvalidTokenError(f"claim 'nbf' is {type(instant).__name__}; expected an integer from 0 to 2**53 - 1")
    return instant
