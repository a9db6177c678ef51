"""What differs between flask-praetorian 1.0 and 1.6, and the private names that tests and subclasses use."""

from datetime import timedelta

import flask
import flask_mail
import flask_mailman
import pytest
from werkzeug.exceptions import NotFound

import praetorian_flask.compat as flask_praetorian
from praetorian_core.testing import cheapest_hasher
from praetorian_flask.compat import constants, utilities
from praetorian_flask.compat.constants import AccessType
from praetorian_flask.compat.exceptions import (
    AuthenticationError,
    BlacklistedError,
    ConfigurationError,
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredRefreshError,
    InvalidTokenHeader,
    InvalidUserError,
    MissingClaimError,
    MissingToken,
    MissingUserError,
    MisusedResetToken,
    PraetorianError,
)

HASHER = cheapest_hasher()
SENDERS = {"PRAETORIAN_CONFIRMATION_SENDER": "c@example.org", "PRAETORIAN_RESET_SENDER": "r@example.org"}


@pytest.fixture
def mailman(make):
    """Return an application with flask-mailman, its guard and the mails that were sent."""
    app, guard = make(TESTING=True, MAIL_BACKEND="locmem", **SENDERS)
    mail = flask_mailman.Mail(app)
    with app.app_context(), mail.get_connection():
        yield guard, mail


@pytest.fixture
def flaskmail(make):
    """Return the guard of an application with Flask-Mail, and the mails that were sent."""
    app, guard = make(TESTING=True, **SENDERS)
    mail = flask_mail.Mail(app)
    with app.app_context(), mail.record_messages() as outbox:
        yield guard, outbox


