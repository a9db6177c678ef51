"""All settings, validated when they are created.

``Settings`` takes Python values; ``Settings.from_mapping`` reads the keys of a framework's configuration. A value that
cannot work raises ``ConfigurationError`` at start, and the message says what to write.

Each setting is one declaration in one of the base classes: the attribute, its type and default, and the metadata that
``declare`` makes. The reference in docs/settings.md is written from these declarations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, cast

import attrs

from praetorian_core.errors import ConfigurationError
from praetorian_core.settings.browsers import BrowserSettings
from praetorian_core.settings.config import key_ring_from, unknown_name, values_from
from praetorian_core.settings.declaration import declaration_of
from praetorian_core.settings.requests import RequestSettings
from praetorian_core.settings.state import StateSettings
from praetorian_core.settings.tokens import TokenSettings, layout_names
from praetorian_core.settings.users import UserSettings
from praetorian_core.web.bearer import TokenHeader
from praetorian_core.web.cookies import TokenCookies
from praetorian_core.web.places import TokenPlaces


class _Constructor(Protocol):
    def __call__(self, **values: object) -> Settings: ...


@attrs.frozen(kw_only=True)
class Settings(StateSettings, UserSettings, BrowserSettings, RequestSettings, TokenSettings):
    """All settings of a guard. Only ``keys`` has no default.

    docs/settings.md describes each attribute.

    Raises:
        ConfigurationError: A value cannot be used; the message names its key in a framework's configuration.
    """

    def __attrs_post_init__(self) -> None:
        """Check every value, then what must hold between values."""
        for field in attrs.fields(type(self)):
            setting = declaration_of(field)
            setting.check(setting, getattr(self, field.name))
        self._check_pairs()

    def _check_pairs(self) -> None:
        access, refresh, early = self.access_lifespan, self.refresh_lifespan, self.early_refresh
        if access > refresh:
            raise ConfigurationError(
                f"JWT_ACCESS_LIFESPAN must be no longer than JWT_REFRESH_LIFESPAN ({refresh} s); got {access} s; "
                "write a shorter JWT_ACCESS_LIFESPAN or a longer JWT_REFRESH_LIFESPAN"
            )
        if early > access:
            raise ConfigurationError(
                f"PRAETORIAN_EARLY_REFRESH must be at most JWT_ACCESS_LIFESPAN ({access} s); got {early} s; "
                "write a shorter PRAETORIAN_EARLY_REFRESH"
            )
        if self.idle_lifespan is not None and not access < self.idle_lifespan <= refresh:
            raise ConfigurationError(
                f"JWT_IDLE_LIFESPAN must be longer than JWT_ACCESS_LIFESPAN ({access} s) and no longer than "
                f"JWT_REFRESH_LIFESPAN ({refresh} s); got {self.idle_lifespan} s; write for example JWT_IDLE_LIFESPAN = "
                f"{min(2 * access, refresh)}"
            )
        self._check_cookies()
        if self.cookie_refresh and self.refresh_grace == 0:
            raise ConfigurationError(
                "PRAETORIAN_REFRESH_GRACE must be above 0 while PRAETORIAN_COOKIE_REFRESH is True, because pages send several "
                "requests at once; got 0; write for example PRAETORIAN_REFRESH_GRACE = 60"
            )
        if self.roles_disabled and self.roles is not None:
            raise ConfigurationError(
                "PRAETORIAN_ROLES must be absent while PRAETORIAN_ROLES_DISABLED is True; got both; remove one of them"
            )
        if self.max_sessions is None and self.session_limit != "end_oldest":
            raise ConfigurationError(
                "PRAETORIAN_SESSION_LIMIT must be absent without PRAETORIAN_MAX_SESSIONS; got "
                f"{self.session_limit!r}; write for example PRAETORIAN_MAX_SESSIONS = 5"
            )
        if self.layout not in self.accept_layouts:
            raise ConfigurationError(
                f"PRAETORIAN_ACCEPT_LAYOUTS must include PRAETORIAN_LAYOUT, {self.layout.name}; "
                f"got {layout_names(self.accept_layouts)}; write PRAETORIAN_ACCEPT_LAYOUTS = [STANDARD, FLASK_PRAETORIAN]"
            )

    def _check_cookies(self) -> None:
        if not self.uses_cookies:
            for field in attrs.fields(BrowserSettings):
                setting = declaration_of(field)
                if setting.needs_cookies and getattr(self, field.name) != field.default:
                    key = setting.key
                    raise ConfigurationError(
                        f"{key} has no effect unless JWT_PLACES includes 'cookie'; got {list(self.places)}; write "
                        f'JWT_PLACES = ["header", "cookie"], or remove {key}'
                    )
        name = self._cookie_name()
        if name.lower().startswith("__") and not self.cookie_secure:
            raise ConfigurationError(
                f"JWT_COOKIE_NAME must have no prefix while PRAETORIAN_COOKIE_SECURE is False; got {name!r}, which browsers "
                "reject; write another name"
            )
        if name.lower().startswith("__host-") and not (self.cookie_path == "/" and self.cookie_domain is None):
            raise ConfigurationError(
                f"JWT_COOKIE_NAME must not begin with __Host- with a PRAETORIAN_COOKIE_PATH or PRAETORIAN_COOKIE_DOMAIN; got "
                f"{name!r}, which browsers reject; write JWT_COOKIE_NAME = '__Secure-{name[7:]}'"
            )
        if self.cookie_same_site == "None" and not self.cookie_secure:
            raise ConfigurationError(
                "PRAETORIAN_COOKIE_SECURE must be True while PRAETORIAN_COOKIE_SAMESITE is 'None'; got False; browsers reject "
                "such a cookie"
            )

    def check_without_store(self) -> None:
        """Raise if a setting differs from its default although it has no effect without a store.

        A guard without a store calls this.

        Raises:
            ConfigurationError: There is such a setting.
        """
        if "query_ticket" in self.places:
            raise ConfigurationError(
                "JWT_PLACES holds 'query_ticket', which needs a store; set PRAETORIAN_STORE or pass store= to the guard, or "
                "remove 'query_ticket'"
            )
        for field in attrs.fields(type(self)):
            setting = declaration_of(field)
            if setting.needs_store and getattr(self, field.name) != field.default:
                raise ConfigurationError(
                    f"{setting.key} needs a store; set PRAETORIAN_STORE or pass store= to the guard, or remove {setting.key}"
                )

    @property
    def uses_cookies(self) -> bool:
        """Whether a request may carry its token in a cookie."""
        return "cookie" in self.places

    def token_places(self) -> TokenPlaces:
        """Return the object that finds the token in a request."""
        return TokenPlaces(
            TokenHeader(self.header_name, self.header_type) if "header" in self.places else None,
            self.token_cookies() if self.uses_cookies else None,
            "query_ticket" in self.places,
        )

    def token_cookies(self) -> TokenCookies:
        """Return the object that makes the cookies of tokens.

        Raises:
            ConfigurationError: Cookies carry no tokens.
        """
        if not self.uses_cookies:
            raise ConfigurationError(
                f"JWT_PLACES must include 'cookie' for tokens in cookies; got {list(self.places)}; write "
                'JWT_PLACES = ["header", "cookie"]'
            )
        return TokenCookies(
            name=self._cookie_name(),
            path=self.cookie_path,
            domain=self.cookie_domain,
            secure=self.cookie_secure,
            same_site=self.cookie_same_site,
        )

    def _cookie_name(self) -> str:
        if self.cookie_name is not None:
            return self.cookie_name
        if not self.cookie_secure:
            return "access_token"
        is_bound_to_host = self.cookie_path == "/" and self.cookie_domain is None
        return f"{'__Host-' if is_bound_to_host else '__Secure-'}access_token"

    @classmethod
    def from_mapping(cls, config: Mapping[str, object], **values: object) -> Settings:
        """Read the keys of a framework's configuration.

        Args:
            config: For example Flask's ``app.config``. A key that is None counts as absent. An unknown key that begins
                with ``PRAETORIAN_``, or that resembles a key of Praetorian, raises; other keys are ignored.
            values: Attributes of ``Settings`` by name. They take precedence over the configuration.

        Raises:
            ConfigurationError: A key or a value cannot be used; the message says what to write.

        See:
            docs/settings.md for every key.
        """
        attributes = {declaration_of(field).key: field.name for field in attrs.fields(cls)}
        for name in values:
            if name not in attributes.values():
                raise unknown_name(name, attributes.values(), "an attribute of Settings")
        chosen = values_from(config, attributes) | values
        if "keys" not in chosen:
            chosen["keys"] = key_ring_from(config)
        # The class checks every value, of any type.
        return cast("_Constructor", cls)(**chosen)
