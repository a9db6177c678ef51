"""What the operator chose, checked once, at birth, and never again.

``Settings`` takes Python values; ``Settings.from_mapping`` reads the keys of a framework's configuration. Whatever
cannot work is refused here, before the first request, and the error says what was found and what to write.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Literal, Protocol, TypeAlias, cast

import attrs

from praetorian_core.errors import ConfigurationError
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.stores.by_url import check_url
from praetorian_core.token.algorithms import HASH_BYTES, known_algorithm
from praetorian_core.token.claims import FLASK_PRAETORIAN, STANDARD, Layout
from praetorian_core.token.keys import Key, KeyRing
from praetorian_core.token.strict_json import is_text
from praetorian_core.web.bearer import HeaderPlace, TokenPlaces

_LOG = logging.getLogger("praetorian")

MAX_LEEWAY = 60
"""By how many seconds clocks may be allowed to differ; more would be a second lifespan."""

CheckSessions: TypeAlias = Literal["always", "refresh"]
ThrottleFailure: TypeAlias = Literal["refuse", "allow"]

_MOST_PATIENCE = 60

DEFAULT_VALIDATION_METHOD = "is_valid"
"""The one validation method that a user class may lack; any other was asked for by name."""

ACTION_LIFESPAN = 15 * 60
"""How long an action token lives unless its issuer says otherwise, in seconds (ASVS 6.5.5 wants at most an hour)."""

_PRINTABLE = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token (RFC 6265 §4.1.1)


def _refuse(key: str, found: object, expected: str) -> ConfigurationError:
    try:
        text = repr(found)
    except ValueError:  # An integer of more digits than Python converts to text.
        text = f"{type(found).__name__} beyond printing"
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    return ConfigurationError(f"{key} is {shown}; expected {expected}")


def _whole_seconds(key: str, value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise _refuse(key, value, f"whole seconds from 0 to {most}")
    return value


def _flag(key: str, value: object) -> bool:
    if type(value) is not bool:
        raise _refuse(key, value, "True or False")
    return value


def _optional_text(key: str, value: object) -> str | None:
    if value is not None and (type(value) is not str or not value or not is_text(value)):
        raise _refuse(key, value, "None or a non-empty str without surrogates")
    return value


# The converters have names, so that a type checker sees what ``Settings`` takes.


def _access_lifespan(value: Lifespan) -> int:
    return parse_lifespan(value, name="JWT_ACCESS_LIFESPAN")


def _refresh_lifespan(value: Lifespan) -> int:
    return parse_lifespan(value, name="JWT_REFRESH_LIFESPAN")


def _grace(value: Lifespan) -> int:
    # Zero, which is no lifespan, means none.
    return 0 if type(value) is int and value == 0 else parse_lifespan(value, name="PRAETORIAN_REFRESH_GRACE")


def _early(value: Lifespan) -> int:
    return 0 if type(value) is int and value == 0 else parse_lifespan(value, name="PRAETORIAN_EARLY_REFRESH")


def _places(value: str | Iterable[str]) -> tuple[str, ...]:
    # What is neither becomes a tuple that is refused below, like any other.
    places = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)
    if places != ("header",):
        raise _refuse("JWT_PLACES", places, "('header',), the only place that this version reads")
    return places


def _layout(value: Layout) -> Layout:
    if value not in (STANDARD, FLASK_PRAETORIAN):
        raise _refuse("layout", value, "STANDARD or FLASK_PRAETORIAN")
    return value


def _layouts(value: Layout | Iterable[Layout]) -> tuple[Layout, ...]:
    layouts = cast("tuple[Layout, ...]", tuple(value) if isinstance(value, Iterable) else (value,))
    if not layouts or any(layout not in (STANDARD, FLASK_PRAETORIAN) for layout in layouts):
        raise _refuse("accept_layouts", layouts, "STANDARD, FLASK_PRAETORIAN or both")
    return layouts


class _Maker(Protocol):
    def __call__(self, **values: object) -> Settings: ...


@attrs.frozen(kw_only=True)
class Settings:
    """Everything that a guard can be told, with a safe default for all but the keys.

    Attributes:
        keys: Which keys sign and verify.
        access_lifespan: How long a token opens routes, in seconds; given as any ``Lifespan``. Defaults to 15 minutes.
        refresh_lifespan: How long a session lives from login on, in seconds. Defaults to 30 days.
        leeway: By how many seconds the clocks of machines may differ, up to 60. Defaults to 0. It never moves the end
            of the refresh lifespan.
        issuer: The ``iss`` that is written into tokens and required of them. Defaults to none.
        audience: The ``aud`` that is written into tokens and required of them. Defaults to none.
        realm: The protection space that challenges name. Defaults to ``api``.
        places: Where a request is searched for a token. Defaults to the header alone.
        header_name: Which header. Defaults to ``Authorization``.
        header_type: The scheme in front of the token. Defaults to ``Bearer``.
        cookie_name: Which cookie, where ``places`` holds ``cookie``. Defaults to ``access_token``.
        layout: How minted tokens are spelt. Defaults to ``STANDARD``.
        accept_layouts: Which spellings are read. Defaults to ``layout`` alone.
        parse_identity: Makes the application's identity, a UUID say, of a token's text, or raises ValueError.
        roles_disabled: Whether users have no roles. Defaults to False.
        validation_method: The name of the user's method that says whether the user may still act; a user without it
            may. Defaults to ``is_valid``.
        disable_error_handler: Whether an adapter leaves error responses to the application. Defaults to False.
        store: Where sessions are remembered: None for nowhere, ``memory://`` for this process, ``sqlite:///file`` for the
            processes of one machine, ``redis://…`` for many machines.
        store_timeout: How long a call may wait for the store, in seconds, above 0 to 60. A store handed to a ``Guard``
            keeps its own time; an ``AsyncGuard`` cuts every store. Defaults to 2.
        throttle: Whether logins are counted and slowed. Defaults to True.
        throttle_failure: What becomes of a login that cannot be counted: ``refuse``, or ``allow``, which lets guessers
            go on for as long as the store fails and tells ``on_event``. A token is issued only while the store can be
            read, so this is for a store that takes no writes.
        check_sessions: When the store is asked whether a session was ended: ``always``, or only at ``refresh``.
        refresh_grace: For how many seconds a refreshed token may be refreshed once more, for two tabs or a lost
            response. Defaults to 10.
        early_refresh: How many seconds before the end of access a refresh is already allowed. Defaults to 0.
        verified_cache: How many verified tokens are remembered. Defaults to 0, which is all that this version can do.
    """

    keys: KeyRing
    access_lifespan: int = attrs.field(default=15 * 60, converter=_access_lifespan)
    refresh_lifespan: int = attrs.field(default=30 * 86_400, converter=_refresh_lifespan)
    leeway: int = 0
    issuer: str | None = None
    audience: str | None = None
    realm: str = "api"
    places: tuple[str, ...] = attrs.field(default=("header",), converter=_places)
    header_name: str = "Authorization"
    header_type: str = "Bearer"
    cookie_name: str = "access_token"
    layout: Layout = attrs.field(default=STANDARD, converter=_layout)
    accept_layouts: tuple[Layout, ...] = attrs.field(
        default=attrs.Factory(lambda settings: (settings.layout,), takes_self=True), converter=_layouts
    )
    parse_identity: Callable[[str], object] | None = None
    roles_disabled: bool = False
    validation_method: str = DEFAULT_VALIDATION_METHOD
    disable_error_handler: bool = False
    # A URL may hold a password.
    store: str | None = attrs.field(default=None, repr=False)
    store_timeout: float = 2.0
    throttle: bool = True
    throttle_failure: ThrottleFailure = "refuse"
    check_sessions: CheckSessions = "always"
    refresh_grace: int = attrs.field(default=10, converter=_grace)
    early_refresh: int = attrs.field(default=0, converter=_early)
    verified_cache: int = 0

    def __attrs_post_init__(self) -> None:
        """Check every value, and what must hold between them."""
        if not isinstance(self.keys, KeyRing):
            raise _refuse("JWT_KEYS", type(self.keys).__name__, "a KeyRing, such as KeyRing.from_secret(secret)")
        if self.access_lifespan > self.refresh_lifespan:
            detail = (
                f"JWT_ACCESS_LIFESPAN is {self.access_lifespan} s and JWT_REFRESH_LIFESPAN {self.refresh_lifespan} s; "
                "expected access to be no longer than refresh"
            )
            raise ConfigurationError(detail)
        _whole_seconds("JWT_LEEWAY", self.leeway, MAX_LEEWAY)
        _optional_text("JWT_ISSUER", self.issuer)
        _optional_text("JWT_AUDIENCE", self.audience)
        # It is written into a quoted string of a response header (RFC 9110 §5.6.4).
        if type(self.realm) is not str or not _PRINTABLE.fullmatch(self.realm):
            raise _refuse("JWT_REALM", self.realm, "printable ASCII without quotes and backslashes, such as 'api'")
        self.token_places()
        if type(self.cookie_name) is not str or not _COOKIE_NAME.fullmatch(self.cookie_name):
            raise _refuse("JWT_COOKIE_NAME", self.cookie_name, "a cookie's name, such as 'access_token'")
        if self.layout not in self.accept_layouts:
            detail = f"layout is {self.layout.name}, which accept_layouts lacks; expected what is minted to be accepted"
            raise ConfigurationError(detail)
        if inspect.iscoroutinefunction(self.parse_identity):
            raise _refuse("parse_identity", self.parse_identity.__name__, "a plain function, such as uuid.UUID")
        if self.parse_identity is not None and not callable(self.parse_identity):
            raise _refuse("parse_identity", self.parse_identity, "a function of one str, such as uuid.UUID")
        _flag("PRAETORIAN_ROLES_DISABLED", self.roles_disabled)
        _flag("DISABLE_PRAETORIAN_ERROR_HANDLER", self.disable_error_handler)
        _flag("PRAETORIAN_THROTTLE", self.throttle)
        if type(self.validation_method) is not str or not self.validation_method.isidentifier():
            raise _refuse("USER_CLASS_VALIDATION_METHOD", self.validation_method, "a method's name, such as 'is_valid'")
        self._check_state()
        if type(self.verified_cache) is not int or self.verified_cache != 0:
            raise _refuse("PRAETORIAN_VERIFIED_CACHE", self.verified_cache, "0, since this version has no cache")
        if self.early_refresh > self.access_lifespan:
            raise _refuse(
                "PRAETORIAN_EARLY_REFRESH", self.early_refresh, f"at most the access lifespan, {self.access_lifespan} s"
            )

    def _check_state(self) -> None:
        if self.store is not None:
            check_url(self.store)
        # Not `<= 0`: NaN compares false with everything.
        if type(self.store_timeout) not in (int, float) or not 0 < self.store_timeout <= _MOST_PATIENCE:
            expected = f"seconds above 0 and at most {_MOST_PATIENCE}"
            raise _refuse("PRAETORIAN_STORE_TIMEOUT", self.store_timeout, expected)
        if self.throttle_failure not in ("refuse", "allow"):
            raise _refuse("PRAETORIAN_THROTTLE_FAILURE", self.throttle_failure, "'refuse' or 'allow'")
        if self.check_sessions not in ("always", "refresh"):
            raise _refuse("PRAETORIAN_CHECK_SESSIONS", self.check_sessions, "'always' or 'refresh'")

    def token_places(self) -> TokenPlaces:
        """Return what finds the token in a request."""
        return TokenPlaces([HeaderPlace(self.header_name, self.header_type)])

    @classmethod
    def from_mapping(cls, config: Mapping[str, object], **values: object) -> Settings:
        """Read the keys of a framework's configuration.

        Args:
            config: Such as Flask's ``app.config``. Unknown keys that begin with ``PRAETORIAN_``, and ``JWT_`` keys that
                look like a mistyped one, are refused; all others are none of our business.
            values: Attributes of ``Settings`` by name, for those without a key (``layout``, ``accept_layouts``,
                ``parse_identity``); they win over the configuration.

        Raises:
            ConfigurationError: A key or a value cannot be used; the text says what to write.
        """
        _check_names(config)
        known = set(attrs.fields_dict(cls))
        for name in values:
            if name not in known:
                raise _unknown(name, known, "an attribute of Settings")
        chosen = {_KEYS[key]: config[key] for key in _KEYS if config.get(key) is not None}
        chosen |= values
        if "keys" not in chosen:
            chosen["keys"] = _ring_of(config)
        # Every value is checked by the class itself, whatever its type.
        return cast("_Maker", cls)(**chosen)


_KEYS = {
    "JWT_ACCESS_LIFESPAN": "access_lifespan",
    "JWT_REFRESH_LIFESPAN": "refresh_lifespan",
    "JWT_LEEWAY": "leeway",
    "JWT_ISSUER": "issuer",
    "JWT_AUDIENCE": "audience",
    "JWT_REALM": "realm",
    "JWT_PLACES": "places",
    "JWT_HEADER_NAME": "header_name",
    "JWT_HEADER_TYPE": "header_type",
    "JWT_COOKIE_NAME": "cookie_name",
    "PRAETORIAN_ROLES_DISABLED": "roles_disabled",
    "USER_CLASS_VALIDATION_METHOD": "validation_method",
    "DISABLE_PRAETORIAN_ERROR_HANDLER": "disable_error_handler",
    "PRAETORIAN_STORE": "store",
    "PRAETORIAN_STORE_TIMEOUT": "store_timeout",
    "PRAETORIAN_THROTTLE": "throttle",
    "PRAETORIAN_THROTTLE_FAILURE": "throttle_failure",
    "PRAETORIAN_CHECK_SESSIONS": "check_sessions",
    "PRAETORIAN_REFRESH_GRACE": "refresh_grace",
    "PRAETORIAN_EARLY_REFRESH": "early_refresh",
    "PRAETORIAN_VERIFIED_CACHE": "verified_cache",
}

_KEY_NAMES = frozenset(_KEYS) | {"JWT_KEYS", "JWT_SECRET_KEY", "JWT_ALGORITHM"}

_MEANINGLESS = frozenset(
    {
        "JWT_ALLOWED_ALGORITHMS",
        "PRAETORIAN_HASH_SCHEME",
        "PRAETORIAN_HASH_ALLOWED_SCHEMES",
        "PRAETORIAN_HASH_DEPRECATED_SCHEMES",
        "PRAETORIAN_HASH_AUTOUPDATE",
        "PRAETORIAN_HASH_AUTOTEST",
        *(
            f"PRAETORIAN_{purpose}_{part}"
            for purpose in ("CONFIRMATION", "RESET")
            for part in ("TEMPLATE", "URI", "SENDER", "SUBJECT", "LIFESPAN")
        ),
    }
)
"""Keys of flask-praetorian without a counterpart: algorithms are bound to keys, passwords are argon2id, and the
application sends its own mail."""


_FOREIGN = frozenset({"JWT_ACCESS_COOKIE_NAME", "JWT_COOKIE_SAMESITE", "JWT_CSRF_HEADER_NAME"})
"""Keys of flask-jwt-extended that look like ours; it writes its defaults into the same configuration."""

_PREFIXES = ("JWT_", "USER_CLASS_", "DISABLE_")
"""What keys of ours may begin with that others' keys begin with too: only a near miss of one of ours is refused."""