class TestMails:
    """Both generations of signatures, by position and by name, with both extensions."""

    def test_registration_1_6(self, mailman, users):
        """``(email, user)``: the answer has no result, as it had with flask-mailman."""
        guard, mail = mailman
        sent = guard.send_registration_email("alice@example.org", users.identify(1))
        (letter,) = mail.outbox

        assert None is sent["result"]
        assert ("c@example.org", ["alice@example.org"], sent["message"], "html") == (
            letter.from_email,
            letter.to,
            letter.body,
            letter.content_subtype,
        )
        assert 1 == guard.get_user_from_registration_token(sent["token"]).identity

    def test_registration_1_3_by_position(self, flaskmail, users):
        """``(email, user, template, sender, uri, subject, lifespan)``."""
        guard, outbox = flaskmail
        sent = guard.send_registration_email(
            "alice@example.org", users.identify(1), "{{ token }}", "s@example.org", "/c", "Hi", {"days": 1}
        )
        data = guard.extract_jwt_token(sent["token"], access_type=AccessType.register)

        assert ("s@example.org", ["alice@example.org"], "Hi", sent["token"]) == (
            outbox[0].sender,
            outbox[0].recipients,
            outbox[0].subject,
            outbox[0].html,
        )
        assert 86400 == data["exp"] - data["iat"]

    @pytest.mark.parametrize("template", ["{{ token }}", None], ids=["template", "none"])
    def test_reset_1_3_by_position(self, flaskmail, template):
        """``(email, template, sender, uri, subject, lifespan)`` looks the user up."""
        guard, outbox = flaskmail
        sent = guard.send_reset_email("alice@example.org", template, "s@example.org", "/r", "Hi", {"hours": 2})
        data = guard.extract_jwt_token(sent["token"], access_type=AccessType.reset)

        assert ("s@example.org", "Hi", "/r", 7200) == (
            outbox[0].sender,
            outbox[0].subject,
            sent["action_uri"],
            data["exp"] - data["iat"],
        )
        assert sent["token"] in outbox[0].html

    def test_reset_1_6(self, mailman, users):
        """``(email, user)`` mails to the address that is given."""
        guard, mail = mailman
        sent = guard.send_reset_email("other@example.org", users.identify(2))

        assert ["other@example.org"] == mail.outbox[0].to
        assert 2 == guard.validate_reset_token(sent["token"]).identity

    def test_reset_of_a_user_without_an_address(self, flaskmail, users):
        """A user who has no ``email`` gets the mail at the address that was looked up."""
        guard, outbox = flaskmail
        users.identify(1).email = None
        guard.send_reset_email("alice", reset_sender="s@example.org")

        assert ["alice"] == outbox[0].recipients

    def test_reset_of_an_unknown_address(self, flaskmail):
        """An address of no user sends nothing."""
        guard, outbox = flaskmail
        with pytest.raises(MissingUserError):
            guard.send_reset_email(email="nobody@example.org", reset_sender="s@example.org")

        assert [] == outbox

    @pytest.mark.parametrize(
        "arguments",
        [
            ("<{{ token }}>", "s@example.org", "/a", "Hi", "t"),
            (None, "<{{ token }}>", "s@example.org", "/a", "Hi", None, "t"),
            ("alice", "<{{ token }}>", "s@example.org", "/a", "Hi", None, "t"),
        ],
        ids=["1.6", "1.3-without-a-user", "unclear"],
    )
    def test_token_mail_by_position(self, flaskmail, arguments):
        """Arguments by position belong to one version; a str where 1.3 had a user is taken for a template and refused."""
        guard, outbox = flaskmail
        if arguments[0] == "alice":
            with pytest.raises(TypeError, match="expected the arguments email, user, template"):
                guard.send_token_email("a@example.org", *arguments)
        else:
            guard.send_token_email("a@example.org", *arguments)

            assert [("<t>", "s@example.org", "Hi")] == [(mail.html, mail.sender, mail.subject) for mail in outbox]

    @pytest.mark.parametrize("keywords", [{"sender": "x"}, {"template": "x"}], ids=["unknown", "twice"])
    def test_bad_arguments(self, flaskmail, keywords):
        """An unknown argument and one given twice are refused, as by a signature."""
        guard, _ = flaskmail
        with pytest.raises(TypeError):
            guard.send_token_email("a@example.org", "t", **keywords)

    @pytest.mark.parametrize(
        ("config", "seconds"),
        [
            ({}, 900),
            ({"JWT_ACCESS_LIFESPAN": {"hours": 24}}, 86400),
            ({"JWT_ACCESS_LIFESPAN": {"minutes": 1}}, 900),
            ({"JWT_ACCESS_LIFESPAN": {"hours": 24}, "PRAETORIAN_RESET_LIFESPAN": {"minutes": 5}}, 300),
        ],
        ids=["default", "as-1.3", "as-1.6", "configured"],
    )
    def test_lifespan(self, make, users, config, seconds):
        """A mail's token lives as long as in the version that let it live longer, unless its lifespan is set."""
        app, guard = make(TESTING=True, **SENDERS, **config)
        flask_mail.Mail(app)
        with app.app_context():
            sent = guard.send_reset_email("alice@example.org", users.identify(1))
        data = guard.extract_jwt_token(sent["token"], access_type=AccessType.reset)

        assert seconds == data["exp"] - data["iat"]


