"""Mails with a token, through Flask-Mail or flask-mailman, with the signatures of 1.0 to 1.6."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

import jinja2
from flask import current_app

from praetorian_core.errors import ServiceUnavailableError
from praetorian_core.mail.message import is_one_line
from praetorian_flask.compat._errors import PraetorianError

Notification = dict[str, object]

_ENVIRONMENT = jinja2.Environment(autoescape=True)


class _Message(Protocol):
    content_subtype: str

    def send(self) -> object: ...


class _MessageClass(Protocol):
    def __call__(self, *args: object, **kwargs: object) -> _Message: ...


class _Mail(Protocol):
    def send(self, message: object, /) -> object: ...


def render(template: str, values: Mapping[str, object]) -> str:
    """Return the HTML of a template, with the values escaped."""
    with PraetorianError.handle_errors("Failed to render the email"):
        return _ENVIRONMENT.from_string(template).render(values).strip()


def read_template(path: str) -> str:
    """Return the text of a template's file."""
    with PraetorianError.handle_errors("Failed to read the template of the email"):
        return Path(path).read_text(encoding="utf-8")


def send(notification: Notification, sender: str) -> object:
    """Send the mail through the application's mail extension.

    Returns:
        What ``send`` of Flask-Mail returns; None for flask-mailman, as flask-praetorian did.

    Raises:
        PraetorianError: The application has no mail extension.
        ServiceUnavailableError: The mail could not be sent. flask-praetorian reported success then.
    """
    subject, html, recipient = notification["subject"], notification["message"], notification["email"]
    if not all(is_one_line(str(value)) for value in (subject, sender, recipient)):
        raise PraetorianError("The subject, the sender and the recipient of an email must each be one line")
    extensions = cast("Mapping[str, object]", current_app.extensions)
    if "mailman" in extensions:
        make = cast("_MessageClass", importlib.import_module("flask_mailman").EmailMessage)
        message = make(subject, html, sender, [recipient])
        message.content_subtype = "html"
        _sent(message.send)
        return None
    if "mail" in extensions:
        extension = cast("_Mail", extensions["mail"])
        make = cast("_MessageClass", importlib.import_module("flask_mail").Message)
        letter = make(subject=subject, html=html, sender=sender, recipients=[recipient])
        return _sent(lambda: extension.send(letter))
    raise PraetorianError("Your app must have a mail extension enabled to register by email")


def _sent(call: Call) -> object:
    try:
        return call()
    except Exception as error:
        raise ServiceUnavailableError(f"the mail extension raised {type(error).__name__}") from error


class Call(Protocol):
    """Sends one mail."""

    def __call__(self) -> object:
        """Send it."""
        ...
