"""What a client is answered: one table, and nothing in it that the table does not say."""

import json

import pytest
from tests.errors import NAMES, sample

from praetorian_core import errors
from praetorian_core.testing.adapter_suite import ANSWERS
from praetorian_core.web.responses import ErrorResponse, error_response

# Evidence that the client must never receive.
CANARY = "CANARY-7f3a"
NUMBER = 987_654_321

by_class = pytest.mark.parametrize("name", NAMES)


def expected_of(name):
    """Return code, status, challenge and message from the golden table."""
    return ANSWERS.get(name, ("praetorian", 500, None, "the request was refused"))


class TestTable:
    def test_is_complete(self):
        """Every class but the root has a row in the golden table."""

        assert set(NAMES) - {"PraetorianError"} == set(ANSWERS)

    @by_class
    def test_row(self, name):
        """RFC 6750 §3: status, code and every header, and no other header."""
        code, status, challenge, _ = expected_of(name)
        answer = error_response(sample(name, CANARY, 17), realm="legion")
        headers = {
            "Cache-Control": "no-store",
            "WWW-Authenticate": challenge,
            "Retry-After": "17" if name == "LoginThrottledError" else None,
        }

        assert (status, code) == (answer.status, answer.code)
        assert [(name, value) for name, value in headers.items() if value] == list(answer.headers)

    def test_retry_after(self):
        """RFC 9110 §10.2.3: a 503 says after how many seconds to retry, if that is known."""
        known = error_response(errors.ServiceUnavailableError(CANARY, retry_after=30))
        unknown = error_response(errors.ServiceUnavailableError(CANARY))

        assert (("Cache-Control", "no-store"), ("Retry-After", "30")) == known.headers
        assert (("Cache-Control", "no-store"),) == unknown.headers

    def test_rule(self):
        """The body of a weak password names the rule and its sentence."""
        body = error_response(errors.WeakPasswordError(CANARY, rule="too_short")).body()

        assert ("the password is too short", "too_short") == (body["message"], body["rule"])

    @by_class
    def test_body(self, name):
        """The body holds the class, the fixed message, the status and the code, as JSON values."""
        code, status, _, message = expected_of(name)
        body = error_response(sample(name)).body()

        assert {"error": name, "message": message, "status_code": status, "code": code} == body
        assert ["error", "message", "status_code", "code"] == list(json.loads(json.dumps(body)))

    @by_class
    def test_nothing_of_the_evidence(self, name):
        """ASVS 16.5.1, RFC 9457 §5: no claim, role, detail or time that the log reads is sent."""
        error = sample(name, CANARY, NUMBER)  # Of an old authentication, a client is sent the required age.
        if name == "LoginThrottledError":
            error = errors.LoginThrottledError(retry_after=17)  # The one number that a client is sent.
        error.__cause__ = ValueError(CANARY)
        answer = error_response(error)
        sent = f"{answer!r} {answer} {answer.body()} {answer.headers}"

        assert CANARY not in sent
        assert str(NUMBER) not in sent

    @by_class
    def test_a_challenge_goes_with_401(self, name):
        """RFC 9110 §15.5.2: a 401 MUST have a challenge; RFC 6750 §3.1: an error code only where credentials were sent."""
        answer = error_response(sample(name))
        challenge = dict(answer.headers).get("WWW-Authenticate", "")

        assert answer.status != 401 or challenge
        assert ("error=" in challenge) <= (answer.status in {400, 401, 403})


class TestChallenge:
    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (errors.MissingTokenError(), 'JWT realm="staff area"'),
            (errors.MalformedHeaderError(), 'JWT realm="staff area", error="invalid_request"'),
            (errors.InvalidTokenError(), 'JWT realm="staff area", error="invalid_token"'),
            (errors.MissingRoleError(required="x"), 'JWT realm="staff area", error="insufficient_scope"'),
            (
                errors.StaleAuthenticationError(max_age=5, authenticated_at=NUMBER, now=NUMBER),
                (
                    'JWT realm="staff area", error="insufficient_user_authentication", '
                    'error_description="a more recent authentication is required", max_age="5"'
                ),
            ),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_names_scheme_and_realm(self, error, expected):
        """RFC 6750 §3: the challenge names the configured scheme and protection space."""

        assert expected == dict(error_response(error, scheme="JWT", realm="staff area").headers)["WWW-Authenticate"]

    def test_own_message(self):
        """RFC 6750 §3: ``error_description`` is printable ASCII without quotes, so a message of an application is not in it."""
        answer = error_response(ForeignError(max_age=5, authenticated_at=None, now=7))

        assert (
            'error_description="a more recent authentication is required"' in dict(answer.headers)["WWW-Authenticate"]
        )
        assert ForeignError.message == answer.body()["message"]

    def test_all_invalid_tokens_are_answered_alike(self):
        """ASVS 11.2.5: bad base64, algorithm, key or signature: one status, code, message and challenge."""
        answers = {error_response(errors.InvalidTokenError(why)) for why in ("alg", "kid", "signature", None)}

        assert 1 == len(answers)
        assert answers.pop().headers == error_response(errors.MissingClaimError("exp")).headers


