"""Finds the token in a request: in the ``Authorization`` header, behind a scheme (RFC 6750 §2.1).

Facts:

* RFC 9110 §11.4: ``credentials = auth-scheme [ 1*SP ( token68 / #auth-param ) ]``; §11.1: the scheme is compared
  without regard to letter case; §5.5: white space around a field value is not part of it.
* RFC 6750 §2.1: ``credentials = "Bearer" 1*SP b64token`` with
  ``b64token = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="``.
* RFC 9110 §5.3: a server may join repeated header lines with a comma, and WSGI servers do. A comma is not part of a
  ``b64token``, so a second value is detected in either form. A comma in a quoted string separates nothing (§5.6.4).
* Another scheme, such as ``Basic`` or ``Bearerxyz``, is not a bearer token: the request carries none.
"""

from __future__ import annotations

import re

from praetorian_core.errors import ConfigurationError, MalformedHeaderError, MissingTokenError
from praetorian_core.web.request import Headers

# RFC 9110 §5.6.2: the characters of a header name and of a scheme.
_HTTP_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")

# To the end of the value if the closing quote is missing, so that the search does not start again at every quote.
_QUOTED = re.compile(r'(?:"(?:[^"\\]|\\.?)*(?:"|$))+', re.DOTALL)

# Schemes that an error message may name; any other word may be a part of a token.
_SCHEMES = {name.lower(): name for name in ("Basic", "Bearer", "Digest", "DPoP", "JWT", "Negotiate", "OAuth", "Token")}


class TokenHeader:
    """Finds the token behind a scheme in one request header."""

    __slots__ = ("_credentials", "_name", "_repeated", "_scheme", "_scheme_name")

    def __init__(self, name: str, scheme: str) -> None:
        """Prepare the grammar for one header and one scheme.

        Args:
            name: Name of the header, usually ``Authorization``.
            scheme: Authentication scheme before the token, usually ``Bearer``.

        Raises:
            ConfigurationError: One of them is not a token in the sense of RFC 9110 §5.6.2.
        """
        for key, value, usual in (
            ("JWT_HEADER_NAME", name, "Authorization"),
            ("JWT_HEADER_TYPE", scheme, "Bearer"),
        ):
            if not isinstance(value, str) or not _HTTP_TOKEN.fullmatch(value):
                raise ConfigurationError(
                    f"{key} must be an HTTP token (RFC 9110 §5.6.2) such as {usual!r}; got {value!r}"
                )
        literal = re.escape(scheme)
        self._name = name
        self._scheme_name = scheme
        self._credentials = re.compile(rf"{literal} +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE | re.ASCII)
        # The scheme matches only if its name ends here ("Bearerxyz" does not).
        self._scheme = re.compile(rf"{literal}(?![!#$%&'*+.^_`|~0-9A-Za-z-])", re.IGNORECASE | re.ASCII)
        self._repeated = re.compile(rf",[ \t]*{literal}[ \t]", re.IGNORECASE | re.ASCII)

    def find(self, request: Headers) -> str:
        """Return the token.

        Raises:
            MissingTokenError: The header is absent or holds no credentials of the scheme.
            MalformedHeaderError: There are several values, or exactly one token does not follow the scheme.

        See:
            RFC 6750 §2.1, RFC 9110 §11.
        """
        values = request.headers(self._name)
        if not values:
            raise MissingTokenError(f"the request has no {self._name} header")
        # Joined as a server would join them, so that both forms get the same answer.
        value = (values[0] if len(values) == 1 else ", ".join(values)).strip(" \t")
        match = self._credentials.fullmatch(value)
        if match:
            return match[1]
        if self._scheme.match(value):
            raise MalformedHeaderError(
                f"the {self._name} header does not hold exactly one token after the scheme; "
                f"expected '{self._scheme_name} <token>'"
            )
        if self._repeated.search(_QUOTED.sub('""', value)):
            raise MalformedHeaderError(f"the {self._name} header carries several credentials; expected one")
        raise MissingTokenError(self._describe(value))

    def _describe(self, value: str) -> str:
        expected = f"expected '{self._scheme_name} <token>'"
        scheme = _SCHEMES.get(value.partition(" ")[0].lower())
        if scheme is not None:
            return f"the {self._name} header has the scheme {scheme}; {expected}"
        return f"the {self._name} header has no scheme or another one; {expected}"
