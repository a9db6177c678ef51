"""Where in a request a token is found, and that a header is either exactly right or refused."""

import contextlib
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import Request

from praetorian_core.errors import ConfigurationError, MalformedHeaderError, MissingTokenError
from praetorian_core.web.bearer import TokenHeader

B64TOKEN = string.ascii_letters + string.digits + "-._~+/"  # RFC 6750 §2.1
TCHAR = "!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters  # RFC 9110 §5.6.2


def find(*values, name="Authorization", scheme="Bearer"):
    """Return the token of a request whose header has these values, or None if it carries none."""
    try:
        return TokenHeader(name, scheme).find(Request(tuple((name, value) for value in values)))
    except MissingTokenError:
        return None


def malformed(*values, **place):
    """Return the text with which these values are refused."""
    with pytest.raises(MalformedHeaderError) as caught:
        find(*values, **place)
    return str(caught.value)


ONE_TOKEN = "the Authorization header does not hold exactly one token after the scheme; expected 'Bearer <token>'"
SEVERAL = "the Authorization header carries several credentials; expected one"


class TestFound:
    @pytest.mark.parametrize(
        ("value", "token"),
        [
            pytest.param("Bearer mF_9.B5f-4.1JqM", "mF_9.B5f-4.1JqM", id="rfc-6750-example"),
            pytest.param("Bearer a", "a", id="one-character"),
            pytest.param(f"Bearer {B64TOKEN}", B64TOKEN, id="every-character"),
            pytest.param("Bearer abc=", "abc=", id="one-equals-sign"),
            pytest.param("Bearer abc====", "abc====", id="equals-signs"),
            pytest.param("Bearer    abc", "abc", id="several-spaces"),
            pytest.param("bearer abc", "abc", id="lower-case"),
            pytest.param("BEARER abc", "abc", id="upper-case"),
            pytest.param("bEaReR abc", "abc", id="mixed-case"),
            pytest.param("Bearer Bearer", "Bearer", id="a-token-called-bearer"),
            pytest.param("Bearer " + "a" * 65_536, "a" * 65_536, id="64-kb"),
            pytest.param("Bearer abc ", "abc", id="trailing-space"),
            pytest.param("Bearer abc\t", "abc", id="trailing-tab"),
            pytest.param(" \t Bearer abc \t ", "abc", id="white-space-around"),
        ],
    )
    def test_value(self, value, token):
        """RFC 6750 §2.1: "Bearer" 1*SP b64token; RFC 9110 §11.1, §5.5: in any letter case, white space around it."""

        assert token == find(value)

    @given(st.text(B64TOKEN, min_size=1), st.integers(0, 3), st.integers(1, 3))
    def test_every_b64token(self, body, padding, spaces):
        """RFC 6750 §2.1: every b64token is found as it was sent, not one character more or less."""
        token = body + "=" * padding

        assert token == find(f"Bearer{' ' * spaces}{token}")

    @pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
    def test_header_names_have_no_letter_case(self, name):
        """RFC 9110 §5.1: field names are case-insensitive; the view compares them."""

        assert "abc" == TokenHeader(name, "Bearer").find(Request((("Authorization", "Bearer abc"),)))


