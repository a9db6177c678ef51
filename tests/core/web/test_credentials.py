"""Username and password in the JSON body of a login request."""

import pytest

from praetorian_core.web.credentials import CredentialsError, check_content_type, username_and_password


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

    @pytest.mark.parametrize("body", [None, [], ["username", "password"], "username", 1, True])
    def test_others(self, body):
        """Anything but an object is 400."""

        with pytest.raises(CredentialsError) as caught:
            username_and_password(body)

        assert 400 == caught.value.status
        assert "expected a JSON object with the members username and password" == caught.value.description
