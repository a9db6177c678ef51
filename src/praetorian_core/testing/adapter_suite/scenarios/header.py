"""Where the token is (RFC 6750 §2.1, RFC 9110 §11)."""

from __future__ import annotations

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import ALICE, bearer, header, one
from praetorian_core.testing.adapter_suite.values import Expected, Request, Setting

SCENARIOS = (
    one("no header", Request(), refused("MissingTokenError")),
    one("an empty header", header(""), refused("MissingTokenError")),
    one("another scheme", header("Basic YWxpY2U6c2VjcmV0"), refused("MissingTokenError")),
    one("a longer scheme", header("Bearerxyz <good>"), refused("MissingTokenError")),
    one("no space after the scheme", header("Bearer<good>"), refused("MissingTokenError")),
    one("a token without a scheme", header("<good>"), refused("MissingTokenError")),
    one(
        "a token in another header",
        Request(headers=(("X-Authorization", "Bearer <good>"),)),
        refused("MissingTokenError"),
    ),
    one(
        "a token in the query string",
        Request(path="/protected?access_token=<good>"),
        refused("MissingTokenError"),
    ),
    one(
        "a token in a cookie",
        Request(headers=(("Cookie", "access_token=<good>"),)),
        refused("MissingTokenError"),
    ),
    one("a bearer token", header("Bearer <good>"), ALICE),
    one("the scheme in small letters", header("bearer <good>"), ALICE),
    one("the scheme in capitals", header("BEARER <good>"), ALICE),
    one("the scheme in mixed letters", header("bEaReR <good>"), ALICE),
    one("several spaces after the scheme", header("Bearer   <good>"), ALICE),
    one("spaces after the token", header("Bearer <good>   "), ALICE),
    one("a tab after the token", header("Bearer <good>\t"), ALICE),
    one("spaces before the scheme", header("  Bearer <good>"), ALICE),
    one("the scheme and spaces", header("Bearer  "), refused("MalformedHeaderError")),
    one("another scheme that quotes the scheme", header('Digest username="a, bearer b"'), refused("MissingTokenError")),
    one("another scheme and a token", header("Digest username=a, Bearer <good>"), refused("MalformedHeaderError")),
    one("the scheme alone", header("Bearer"), refused("MalformedHeaderError")),
    one("two tokens", header("Bearer <good> <good>"), refused("MalformedHeaderError")),
    one("something after the token", header("Bearer <good>;"), refused("MalformedHeaderError")),
    one("a tab after the scheme", header("Bearer\t<good>"), refused("MalformedHeaderError")),
    one("a quoted token", header('Bearer "<good>"'), refused("MalformedHeaderError")),
    one("a parameter in the place of the token", header('Bearer token="x"'), refused("MalformedHeaderError")),
    one("a character outside the grammar", header("Bearer t\u00f6ken"), refused("MalformedHeaderError")),
    one("two values in one line", header("Bearer <good>, Bearer <good>"), refused("MalformedHeaderError")),
    one("two lines", header("Bearer <good>", "Bearer <good>"), refused("MalformedHeaderError")),
    one("two lines, another scheme first", header("Basic YQ==", "Bearer <good>"), refused("MalformedHeaderError")),
    one("two lines, another scheme last", header("Bearer <good>", "Basic YQ=="), refused("MalformedHeaderError")),
    one("two lines of another scheme", header("Basic YQ==", "Basic YQ=="), refused("MissingTokenError")),
    # another header and another scheme
    one("another header: a token", Request(headers=(("X-Token", "Token <good>"),)), ALICE, Setting.OTHER_HEADER),
    one(
        "another header: its name in small letters",
        Request(headers=(("x-token", "token <good>"),)),
        ALICE,
        Setting.OTHER_HEADER,
    ),
    one("another header: no token", Request(), refused("MissingTokenError", scheme="Token"), Setting.OTHER_HEADER),
    one(
        "another header: a token in Authorization",
        bearer("good"),
        refused("MissingTokenError", scheme="Token"),
        Setting.OTHER_HEADER,
    ),
    one(
        "another header: the usual scheme in it",
        Request(headers=(("X-Token", "Bearer <good>"),)),
        refused("MissingTokenError", scheme="Token"),
        Setting.OTHER_HEADER,
    ),
    one(
        "another header: the scheme alone",
        Request(headers=(("X-Token", "Token"),)),
        refused("MalformedHeaderError", scheme="Token"),
        Setting.OTHER_HEADER,
    ),
    one(
        "another header: an expired token",
        Request(headers=(("X-Token", "Token <expired>"),)),
        refused("ExpiredAccessError", scheme="Token"),
        Setting.OTHER_HEADER,
    ),
    one(
        "another header: no role",
        Request(path="/admin", headers=(("X-Token", "Token <good>"),)),
        refused("MissingRoleError", scheme="Token"),
        Setting.OTHER_HEADER,
    ),
    one(
        "another header: refresh",
        Request(method="POST", path="/refresh", headers=(("X-Token", "Token <expired>"),)),
        Expected(body={"refreshed": True}),
        Setting.OTHER_HEADER,
    ),
)
