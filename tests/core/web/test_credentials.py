"""Username and password in the JSON body of a login request."""

import io

import pytest

from praetorian_core.web.credentials import (
    MAX_BODY,
    CredentialsError,
    check_content_type,
    parse_body,
    read_body,
    username_and_password,
)


class TestContentType:
    @pytest.mark.parametrize(
        "value",
        [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json ;charset=utf-8",
            "application/vnd.example+json",
        ],
    )
    def test_json(self, value):
        """RFC 9110 §8.3.1: type and subtype are compared without regard to letter case; parameters do not count."""

        assert check_content_type(value) is None

    @pytest.mark.parametrize(
        "value",
        [None, "", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/x+json", "+json", ";"],
    )
    def test_others(self, value):
        """Any other type, or none, is 415."""

        with pytest.raises(CredentialsError) as caught:
            check_content_type(value)

        assert 415 == caught.value.status
        assert "expected a JSON object, of the content type application/json" == caught.value.description


class TestMembers:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"username": "alice", "password": "x"}, ("alice", "x")),
            ({"username": 1, "password": ["x"], "more": True}, (1, ["x"])),
            ({"username": "alice"}, ("alice", None)),
            ({}, (None, None)),
        ],
        ids=["both", "of-any-type", "one", "none"],
    )
    def test_object(self, body, expected):
        """The members are returned as they are, None for an absent one."""

        assert expected == username_and_password(body)

    @pytest.mark.parametrize(
        "body",
        [None, [], ["username", "password"], "username", 1, True],
        ids=["null", "empty", "list", "str", "int", "bool"],
    )
    def test_others(self, body):
        """Anything but an object is 400."""

        with pytest.raises(CredentialsError) as caught:
            username_and_password(body)

        assert 400 == caught.value.status
        assert "expected a JSON object with the members username and password" == caught.value.description

    @pytest.mark.parametrize(
        ("body", "missing"),
        [
            ({"username": "alice"}, ["password"]),
            ({"user": "alice"}, ["username", "password"]),
            ({"user": "alice", "password": "x"}, ["username"]),
            ({"username": None, "password": None}, []),
            ({"password": "x"}, []),  # the confirmation of a session
        ],
        ids=["password", "both", "username", "none", "password-alone"],
    )
    def test_absent_members_are_logged(self, caplog, body, missing):
        """The log names an absent member, which is a mistake of the client's programmer, and no value."""
        username_and_password(body)

        assert [f"a login request has no member {name!r} in its JSON body" for name in missing] == caplog.messages


class TestReadBody:
    @pytest.mark.parametrize("length", [0, 1, MAX_BODY - 1, MAX_BODY, MAX_BODY + 1])
    def test_whole(self, length):
        """A body of up to one octet more than the limit is returned whole."""

        assert length == len(read_body(io.BytesIO(b"x" * length).read))

    def test_short_reads(self):
        """A stream may return less than it is asked for."""
        stream = io.BytesIO(b"abcdef")

        assert b"abcdef" == read_body(lambda _: stream.read(2))

    def test_endless_stream(self):
        """Of a longer body no more is read."""
        asked = []

        def read(size):
            asked.append(size)
            return b"x" * min(size, 10_000)

        assert MAX_BODY + 1 == len(read_body(read))
        assert MAX_BODY + 1 >= sum(min(size, 10_000) for size in asked)


class TestParseBody:
    @pytest.mark.parametrize(
        ("body", "value"),
        [
            (b'{"a": 1}', {"a": 1}),
            (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
            (b" [1] \n", [1]),
            ('"\u00fc"'.encode(), "\u00fc"),
            (b"null" + b" " * (MAX_BODY - 4), None),
        ],
        ids=["object", "byte order mark", "white space", "umlaut", "longest"],
    )
    def test_json(self, body, value):
        """JSON in UTF-8 is parsed, with or without a byte order mark (RFC 8259 §8.1)."""

        assert value == parse_body(body)

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"\xff",
            '{"a": 1}'.encode("utf-16"),
            '{"a": 1}'.encode("utf-16-le"),
            '{"a": 1}'.encode("utf-32"),
            b"[" * 60_000,
        ],
        ids=["empty", "broken", "not utf-8", "utf-16", "utf-16-le", "utf-32", "deep"],
    )
    def test_not_json(self, body):
        """Anything else is 400, without an exception of the parser."""

        with pytest.raises(CredentialsError) as caught:
            parse_body(body)

        assert 400 == caught.value.status

    def test_too_long(self):
        """A body of one octet more than the limit is 413, whatever it holds."""

        with pytest.raises(CredentialsError) as caught:
            parse_body(b"null" + b" " * (MAX_BODY - 3))

        assert 413 == caught.value.status
