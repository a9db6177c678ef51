"""Mails that carry an action token: confirm a registration, reset a password.

``ActionMail`` renders a message, any callable that takes an ``email.message.EmailMessage`` sends it, and ``SMTPMailer`` is
one. Rendering needs Jinja2, from the extra ``mail``; importing ``praetorian_core`` never imports this package.
"""

from importlib.util import find_spec

if find_spec("jinja2") is None:
    message = 'praetorian_core.mail needs Jinja2; write: pip install "praetorian-core[mail]"'
    raise ImportError(message)

from praetorian_core.mail.message import ActionMail
from praetorian_core.mail.smtp import MailError, SMTPMailer

__all__ = ["ActionMail", "MailError", "SMTPMailer"]
