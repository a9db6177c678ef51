"""Every reason for refusal: what the client sees, what the log sees, and that both survive a process boundary."""

import copy
import pickle

import pytest

from praetorian_core import errors
from praetorian_core.errors import PraetorianError

# Class, arguments, evidence, text. One row a class at least; TestTree sees to it.
EXAMPLES = [
    (errors.PraetorianError, ("why",), {}, {}, "why"),
    (errors.MissingTokenError, ("why",), {}, {}, "why"),
    (errors.MalformedHeaderError, ("2 headers",), {}, {}, "2 headers"),
    (errors.InvalidTokenError, ("bad signature",), {}, {}, "bad signature"),
    (errors.MissingClaimError, ("exp",), {}, {"claim": "exp"}, "claim 'exp' is missing"),
    (
        errors.ExpiredAccessError,
        (),
        {"expired_at": 100, "now": 112},
        {"expired_at": 100, "now": 112},
        "the token's access lifespan has expired 12 s ago (expired_at=100, now=112)",
    ),
    (
        errors.ExpiredRefreshError,
        (),
        {"expired_at": 100, "now": 100},
        {"expired_at": 100, "now": 100},
        "the token's refresh lifespan has expired 0 s ago (expired_at=100, now=100)",
    ),
    (
        errors.ExpiredActionError,
        (),
        {"expired_at": 100, "now": 101},
        {"expired_at": 100, "now": 101},
        "the action token has expired 1 s ago (expired_at=100, now=101)",
    ),
    (
        errors.EarlyRefreshError,
        (),
        {"refreshable_at": 130, "now": 100},
        {"refreshable_at": 130, "now": 100},
        "refresh is allowed in 30 s (refreshable_at=130, now=100)",
    ),
    (errors.RevokedTokenError, ("why",), {}, {}, "why"),
    (errors.ReusedTokenError, ("why",), {}, {}, "why"),
    (errors.MisusedTokenError, ("why",), {}, {}, "why"),
    (errors.MissingUserError, ("why",), {}, {}, "why"),
    (errors.InvalidUserError, ("why",), {}, {}, "why"),
    (errors.AuthenticationError, ("why",), {}, {}, "why"),
    (
        errors.LoginThrottledError,
        (),
        {"retry_after": 30},
        {"retry_after": 30},
        "too many login attempts, next one in 30 s",
    ),
    (
        errors.MissingRoleError,
        (),
        {"required": "all of admin"},
        {"required": "all of admin"},
        "the principal's roles do not satisfy: all of admin",
    ),
    (errors.CSRFError, ("why",), {}, {}, "why"),
    (errors.WeakPasswordError, ("7 characters",), {}, {}, "7 characters"),
    (errors.ServiceUnavailableError, ("store.get failed",), {}, {"retry_after": None}, "store.get failed"),
    (errors.ServiceUnavailableError, ("full",), {"retry_after": 5}, {"retry_after": 5}, "full"),
    (errors.ConfigurationError, ("write this",), {}, {}, "write this"),
    (
        errors.ClaimCollisionError,
        ("EXP",),
        {},
        {"claim": "EXP"},
        "custom claim 'EXP' takes a reserved name; choose another name",
    ),
    (errors.ClaimValueError, ("when", "is a datetime"), {}, {"claim": "when"}, "claim 'when' is a datetime"),
]

# What a client sees: clients branch on these codes, so a change here breaks them.
PUBLIC = {
    errors.PraetorianError: ("praetorian", "the request was refused"),
    errors.MissingTokenError: ("missing_token", "a bearer token is required"),
    errors.MalformedHeaderError: ("malformed_header", "the authorization header is malformed"),
    errors.InvalidTokenError: ("invalid_token", "the token is invalid"),
    errors.MissingClaimError: ("invalid_token", "the token is invalid"),
    errors.ExpiredAccessError: ("expired_access", "the token's access lifespan has expired"),
    errors.ExpiredRefreshError: ("expired_refresh", "the token's refresh lifespan has expired"),
    errors.ExpiredActionError: ("expired_action", "the action token has expired"),
    errors.EarlyRefreshError: ("early_refresh", "the token's access lifespan has not expired yet"),
    errors.RevokedTokenError: ("revoked_token", "the token has been revoked"),
    errors.ReusedTokenError: ("reused_token", "the token has already been used"),
    errors.MisusedTokenError: ("misused_token", "the token is not meant for this purpose"),
    errors.MissingUserError: ("missing_user", "the user does not exist"),
    errors.InvalidUserError: ("invalid_user", "the user may no longer act"),
    errors.AuthenticationError: ("bad_credentials", "the username or password is incorrect"),
    errors.LoginThrottledError: ("login_throttled", "too many login attempts, try again later"),
    errors.MissingRoleError: ("missing_role", "this token does not grant access to this resource"),
    errors.CSRFError: ("csrf_failed", "the CSRF check failed"),
    errors.WeakPasswordError: ("weak_password", "the password does not meet the requirements"),
    errors.ServiceUnavailableError: ("unavailable", "the service is temporarily unavailable"),
    errors.ConfigurationError: ("configuration", "the server is misconfigured"),
    errors.ClaimCollisionError: ("claim_collision", "the server is misconfigured"),
    errors.ClaimValueError: ("claim_value", "the server is misconfigured"),
}


def walk(kind=PraetorianError):
    """Return the class and all below it that ``errors`` defines, without the private ones."""
    below = [each for sub in kind.__subclasses__() for each in walk(sub)]
    public = kind.__module__ == errors.__name__ and not kind.__name__.startswith("_")
    return [kind, *below] if public else below