class TestPrivateNames:
    """The private names that flask-praetorian's own tests, and subclasses, call."""

    @pytest.mark.parametrize(
        ("data", "text"),
        [
            ({}, "missing jti"),
            ({"jti": "j"}, "missing id"),
            ({"jti": "j", "id": 1}, "missing exp"),
            ({"jti": "j", "id": 1, "exp": 1}, "missing rf_exp"),
        ],
        ids=["jti", "id", "exp", "rf_exp"],
    )
    def test_missing_claims(self, make, data, text):
        """Claims are missed in the old order."""
        with pytest.raises(MissingClaimError, match=text):
            make()[1]._validate_jwt_data(data, AccessType.access)

    @pytest.mark.parametrize(
        ("purpose", "late", "error"),
        [
            ("access", -1, None),
            ("access", 0, ExpiredAccessError),
            ("refresh", -1, EarlyRefreshError),
            ("refresh", 0, None),
            ("refresh", 3600, ExpiredRefreshError),
        ],
    )
    def test_deadlines(self, make, clock, purpose, late, error):
        """Claims are judged without a signature, at the deadlines of ``extract_jwt_token``."""
        _, guard = make()
        data = {"jti": "j", "id": 1, "exp": clock.now, "rf_exp": clock.now + 3600}
        clock.tick(late)
        if error is None:
            guard._validate_jwt_data(data, access_type=AccessType[purpose])
        else:
            with pytest.raises(error):
                guard._validate_jwt_data(data, access_type=AccessType[purpose])

    def test_blacklist_and_purpose(self, make, clock):
        """The blacklist comes before every other claim; a mail's token gives no access."""
        _, strict = make(is_blacklisted=lambda _: True)
        with pytest.raises(BlacklistedError):
            strict._validate_jwt_data({"jti": "j"}, AccessType.access)
        _, guard = make()
        with pytest.raises(MisusedResetToken):
            guard._validate_jwt_data(
                {"jti": "j", "id": 1, "exp": clock.now + 1, "rf_exp": clock.now + 1, "is_prt": True}, AccessType.access
            )

    def test_unpack(self, make):
        """A token is found in any mapping of headers or cookies."""
        _, guard = make()

        assert "a.b.c" == guard._unpack_header({"Authorization": "Bearer a.b.c"})
        assert "a.b.c" == guard._unpack_cookie({"access_token": "a.b.c"})
        for unpack in (guard._unpack_header, guard._unpack_cookie):
            with pytest.raises(MissingToken, match="JWT token not found"):
                unpack({})
        with pytest.raises(InvalidTokenHeader, match="JWT header structure is invalid"):
            guard._unpack_header({"Authorization": "bad_structure iamatoken"})

    def test_changed_header(self, make):
        """The attributes of the guard hold, also those set after ``init_app``."""
        _, guard = make()
        guard.header_name, guard.header_type = "X-Token", "JWT"

        assert "a.b.c" == guard._unpack_header({"X-Token": "JWT a.b.c"})

    def test_check_user(self, make, users):
        """``_check_user`` raises for a missing user and for a user who is not valid."""
        _, guard = make()
        guard._check_user(users.identify(1))
        for user, error in ((None, MissingUserError), (users.identify(3), InvalidUserError)):
            with pytest.raises(error):
                guard._check_user(user)

    def test_validate_user_class(self, make, users):
        """The checks of a user class work with the arguments of 1.0, 1.3 and 1.6."""

        class Nothing:
            identify = lookup = classmethod(lambda *_: None)

        class NoLookup:
            identify = classmethod(lambda *_: None)

        app, guard = make()

        assert users is flask_praetorian.Praetorian._validate_user_class(users)
        assert users is guard._validate_user_class(app, users)
        for kind, text in (
            (NoLookup, "must have a lookup class method"),
            (type("NoIdentify", (), {"lookup": NoLookup.identify}), "must have an identify class method"),
            (Nothing, "must have the attribute identity"),
        ):
            with pytest.raises(PraetorianError, match=text):
                guard._validate_user_class(app, kind)

    def test_error_handler(self, make):
        """The older error handler answers an error."""
        app, guard = make()
        with app.app_context():
            assert 425 == guard.error_handler(EarlyRefreshError("early")).status_code

    def test_constants(self):
        """The constant that 1.6 dropped is there."""
        assert 600 == constants.DEFAULT_JWT_RESET_LIFESPAN.total_seconds()

    def test_rolenames_as_text(self, make, users):
        """A user whose ``rolenames`` is one text has the roles that it lists."""
        _, guard = make()
        users.identify(1).rolenames = "admin, editor"

        assert "admin,editor" == guard.extract_jwt_token(guard.encode_jwt_token(users.identify(1)))["rls"]


