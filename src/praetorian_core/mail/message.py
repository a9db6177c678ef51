"""Renders the mail of an action token from two Jinja templates, one for plain text and one for HTML.

Facts:

* HTML is autoescaped, so a display name such as ``<script>`` stays text.
* RFC 5322 §2.2: a header field ends at its line break. A subject or an address with a line break would add header fields
  (header injection), so it is rejected.
* RFC 2047 §2: an encoded word such as ``=?utf-8?q?a=0ABcc:_b?=`` is text for a line break. ``email`` decodes it, and folds a
  header with what it has decoded, so encoded words are rejected too. Text of any script needs none.
* RFC 5891 §4: the domain of an address is written in its ASCII form.
* The link carries the token in its query. A page that is opened by such a link must not load third-party content, which
  would receive the token in the ``Referer`` header; ``docs/mail.md`` shows the header that prevents it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import getaddresses
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote, urlsplit

import attrs
from jinja2 import Environment, StrictUndefined, TemplateError

from praetorian_core.errors import ConfigurationError

Template: TypeAlias = str | Path
"""The text of a Jinja template, or the path of a file that holds one."""

_JOINERS = "\u200c\u200d"

_BUNDLED = Path(__file__).parent / "templates"


def is_one_line(value: object) -> bool:
    """Return whether a value is text that stays one line in a header field, decoded or not."""
    if type(value) is not str or "=?" in value:
        return False
    # isprintable is False for line breaks and other control characters, but also for the spaces and the joiners of names
    # and emoji in many scripts.
    return all(c.isprintable() or unicodedata.category(c) == "Zs" or c in _JOINERS for c in value)


def _one_line(_mail: ActionMail, attribute: attrs.Attribute[str], value: str) -> None:
    if not is_one_line(value) or not value.strip():
        raise ConfigurationError(f"{attribute.name} must be one line of printable text without encoded words")


def _one_address(_mail: ActionMail, attribute: attrs.Attribute[str], value: str) -> None:
    _parse_address(value, attribute.name)


def _http_link(_mail: ActionMail, attribute: attrs.Attribute[str], value: str) -> None:
    parts = urlsplit(value) if type(value) is str and value.isprintable() and " " not in value else None
    if parts is None or parts.scheme not in {"https", "http"} or not parts.netloc or "{token}" not in value:
        raise ConfigurationError(
            f"{attribute.name} must be an http(s) URL that holds {{token}}, such as "
            "'https://shop.example/confirm?token={token}'"
        )


def _compiled(source: Template) -> Template:
    # Read and compiled when the mail is configured, so that a mistake is found at start.
    text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
    try:
        _ENVIRONMENT.from_string(text)
    except TemplateError as error:
        raise ConfigurationError(f"a mail template is no Jinja template: {error}") from error
    return text


_ENVIRONMENT = Environment(autoescape=True, undefined=StrictUndefined)
_TEXT_ENVIRONMENT = Environment(autoescape=False, undefined=StrictUndefined)  # noqa: S701  (plain text)


@attrs.frozen(kw_only=True)
class ActionMail:
    """One kind of mail, configured once: who sends it, where its link leads, and its two templates.

    Attributes:
        sender: The address of the sender, such as ``"Shop <no-reply@shop.example>"``.
        subject: The subject, one line.
        link: The URL of the page that redeems the token; ``{token}`` is replaced by the token.
        html: The Jinja template of the HTML part, autoescaped.
        text: The Jinja template of the plain text part.

    Templates see ``email``, ``link``, ``token``, ``subject`` and every keyword of ``compose``.

    Example::

        mail = ActionMail.registration(
            sender="Shop <no-reply@shop.example>", link="https://shop.example/confirm?token={token}"
        )
        send = SMTPMailer("smtp.shop.example", username="shop", password=password)
        send(mail.compose("alice@example.org", guard.issue_action(user, "registration")))
    """

    sender: str = attrs.field(validator=_one_address)
    subject: str = attrs.field(validator=_one_line)
    link: str = attrs.field(validator=_http_link)
    html: Template = attrs.field(converter=_compiled, repr=False)
    text: Template = attrs.field(converter=_compiled, repr=False)

    @classmethod
    def registration(
        cls,
        *,
        sender: str,
        link: str,
        subject: str = "Please confirm your registration",
        html: Template = _BUNDLED / "registration.html",
        text: Template = _BUNDLED / "registration.txt",
    ) -> ActionMail:
        """Return the mail that asks a new user to confirm the registration.

        Args:
            sender: See ``ActionMail``.
            link: See ``ActionMail``.
            subject: See ``ActionMail``.
            html: See ``ActionMail``.
            text: See ``ActionMail``.

        Raises:
            ConfigurationError: An argument cannot be used; the text says what to write.
        """
        return cls(sender=sender, subject=subject, link=link, html=html, text=text)

    @classmethod
    def reset(
        cls,
        *,
        sender: str,
        link: str,
        subject: str = "Reset your password",
        html: Template = _BUNDLED / "reset.html",
        text: Template = _BUNDLED / "reset.txt",
    ) -> ActionMail:
        """Return the mail that lets a user choose a new password; see ``registration``."""
        return cls(sender=sender, subject=subject, link=link, html=html, text=text)

    def compose(self, recipient: str, token: str, /, **context: object) -> EmailMessage:
        """Return the message for one recipient; sending it is up to the caller.

        Args:
            recipient: The address of the user, one address without a line break.
            token: The action token.
            context: Further values for the templates, such as ``name="Alice"``.

        Raises:
            ConfigurationError: The recipient is not one address, or a template uses a value that is not given.

        See:
            RFC 5322 §3.4, RFC 2046 §5.1.4.
        """
        address = _parse_address(recipient, "recipient")
        link = self.link.replace("{token}", quote(token, safe=""))
        values = {"email": recipient, "link": link, "token": token, "subject": self.subject, **context}
        message = EmailMessage()
        message["From"] = _parse_address(self.sender, "sender")
        message["To"] = address
        message["Subject"] = self.subject
        # RFC 3834 §5: automatic responders stay silent.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(_render(_TEXT_ENVIRONMENT, self.text, values))
        message.add_alternative(_render(_ENVIRONMENT, self.html, values), subtype="html")
        return message


def _parse_address(value: object, name: str) -> Address:
    expected = f"{name} must be one address, such as 'alice@example.org' or 'Alice <alice@example.org>'"
    if not isinstance(value, str) or not is_one_line(value):
        raise ConfigurationError(expected)
    found = getaddresses([value])
    if len(found) != 1:
        raise ConfigurationError(expected)
    display_name, spec = found[0]
    try:
        local, at, domain = spec.rpartition("@")
        ascii_spec = spec if domain.isascii() else f"{local}{at}{domain.encode('idna').decode()}"
        address = Address(display_name, addr_spec=ascii_spec)
    except Exception:  # noqa: BLE001  (the parser raises several types, some of them undocumented)
        raise ConfigurationError(expected) from None
    # Python 3.13 reads no address of a bare IP address (RFC 5321 §4.1.3), so none does.
    if not address.username or not address.domain or address.domain.startswith("["):
        raise ConfigurationError(expected)
    return address


def _render(environment: Environment, template: Template, values: Mapping[str, object]) -> str:
    try:
        return environment.from_string(str(template)).render(values)
    except TemplateError as error:
        # The text names the missing value, never its content.
        raise ConfigurationError(f"a mail template cannot be rendered: {error}") from error
