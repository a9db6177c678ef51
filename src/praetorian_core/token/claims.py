"""Typed claims of session and action tokens, the reserved claim names, and the checks of what an application supplies.

Claims are never coerced: ``"1"`` and ``true`` are not integers (RFC 7519 §2). The layouts encode them; ``lifecycle``
compares their times with the clock.
"""

from __future__ import annotations

import logging
import operator
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import NamedTuple, SupportsIndex, TypeAlias, cast

import attrs

from praetorian_core.errors import (
    ClaimCollisionError,
    ClaimValueError,
    ConfigurationError,
    ServiceUnavailableError,
)
from praetorian_core.principal import Principal
from praetorian_core.token.strict_json import check_value, is_text

_LOG = logging.getLogger("praetorian")

SESSION_TYP = "JWT"
ACTION_TYP = "action+jwt"
TICKET_TYP = "ticket+jwt"

MAX_TIME = 2**53 - 1
"""The last second that every JSON parser reads exactly (RFC 7493 §2.2)."""

MAX_IDENTITY = 2**63 - 1
MAX_NAME = 255
"""The maximum length of an identity, session id, role or action name, in characters."""

CODEC_CLAIMS = frozenset({"iss", "aud", "nbf"})
"""Validated by ``TokenCodec``, for both kinds of token and every layout."""

RESERVED = CODEC_CLAIMS | {
    *("sub", "id", "iat", "exp"),
    *("roles", "rf_exp", "sid", "gen", "epoch", "csrf", "auth_time"),
    *("action", "jti", "pwf"),
    *("rls", "is_ert", "is_prt"),
}
"""Claim names that a layout uses or may use later. No custom claim may have one, in any letter case."""


class SessionClaims(NamedTuple):
    """The claims of a session token; a tuple, because each verification creates one.

    Attributes:
        principal: The authenticated principal, with the token's times and custom claims.
        generation: How often the session was refreshed; None in a session that is not counted.
        csrf: The value that a request with the token in a cookie must repeat in a header; None if tokens are not carried
            in cookies.
    """

    principal: Principal
    generation: int | None = 0
    csrf: str | None = None

    def __repr__(self) -> str:
        """Show everything but ``csrf``."""
        return f"SessionClaims(principal={self.principal!r}, generation={self.generation})"


@attrs.frozen(kw_only=True)
class ActionClaims:
    """The claims of an action token.

    Attributes:
        identity: The identity of the user for whom it was issued.
        action: The name of the one action that it allows.
        token_id: The token's id, under which it is spent.
        issued_at: When it was issued, in seconds since the epoch.
        expires_at: When it expires, in seconds since the epoch.
        fingerprint: Binds the token to the password hash at its issue; None where it is not bound.
        claims: The custom claims, read-only.
    """

    identity: object
    action: str
    token_id: str
    issued_at: int
    expires_at: int
    fingerprint: str | None = None
    claims: Mapping[str, object] = attrs.field(factory=dict[str, object], hash=False)


@attrs.frozen(kw_only=True)
class TicketClaims:
    """The claims of a ticket, which opens one connection in the place of a session token.

    Attributes:
        principal: The principal of the session token for which it was issued.
        token_id: The ticket's id, under which it is spent.
        issued_at: When it was issued, in seconds since the epoch.
        expires_at: When it expires, in seconds since the epoch.
    """

    principal: Principal
    token_id: str
    issued_at: int
    expires_at: int


Claims: TypeAlias = SessionClaims | ActionClaims
"""The claims that a layout encodes; tickets have their own encoding."""


def check_custom_claims(claims: Mapping[str, object], *, depth: int = 1) -> None:
    """Raise unless custom claims survive a token unchanged.

    Args:
        claims: The custom claims.
        depth: How many objects enclose a claim; the payload itself is the first.

    Raises:
        ClaimCollisionError: A name is reserved, in some letter case.
        ClaimValueError: A value is not a JSON value, or JSON would change it.
    """
    for name, value in claims.items():
        if not name or not is_text(name):
            raise ClaimValueError(name, "has no usable name; expected a non-empty text")
        if name.casefold() in RESERVED:
            raise ClaimCollisionError(name)
        try:
            check_value(value, depth=depth)
        except ValueError as error:
            raise ClaimValueError(name, str(error)) from None


_REPRESENTATIONS = (object.__str__, BaseException.__str__)
"""``__str__`` methods that fall back to ``repr``; such text cannot identify a user."""

ParseIdentity: TypeAlias = Callable[[str], object]
"""Returns the application's identity from its text, or raises ValueError."""


def encode_identity(identity: object, parse: ParseIdentity | None = None) -> int | str:
    """Return an identity as a token carries it: an int or a str.

    An integer of any type becomes an int, a str of any type a str. Anything else travels as its text. Where ``parse`` is
    set, it must return the identity from its text: otherwise a login would succeed and every refresh would fail.

    Args:
        identity: The value of ``user.identity``.
        parse: The setting ``PRAETORIAN_PARSE_IDENTITY``; None if it is not set.

    Raises:
        ConfigurationError: The identity is None or a boolean, is out of range, has no short non-empty text, or ``parse``
            does not return it from its text.
        ServiceUnavailableError: ``parse`` raised something other than ValueError.
    """
    if identity is None or isinstance(identity, bool):
        raise ConfigurationError(f"user.identity must be an int or a str; got {type(identity).__name__}")
    if isinstance(identity, str):
        # Not str(): of a member of an enum, that is its name.
        text = _checked_text(str.__str__(identity))
        return text if parse is None else _encode_parsed(identity, text, parse)
    number = _as_integer(identity)
    if number is None:
        return _encode_other(identity, parse)
    if not -MAX_IDENTITY <= number <= MAX_IDENTITY:
        raise ConfigurationError("user.identity must be an int up to 2**63 - 1, or a str; got a larger int")
    return number