class TestClaimsInTheContext:
    """Tests of applications set the claims of a token without a token."""

    def test_any_dict(self, make):
        """Any dict is kept on ``flask.g``, outside of a request too, until it is removed."""
        app, _ = make()
        with app.app_context():
            assert not utilities.app_context_has_jwt_data()
            utilities.add_jwt_data_to_app_context({"a": 1})

            assert {"a": 1} == flask.g._flask_praetorian_jwt_data == utilities.get_jwt_data_from_app_context()
            utilities.remove_jwt_data_from_app_context()
            utilities.remove_jwt_data_from_app_context()

            assert not utilities.app_context_has_jwt_data()
            assert not hasattr(flask.g, "_flask_praetorian_jwt_data")

    def test_helpers(self, make):
        """The helpers read it."""
        app, _ = make()
        with app.test_request_context():
            utilities.add_jwt_data_to_app_context({})
            with pytest.raises(PraetorianError, match="Could not fetch an id"):
                flask_praetorian.current_user()

            assert {"non-empty-but-definitely-not-matching-subset"} == flask_praetorian.current_rolenames()
            utilities.add_jwt_data_to_app_context({"id": 31, "rls": "admin,operator", "team": "red"})

            assert (31, {"admin", "operator"}, {"team": "red"}) == (
                flask_praetorian.current_user_id(),
                flask_praetorian.current_rolenames(),
                flask_praetorian.current_custom_claims(),
            )
            with pytest.raises(PraetorianError, match="Could not identify the current user"):
                flask_praetorian.current_user()
            utilities.add_jwt_data_to_app_context({"id": 1})

            assert "alice" == flask_praetorian.current_user().username

    def test_guarded_views_do_not_read_it(self, make, users):
        """What a test leaves in a held context opens no view, and does not name an anonymous client."""
        app, guard = make()

        @app.route("/required")
        @flask_praetorian.auth_required
        def required():
            return str(flask_praetorian.current_user_id())

        @app.route("/accepted")
        @flask_praetorian.auth_accepted
        def accepted():
            return str(utilities.app_context_has_jwt_data())

        headers = guard.pack_header_for_user(users.identify(2))
        with app.app_context():
            utilities.add_jwt_data_to_app_context({"id": 1, "rls": "admin"})
            client = app.test_client()

            assert 401 == client.get("/required").status_code
            assert "False" == client.get("/accepted").text
            assert "2" == client.get("/required", headers=headers).text


class TestOwnVerification:
    """Subclasses that check passwords by themselves, and user classes whose ``lookup`` raises."""

    @staticmethod
    def guard(make, kind, **options):
        app, _ = make()
        guard = kind()
        guard.hasher = HASHER
        guard.init_app(app, **options)
        return guard

    def test_override(self, make, users):
        """A login asks the ``_verify_password`` of a subclass, and its hash is not renewed."""
        hashed = users.identify(1).password

        class Guard(flask_praetorian.Praetorian):
            def _verify_password(self, raw_password, hashed_password):
                return raw_password == "magic" and hashed_password == hashed

        guard = self.guard(make, Guard, user_class=users)

        assert 1 == guard.authenticate("alice", "magic").identity
        assert hashed == users.identify(1).password
        for name, password in (("alice", "pw"), ("nobody", "magic"), ("dave", "magic")):
            with pytest.raises(AuthenticationError):
                guard.authenticate(name, password)

    def test_override_that_calls_the_default(self, make, users):
        """The default is there for ``super``."""

        class Guard(flask_praetorian.Praetorian):
            def _verify_password(self, raw_password, hashed_password):
                return super()._verify_password(raw_password.removeprefix("x"), hashed_password)

        assert 1 == self.guard(make, Guard, user_class=users).authenticate("alice", "xpw").identity

    def test_override_on_the_instance(self, make, users):
        """A method that is put on the guard itself counts too."""
        guard = self.guard(make, flask_praetorian.Praetorian, user_class=users)
        guard._verify_password = lambda raw, hashed: raw == "magic"

        assert 1 == guard.authenticate("alice", "magic").identity

    @pytest.mark.parametrize("where", ["lookup", "verification"])
    @pytest.mark.parametrize(
        "error", [NotFound(), InvalidUserError("locked"), KeyError("alice")], ids=["http", "praetorian", "other"]
    )
    def test_own_errors(self, make, users, where, error):
        """An error that the application raises during a login reaches the application, as it did."""

        def fail(*_):
            raise error

        class Person(users):
            lookup = staticmethod(fail) if where == "lookup" else users.lookup

        class Guard(flask_praetorian.Praetorian):
            _verify_password = fail

        guard = self.guard(make, Guard, user_class=Person)
        with pytest.raises(type(error)) as caught:
            guard.authenticate("alice", "pw")

        assert error is caught.value


