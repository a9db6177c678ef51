"""Strict reading of the URL of a Redis or Valkey server.

Facts:

* redis-py ignores a part of a URL that it cannot read: a fragment, a path that is not a number, port 0. The URL of a
  password with an unencoded ``#`` or ``/`` then names another host, or the default one.
* So this module accepts a URL only if every part of it has exactly one meaning (RFC 3986), and gives redis-py a URL that
  is built from the parts.
* No error repeats a part of the URL, because any part may be a piece of a password.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Callable
from urllib.parse import quote, unquote

import attrs

from praetorian_core.errors import ConfigurationError

SCHEMES = {"redis": "redis", "rediss": "rediss", "unix": "unix", "valkey": "redis", "valkeys": "rediss"}
"""The scheme of redis-py for each scheme."""

_ENCODED = "write the password percent-encoded, as urllib.parse.quote(password, safe='') returns it"
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+(?:%25[A-Za-z0-9._~-]+)?)\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_DATABASE = re.compile(r"0|[1-9][0-9]{0,8}")
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}")
_SECONDS = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,6})?")
_GRAPHIC = re.compile(r"[!-~]+")
_PREFIX = re.compile(r"[!-z|~]+")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_RESERVED = re.compile(r'["<>\\^`{|}]')  # RFC 3986 §2: no URI holds these characters
_MAX_SECONDS = 60


def _is_flag(value: str) -> bool:
    return value.lower() in ("true", "false")


def _is_seconds(value: str) -> bool:
    return _SECONDS.fullmatch(value) is not None and 0 < float(value) <= _MAX_SECONDS


def _is_count(value: str) -> bool:
    return _WHOLE.fullmatch(value) is not None and value != "0"


def _is_text(value: str) -> bool:
    return value.isprintable()


_OPTIONS: dict[str, tuple[Callable[[str], bool], str]] = {
    "client_name": (lambda value: _GRAPHIC.fullmatch(value) is not None, "ASCII without blanks"),
    "db": (lambda value: _DATABASE.fullmatch(value) is not None, "a number"),
    "health_check_interval": (lambda value: _WHOLE.fullmatch(value) is not None, "whole seconds"),
    "max_connections": (_is_count, "a number above 0"),
    "password": (_is_text, "the password, percent-encoded"),
    "prefix": (lambda value: _PREFIX.fullmatch(value) is not None, "ASCII without blanks and braces, such as shop:"),
    "socket_connect_timeout": (_is_seconds, "seconds above 0 and at most 60"),
    "socket_keepalive": (_is_flag, "true or false"),
    "socket_timeout": (_is_seconds, "seconds above 0 and at most 60"),
    "ssl_ca_certs": (_is_text, "the path of a file"),
    "ssl_ca_path": (_is_text, "the path of a folder"),
    # In a client, CERT_OPTIONAL has the same meaning as CERT_REQUIRED (docs.python.org, ssl), so "optional" would mislead.
    "ssl_cert_reqs": (lambda value: value in ("required", "none"), "required, or none for no check of the certificate"),
    "ssl_certfile": (_is_text, "the path of a file"),
    "ssl_check_hostname": (_is_flag, "true or false"),
    "ssl_keyfile": (_is_text, "the path of a file"),
    "ssl_password": (_is_text, "the password of the key file, percent-encoded"),
    "username": (_is_text, "the user name, percent-encoded"),
}
"""The options of a URL: whether a value can be used, and what to write."""


@attrs.frozen
class RedisURL:
    """A URL that was read.

    Attributes:
        server: The URL for redis-py. It may hold a password.
        location: The server without user name, password and options, for logs.
        prefix: The value of the option ``prefix``, or None.
    """

    server: str = attrs.field(repr=False)
    location: str
    prefix: str | None


def read_redis_url(text: str, name: str) -> RedisURL:
    """Read a URL of a Redis or Valkey server.

    Args:
        text: The URL.
        name: The setting or argument that holds it, for the message.

    Raises:
        ConfigurationError: The URL is invalid, or redis-py would read it as another server. The message repeats no part
            of it.

    See:
        RFC 3986 §3
    """
    try:
        return _read(text)
    except _InvalidURL as error:
        found = str(error)
    # Outside the except block, so that no traceback holds a piece of the URL.
    raise ConfigurationError(f"{name} must be the URL of a store; got {found}")


class _InvalidURL(Exception):
    """What was found and what to write instead."""


def _read(text: str) -> RedisURL:
    scheme, mark, rest = text.partition("://")
    if not mark or scheme not in SCHEMES:
        raise _InvalidURL("a URL of another kind; write redis://host:6379/0, rediss://host:6379/0 or unix:///path")
    if not rest.isprintable() or " " in rest:
        raise _InvalidURL(f"a blank or a control character in the URL; {_ENCODED}")
    if _RESERVED.search(rest):
        raise _InvalidURL(f"a character that a URL cannot hold; {_ENCODED}")
    if "#" in rest:
        raise _InvalidURL(f"an unencoded '#'; {_ENCODED}")
    if _BAD_PERCENT.search(rest):
        raise _InvalidURL(f"a '%' that begins no code; {_ENCODED}")
    main, question, query = rest.partition("?")
    authority, slash, path = main.partition("/")
    if authority.count("@") > 1 or "@" in path or "@" in query:
        raise _InvalidURL(f"an unencoded '@', '/' or '?'; {_ENCODED}")
    if question and not query:
        raise _InvalidURL("a '?' without options; write the URL without it")
    options = _read_options(query) if query else {}
    user, password = _read_credentials(authority, options)
    tls = SCHEMES[scheme] == "rediss"
    if not tls and any(option.startswith("ssl_") for option in options):
        raise _InvalidURL("an option of TLS in a URL without TLS; write rediss://host:6379/0")
    if tls:
        _check_hostname(options)
    if scheme == "unix":
        location = f"unix:///{_read_socket(authority, path)}"
        target = "/" + quote(path and _decode(path))
    else:
        host = _read_host(authority.rpartition("@")[2])
        location = target = f"{host}/{_read_database(slash, path, options)}"
        location = f"{scheme}://{location}"
    prefix = options.pop("prefix", None)
    credentials = f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else ""
    encoded = "&".join(f"{option}={quote(value, safe='')}" for option, value in options.items())
    server = f"{SCHEMES[scheme]}://{credentials}{target}{'?' if encoded else ''}{encoded}"
    return RedisURL(server, location, prefix)


def _decode(text: str) -> str:
    decoded = unquote(text, errors="replace")
    if "\ufffd" in decoded:
        raise _InvalidURL(f"percent-encoded bytes that are not UTF-8; {_ENCODED}")
    if not decoded.isprintable():
        raise _InvalidURL("an encoded control character; write the URL without it")
    return decoded


def _read_options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for part in query.split("&"):
        option, equals, value = part.partition("=")
        if option not in _OPTIONS:
            raise _InvalidURL(_unknown_option(option))
        accepts, expected = _OPTIONS[option]
        decoded = _decode(value)
        if not equals or not decoded or not accepts(decoded):
            raise _InvalidURL(f"another value of the option {option}; write {option}= and {expected}")
        if option in options:
            raise _InvalidURL(f"the option {option} twice; write it once")
        options[option] = decoded
    return options


def _unknown_option(option: str) -> str:
    if option in ("timeout", "retry_on_timeout", "retry_on_error", "protocol"):
        return f"the option {option}, which Praetorian sets; write PRAETORIAN_STORE_TIMEOUT for time-outs"
    if option in ("ssl", "tls"):
        return "an unknown option for TLS; write rediss://host:6379/0"
    # The name is not repeated: it may be a piece of a password.
    near = difflib.get_close_matches(option, _OPTIONS, n=1, cutoff=0.7)
    hint = f"did you mean {near[0]}?" if near else f"write one of {', '.join(_OPTIONS)}"
    return f"an unknown option after the '?'; {hint}"


def _check_hostname(options: dict[str, str]) -> None:
    if options.get("ssl_cert_reqs") != "none":
        # Before version 6 redis-py did not check it by default.
        options.setdefault("ssl_check_hostname", "true")
    elif options.get("ssl_check_hostname", "false").lower() == "true":
        raise _InvalidURL("a check of the host name without a certificate; write ssl_cert_reqs=required")


def _read_credentials(authority: str, options: dict[str, str]) -> tuple[str, str]:
    userinfo, mark, _ = authority.rpartition("@")
    user, _, password = userinfo.partition(":")
    if not mark:
        user, password = options.pop("username", ""), options.pop("password", "")
        if user and not password:
            raise _InvalidURL("a user name without a password; write redis://user:password@host:6379/0")
        return user, password
    if "username" in options or "password" in options:
        raise _InvalidURL("two passwords or user names; write redis://user:password@host:6379/0")
    if not password:
        raise _InvalidURL(
            "a user name without a password before the '@'; write redis://:password@host:6379/0 or "
            "redis://user:password@host:6379/0"
        )
    return _decode(user), _decode(password)


def _read_host(text: str) -> str:
    if not text or text.startswith(":"):
        raise _InvalidURL("a URL where the host is missing; write redis://host:6379/0")
    match = _HOST.fullmatch(text)
    if match is None:
        raise _InvalidURL(
            "a host or port that cannot be read; write redis://host:6379/0, redis://[2001:db8::1]:6379/0 or, with a "
            "password, redis://:password@host:6379/0"
        )
    address, port = match[1], match[2] or "6379"
    if not 0 < int(port) < 65_536:
        raise _InvalidURL("a port that is not from 1 to 65535; write redis://host:6379/0")
    if address:
        if not _is_ipv6(unquote(address)):
            raise _InvalidURL("an invalid IPv6 address; write redis://[2001:db8::1]:6379/0")
        return f"[{address}]:{port}"
    return f"{text.partition(':')[0]}:{port}"


def _is_ipv6(address: str) -> bool:
    try:
        ipaddress.IPv6Address(address)
    except ValueError:
        return False
    return True


def _read_database(slash: str, path: str, options: dict[str, str]) -> str:
    if not slash or not path:
        return options.pop("db", "0")
    if "db" in options:
        raise _InvalidURL("two numbers of the database; write redis://host:6379/0")
    if not _DATABASE.fullmatch(path):
        raise _InvalidURL("a database that is not a number; write redis://host:6379/0")
    return path


def _read_socket(authority: str, path: str) -> str:
    if authority.rpartition("@")[2]:
        raise _InvalidURL("unix:// with two slashes, which needs three slashes; write unix:///run/redis.sock")
    if not path or path.endswith("/"):
        raise _InvalidURL("a URL where the path of the socket is missing; write unix:///run/redis.sock")
    return _decode(path)
