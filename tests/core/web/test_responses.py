"""What a client is answered: one table, and nothing in it that the table does not say."""

import json

import pytest

from praetorian_core import errors
from praetorian_core.web.responses import ErrorResponse, error_response

BARE = 'Bearer realm="api"'
INVALID_REQUEST = 'Bearer realm="api", error="invalid_request"'
INVALID_TOKEN = 'Bearer realm="api", error="invalid_token"'
INSUFFICIENT_SCOPE = 'Bearer realm="api", error="insufficient_scope"'

# Evidence that must come out nowhere.
CANARY = "CANARY-7f3a"
NUMBER = 987_654_321
TIMES = {"expired_at": NUMBER, "now": NUMBER}

# Design §6, row by row: what was raised, code, status, WWW-Authenticate, Retry-After.
TABLE = [
    (errors.MissingTokenError(CANARY), "missing_token", 401, BARE, None),
    (errors.MalformedHeaderError(CANARY), "malformed_header", 400, INVALID_REQUEST, None),
    (errors.InvalidTokenError(CANARY), "invalid_token", 401, INVALID_TOKEN, None),
    (errors.MissingClaimError(CANARY), "invalid_token", 401, INVALID_TOKEN, None),
    (errors.ExpiredAccessError(**TIMES), "expired_access", 401, INVALID_TOKEN, None),
    (errors.ExpiredRefreshError(**TIMES), "expired_refresh", 401, INVALID_TOKEN, None),
    (errors.ExpiredActionError(**TIMES), "expired_action", 401, INVALID_TOKEN, None),
    (errors.EarlyRefreshError(refreshable_at=NUMBER, now=NUMBER), "early_refresh", 400, None, None),
    (errors.RevokedTokenError(CANARY), "revoked_token", 401, INVALID_TOKEN, None),
    (errors.ReusedTokenError(CANARY), "reused_token", 401, INVALID_TOKEN, None),
    (errors.MisusedTokenError(CANARY), "misused_token", 401, INVALID_TOKEN, None),
    (errors.MissingUserError(CANARY), "missing_user", 401, INVALID_TOKEN, None),
    (errors.InvalidUserError(CANARY), "invalid_user", 401, INVALID_TOKEN, None),
    (errors.AuthenticationError(CANARY), "bad_credentials", 401, BARE, None),
    (errors.MissingRoleError(required=CANARY), "missing_role", 403, INSUFFICIENT_SCOPE, None),
    (errors.CSRFError(CANARY), "csrf_failed", 403, None, None),
    (errors.WeakPasswordError(CANARY), "weak_password", 400, None, None),
    (errors.LoginThrottledError(retry_after=17), "login_throttled", 429, None, "17"),
    (errors.ServiceUnavailableError(CANARY), "unavailable", 503, None, None),
    (errors.ServiceUnavailableError(CANARY, retry_after=30), "unavailable", 503, None, "30"),
    (errors.ConfigurationError(CANARY), "configuration", 500, None, None),
    (errors.ClaimCollisionError(CANARY), "claim_collision", 500, None, None),
    # Not in design §6: a value that no token carries, and what an application derives from the root.
    (errors.ClaimValueError(CANARY, CANARY), "claim_value", 500, None, None),
    (errors.PraetorianError(CANARY), "praetorian", 500, None, None),
]

rows = pytest.mark.parametrize(
    ("error", "code", "status", "challenge", "retry_after"),
    TABLE,
    ids=[f"{type(row[0]).__name__}-{row[4]}" if row[4] else type(row[0]).__name__ for row in TABLE],
)


def walk(kind):
    """Return the class and all below it that ``errors`` defines, without the private ones."""
    below = [each for sub in kind.__subclasses__() for each in walk(sub)]
    public = kind.__module__ == errors.__name__ and not kind.__name__.startswith("_")
    return [kind, *below] if public else below