class TestNone:
    def test_no_header(self):
        """Without the header there is no token."""

        assert find() is None

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param("", id="empty"),
            pytest.param(" ", id="blank"),
            pytest.param("abc", id="a-token-alone"),
            pytest.param("eyJhbGciOiJIUzI1NiJ9.e30.c2ln", id="a-jwt-alone"),
            pytest.param("Basic dXNlcjpwYXNz", id="basic"),
            pytest.param('Digest username="x", realm="y"', id="digest"),
            pytest.param("Negotiate YIIZ", id="negotiate"),
            pytest.param("Bearerxyz", id="longer-scheme"),
            pytest.param("Bearerxyz abc", id="longer-scheme-and-token"),
            pytest.param("Bearer-x abc", id="scheme-with-a-dash"),
            pytest.param("Bearer.abc", id="scheme-with-a-dot"),
            pytest.param("Bearer+abc", id="scheme-with-a-plus"),
            pytest.param("XBearer abc", id="prefixed-scheme"),
            pytest.param("Beare r abc", id="split-scheme"),
            pytest.param("Beare", id="shorter-scheme"),
            pytest.param("Basic Bearer abc", id="the-scheme-inside"),
            pytest.param("Basic x,Bearerxyz abc", id="a-longer-scheme-after-a-comma"),
            pytest.param('Digest a="b,c", d="Bearer e"', id="the-scheme-in-a-parameter"),
            pytest.param('Digest username="a, bearer b"', id="the-scheme-in-a-quoted-string"),
            pytest.param('Digest a="x", username="a, bearer b", c="y"', id="the-scheme-in-one-of-several"),
            pytest.param('Digest username="a\\", bearer b"', id="an-escaped-quote-before-the-scheme"),
            pytest.param('Digest username="a, bearer b', id="the-scheme-in-an-unterminated-string"),
            pytest.param("\N{CYRILLIC CAPITAL LETTER VE}earer abc", id="look-alike"),
            pytest.param("\N{FULLWIDTH LATIN CAPITAL LETTER B}earer abc", id="full-width"),
            pytest.param("\x00Bearer abc", id="control-before"),
            pytest.param("\ufeffBearer abc", id="byte-order-mark-before"),
        ],
    )
    def test_another_scheme(self, value):
        """RFC 9110 §11.4: credentials of another scheme are not a bearer token."""

        assert find(value) is None

    @pytest.mark.parametrize("tail", TCHAR)
    def test_a_scheme_goes_on_with_every_token_character(self, tail):
        """RFC 9110 §5.6.2: a character of a token continues the scheme's name, so it is another scheme."""

        assert find(f"Bearer{tail} abc") is None