class TestLifespans:
    """Lifespans that flask-praetorian took."""

    @pytest.mark.parametrize("override", [timedelta(seconds=-5), {"seconds": -5}, timedelta(), {"minutes": 0}], ids=str)
    def test_expired_at_once(self, make, users, override):
        """Tests of applications issue a token that has expired already."""
        _, guard = make()
        token = guard.encode_jwt_token(users.identify(1), override_access_lifespan=override)
        with pytest.raises(ExpiredAccessError):
            guard.extract_jwt_token(token)

        assert "admin,editor" == guard.extract_jwt_token(token, access_type=AccessType.refresh)["rls"]

    @pytest.mark.parametrize(
        ("text", "seconds"),
        [
            ("1 minute and 3 seconds", 63),
            ("15 minutes.", 900),
            ("2 hours for members", 7200),
            ("1 Month (about)", 2592000),
        ],
    )
    def test_loose_text(self, make, text, seconds, caplog):
        """A text that begins with a lifespan is read as before, and the log says so."""
        _, guard = make(JWT_ACCESS_LIFESPAN=text)

        assert seconds == guard.access_lifespan.total_seconds()
        assert "JWT_ACCESS_LIFESPAN is read as" in caplog.text

    @pytest.mark.parametrize("value", [timedelta(minutes=1), {"minutes": 1}, "1 minute", 60], ids=str)
    def test_set_after_init(self, make, users, value):
        """A lifespan that is set on the guard holds for the next token, in each form."""
        _, guard = make()
        guard.access_lifespan = value
        data = guard.extract_jwt_token(guard.encode_jwt_token(users.identify(1)))

        assert 60 == data["exp"] - data["iat"]

    @pytest.mark.parametrize("text", ["", "12x1y1z", "soon"])
    def test_no_lifespan(self, text):
        """A text that begins with none is refused."""
        with pytest.raises(ConfigurationError):
            utilities.duration_from_string(text)

    @pytest.mark.parametrize(("purpose", "name"), [("access", "access"), ("register", "register"), ("reset", "reset")])
    def test_names_of_purposes(self, make, clock, users, purpose, name):
        """The message names the purpose that has expired."""
        _, guard = make()
        flags = {"register": {"is_registration_token": True}, "reset": {"is_reset_token": True}}.get(purpose, {})
        token = guard.encode_jwt_token(users.identify(1), **flags)
        clock.tick(900)
        with pytest.raises(ExpiredAccessError, match=f"^{name} permission has expired"):
            guard.extract_jwt_token(token, access_type=AccessType[purpose])


class TestForms:
    """The forms in which passwords and hashes arrive."""

    def test_bytes(self, make, users):
        """A password and a stored hash may be bytes."""
        _, guard = make()
        user = users.identify(1)
        user.password = user.password.encode()

        assert user is guard.authenticate("alice", b"pw")
        assert guard.pwd_ctx.verify(b"pw", user.password)
        assert "argon2" == guard.pwd_ctx.identify(user.password)
        assert guard._verify_password("pw", guard.hash_password(b"pw"))
        with pytest.raises(AuthenticationError):
            guard.authenticate("alice", b"\xff")

    @pytest.mark.parametrize("empty", ["", b""], ids=["str", "bytes"])
    def test_empty_password(self, make, users, empty):
        """An account with an empty password can be made, and no password logs in to it."""
        _, guard = make()
        users.identify(1).password = guard.hash_password(empty)

        assert users.identify(1).password.startswith("$argon2id$")
        for password in (empty, "pw", None):
            with pytest.raises(AuthenticationError):
                guard.authenticate("alice", password)

    @pytest.mark.parametrize("username", [None, "", 7, b"alice", ["alice"], {"a": 1}, "a\0", "\ud800"], ids=repr)
    def test_odd_usernames(self, make, username):
        """A username that no account can have is a wrong one."""
        _, guard = make()
        with pytest.raises(AuthenticationError):
            guard.authenticate(username, "pw")


class TestInjection:
    """No text adds a header field to a mail of the drop-in, with either extension."""

    @pytest.mark.parametrize(
        "text",
        ["a\nBcc: e@example.org", "a\u2028Bcc: e@example.org", "=?utf-8?q?a=0ABcc:_e=40example.org?="],
        ids=ascii,
    )
    @pytest.mark.parametrize("field", ["email", "action_sender", "subject"])
    def test_refused(self, flaskmail, field, text):
        """A line break in a header field, in any of its forms, is refused, and nothing is sent."""
        guard, outbox = flaskmail
        values = {"email": "a@example.org", "action_sender": "s@example.org", "subject": "Hi", field: text}
        with pytest.raises(PraetorianError, match="must each be one line"):
            guard.send_token_email(**values, template="t", action_uri="/", custom_token="t")

        assert [] == outbox