class TestTable:
    def test_is_complete(self):
        """Every class of errors.py has its row."""

        assert set(walk(errors.PraetorianError)) == {type(row[0]) for row in TABLE}

    @rows
    def test_row(self, error, code, status, challenge, retry_after):
        """RFC 6750 §3, RFC 9110 §10.2.3: status, code and every header, and no header besides."""
        answer = error_response(error)
        headers = {"Cache-Control": "no-store", "WWW-Authenticate": challenge, "Retry-After": retry_after}

        assert (status, code) == (answer.status, answer.code)
        assert [(name, value) for name, value in headers.items() if value] == list(answer.headers)

    @rows
    def test_body(self, error, code, status, challenge, retry_after):
        """The body is the class, the fixed message, the status and the code, as JSON values."""
        body = error_response(error).body()

        assert {
            "error": type(error).__name__,
            "message": type(error).message,
            "status_code": status,
            "code": code,
        } == body
        assert ["error", "message", "status_code", "code"] == list(json.loads(json.dumps(body)))

    @rows
    def test_nothing_of_the_evidence(self, error, code, status, challenge, retry_after):
        """ASVS 16.5.1, RFC 9457 §5: no claim, role, detail or instant that the log reads is sent."""
        error.__cause__ = ValueError(CANARY)
        answer = error_response(error)
        sent = f"{answer!r} {answer} {answer.body()} {answer.headers}"

        assert CANARY not in sent
        assert str(NUMBER) not in sent

    @rows
    def test_a_challenge_goes_with_401(self, error, code, status, challenge, retry_after):
        """RFC 9110 §15.5.2: a 401 MUST have a challenge; RFC 6750 §3.1: a code only where credentials were sent."""

        assert status != 401 or challenge is not None
        assert ("error=" in (challenge or "")) <= (status in {400, 401, 403})


class TestChallenge:
    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (errors.MissingTokenError(), 'JWT realm="staff area"'),
            (errors.MalformedHeaderError(), 'JWT realm="staff area", error="invalid_request"'),
            (errors.InvalidTokenError(), 'JWT realm="staff area", error="invalid_token"'),
            (errors.MissingRoleError(required="x"), 'JWT realm="staff area", error="insufficient_scope"'),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_names_scheme_and_realm(self, error, expected):
        """RFC 6750 §3: the challenge names the configured scheme and protection space."""

        assert expected == dict(error_response(error, scheme="JWT", realm="staff area").headers)["WWW-Authenticate"]

    def test_all_failures_of_the_gate_are_one(self):
        """ASVS 11.2.5: bad base64, algorithm, key or signature: one status, code, message and challenge."""
        answers = {error_response(errors.InvalidTokenError(why)) for why in ("alg", "kid", "signature", None)}

        assert 1 == len(answers)
        assert answers.pop().headers == error_response(errors.MissingClaimError("exp")).headers


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

    def test_an_unknown_reason_is_ours(self):
        """A class directly below the root says nothing to a client, so it is a failure of the server."""

        assert 500 == error_response(QuotaError()).status


class TestAnswer:
    @rows
    def test_a_body_is_made_anew(self, error, code, status, challenge, retry_after):
        """Frameworks write into the body; what one of them adds is in no other answer."""
        answer = error_response(error)
        answer.body()["message"] = "changed"
        answer.body()["more"] = 1

        assert answer.body() is not answer.body()
        assert error_response(error).body() == answer.body()
        assert {"error", "message", "status_code", "code"} == set(answer.body())

    def test_is_a_value(self):
        """Equal errors have equal answers, on every framework."""

        assert error_response(errors.CSRFError("a")) == error_response(errors.CSRFError("b"))
        assert ErrorResponse(
            403, (("Cache-Control", "no-store"),), "CSRFError", "csrf_failed", "the CSRF check failed"
        ) == error_response(errors.CSRFError())

    @rows
    def test_headers_are_safe_to_send(self, error, code, status, challenge, retry_after):
        """RFC 9110 §5.5: header values are printable ASCII of one line."""

        assert all(value.isascii() and value.isprintable() for line in error_response(error).headers for value in line)


class TestLog:
    def test_what_is_wrong_with_us(self, caplog):
        """The client is told nothing of a misconfiguration, so the operator is told, and told what to write."""
        error_response(errors.ConfigurationError("user.rolenames is str; expected a list of str"))

        assert ["ConfigurationError: user.rolenames is str; expected a list of str"] == caplog.messages

    def test_what_is_wrong_with_them(self, caplog):
        """A refusal is an everyday event, told elsewhere."""
        error_response(errors.MissingTokenError())

        assert [] == caplog.messages
