"""Settings of tokens: keys, lifespans and claims."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import attrs

from praetorian_core.errors import ConfigurationError
from praetorian_core.messages import shown, type_name
from praetorian_core.settings.declaration import (
    Declaration,
    check_lifespan,
    check_optional_lifespan,
    declare,
    must_be,
    to_seconds,
    whole_seconds,
)
from praetorian_core.token.keys import KeyRing
from praetorian_core.token.layouts import LAYOUTS, STANDARD, Layout
from praetorian_core.token.strict_json import is_text

MAX_LEEWAY = 60
"""The longest ``JWT_LEEWAY``, in seconds: a longer one would act as a second lifespan."""

ACTION_LIFESPAN = 15 * 60
"""The default lifespan of an action token, in seconds (ASVS 6.5.5 allows at most an hour)."""


def _is_optional_text(value: object) -> bool:
    return value is None or (type(value) is str and value != "" and is_text(value))


_OPTIONAL_TEXT = must_be("None or a non-empty str without surrogates", _is_optional_text)


def _check_keys(setting: Declaration, value: object) -> None:
    if not isinstance(value, KeyRing):
        raise ConfigurationError(
            f"{setting.key} must be a KeyRing; got {type_name(value)}; write Settings(keys=KeyRing.from_secret(secret)), "
            "or SECRET_KEY = secret in the configuration"
        )


def _check_idle_lifespan(setting: Declaration, value: object) -> None:
    if value is not None:
        check_lifespan(setting, value)


def _to_layouts(value: Layout | Iterable[Layout]) -> tuple[Layout, ...]:
    return cast("tuple[Layout, ...]", tuple(value) if isinstance(value, Iterable) else (value,))


def _is_layout(value: object) -> bool:
    # The type first: another class may raise when it is compared.
    return type(value) in map(type, LAYOUTS) and value in LAYOUTS


def _are_layouts(value: object) -> bool:
    layouts = cast("tuple[object, ...]", value)
    return bool(layouts) and all(map(_is_layout, layouts))


def layout_names(value: object) -> str:
    """Return the names of layouts, for a message."""
    layouts = cast("tuple[object, ...]", value)
    return (
        ", ".join(cast("Layout", layout).name if _is_layout(layout) else shown(layout) for layout in layouts) or "none"
    )


@attrs.frozen(kw_only=True, slots=False)
class TokenSettings:
    """Settings of keys, lifespans and claims of tokens."""

    keys: KeyRing = attrs.field(
        metadata=declare(
            "JWT_KEYS",
            _check_keys,
            section="Keys",
            does="The keys that sign tokens and verify them. `SECRET_KEY` or `JWT_SECRET_KEY` is enough for one secret.",
            change="Set it for key pairs, a JWKS document, or several keys of one algorithm.",
            example="KeyRing.from_secret(secret)",
        )
    )
    access_lifespan: int = attrs.field(
        default=15 * 60,
        converter=to_seconds,
        metadata=declare(
            "JWT_ACCESS_LIFESPAN",
            check_lifespan,
            section="Lifespans and clocks",
            unit="lifespan",
            does="How long a token grants access after it is issued: its `exp`.",
            change="Shorten it if a role change, a deletion or a stolen token must lose effect earlier.",
            example='"5 minutes"',
        ),
    )
    refresh_lifespan: int = attrs.field(
        default=30 * 86_400,
        converter=to_seconds,
        metadata=declare(
            "JWT_REFRESH_LIFESPAN",
            check_lifespan,
            section="Lifespans and clocks",
            unit="lifespan",
            does="How long a session lasts from login on: its `rf_exp`, which no refresh moves.",
            change="Set how often users must enter their password at least.",
            example='"2 weeks"',
        ),
    )
    idle_lifespan: int | None = attrs.field(
        default=None,
        converter=attrs.converters.optional(to_seconds),
        metadata=declare(
            "JWT_IDLE_LIFESPAN",
            _check_idle_lifespan,
            section="Lifespans and clocks",
            unit="lifespan",
            does=(
                "How long a session lasts after its login or its last refresh, whichever is later; it never lasts beyond "
                "`rf_exp`. Without it a session may be unused up to `rf_exp`."
            ),
            change="Set it if a device that is put away must be logged out (ASVS 7.3.1).",
            example='"12 hours"',
        ),
    )
    leeway: int = attrs.field(
        default=0,
        metadata=declare(
            "JWT_LEEWAY",
            whole_seconds(MAX_LEEWAY),
            section="Lifespans and clocks",
            unit="seconds",
            does=(
                "How far the clocks of several machines may differ. Access works that much longer than `exp`, and never "
                "beyond `rf_exp`; refresh still begins at `exp`. `iat` and `nbf` may lie that far in the future, and 10 "
                "seconds in any case."
            ),
            change="Set it to a few seconds if tokens are issued on one machine and checked on another.",
            example="5",
        ),
    )
    early_refresh: int = attrs.field(
        default=0,
        converter=to_seconds,
        metadata=declare(
            "PRAETORIAN_EARLY_REFRESH",
            check_optional_lifespan,
            section="Lifespans and clocks",
            unit="lifespan",
            does="How long before `exp` a token can already be refreshed.",
            change="Set it if clients refresh by the clock instead of waiting for a 401.",
            example='"1 minute"',
        ),
    )
    issuer: str | None = attrs.field(
        default=None,
        metadata=declare(
            "JWT_ISSUER",
            _OPTIONAL_TEXT,
            section="Claims",
            does="The claim `iss` of issued tokens. A token with another `iss`, or none, is rejected.",
            change="Set it if several systems issue tokens with the same keys.",
            example='"https://id.example"',
        ),
    )
    audience: str | None = attrs.field(
        default=None,
        metadata=declare(
            "JWT_AUDIENCE",
            _OPTIONAL_TEXT,
            section="Claims",
            does="The claim `aud` of issued tokens. A token with another `aud`, or none, is rejected.",
            change="Set it to one name per API if several APIs share keys and tokens of one must not work at another.",
            example='"shop"',
        ),
    )
    layout: Layout = attrs.field(
        default=STANDARD,
        metadata=declare(
            "PRAETORIAN_LAYOUT",
            must_be("STANDARD or FLASK_PRAETORIAN", _is_layout),
            section="Claims",
            does="The names and forms of the claims in issued tokens.",
            change="Set `FLASK_PRAETORIAN` while a service that still runs flask-praetorian reads these tokens.",
            example="FLASK_PRAETORIAN",
        ),
    )
    accept_layouts: tuple[Layout, ...] = attrs.field(
        default=attrs.Factory(lambda settings: (settings.layout,), takes_self=True),
        converter=_to_layouts,
        metadata=declare(
            "PRAETORIAN_ACCEPT_LAYOUTS",
            must_be(
                "STANDARD, FLASK_PRAETORIAN or a list of both",
                _are_layouts,
                show=layout_names,
            ),
            section="Claims",
            does="The layouts that are accepted in tokens.",
            change="Set both during a move from flask-praetorian, until the last of its tokens has expired.",
            example="[STANDARD, FLASK_PRAETORIAN]",
        ),
    )