class ForeignError(errors.StaleAuthenticationError):
    """An application's refinement, whose message no quoted string can hold."""

    message = 'bitte "neu" anmelden ☺'


class LateError(errors.ExpiredAccessError):
    """An application's refinement, with nothing of its own."""


class PlanError(errors.MissingRoleError):
    """An application's refinement, with its own code and message."""

    code = "plan"
    message = "your plan does not include this"


class TwiceDerivedError(PlanError, ValueError):
    """A refinement of a refinement, and something else besides."""


class QuotaError(errors.PraetorianError):
    """A reason of the application's own, directly below the root."""

    code = "quota"
    message = "the quota is used up"


class TestSubclasses:
    @pytest.mark.parametrize(
        ("error", "like"),
        [
            pytest.param(
                LateError(expired_at=1, now=2), errors.ExpiredAccessError(expired_at=1, now=2), id="refinement"
            ),
            pytest.param(PlanError(required="x"), errors.MissingRoleError(required="x"), id="own-code"),
            pytest.param(TwiceDerivedError(required="x"), errors.MissingRoleError(required="x"), id="twice-derived"),
            pytest.param(QuotaError(), errors.PraetorianError(), id="below-the-root"),
        ],
    )
    def test_answered_like_the_reason_they_refine(self, error, like):
        """The nearest class of the table decides status and headers."""

        assert (error_response(like).status, error_response(like).headers) == (
            error_response(error).status,
            error_response(error).headers,
        )

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (PlanError(required=CANARY), ("PlanError", "plan", "your plan does not include this")),
            (LateError(expired_at=1, now=2), ("LateError", "expired_access", errors.ExpiredAccessError.message)),
            (QuotaError(CANARY), ("QuotaError", "quota", "the quota is used up")),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_speak_for_themselves(self, error, expected):
        """Name, code and message are the subclass's own."""
        answer = error_response(error)

        assert expected == (answer.error, answer.code, answer.message)

    def test_an_unknown_reason_is_a_server_error(self):
        """A class directly below the root has no row, so it is answered with 500."""

        assert 500 == error_response(QuotaError()).status


class TestAnswer:
    @by_class
    def test_a_body_is_a_new_dict(self, name):
        """Frameworks modify the body; a change to one is in no other."""
        error = sample(name)
        answer = error_response(error)
        answer.body()["message"] = "changed"
        answer.body()["more"] = 1

        assert answer.body() is not answer.body()
        assert error_response(error).body() == answer.body()
        assert {"error", "message", "status_code", "code"} == set(answer.body())

    def test_is_a_value(self):
        """Equal errors have equal answers, on every framework."""

        assert error_response(errors.ForbiddenError("a")) == error_response(errors.ForbiddenError("b"))
        assert ErrorResponse(
            403, (("Cache-Control", "no-store"),), "ForbiddenError", "forbidden", "you are not allowed to do this"
        ) == error_response(errors.ForbiddenError())

    @by_class
    def test_headers_are_safe_to_send(self, name):
        """RFC 9110 §5.5: header values are printable ASCII of one line."""
        headers = error_response(sample(name)).headers

        assert all(value.isascii() and value.isprintable() for line in headers for value in line)


class TestLog:
    def test_server_errors(self, caplog):
        """A 500 hides the reason from the client, so the log holds it."""
        error_response(errors.ConfigurationError("user.rolenames is str; expected a list of str"))

        assert ["ConfigurationError: user.rolenames is str; expected a list of str"] == caplog.messages

    def test_refusals(self, caplog):
        """A refusal is an ordinary event and is not logged here."""
        error_response(errors.MissingTokenError())

        assert [] == caplog.messages
