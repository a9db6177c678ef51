"""Every reason for refusal: what the client sees, what the log sees, and that both survive a process boundary."""

import copy
import pickle
import re

import pytest
from tests.errors import CLASSES

from praetorian_core import errors
from praetorian_core.errors import PraetorianError
from praetorian_core.testing.adapter_suite import ANSWERS

# Classes with evidence: arguments, evidence, text. Every other class takes one optional detail.
EXAMPLES = [
    (errors.MissingClaimError, ("exp",), {}, {"claim": "exp"}, "claim 'exp' is missing"),
    *(
        (kind, (), {"expired_at": 100, "now": now}, {"expired_at": 100, "now": now}, text)
        for kind, now, text in (
            (errors.ExpiredTokenError, 112, "the token has expired 12 s ago (expired_at=100, now=112)"),
            (
                errors.ExpiredAccessError,
                112,
                "the token's access lifespan has expired 12 s ago (expired_at=100, now=112)",
            ),
            (
                errors.ExpiredRefreshError,
                100,
                "the token's refresh lifespan has expired 0 s ago (expired_at=100, now=100)",
            ),
            (errors.ExpiredActionError, 101, "the action token has expired 1 s ago (expired_at=100, now=101)"),
            (errors.ExpiredTicketError, 101, "the ticket has expired 1 s ago (expired_at=100, now=101)"),
        )
    ),
    (
        errors.EarlyRefreshError,
        (),
        {"refreshable_at": 130, "now": 100},
        {"refreshable_at": 130, "now": 100},
        "refresh is allowed in 30 s (refreshable_at=130, now=100)",
    ),
    (
        errors.LoginThrottledError,
        (),
        {"retry_after": 30},
        {"retry_after": 30},
        "too many login attempts, next one in 30 s",
    ),
    *(
        (errors.StaleAuthenticationError, (), evidence, evidence, text)
        for evidence, text in (
            (
                {"max_age": 300, "authenticated_at": 100, "now": 400},
                "the user authenticated 300 s ago; expected less than 300 s ago",
            ),
            (
                {"max_age": 300, "authenticated_at": None, "now": 400},
                "the user authenticated at an unknown time; expected less than 300 s ago",
            ),
        )
    ),
    (
        errors.MissingRoleError,
        (),
        {"required": "all of admin"},
        {"required": "all of admin"},
        "the principal's roles do not satisfy: all of admin",
    ),
    (errors.WeakPasswordError, ("why",), {}, {"rule": None}, "why"),
    (errors.ServiceUnavailableError, ("store.get failed",), {}, {"retry_after": None}, "store.get failed"),
    (errors.ServiceUnavailableError, ("full",), {"retry_after": 5}, {"retry_after": 5}, "full"),
    (
        errors.ClaimCollisionError,
        ("EXP",),
        {},
        {"claim": "EXP"},
        "custom claim 'EXP' takes a reserved name; choose another name",
    ),
    (errors.ClaimValueError, ("when", "is a datetime"), {}, {"claim": "when"}, "claim 'when' is a datetime"),
]
PLAIN = [kind for kind in CLASSES if kind.__init__ is PraetorianError.__init__]
EXAMPLES += [(kind, ("why",), {}, {}, "why") for kind in PLAIN]


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


by_class = pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)


class TestTree:
    def test_every_class_has_an_example(self):
        """Each fact below is tested for every class."""

        assert set(CLASSES) == {row[0] for row in EXAMPLES}

    def test_the_module_draws_the_tree(self):
        """The drawing at the top of the module names every class, below its parent."""
        drawn = re.findall(r"^ {4}([│├└─ ]*)(\w+Error)", errors.__doc__, re.MULTILINE)
        parents, path = {}, []
        for indent, name in drawn:
            path[len(indent) // 4 :] = [name]
            parents[name] = path[-2] if len(path) > 1 else "Exception"

        assert {kind.__name__: kind.__base__.__name__ for kind in CLASSES} == parents

    @pytest.mark.parametrize(
        ("parent", "children"),
        [
            (
                errors.TokenError,
                """ExpiredAccessError ExpiredActionError ExpiredRefreshError ExpiredTicketError InvalidUserError
                MissingClaimError MissingUserError MisusedTokenError ReusedTokenError RevokedTokenError""",
            ),
            (errors.ExpiredTokenError, "ExpiredAccessError ExpiredActionError ExpiredRefreshError ExpiredTicketError"),
            (errors.ConfigurationError, "ClaimCollisionError ClaimValueError"),
        ],
        ids=lambda value: getattr(value, "__name__", ""),
    )
    def test_parents_to_catch(self, parent, children):
        """One ``except`` for the parent catches these errors and no others."""
        leaves = {kind for kind in CLASSES if not any(kind in other.__bases__ for other in CLASSES)}

        assert sorted(children.split()) == sorted(kind.__name__ for kind in leaves if issubclass(kind, parent))

    def test_no_builtin_but_exception(self):
        """An ``except ValueError`` or ``LookupError`` around a call catches no refusal."""

        assert {Exception, BaseException, object} == {
            each for kind in CLASSES for each in kind.__mro__ if each.__module__ == "builtins"
        }


class TestPublic:
    @pytest.mark.parametrize("name", ANSWERS)
    def test_code_and_message(self, name):
        """Code and message are fixed for the class."""
        kind = getattr(errors, name)
        code, _, _, message = ANSWERS[name]

        assert (code, message) == (kind.code, kind.message)

    @examples
    def test_evidence_changes_neither(self, kind, args, options, evidence, text):
        """ASVS 16.5.1: the client reads the same for every detail."""
        error = kind(*args, **options)

        assert (kind.code, kind.message) == (error.code, error.message)

    def test_codes_are_unique(self):
        """A code names one class; a class without a code of its own has its parent's."""
        codes = [kind.code for kind in CLASSES if "code" in vars(kind)]

        assert sorted(set(codes)) == sorted(codes)

    @by_class
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

    @pytest.mark.parametrize("kind", PLAIN, ids=lambda kind: kind.__name__)
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


class TestPasswordRules:
    @pytest.mark.parametrize(
        ("rule", "sentence"),
        [
            ("not_text", "the password must be a text"),
            ("too_short", "the password is too short"),
            ("too_long", "the password is too long"),
            ("forbidden_character", "the password contains a character that is not allowed"),
            ("rejected", "the password is too easy to guess or was leaked"),
        ],
    )
    def test_sentence(self, rule, sentence):
        """Each rule has one public sentence, which survives pickling."""
        error = errors.WeakPasswordError("password is 7 characters", rule=rule)
        copy = pickle.loads(pickle.dumps(error))

        assert [("weak_password", sentence, rule, "password is 7 characters")] * 2 == [
            (each.code, each.message, each.rule, str(each)) for each in (error, copy)
        ]

    def test_all(self):
        """These are all rules."""
        assert {"not_text", "too_short", "too_long", "forbidden_character", "rejected"} == set(errors.PASSWORD_RULES)
