"""Sets Praetorian up for a Flask application."""

from __future__ import annotations

from typing import Generic, TypeVar, cast

from flask import Flask

from praetorian_core import AsyncGuard, Guard, Settings
from praetorian_core.errors import ConfigurationError
from praetorian_core.protocols import UserSource
from praetorian_core.web.hooks import OnError, error_hooks
from praetorian_flask.cookies import send_renewal
from praetorian_flask.current import EXTENSION, State, current_guard
from praetorian_flask.errors import ErrorHandler, register_error_handler
from praetorian_flask.startup import check_at_first_request

U = TypeVar("U")


class Praetorian(Generic[U]):
    """The Flask extension. One object can serve several applications; it holds no state of its own.

    Example::

        app = Flask(__name__)
        app.config["SECRET_KEY"] = secret
        Praetorian(app, User)

    With an application factory, write ``praetorian = Praetorian()`` and later ``praetorian.init_app(app, User)``.
    """

    def __init__(
        self, app: Flask | None = None, users: UserSource[U] | Guard[U] | None = None, *, on_error: OnError = None
    ) -> None:
        """Set an application up at once, if one is given. See ``init_app``.

        Raises:
            ConfigurationError: ``users`` or ``on_error`` is given without an application; or see ``init_app``.
        """
        if app is not None:
            self.init_app(app, users, on_error=on_error)
        elif users is not None or on_error is not None:
            raise ConfigurationError("no application is given; write Praetorian(), and later init_app(app, User)")

    def init_app(self, app: Flask, users: UserSource[U] | Guard[U] | None = None, *, on_error: OnError = None) -> Flask:
        """Set an application up: its guard, its error handler and the checks at its first request.

        Args:
            app: The application.
            users: The user class, for a guard configured by ``app.config``; or a ``Guard`` of your own.
            on_error: A function, or several, called with each error before it is answered. See ``build_error_handler``.

        Returns:
            The application.

        Raises:
            ConfigurationError: The configuration cannot work; the text says what to write.
        """
        if EXTENSION in app.extensions:
            raise ConfigurationError("this application has a guard already; call init_app once for each application")
        if users is None:
            raise ConfigurationError(
                "no user class is given; write Praetorian(app, User), or "
                "Praetorian(app, Guard(None, Settings.from_mapping(app.config))) to verify only"
            )
        if isinstance(users, AsyncGuard):
            raise ConfigurationError("Flask cannot await an AsyncGuard; write Praetorian(app, Guard(User, settings))")
        handler = ErrorHandler(error_hooks(on_error))
        guard = users if isinstance(users, Guard) else Guard(users, Settings.from_mapping(app.config))
        # Before anything is stored, because Flask refuses both once the application has served a request.
        if not guard.settings.disable_error_handler:
            register_error_handler(app, handler)
        check_at_first_request(app)
        if guard.settings.cookie_refresh:
            # Flask calls these functions from the last to the first: no other one changes what this one has set.
            app.after_request(send_renewal)
            functions = app.after_request_funcs[None]
            functions.insert(0, functions.pop())
        app.extensions[EXTENSION] = State(cast("Guard[object]", guard), error_hooks(handler.hooks))
        return app

    @property
    def guard(self) -> Guard[U]:
        """The guard of the current application.

        Raises:
            ConfigurationError: It has none.
        """
        return cast("Guard[U]", current_guard())
