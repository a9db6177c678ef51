"""The attributes that the parts of ``Praetorian`` share, and which of its users are valid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

from praetorian_core import Guard, PasswordHasher
from praetorian_flask.compat._errors import InvalidUserError, MissingUserError, PraetorianError
from praetorian_flask.compat._options import Options
from praetorian_flask.compat._passwords import PasswordContext
from praetorian_flask.compat._tokens import Tokens
from praetorian_flask.compat._users import Users


class Hook(Protocol):
    """Called with the claims of a token as keywords."""

    def __call__(self, **claims: object) -> object:
        """Look at the claims."""
        ...


class StoredUser(Protocol):
    """What is read of a user, and written to it."""

    identity: object
    password: str
    rolenames: object


class GuardState:
    """The state of one ``Praetorian``. Applications read its attributes, and some set them."""

    guard: Guard[object]
    user_class: object
    is_blacklisted: Callable[[str], object]
    encode_jwt_token_hook: Hook | None
    refresh_jwt_token_hook: Hook | None
    pwd_ctx: PasswordContext | None = None
    hasher: PasswordHasher | None = None
    """The hasher; set it before ``init_app`` to hash at another cost, as with ``cheapest_hasher()`` in tests."""
    _options: Options | None = None
    _users: Users
    _tokens: Tokens

    def _use(self, options: Options) -> None:
        """Take the options over as attributes, which applications read and sometimes set."""
        self._options = options
        self.encode_key: str | bytes = options.encode_key
        self.encode_algorithm: str = options.encode_algorithm
        self.allowed_algorithms: list[str] = options.allowed_algorithms
        self.access_lifespan: timedelta = options.access_lifespan
        self.refresh_lifespan: timedelta = options.refresh_lifespan
        self.jwt_places: list[str] = options.jwt_places
        self.cookie_name: str = options.cookie_name
        self.trusted_origins: tuple[str, ...] = options.trusted_origins
        self.header_name: str = options.header_name
        self.header_type: str = options.header_type
        self.roles_disabled: bool = options.roles_disabled
        self.user_class_validation_method: str = options.user_class_validation_method
        self.hash_autoupdate: bool = options.hash_autoupdate
        self.hash_autotest: bool = options.hash_autotest
        self.confirmation_template: str = options.confirmation_template
        self.confirmation_uri: str | None = options.confirmation_uri
        self.confirmation_sender: str | None = options.confirmation_sender
        self.confirmation_subject: str = options.confirmation_subject
        self.confirmation_lifespan: timedelta = options.confirmation_lifespan
        self.reset_template: str = options.reset_template
        self.reset_uri: str | None = options.reset_uri
        self.reset_sender: str | None = options.reset_sender
        self.reset_subject: str = options.reset_subject
        self.reset_lifespan: timedelta = options.reset_lifespan
        self.is_testing: bool = options.is_testing

    def _require_initialized(self) -> Options:
        if self._options is None:
            raise PraetorianError("Praetorian must be initialized before this method is available")
        return self._options

    def identify(self, identity: object) -> object | None:
        """Return the user with this identity, or None."""
        return self._users.identify(identity)

    def _check_user(self, user: object) -> None:
        """Raise unless a user exists and is valid; a user class without the method has valid users."""
        if user is None:
            raise MissingUserError("Could not find the requested user")
        validate: object = getattr(user, self.user_class_validation_method, None)
        if callable(validate) and not validate():
            raise InvalidUserError("The user is not valid or has had access revoked")