_KNOWN = _KEY_NAMES | _MEANINGLESS | _FOREIGN


def _unknown(name: str, known: Iterable[str], kind: str) -> ConfigurationError:
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.0)
    return ConfigurationError(f"{name} is not {kind}; did you mean {nearest[0]}?")


def _check_names(config: Mapping[str, object]) -> None:
    meaningless = sorted(_MEANINGLESS & config.keys())
    if meaningless:
        _LOG.warning(
            "these settings of flask-praetorian mean nothing here and can be removed: %s", ", ".join(meaningless)
        )
    for name in config:
        if not isinstance(name, str) or name in _KNOWN:
            continue
        if name.startswith("PRAETORIAN_"):
            ours = [key for key in _KEY_NAMES if "PRAETORIAN" in key]
            raise _unknown(name, ours, "a setting of Praetorian")
        if name.startswith(_PREFIXES) and difflib.get_close_matches(name, _KEY_NAMES, n=1, cutoff=0.8):
            raise _unknown(name, _KEY_NAMES, "a setting of Praetorian")


def _ring_of(config: Mapping[str, object]) -> KeyRing:
    ring = config.get("JWT_KEYS")
    if ring is not None:
        if not isinstance(ring, KeyRing):
            raise _refuse("JWT_KEYS", type(ring).__name__, "a KeyRing, such as KeyRing.from_jwks(document)")
        return ring
    algorithm = _algorithm(config.get("JWT_ALGORITHM"))
    name = "SECRET_KEY" if config.get("JWT_SECRET_KEY") is None else "JWT_SECRET_KEY"
    secret = config.get(name)
    if secret is None:
        detail = f"no secret is configured; set SECRET_KEY (or JWT_SECRET_KEY) to {_PASTE}"
        raise ConfigurationError(detail)
    keys = [_key(name, secret, algorithm)]
    fallbacks = config.get("SECRET_KEY_FALLBACKS") if name == "SECRET_KEY" else None
    if fallbacks is not None:
        if isinstance(fallbacks, str | bytes) or not isinstance(fallbacks, Iterable):
            raise _refuse("SECRET_KEY_FALLBACKS", type(fallbacks).__name__, "a list of former secrets")
        formers = cast("Iterable[object]", fallbacks)
        keys += [_key("SECRET_KEY_FALLBACKS", former, algorithm) for former in formers]
    if len({key.kid for key in keys}) < len(keys):
        detail = "SECRET_KEY_FALLBACKS repeats a secret, maybe SECRET_KEY itself; leave the repeated one out"
        raise ConfigurationError(detail)
    return KeyRing(keys, signing=keys[0].kid)


_PASTE = 'what this line prints: python -c "import secrets; print(secrets.token_urlsafe(48))"'


def _algorithm(value: object) -> str:
    try:
        # What is not known is not repeated: it may be a secret that was written into the wrong key.
        algorithm = "HS256" if value is None else known_algorithm(value)
    except ConfigurationError as error:
        detail = f"JWT_ALGORITHM: {error}"
        raise ConfigurationError(detail) from None
    if algorithm not in HASH_BYTES:
        detail = (
            f"JWT_ALGORITHM is {algorithm!r}, which signs with a private key and not with a secret; write "
            f"JWT_KEYS = KeyRing.from_pem(pem, algorithm={algorithm!r})"
        )
        raise ConfigurationError(detail)
    return algorithm


def _key(name: str, secret: object, algorithm: str) -> Key:
    if not isinstance(secret, str | bytes):
        raise _refuse(name, type(secret).__name__, _PASTE)
    try:
        return Key.from_secret(secret, algorithm)
    except ConfigurationError as error:
        detail = f"{name}: {error}"
        raise ConfigurationError(detail) from None
