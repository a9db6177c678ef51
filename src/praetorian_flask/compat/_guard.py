"""``Praetorian``: the extension with the methods of flask-praetorian, on the core's keys, hasher and guard."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import cast

from flask import Flask, Response

from praetorian_core import FLASK_PRAETORIAN, STANDARD, Guard, PasswordHasher, Settings
from praetorian_core import errors as core_errors
from praetorian_core._options import SavePassword
from praetorian_core.web.hooks import ErrorHook
from praetorian_flask.compat._core_guard import CheckedGuard
from praetorian_flask.compat._errors import PraetorianError, answer_core_error, old_errors
from praetorian_flask.compat._guard_mails import MailMethods
from praetorian_flask.compat._guard_passwords import PasswordMethods
from praetorian_flask.compat._guard_requests import RequestMethods, header_grammar
from praetorian_flask.compat._moved import moved_as
from praetorian_flask.compat._options import Options, read_options
from praetorian_flask.compat._passwords import CheckingHasher, PasswordContext
from praetorian_flask.compat._saving import prepare, save_hash
from praetorian_flask.compat._state import Hook
from praetorian_flask.compat._tokens import Tokens
from praetorian_flask.compat._users import Login, Users
from praetorian_flask.current import EXTENSION
from praetorian_flask.startup import check_at_first_request

_LOG = logging.getLogger("praetorian")

_SET_UP = "praetorian.compat.set_up"


class Praetorian(PasswordMethods, RequestMethods, MailMethods):
    """The extension. It keeps the state of the application that it was set up for last.

    Its attributes are those of flask-praetorian: ``pwd_ctx``, ``user_class``, ``encode_key``, ``access_lifespan`` and so
    on. ``guard`` is the core's guard with the same keys and users, for code that uses the new names already.
    """

    @moved_as("Praetorian")
    def __init__(
        self,
        app: Flask | None = None,
        user_class: object = None,
        is_blacklisted: Callable[[str], object] | None = None,
        encode_jwt_token_hook: Hook | None = None,
        refresh_jwt_token_hook: Hook | None = None,
    ) -> None:
        """Set an application up at once, if it and its user class are given. See ``init_app``."""
        self.app = app
        self.hash_scheme: str | None = None
        self.salt: str | None = None
        # What the checks of praetorian_flask keep about an application.
        self.hooks: tuple[ErrorHook, ...] = ()
        self.is_checked = False
        if app is not None and user_class is not None:
            self.init_app(app, user_class, is_blacklisted, encode_jwt_token_hook, refresh_jwt_token_hook)

    @moved_as("Praetorian")
    def init_app(
        self,
        app: Flask,
        user_class: object,
        is_blacklisted: Callable[[str], object] | None = None,
        encode_jwt_token_hook: Hook | None = None,
        refresh_jwt_token_hook: Hook | None = None,
    ) -> Flask:
        """Set an application up.

        Args:
            app: The application. A second guard on it takes the place of the first.
            user_class: Has ``lookup`` and ``identify``; it is never instantiated.
            is_blacklisted: Called with a token's ``jti``; a truthy answer rejects the token.
            encode_jwt_token_hook: Called with the claims of each new token.
            refresh_jwt_token_hook: Called with the claims of each refreshed token.

        Returns:
            The application.

        Raises:
            PraetorianError: There is no ``SECRET_KEY``, or the user class has no ``identify``.
            ConfigurationError: A setting cannot be used.
        """
        options = read_options(cast("Mapping[str, object]", app.config))
        _require_method(user_class, "identify")
        self.app = app
        self.user_class: object = user_class
        self.is_blacklisted: Callable[[str], object] = is_blacklisted or _never
        self.encode_jwt_token_hook: Hook | None = encode_jwt_token_hook
        self.refresh_jwt_token_hook: Hook | None = refresh_jwt_token_hook
        self._use(options)
        if self.hasher is None:
            self.hasher: PasswordHasher | None = PasswordHasher()
        self.pwd_ctx: PasswordContext | None = PasswordContext(self.hasher)
        self._users = Users(user_class)
        prepare()
        self._tokens = Tokens(options.ring, options.is_standard, options.leeway)
        with old_errors():
            header_grammar(options.header_name, options.header_type)
            self.guard: Guard[object] = self._make_guard(options)
        self._set_up(app)
        return app

    def _make_guard(self, options: Options) -> Guard[object]:
        refresh = max(int(options.refresh_lifespan.total_seconds()), 1)
        access = min(max(int(options.access_lifespan.total_seconds()), 1), refresh)
        settings = Settings(
            keys=options.ring,
            access_lifespan=access,
            refresh_lifespan=refresh,
            early_refresh=min(int(options.early_refresh.total_seconds()), access - 1),
            leeway=options.leeway,
            header_name=options.header_name,
            header_type=options.header_type,
            layout=STANDARD if options.is_standard else FLASK_PRAETORIAN,
            accept_layouts=(STANDARD, FLASK_PRAETORIAN),
            roles_disabled=options.roles_disabled,
            validation_method=options.user_class_validation_method,
            throttle=options.throttle,
            store=options.store,
        )
        save = cast("SavePassword[object]", _save)
        hasher = CheckingHasher(self.hasher or PasswordHasher(), self.own_verification)
        guard = CheckedGuard(self._users, settings, passwords=hasher, save_password=save)
        guard.is_rejected = self._is_rejected
        return guard

    def _is_rejected(self, token: str | bytes) -> bool:
        try:
            data = self._tokens.decode(token, int(time.time()))
        except PraetorianError:
            # The guard rejects it for what it is.
            return False
        return bool(self.is_blacklisted(cast("str", data["jti"])))

    def _set_up(self, app: Flask) -> None:
        if _SET_UP not in app.extensions:
            if not cast("Mapping[str, object]", app.config).get("DISABLE_PRAETORIAN_ERROR_HANDLER"):
                app.register_error_handler(PraetorianError, PraetorianError.build_error_handler())
                app.register_error_handler(core_errors.PraetorianError, answer_core_error)
            check_at_first_request(app)
            app.extensions[_SET_UP] = True
        app.extensions[EXTENSION] = self

    @classmethod
    def _validate_user_class(cls, *args: object) -> object:
        """Return a user class, the last argument, after the checks of flask-praetorian.

        ``init_app`` does not call it: an instance of the user class may have effects, and ``lookup`` may be missing.

        Raises:
            PraetorianError: A method is missing, or an attribute of an instance.
        """
        user_class = args[-1]
        for name in ("lookup", "identify"):
            _require_method(user_class, name)
        try:
            user = cast("Callable[[], object]", user_class)()
        except Exception:  # noqa: BLE001  (a class that takes arguments is not checked further)
            return user_class
        for name in ("identity", "rolenames", "password"):
            if not hasattr(user, name):
                raise PraetorianError(f"Instances of user_class must have the attribute {name}")
        return user_class

    def error_handler(self, error: PraetorianError) -> Response:
        """Return the response to an error; the older form of ``PraetorianError.build_error_handler``."""
        return error.jsonify()

    @property
    def fault(self) -> str | None:
        """None: the drop-in reports a decorator in the wrong place and serves the application as before."""
        return None

    @fault.setter
    def fault(self, found: str | None) -> None:
        if found is not None:
            _LOG.error("%s", found)


def _require_method(user_class: object, name: str) -> None:
    if not callable(getattr(user_class, name, None)):
        article = "an" if name == "identify" else "a"
        raise PraetorianError(f"The user_class must have {article} {name} class method: user_class.{name}(...) -> user")


def _never(_jti: str) -> bool:
    return False


def _save(found: object, new: str, former: str) -> None:
    user = found.user if isinstance(found, Login) else found
    if not save_hash(user, former, new):
        _LOG.info("an outdated password hash was not renewed: %s is not mapped by SQLAlchemy", type(user).__name__)