class TestMalformed:
    @pytest.mark.parametrize(
        "value",
        [
            pytest.param("Bearer", id="no-token"),
            pytest.param("Bearer ", id="no-token-but-a-space"),
            pytest.param("Bearer     ", id="no-token-but-spaces"),
            pytest.param("bearer", id="no-token-lower-case"),
            pytest.param("Bearer a b", id="two-tokens"),
            pytest.param("Bearer a\n", id="trailing-newline"),
            pytest.param("Bearer a\r\nX: y", id="crlf"),
            pytest.param("Bearer\ta", id="tab"),
            pytest.param("Bearer \ta", id="space-and-tab"),
            pytest.param("Bearer\na", id="newline"),
            pytest.param("Bearer\x00a", id="nul-before"),
            pytest.param("Bearer a\x00", id="nul-after"),
            pytest.param("Bearer a\x7f", id="delete"),
            pytest.param("Bearer a=b", id="equals-sign-inside"),
            pytest.param("Bearer =", id="equals-sign-alone"),
            pytest.param("Bearer =a", id="equals-sign-first"),
            pytest.param("Bearer a;b", id="semicolon"),
            pytest.param('Bearer "a"', id="quoted"),
            pytest.param("Bearer <a>", id="angle-brackets"),
            pytest.param("Bearer: a", id="colon"),
            pytest.param("Bearer,a", id="comma"),
            pytest.param("Bearer a%2eb", id="percent"),
            pytest.param("Bearer a\\b", id="backslash"),
            pytest.param('Bearer realm="x"', id="a-challenge-sent-back"),
            pytest.param("Bearer ä", id="not-ascii"),
            pytest.param("Bearer \N{MATHEMATICAL BOLD DIGIT ONE}", id="not-ascii-digit"),
            pytest.param("Bearer\u00a0a", id="no-break-space"),
            pytest.param("Bearer\u3000a", id="ideographic-space"),
            pytest.param("Bearer a\u2028", id="line-separator"),
            pytest.param("Bearer \ud800", id="surrogate"),
            pytest.param("Beareré abc", id="scheme-and-a-letter-that-no-token-has"),
            pytest.param("Bearer " + "a" * 65_536 + " b", id="64-kb"),
        ],
    )
    def test_not_exactly_one_token(self, value):
        """RFC 6750 §2.1: after our scheme comes exactly one b64token, up to the end."""

        assert ONE_TOKEN == malformed(value)

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            pytest.param("Bearer a, Bearer b", ONE_TOKEN, id="bearer-bearer"),
            pytest.param("Bearer a,Bearer b", ONE_TOKEN, id="bearer-bearer-no-blank"),
            pytest.param("Bearer a, Bearer a", ONE_TOKEN, id="the-same-twice"),
            pytest.param("Bearer a, Basic b", ONE_TOKEN, id="bearer-basic"),
            pytest.param("Bearer a,", ONE_TOKEN, id="bearer-nothing"),
            pytest.param("Basic a, Bearer b", SEVERAL, id="basic-bearer"),
            pytest.param("Basic a,Bearer b", SEVERAL, id="basic-bearer-no-blank"),
            pytest.param("Basic a,\t bearer b", SEVERAL, id="basic-bearer-tab"),
            pytest.param("Basic a, Bearer\tb", SEVERAL, id="basic-bearer-with-a-tab"),
            pytest.param("Basic a, Bearer b, Basic c", SEVERAL, id="basic-bearer-basic"),
            pytest.param(", Bearer b", SEVERAL, id="nothing-bearer"),
            pytest.param('Digest a="b", Bearer c', SEVERAL, id="digest-bearer"),
            pytest.param('Digest a="b, bearer c", Bearer d', SEVERAL, id="digest-with-the-scheme-and-bearer"),
            pytest.param('Digest a="\\\\", Bearer d', SEVERAL, id="digest-with-an-escaped-backslash-and-bearer"),
        ],
    )
    def test_several_in_one_line(self, value, text):
        """RFC 9110 §5.3: a server may join header lines with a comma, so a second value may hide in the first."""

        assert text == malformed(value)

    @pytest.mark.parametrize(
        "values",
        [
            ("Bearer a", "Bearer b"),
            ("Bearer a", "Bearer a"),
            ("Bearer a", "Basic b"),
            ("Basic a", "Bearer b"),
            ("Bearer a", ""),
        ],
        ids=" + ".join,
    )
    def test_several_lines(self, values):
        """Two readers of one request could choose different values, so no value is chosen."""

        assert malformed(", ".join(values)) == malformed(*values)

    def test_several_lines_of_another_scheme(self):
        """They hold no token, whether a server joins them or not."""
        assert find("Basic a, Basic b") is find("Basic a", "Basic b") is None

    @pytest.mark.parametrize("value", ["Bearer hunter2 x", "Basic x, Bearer hunter2"])
    def test_what_was_sent_is_not_repeated(self, value):
        """CVE-2025-65015: what may be a token, or a part of one, is in no message."""

        assert "hunter2" not in malformed(value)

    @given(st.text(st.characters(max_codepoint=255)))
    def test_nothing_but_the_three_outcomes(self, value):
        """Whatever a server hands in: a b64token that is in it, no token, or a refusal."""
        try:
            token = find(value)
        except MalformedHeaderError:
            return

        scheme, _, rest = value.strip(" \t").partition(" ")

        assert token is None or (
            set(token) <= {*B64TOKEN, "="} and (scheme.lower(), rest.strip(" ")) == ("bearer", token)
        )

    @given(
        st.text(st.sampled_from("aZ9-/=") | st.characters(max_codepoint=0x2FFF)).filter(lambda rest: rest[:1] != " ")
    )
    def test_one_token_and_nothing_else(self, rest):
        """RFC 6750 §2.1: after "Bearer " a value is found only if all of it is a b64token."""
        rest = rest.rstrip(" \t")
        body = rest.rstrip("=")
        is_token = bool(body) and set(body) <= set(B64TOKEN)
        try:
            token = find(f"Bearer {rest}")
        except MalformedHeaderError:
            token = None

        assert (rest if is_token else None) == token


