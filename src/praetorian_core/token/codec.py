"""The whole way between typed claims and a compact string."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from praetorian_core.errors import (
    ConfigurationError,
    InvalidTokenError,
    MissingClaimError,
    ServiceUnavailableError,
)
from praetorian_core.token.claims import (
    MAX_TIME,
    ActionClaims,
    Claims,
    Layout,
    SessionClaims,
    layout_of,
)
from praetorian_core.token.jws import MAX_LENGTH, JWSSigner, JWSVerifier
from praetorian_core.token.keys import KeyRing
from praetorian_core.token.lifecycle import check_not_in_future
from praetorian_core.token.strict_json import JSONValue, dump_object, parse_object


def _verifier_of(codec: TokenCodec) -> JWSVerifier:
    return JWSVerifier(codec.ring)


def _signer_of(codec: TokenCodec) -> JWSSigner | None:
    return None if codec.ring.signing is None else JWSSigner(codec.ring.signing)


@attrs.frozen(kw_only=True)
class TokenCodec:
    """Mints and reads the tokens of one guard.

    Attributes:
        ring: The keys.
        layout: How minted claims are spelt.
        accept_layouts: Which spellings are read.
        issuer: The ``iss`` that is written and required; None for neither.
        audience: The ``aud`` that is written and required; None to refuse tokens for anybody in particular.
        leeway: By how many seconds clocks may differ.
        with_roles: Whether tokens carry roles.
        parse_identity: Makes the application's identity of a token's text; None leaves it a str.
    """

    ring: KeyRing
    layout: Layout
    accept_layouts: tuple[Layout, ...]
    issuer: str | None = None
    audience: str | None = None
    leeway: int = 0
    with_roles: bool = True
    parse_identity: Callable[[str], object] | None = None
    _verifier: JWSVerifier = attrs.field(init=False, repr=False, default=attrs.Factory(_verifier_of, takes_self=True))
    _signer: JWSSigner | None = attrs.field(init=False, repr=False, default=attrs.Factory(_signer_of, takes_self=True))

    def decode(self, token: str, now: int) -> Claims:
        """Return what a genuine token says.

        Whether it has expired, and what it may be used for, is left to ``lifecycle`` and the flows.

        Args:
            token: The compact serialization.
            now: The present, in seconds since the epoch.

        Raises:
            InvalidTokenError: The token is not one of ours, or says something that ours never say.

        See:
            RFC 7519 §7.2, RFC 8725 §3.
        """
        header, octets = self._verifier.verify(token)
        payload = parse_object(octets, "payload")
        layout = layout_of(payload)
        if layout not in self.accept_layouts:
            detail = f"the payload is of the layout {layout.name}, which is not accepted here"
            raise InvalidTokenError(detail)
        claims = layout.read(header.typ, payload, with_roles=self.with_roles)
        issued_at = claims.principal.issued_at if isinstance(claims, SessionClaims) else claims.issued_at
        # Asked here as well, because a call that says nothing costs as much as one that refuses.
        if issued_at > now:
            check_not_in_future("iat", issued_at, now, self.leeway)
        if "nbf" in payload:
            check_not_in_future("nbf", _not_before(payload), now, self.leeway)
        if self.issuer is not None or self.audience is not None or "aud" in payload:
            self._check_parties(payload)
        return claims if self.parse_identity is None else self._with_parsed_identity(claims)

    def encode(self, claims: Claims) -> str:
        """Return the signed token of some claims.

        Raises:
            ConfigurationError: The ring cannot sign, the layout cannot spell the claims, or the token would be
                too long to be accepted.

        See:
            RFC 7519 §7.1.
        """
        signer = self._signer
        if signer is None:
            # Raises, and says what is missing.
            signer = JWSSigner(self.ring.signing_key())
        wire = self.layout.write(claims, with_roles=self.with_roles)
        payload = dict(wire.payload)
        if self.issuer is not None:
            payload["iss"] = self.issuer
        if self.audience is not None:
            payload["aud"] = self.audience
        token = signer.sign(wire.typ, dump_object(payload))
        if len(token) > MAX_LENGTH:
            detail = (
                f"the token would have {len(token)} characters and be refused; expected at most {MAX_LENGTH}: "
                "issue fewer or shorter custom claims and roles"
            )
            raise ConfigurationError(detail)
        return token

    def _check_parties(self, payload: Mapping[str, JSONValue]) -> None:
        # RFC 7519 §4.1.1, §4.1.3: compared as a whole and case-sensitively; a part of a name is another name.
        if self.issuer is not None:
            if "iss" not in payload:
                raise MissingClaimError("iss")
            if payload["iss"] != self.issuer:
                detail = "claim 'iss' is not the configured issuer"
                raise InvalidTokenError(detail)
        if "aud" not in payload:
            if self.audience is not None:
                raise MissingClaimError("aud")
            return
        audience = payload["aud"]
        listed = audience if type(audience) is list else [audience]
        # "the principal must identify itself with a value in the audience claim": without a name we are nobody.
        if self.audience is None or self.audience not in listed or not all(type(name) is str for name in listed):
            detail = "claim 'aud' does not name the configured audience"
            raise InvalidTokenError(detail)

    def _with_parsed_identity(self, claims: Claims) -> Claims:
        if isinstance(claims, ActionClaims):
            return attrs.evolve(claims, identity=self._parse(claims.identity))
        principal = claims.principal
        return claims._replace(principal=attrs.evolve(principal, identity=self._parse(principal.identity)))

    def _parse(self, identity: object) -> object:
        if self.parse_identity is None or type(identity) is not str:
            return identity
        try:
            parsed = self.parse_identity(identity)
            text = str(parsed)
        except ValueError:
            detail = "parse_identity refuses the token's identity with a ValueError"
            raise InvalidTokenError(detail) from None
        except Exception as error:
            detail = f"parse_identity raised {type(error).__name__}; expected a value or a ValueError"
            raise ServiceUnavailableError(detail) from error
        if text != identity:
            # Sessions are remembered by the text: under another one nobody would find them again.
            detail = (
                f"parse_identity returned {type(parsed).__name__} of another text; expected str(value) to give it back"
            )
            raise ConfigurationError(detail)
        return parsed


def _not_before(payload: Mapping[str, JSONValue]) -> int:
    instant = payload["nbf"]
    if type(instant) is not int or not 0 <= instant <= MAX_TIME:
        detail = f"claim 'nbf' is {type(instant).__name__}; expected an integer from 0 to 2**53 - 1"
        raise InvalidTokenError(detail)
    return instant
