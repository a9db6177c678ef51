import importlib
from email import message_from_bytes
from email.policy import SMTP, default

import attrs
import pytest

from praetorian_core import mail
from praetorian_core.errors import ConfigurationError
from praetorian_core.mail import ActionMail

LINK = "https://shop.example/confirm?token={token}"
MAIL = ActionMail.registration(sender="Shop <no-reply@shop.example>", link=LINK)
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"

LINE_ENDS = ["\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029", "\0", "\t"]
"""What Python, a mail server or a mail program takes for the end of a line, or for no text."""

INJECTIONS = [
    "a@b.example\r\nBcc: all@b.example",
    "a@b.example\nBcc: all@b.example",
    "a@b.example\x00",
    *(f"a{end}b@c.example" for end in LINE_ENDS),
    "=?utf-8?q?a=0ABcc?= <a@b.example>",
    "=?utf-8?q?x=0D=0ABcc:_all?=@b.example",
    "=?utf-8?b?YQpCY2M6IGFsbA==?= <a@b.example>",
]
NO_ADDRESSES = [
    "a@[127.0.0.1]",
    *INJECTIONS,
    "",
    "alice",
    "@b.example",
    '""@b.example',
    "a@",
    "a@b.example, c@d.example",
    "a b@c.example",
    None,
    7,
]


def parts(message):
    """Return the plain text and the HTML of a message."""
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


class TestCompose:
    def test_headers(self):
        """The message goes from the sender to the recipient and is marked as automatic (RFC 3834 §5)."""
        message = MAIL.compose("Alice <alice@example.org>", TOKEN)

        assert [
            "Shop <no-reply@shop.example>",
            "Alice <alice@example.org>",
            "Please confirm your registration",
            "auto-generated",
        ] == [message[name] for name in ("From", "To", "Subject", "Auto-Submitted")]

    @pytest.mark.parametrize("make", [ActionMail.registration, ActionMail.reset], ids=["registration", "reset"])
    def test_both_parts_hold_the_link(self, make):
        """Plain text and HTML carry the same link."""
        message = make(sender="a@shop.example", link=LINK).compose("alice@example.org", TOKEN)

        assert "multipart/alternative" == message.get_content_type()
        assert all(f"https://shop.example/confirm?token={TOKEN}" in part for part in parts(message))

    def test_token_is_quoted(self):
        """A token of any characters stays one query parameter."""
        text, _ = parts(MAIL.compose("alice@example.org", "a&b=c d"))

        assert "?token=a%26b%3Dc%20d" in text

    def test_html_is_escaped(self):
        """Values are text in the HTML part and stay as they are in plain text."""
        mail = attrs.evolve(MAIL, html="<p>{{ name }}</p>", text="{{ name }}")
        text, html = parts(mail.compose("alice@example.org", TOKEN, name="<script>&"))

        assert ("<script>&", "<p>&lt;script&gt;&amp;</p>") == (text.strip(), html.strip())

    def test_template_from_a_file(self, tmp_path):
        """A template may be a file of the application."""
        (tmp_path / "mail.html").write_text("<p>Grüße, {{ email }}: {{ link }}</p>", encoding="utf-8")
        mail = ActionMail.reset(sender="a@shop.example", link=LINK, html=tmp_path / "mail.html")

        assert (
            "<p>Grüße, alice@example.org: https://shop.example/" in parts(mail.compose("alice@example.org", TOKEN))[1]
        )

    @pytest.mark.parametrize("recipient", NO_ADDRESSES, ids=ascii)
    def test_refuses_a_recipient(self, recipient):
        """A recipient that is not exactly one address is rejected: a line break would add header fields."""
        with pytest.raises(ConfigurationError, match=r"recipient must be one address"):
            MAIL.compose(recipient, TOKEN)

    def test_international_address(self):
        """A name of any script is encoded, not rejected."""
        message = MAIL.compose("Jürgen Müller <j@example.org>", TOKEN)

        assert "Jürgen Müller" == message["To"].addresses[0].display_name

    @pytest.mark.parametrize(
        "subject",
        [
            "Confirmez votre inscription\u00a0: merci",
            "\U0001f469\u200d\U0001f4bb welcome",
            "é" * 500,
            "x" * 2000,
            "a = b?",
        ],
        ids=["no-break-space", "joined-emoji", "long-é", "long", "signs"],
    )
    def test_subjects(self, subject):
        """A subject of any script and length is one header field, which reads as it was written."""
        message = attrs.evolve(MAIL, subject=subject).compose("alice@example.org", TOKEN)
        received = message_from_bytes(message.as_bytes(policy=SMTP), policy=default)

        assert message.keys() == received.keys()
        assert subject.replace("\u00a0", " ") == received["Subject"].replace("\u00a0", " ")

    @pytest.mark.parametrize(
        ("recipient", "address"),
        [
            ("a@bücher.example", "a@xn--bcher-kva.example"),
            ("Jürgen <j@BÜCHER.example>", "j@xn--bcher-kva.example"),
            ('"a b"@example.org', '"a b"@example.org'),
        ],
        ids=["idn", "idn-with-a-name", "quoted"],
    )
    def test_addresses(self, recipient, address):
        """The domain of an address is sent in ASCII; a quoted form is kept."""
        message = MAIL.compose(recipient, TOKEN)
        received = message_from_bytes(message.as_bytes(policy=SMTP), policy=default)

        assert address == received["To"].addresses[0].addr_spec

    def test_refuses_a_missing_value(self):
        """A template that needs a value fails when it is missing, instead of sending a mail with a gap."""
        mail = attrs.evolve(MAIL, html="{{ nickname }}")
        with pytest.raises(ConfigurationError, match="'nickname' is undefined"):
            mail.compose("alice@example.org", TOKEN)


