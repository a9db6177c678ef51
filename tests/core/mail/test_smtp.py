"""Against a real SMTP server, without encryption, with STARTTLS and with TLS."""

import datetime as dt
import email
import email.policy
import ipaddress
import socket
import ssl

import attrs
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from praetorian_core.errors import ConfigurationError, ServiceUnavailableError
from praetorian_core.mail import ActionMail, MailError, SMTPMailer

PASSWORD = "a password of the mail server"
MESSAGE = ActionMail.reset(sender="a@shop.example", link="https://shop.example/?t={token}").compose(
    "b@c.example", "t.o.k"
)


class Inbox:
    """Keeps the mails that arrive, except those that it is set to reject."""

    def __init__(self):
        self.messages = []
        self.rejects_recipients = False
        self.rejected = None
        self.answers_quit = "221 Bye"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):  # noqa: N802  (aiosmtpd's name)
        if self.rejects_recipients or address == self.rejected:
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802  (aiosmtpd's name)
        return self.answers_quit

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  (aiosmtpd's name)
        self.messages.append((session.ssl is not None, envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Return the file of a certificate for 127.0.0.1 with its key, and a client's context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a server on loopback")])
    now = dt.datetime.now(dt.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return file, ssl.create_default_context(cafile=str(file))


@attrs.frozen
class Server:
    inbox: Inbox
    port: int


@pytest.fixture
def serve(authority):
    """Return a function that starts a server of one kind of encryption."""
    started = []

    def start(encryption="none", *, accepts=PASSWORD):
        inbox = Inbox()
        server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_side.load_cert_chain(authority[0])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = {"ssl_context": server_side} if encryption == "tls" else {}
        if encryption == "starttls":
            options["tls_context"] = server_side
        controller = Controller(
            inbox,
            hostname="127.0.0.1",
            port=port,
            authenticator=lambda _server, _session, _envelope, _mechanism, data: AuthResult(
                success=data.password == accepts.encode(), handled=False
            ),
            auth_required=encryption == "starttls",
            auth_require_tls=encryption == "starttls",
            auth_exclude_mechanism=["LOGIN"],
            **options,
        )
        controller.start()
        started.append(controller)
        return Server(inbox, port)

    yield start
    for controller in started:
        controller.stop()


def mailer(port, **options):
    return SMTPMailer("127.0.0.1", port=port, timeout=5, **options)


class TestSend:
    def test_without_encryption(self, serve):
        """A server on the same machine gets the message as it was composed."""
        server = serve()
        mailer(server.port, encryption="none")(MESSAGE)
        ((encrypted, sender, recipients, content),) = server.inbox.messages

        assert (False, "a@shop.example", ["b@c.example"]) == (encrypted, sender, recipients)
        message = email.message_from_bytes(content, policy=email.policy.default)
        assert "https://shop.example/?t=t.o.k" in message.get_body(("plain",)).get_content()

    @pytest.mark.parametrize("encryption", ["starttls", "tls"])
    def test_encrypted(self, serve, authority, encryption):
        """With a certificate that is trusted, the message and the login go over TLS."""
        server = serve(encryption)
        mailer(server.port, encryption=encryption, username="shop", password=PASSWORD, context=authority[1])(MESSAGE)

        assert [["b@c.example"]] == [recipients for _, _, recipients, _ in server.inbox.messages]

    @pytest.mark.parametrize("encryption", ["starttls", "tls"])
    def test_untrusted_certificate(self, serve, encryption):
        """A certificate that no known authority has signed is rejected, and no password is sent."""
        server = serve(encryption)
        with pytest.raises(MailError, match="SSLCertVerificationError"):
            mailer(server.port, encryption=encryption, username="shop", password=PASSWORD)(MESSAGE)

        assert [] == server.inbox.messages

    def test_accepted_before_a_bad_end(self, serve):
        """A message that was accepted is sent, whatever the server answers to QUIT."""
        server = serve()
        server.inbox.answers_quit = "421 going away"
        mailer(server.port, encryption="none")(MESSAGE)

        assert 1 == len(server.inbox.messages)

    @pytest.mark.parametrize("login", [("shop", "pässwort"), ("läden", PASSWORD)], ids=["password", "username"])
    def test_login_that_is_not_ascii(self, serve, authority, login):
        """A login that smtplib cannot encode is reported without its text, as every failure is."""
        server = serve("starttls")
        username, password = login
        with pytest.raises(MailError, match=r"is not ASCII|SMTPAuthenticationError") as caught:
            mailer(server.port, username=username, password=password, context=authority[1])(MESSAGE)

        assert caught.value.__cause__ is None or password not in str(caught.value.__cause__)
        assert [] == server.inbox.messages

    def test_no_starttls_offered(self, serve):
        """A server that offers no encryption gets no message."""
        server = serve("none")
        with pytest.raises(MailError, match="SMTPNotSupportedError"):
            mailer(server.port)(MESSAGE)

        assert [] == server.inbox.messages

    def test_wrong_password(self, serve, authority):
        """A rejected login is an error, whose text holds no password."""
        server = serve("starttls", accepts="another one")
        with pytest.raises(MailError, match="failed: SMTPAuthenticationError") as caught:
            mailer(server.port, username="shop", password=PASSWORD, context=authority[1])(MESSAGE)

        assert ([], False) == (server.inbox.messages, PASSWORD in str(caught.value))

    def test_rejected_recipient(self, serve):
        """A recipient whom the server rejects is an error, not a success."""
        server = serve()
        server.inbox.rejects_recipients = True
        with pytest.raises(MailError, match="SMTPRecipientsRefused"):
            mailer(server.port, encryption="none")(MESSAGE)

    def test_one_of_several_rejected(self, serve):
        """A mail that reaches only some of its recipients is an error too."""
        server = serve()
        server.inbox.rejected = "d@e.example"
        message = email.message_from_bytes(bytes(MESSAGE), policy=email.policy.SMTP)
        message.replace_header("To", "b@c.example, d@e.example")
        with pytest.raises(MailError, match="rejected 1 of the recipients"):
            mailer(server.port, encryption="none")(message)

        assert [["b@c.example"]] == [recipients for _, _, recipients, _ in server.inbox.messages]

    def test_no_server(self):
        """A server that is down is an outage: 503, and the client may try again."""
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            with pytest.raises(ServiceUnavailableError, match="ConnectionRefusedError"):
                mailer(closed.getsockname()[1], encryption="none")(MESSAGE)

    def test_silent_server(self):
        """A server that never answers is given up after the time-out."""
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            with pytest.raises(MailError, match=r"the mail server 127\.0\.0\.1 failed"):
                SMTPMailer("127.0.0.1", port=silent.getsockname()[1], encryption="none", timeout=0.05)(MESSAGE)


class TestConfiguration:
    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"host": ""}, "host must be the name of a mail server"),
            ({"encryption": "ssl"}, "encryption must be 'starttls', 'tls' or 'none'; got 'ssl'"),
            ({"port": 0}, "port must be an integer from 1 to 65535; got 0"),
            ({"port": "587"}, "port must be an integer"),
            ({"timeout": 0}, "timeout must be seconds above 0 to 300; got 0"),
            ({"timeout": float("nan")}, "timeout must be seconds above 0 to 300; got nan"),
            ({"username": "shop"}, "username and password must be given together"),
            ({"password": PASSWORD}, "username and password must be given together"),
            ({"username": "a", "password": PASSWORD, "encryption": "none"}, "username needs an encrypted connection"),
        ],
    )
    def test_refuses(self, options, message):
        """What cannot work is refused when the mailer is made, without its password."""
        with pytest.raises(ConfigurationError, match=message) as caught:
            SMTPMailer(**{"host": "smtp.example.org", **options})

        assert PASSWORD not in str(caught.value)

    @pytest.mark.parametrize(("encryption", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
    def test_default_ports(self, encryption, port):
        """Each kind of encryption has its own port (RFC 6409 §3.1, RFC 8314 §3.3)."""
        assert port == SMTPMailer("smtp.example.org", encryption=encryption).effective_port

    def test_repr(self):
        """The password is not shown."""
        assert PASSWORD not in repr(SMTPMailer("smtp.example.org", username="shop", password=PASSWORD))
