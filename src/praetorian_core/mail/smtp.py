"""Sends a message over SMTP, encrypted and within a time limit."""

from __future__ import annotations

import smtplib
import ssl
from contextlib import suppress
from email.message import EmailMessage
from typing import Literal, TypeAlias

import attrs

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError

Encryption: TypeAlias = Literal["starttls", "tls", "none"]

_DEFAULT_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_LONGEST_TIMEOUT = 300


class MailError(ServiceUnavailableError):
    """A mail could not be handed to the mail server; the request can be repeated later."""


@attrs.frozen
class SMTPMailer:
    """Hands messages to an SMTP server, one connection per message.

    The connection is encrypted, and the server's certificate is verified. Safe to share between threads.

    Attributes:
        host: The name of the server.
        port: The port; by default 587 for STARTTLS, 465 for TLS and 25 without encryption.
        username: The account at the server; None for no authentication.
        password: The password of the account.
        encryption: ``starttls`` (RFC 3207), ``tls`` from the first byte (RFC 8314 §3.3), or ``none``, for a server on the
            same machine.
        timeout: How long a step of the conversation may take, in seconds, above 0 to 300.
        context: The TLS context, for a certificate authority of your own; None for the system's authorities.

    Raises:
        ConfigurationError: An argument cannot be used; the text says what to write.
    """

    host: str
    port: int | None = attrs.field(default=None, kw_only=True)
    username: str | None = attrs.field(default=None, kw_only=True)
    password: str | None = attrs.field(default=None, kw_only=True, repr=False)
    encryption: Encryption = attrs.field(default="starttls", kw_only=True)
    timeout: float = attrs.field(default=10.0, kw_only=True)
    context: ssl.SSLContext | None = attrs.field(default=None, kw_only=True, repr=False)

    def __attrs_post_init__(self) -> None:
        """Validate the arguments."""
        if type(self.host) is not str or not self.host:
            raise ConfigurationError("host must be the name of a mail server, such as 'smtp.example.org'")
        if self.encryption not in _DEFAULT_PORTS:
            raise ConfigurationError(f"encryption must be 'starttls', 'tls' or 'none'; got {self.encryption!r}")
        if self.port is not None and (type(self.port) is not int or not 0 < self.port < 65_536):
            raise ConfigurationError(f"port must be an integer from 1 to 65535; got {self.port!r}")
        if type(self.timeout) not in (int, float) or not 0 < self.timeout <= _LONGEST_TIMEOUT:
            raise ConfigurationError(f"timeout must be seconds above 0 to {_LONGEST_TIMEOUT}; got {self.timeout!r}")
        if (self.username is None) is not (self.password is None):
            raise ConfigurationError("username and password must be given together; one of them is missing")
        if self.username is not None and self.encryption == "none":
            # RFC 8314 §3: credentials never travel in the clear.
            raise ConfigurationError("username needs an encrypted connection; write encryption='starttls' or 'tls'")

    def __call__(self, message: EmailMessage) -> None:
        """Send a message to every recipient in its headers.

        Args:
            message: The message, such as ``ActionMail.compose`` returns.

        Raises:
            MailError: The server cannot be reached in time, rejects the login, the sender or a recipient, or offers no
                encryption. The cause holds the reply of the server.
        """
        try:
            connection = self._connect()
            try:
                if self.encryption == "starttls":
                    connection.starttls(context=self._tls_context())
                if self.username is not None and self.password is not None:
                    connection.login(self.username, self.password)
                rejected = connection.send_message(message)
            finally:
                _end(connection)
        except (OSError, smtplib.SMTPException) as error:
            raise MailError(f"the mail server {self.host} failed: {type(error).__name__}") from error
        except UnicodeError:
            # smtplib encodes the login in ASCII, and its error would show the password.
            raise MailError(f"the mail server {self.host} failed: its name or the login is not ASCII") from None
        if rejected:
            raise MailError(f"the mail server {self.host} rejected {len(rejected)} of the recipients")

    @property
    def effective_port(self) -> int:
        """The port that is used: the one that was given, or the usual one of the encryption."""
        return _DEFAULT_PORTS[self.encryption] if self.port is None else self.port

    def _connect(self) -> smtplib.SMTP:
        port = self.effective_port
        if self.encryption == "tls":
            return smtplib.SMTP_SSL(self.host, port, timeout=self.timeout, context=self._tls_context())
        return smtplib.SMTP(self.host, port, timeout=self.timeout)

    def _tls_context(self) -> ssl.SSLContext:
        return ssl.create_default_context() if self.context is None else self.context


def _end(connection: smtplib.SMTP) -> None:
    """End a conversation; whether the message was accepted is known before, so an error here is none of it."""
    with suppress(OSError, smtplib.SMTPException):
        connection.quit()
    connection.close()