class TestConfigured:
    @pytest.mark.parametrize("scheme", ["JWT", "Token", "x", *TCHAR])
    def test_another_scheme(self, scheme):
        """Any HTTP token can be the scheme; the others are none then, Bearer as well."""

        assert "abc" == find(f"{scheme} abc", scheme=scheme)
        assert find("Bearer abc", scheme=scheme) is None

    @pytest.mark.parametrize(
        ("scheme", "other"),
        [
            pytest.param("A.B", "AxB", id="dot"),
            pytest.param("AB*", "A", id="star"),
            pytest.param("AB*", "ABB", id="star-repeated"),
            pytest.param("AB+", "ABB", id="plus"),
            pytest.param("A|B", "A", id="bar"),
            pytest.param("A|B", "B", id="bar-right"),
            pytest.param("^A", "A", id="caret"),
            pytest.param("A$", "A", id="dollar"),
        ],
    )
    def test_metacharacters_are_literal(self, scheme, other):
        """flask-praetorian read the setting as a regular expression; here it is the scheme and nothing else."""

        assert "abc" == find(f"{scheme} abc", scheme=scheme)
        assert "abc" == find(f"{scheme.swapcase()} abc", scheme=scheme)
        assert find(f"{other} abc", scheme=scheme) is None
        assert SEVERAL == malformed(f"Basic x, {scheme} abc", scheme=scheme)

    @pytest.mark.parametrize(
        ("letter", "scheme"),
        [("\N{KELVIN SIGN}", "k"), ("\N{LATIN SMALL LETTER LONG S}", "s")],
        ids=["kelvin", "long-s"],
    )
    def test_letter_case_is_that_of_ascii(self, letter, scheme):
        """RFC 9110 §5.6.2: a token is ASCII, so what Unicode folds to one of its letters is another character."""

        assert find(f"{letter} abc", scheme=scheme) is None
        assert "abc" == find(f"{scheme.upper()} abc", scheme=scheme)

    def test_another_header(self):
        """Only the configured header is read, and refusals name it."""
        place = TokenHeader("X-Api-Token", "Bearer")

        assert "a" == place.find(Request((("X-Api-Token", "Bearer a"), ("Authorization", "Bearer b"))))
        with pytest.raises(MissingTokenError, match="the request has no X-Api-Token header"):
            place.find(Request((("Authorization", "Bearer b"),)))
        assert (
            "the X-Api-Token header does not hold exactly one token after the scheme; expected 'Bearer <token>'"
        ) == malformed("Bearer", name="X-Api-Token")

    @pytest.mark.parametrize(
        "value",
        [
            "",
            " ",
            "a b",
            "a:",
            "a\r\nb",
            "a\n",
            "größe",
            'a"',
            "a,b",
            "a/b",
            "(a)",
            "\ud800",
            None,
            5,
            b"Bearer",
            ["Bearer"],
        ],
        ids=ascii,
    )
    def test_not_an_http_token(self, value):
        """RFC 9110 §5.6.2: what no header or scheme can be called would never be found, so it is refused at start."""
        with pytest.raises(ConfigurationError) as name:
            TokenHeader(value, "Bearer")
        with pytest.raises(ConfigurationError) as scheme:
            TokenHeader("Authorization", value)

        expected = "must be an HTTP token (RFC 9110 §5.6.2) such as"
        assert f"JWT_HEADER_NAME {expected} 'Authorization'; got {value!r}" == str(name.value)
        assert f"JWT_HEADER_TYPE {expected} 'Bearer'; got {value!r}" == str(scheme.value)

    @pytest.mark.parametrize("value", ["a", "X-Token", TCHAR])
    def test_an_http_token(self, value):
        """The matching positive test: every character of RFC 9110 §5.6.2 is allowed."""

        assert "abc" == find(f"{value} abc", name=value, scheme=value)