class TestConfiguration:
    @pytest.mark.parametrize("sender", NO_ADDRESSES, ids=ascii)
    def test_refuses_a_sender(self, sender):
        """The sender is validated when the mail is configured."""
        with pytest.raises(ConfigurationError, match=r"sender must be one address"):
            ActionMail.reset(sender=sender, link=LINK)

    @pytest.mark.parametrize(
        "subject",
        [
            *("", " ", "Hello\r\nBcc: all@b.example", "Hello\nthere", None, b"Hello"),
            *(f"a{end}Bcc: all@b.example" for end in LINE_ENDS),
            "=?utf-8?q?a=0ABcc:_all@b.example?=",
            "=?utf-8?b?YQpCY2M6IGFsbEBiLmV4YW1wbGU=?=",
            "a\u202eb",
        ],
        ids=ascii,
    )
    def test_refuses_a_subject(self, subject):
        """A subject is one line."""
        with pytest.raises(ConfigurationError, match=r"subject must be one line"):
            ActionMail.reset(sender="a@shop.example", link=LINK, subject=subject)

    @pytest.mark.parametrize(
        "link",
        [
            "https://shop.example/confirm",
            "javascript:alert('{token}')",
            "/confirm?token={token}",
            "https://?t={token}",
            None,
        ],
        ids=repr,
    )
    def test_refuses_a_link(self, link):
        """A link is an http(s) URL with a place for the token."""
        with pytest.raises(ConfigurationError, match=r"link must be an http\(s\) URL that holds \{token\}"):
            ActionMail.reset(sender="a@shop.example", link=link)

    def test_refuses_a_broken_template(self):
        """A template with a syntax error is found at start."""
        with pytest.raises(ConfigurationError, match="no Jinja template"):
            ActionMail.reset(sender="a@shop.example", link=LINK, html="{{ link")

    def test_names_the_extra(self):
        """Without Jinja2 the import names the extra to install."""
        import subprocess
        import sys

        program = "import importlib.util as u; f = u.find_spec; u.find_spec = lambda n, *a: None if n == 'jinja2' else f(n, *a)"
        done = subprocess.run(
            [sys.executable, "-c", f"{program}\nimport praetorian_core.mail"],
            capture_output=True,
            text=True,
            check=False,
        )

        assert (
            'ImportError: praetorian_core.mail needs Jinja2; write: pip install "praetorian-core[mail]"' in done.stderr
        )

    def test_names_the_extra_in_this_process(self, monkeypatch):
        """The check runs before anything that needs Jinja2 is imported."""
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ImportError, match=r"praetorian_core\.mail needs Jinja2"):
            importlib.reload(mail)