class QuotaError(PraetorianError):
    """An application's own refusal, with evidence that its constructor demands."""

    code = "quota"

    def __init__(self, *, used, limit):
        """Keep the evidence."""
        self.used, self.limit = used, limit
        super().__init__(f"{used} of {limit}")


examples = pytest.mark.parametrize(
    ("kind", "args", "options", "evidence", "text"), EXAMPLES, ids=[f"{row[0].__name__}-{row[4]}" for row in EXAMPLES]
)


class TestTree:
    def test_every_class_has_an_example(self):
        """Nothing below is true of some classes only."""

        assert set(walk()) == {row[0] for row in EXAMPLES} == set(PUBLIC)

    def test_the_module_draws_every_class(self):
        """The picture of the tree at the top of the module is complete."""

        assert [] == [kind.__name__ for kind in walk() if f" {kind.__name__} " not in errors.__doc__.replace("\n", " ")]

    @pytest.mark.parametrize(
        ("kind", "parent"),
        [
            (errors.MissingClaimError, errors.InvalidTokenError),
            (errors.ClaimCollisionError, errors.ConfigurationError),
            (errors.ClaimValueError, errors.ConfigurationError),
        ],
    )
    def test_refinements(self, kind, parent):
        """Who catches a reason catches what refines it."""

        assert issubclass(kind, parent)

    def test_nothing_else_refines(self):
        """Every other class is a reason of its own: catching one of them catches no other."""
        refined = {parent for kind in walk() for parent in kind.__mro__[1:] if parent in PUBLIC}

        assert {PraetorianError, errors.InvalidTokenError, errors.ConfigurationError} == refined

    def test_no_builtin_but_exception(self):
        """An ``except ValueError`` or ``LookupError`` around a call swallows no refusal."""

        assert {Exception, BaseException, object} == {
            each for kind in walk() for each in kind.__mro__ if each.__module__ == "builtins"
        }


class TestPublic:
    @pytest.mark.parametrize(("kind", "public"), PUBLIC.items(), ids=lambda value: getattr(value, "__name__", ""))
    def test_code_and_message(self, kind, public):
        """Code and message are fixed for the class."""

        assert public == (kind.code, kind.message)

    @examples
    def test_evidence_changes_neither(self, kind, args, options, evidence, text):
        """ASVS 16.5.1: whatever was found, the client reads the same."""
        error = kind(*args, **options)

        assert PUBLIC[kind] == (error.code, error.message)

    def test_codes_are_unique(self):
        """A code names one reason; only a class under InvalidTokenError shares its parent's, so no reason leaks."""
        codes = [kind.code for kind in PUBLIC if kind is not errors.MissingClaimError]

        assert sorted(set(codes)) == sorted(codes)

    @pytest.mark.parametrize("kind", PUBLIC, ids=lambda kind: kind.__name__)
    def test_house_style(self, kind):
        """Codes are snake_case; messages are lower case without a full stop."""

        assert kind.code.isidentifier()
        assert kind.code.islower()
        assert not kind.message[0].isupper()
        assert not kind.message.endswith(".")
        assert kind.message.isascii()


class TestText:
    @examples
    def test_str(self, kind, args, options, evidence, text):
        """The log reads what was found."""

        assert text == str(kind(*args, **options))

    @examples
    def test_repr(self, kind, args, options, evidence, text):
        """``repr`` is the class and the text."""

        assert f"{kind.__name__}({text!r})" == repr(kind(*args, **options))

    @examples
    def test_evidence(self, kind, args, options, evidence, text):
        """What was found is kept as attributes, and nothing besides."""

        assert evidence == vars(kind(*args, **options))

    @pytest.mark.parametrize(
        "kind", [kind for kind in PUBLIC if kind.__init__ is PraetorianError.__init__], ids=lambda kind: kind.__name__
    )
    def test_without_a_detail(self, kind):
        """Left out, the public message stands in for the detail; an empty detail is a detail."""

        assert kind.message == str(kind())
        assert not str(kind(""))

    def test_unavailable_without_a_detail(self):
        """The same of the one class that takes a detail and evidence."""

        assert "the service is temporarily unavailable" == str(errors.ServiceUnavailableError(retry_after=1))

    @pytest.mark.parametrize("value", ["a\r\nb", "\u202eexe", "it's"], ids=["crlf", "bidi", "quote"])
    def test_claim_names_are_quoted(self, value):
        """ASVS 16.4.1: a name from a token is escaped where it is written into a text."""

        assert f"claim {value!r} is missing" == str(errors.MissingClaimError(value))


def through_pickle(protocol):
    """Return a function that sends a value through pickle."""
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


ways = pytest.mark.parametrize(
    "send",
    [*(through_pickle(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)), copy.copy, copy.deepcopy],
    ids=[*(f"pickle-{protocol}" for protocol in range(pickle.HIGHEST_PROTOCOL + 1)), "copy", "deepcopy"],
)


class TestRoundTrip:
    @examples
    @ways
    def test_keeps_everything(self, send, kind, args, options, evidence, text):
        """From a worker process comes the same class with the same evidence and text."""
        back = send(kind(*args, **options))

        assert kind is type(back)
        assert evidence == vars(back)
        assert text == str(back)
        assert (text,) == back.args

    @ways
    def test_an_application_s_own(self, send):
        """A subclass whose constructor demands keywords comes back as well."""
        back = send(QuotaError(used=3, limit=2))

        assert QuotaError is type(back)
        assert {"used": 3, "limit": 2} == vars(back)
        assert "3 of 2" == str(back)

    @ways
    def test_later_evidence(self, send):
        """What was attached after the error was made travels with it."""
        error = errors.InvalidTokenError("why")
        error.request_id = "r1"

        assert "r1" == send(error).request_id