def encode_named_identity(identity: object, parse: ParseIdentity | None = None) -> int | str:
    """Return the identity that a caller names, as a token carries it; see ``encode_identity``.

    An identity that ``parse`` returns may also be named by its text.
    """
    if parse is None or not isinstance(identity, str):
        return encode_identity(identity, parse)
    text = _checked_text(str.__str__(identity))
    _parse(text, parse, identity)
    return text


def _as_integer(identity: object) -> int | None:
    try:
        return operator.index(cast("SupportsIndex", identity))
    except TypeError:
        return None


def _encode_other(identity: object, parse: ParseIdentity | None) -> str:
    kind = type(identity).__name__
    if callable(identity) or type(identity).__str__ in _REPRESENTATIONS:
        # The text of such a thing is its representation, which may hold anything: for a method, the whole user.
        raise ConfigurationError(
            f"user.identity must be an int, a str or something with a text of its own; got {kind} (of a method, make a "
            "property)"
        )
    if parse is None:
        if isinstance(identity, Enum):  # An enum takes the value, and its text is another one.
            advice = "a property that returns the value of the member"
        else:
            advice = (
                "PRAETORIAN_PARSE_IDENTITY = a function that returns it from its text, such as "
                f"{type(identity).__module__}.{type(identity).__qualname__}"
            )
        raise ConfigurationError(f"user.identity must be an int or a str; got {kind}; write {advice}")
    try:
        text = str(identity)
    except Exception as error:
        raise ConfigurationError(f"str(user.identity) raised {type(error).__name__}") from error
    return _encode_parsed(identity, _checked_text(text), parse)


def _encode_parsed(identity: object, text: str, parse: ParseIdentity) -> str:
    same: object = _parse(text, parse, identity) == identity
    if same is not True:
        raise ConfigurationError(
            f"PRAETORIAN_PARSE_IDENTITY must return user.identity, a {type(identity).__name__}, from its text; got another "
            "value"
        )
    return text


def _parse(text: str, parse: ParseIdentity, identity: object) -> object:
    problem = "it raised ValueError"
    try:
        parsed = parse(text)
        if str(parsed) == text:
            return parsed
        problem = f"got {type(parsed).__name__} with another text"
    except ValueError:
        # Raise outside of the except block, so that the error does not carry the text.
        pass
    except Exception as error:
        raise ServiceUnavailableError(
            f"PRAETORIAN_PARSE_IDENTITY must return a value or raise ValueError; it raised {type(error).__name__}"
        ) from error
    raise ConfigurationError(
        f"PRAETORIAN_PARSE_IDENTITY must return user.identity, a {type(identity).__name__}, from its text; {problem}"
    )


def _checked_text(text: str) -> str:
    if not _is_name(text):
        raise ConfigurationError(
            f"user.identity must have 1 to {MAX_NAME} characters as text; got {len(text)} characters"
        )
    return text


class BlankRolesWarning:
    """Logs once that blanks were removed from role names: the roles are the same at every login."""

    __slots__ = ("_is_logged",)

    def __init__(self) -> None:
        """Log nothing yet."""
        self._is_logged = False

    def __call__(self) -> None:
        """Log the warning, if it is the first call."""
        if not self._is_logged:
            self._is_logged = True
            _LOG.warning(
                "user.rolenames holds an empty name, or a name with blanks around it; they are removed, and reported "
                "only once"
            )


def encode_roles(rolenames: object, warn: Callable[[], None]) -> frozenset[str]:
    """Return a user's role names, without blanks around a name and without empty names.

    Args:
        rolenames: The value of ``user.rolenames``: any iterable of str, also of members of an enum of str.
        warn: Called if a name was empty or had blanks around it, such as a ``BlankRolesWarning``.

    Raises:
        ConfigurationError: ``rolenames`` is something else. Reading a str as its letters, or a mapping as its keys, could
            grant a role that the application never gave.
    """
    if not _is_collection(rolenames):
        raise ConfigurationError(
            f"user.rolenames must be a list of str; got {type(rolenames).__name__}; return for example ['admin', 'editor']"
        )
    roles: set[str] = set()
    for role in cast("Iterable[object]", rolenames):
        if not isinstance(role, str):
            raise ConfigurationError(f"user.rolenames must hold only str; got {type(role).__name__}")
        # Not str(): of a member of an enum, that is its name.
        given = str.__str__(role)
        name = given.strip()
        if name != given or not name:
            warn()
        if not name:
            continue
        if not _is_name(name):
            raise ConfigurationError(
                f"user.rolenames must hold names of 1 to {MAX_NAME} characters; got one of {len(name)} characters"
            )
        roles.add(name)
    return frozenset(roles)


def _is_collection(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray | memoryview | Mapping)


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_NAME and is_text(text)