class TestMissing:
    @pytest.mark.parametrize(
        ("values", "text"),
        [
            ((), "the request has no Authorization header"),
            (("Basic YTpi",), "the Authorization header has the scheme Basic; expected 'Bearer <token>'"),
            (("jwt a.b.c",), "the Authorization header has the scheme JWT; expected 'Bearer <token>'"),
            (("a.b.c",), "the Authorization header has no scheme or another one; expected 'Bearer <token>'"),
            (("hunter2 x",), "the Authorization header has no scheme or another one; expected 'Bearer <token>'"),
            (("",), "the Authorization header has no scheme or another one; expected 'Bearer <token>'"),
        ],
        ids=["no-header", "basic", "jwt", "no-scheme", "unknown-scheme", "empty"],
    )
    def test_text(self, values, text):
        """The log line names the fault of the header; no word that may be part of a token is in it."""
        with pytest.raises(MissingTokenError) as caught:
            TokenHeader("Authorization", "Bearer").find(Request(tuple(("Authorization", value) for value in values)))

        assert text == str(caught.value)


def best_seconds(value, place):
    """Return the least of several times that a search took of this thread, without those in which it had to wait."""
    request = Request((("Authorization", value),))
    times = []
    for _ in range(15):
        begin = time.thread_time()
        with contextlib.suppress(MalformedHeaderError, MissingTokenError):
            place.find(request)
        times.append(time.thread_time() - begin)
    return min(times)


class TestLinear:
    @pytest.mark.parametrize(
        "make",
        [
            pytest.param(lambda size: "Bearer " + "a" * size, id="a-token"),
            pytest.param(lambda size: "Bearer " + "a" * size + "!", id="a-token-and-junk"),
            pytest.param(lambda size: "Bearer" + " " * size, id="spaces"),
            pytest.param(lambda size: "Bearer" + " " * size + "!", id="spaces-and-junk"),
            pytest.param(lambda size: "Bearer a" + "=" * size + "!", id="equals-signs"),
            pytest.param(lambda size: "Bearer " + "a=" * (size // 2), id="letters-and-equals-signs"),
            pytest.param(lambda size: "Bearer " * (size // 7), id="the-scheme-repeated"),
            pytest.param(lambda size: "Basic " + "," * size, id="commas"),
            pytest.param(lambda size: "Basic " + ", " * (size // 2), id="commas-and-blanks"),
            pytest.param(lambda size: "Basic ," + " " * size, id="a-comma-and-blanks"),
            pytest.param(lambda size: "Basic ," + " \t" * (size // 2) + "Bearer", id="blanks-before-the-scheme"),
            pytest.param(lambda size: "Basic " + ",Bearer" * (size // 7), id="the-scheme-after-commas"),
            pytest.param(lambda size: "Basic " + ", \t, " * (size // 5), id="commas-between-blanks"),
            pytest.param(lambda size: "B" * size, id="its-first-letter"),
            pytest.param(lambda size: "," * size + "Bearer", id="commas-first"),
            pytest.param(lambda size: "Digest " + '"' * size, id="quotes"),
            pytest.param(lambda size: "Digest " + '"' + '\\"' * (size // 2), id="escaped-quotes"),
            pytest.param(
                lambda size: "Digest " + '"' + '\\"' * (size // 2) + "\\", id="escaped-quotes-and-a-backslash"
            ),
        ],
    )
    def test_growth(self, make):
        """CVE-2021-32838: 16 times the header takes far less than the 256 times the work of a search that starts again."""
        place = TokenHeader("Authorization", "Bearer")
        small, large = best_seconds(make(4_096), place), best_seconds(make(65_536), place)

        assert large <= 64 * small + 0.005
