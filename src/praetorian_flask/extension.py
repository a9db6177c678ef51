"""Sets Praetorian up for an application."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

from flask import Flask

from praetorian_core import Guard, LoginThrottle, PasswordHasher, Settings
from praetorian_core._wiring import FROM_SETTINGS, SavePassword, Unset
from praetorian_core.clock import Clock, system_clock
from praetorian_core.errors import ConfigurationError
from praetorian_core.events import Sink
from praetorian_core.protocols import Store, UserSource
from praetorian_flask.current import EXTENSION, State, current_guard
from praetorian_flask.errors import HANDLED, register_error_handler

U = TypeVar("U")


class Praetorian(Generic[U]):
    """The Flask extension; one object can serve several applications, and keeps nothing of any of them.

    Example::

        app = Flask(__name__)
        app.config["SECRET_KEY"] = secret
        praetorian = Praetorian(app, User)

    or, with an application factory, ``praetorian = Praetorian()`` and later ``praetorian.init_app(app, User)``.
    """

    def __init__(
        self,
        app: Flask | None = None,
        users: UserSource[U] | Unset | None = FROM_SETTINGS,
        *,
        settings: Settings | None = None,
        store: Store | Unset | None = FROM_SETTINGS,
        throttle: LoginThrottle | Unset | None = FROM_SETTINGS,
        passwords: PasswordHasher | Unset | None = FROM_SETTINGS,
        clock: Clock = system_clock,
        on_event: Sink | None = None,
        save_password: SavePassword[U] | None = None,
    ) -> None:
        """Set an application up at once, if one is given. See ``init_app``.

        Raises:
            ConfigurationError: An application without a user class, options without an application, or anything that
                ``init_app`` refuses.
        """
        if app is None:
            left_out = (users, store, throttle, passwords) == (FROM_SETTINGS,) * 4 and clock is system_clock
            if not left_out or (settings, on_event, save_password) != (None, None, None):
                detail = (
                    "no application is given; write Praetorian(), and hand everything else to init_app(app, User, …)"
                )
                raise ConfigurationError(detail)
            return
        if users is FROM_SETTINGS:
            detail = "no user class is given; write Praetorian(app, User), or Praetorian(app, None) to verify only"
            raise ConfigurationError(detail)
        self.init_app(
            app,
            users,
            settings=settings,
            store=store,
            throttle=throttle,
            passwords=passwords,
            clock=clock,
            on_event=on_event,
            save_password=save_password,
        )

    def init_app(
        self,
        app: Flask,
        users: UserSource[U] | None,
        *,
        settings: Settings | None = None,
        store: Store | Unset | None = FROM_SETTINGS,
        throttle: LoginThrottle | Unset | None = FROM_SETTINGS,
        passwords: PasswordHasher | Unset | None = FROM_SETTINGS,
        clock: Clock = system_clock,
        on_event: Sink | None = None,
        save_password: SavePassword[U] | None = None,
    ) -> Flask:
        """Build the application's guard and register the error handler.

        Args:
            app: The application.
            users: Its user class; None to verify tokens only.
            settings: In place of those read from ``app.config``.
            store: See ``Guard``.
            throttle: See ``Guard``.
            passwords: See ``Guard``.
            clock: See ``Guard``.
            on_event: See ``Guard``.
            save_password: See ``Guard``.

        Returns:
            The application.

        Raises:
            ConfigurationError: Something cannot work; the text says what to write.
        """
        if EXTENSION in app.extensions:
            detail = "this application has a guard already; call init_app once for each application"
            raise ConfigurationError(detail)
        if settings is None:
            settings = Settings.from_mapping(app.config)
        guard = Guard(
            users,
            settings,
            store=store,
            throttle=throttle,
            passwords=passwords,
            clock=clock,
            on_event=on_event,
            save_password=save_password,
        )
        if not settings.disable_error_handler and HANDLED not in app.extensions:
            # First, because Flask refuses it once the application has served a request.
            register_error_handler(app)
        app.extensions[EXTENSION] = State(cast("Guard[object]", guard))
        return app

    @property
    def guard(self) -> Guard[U]:
        """The guard of the current application.

        Raises:
            ConfigurationError: None was set up for it.
        """
        return cast("Guard[U]", current_guard())
