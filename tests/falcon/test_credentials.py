"""Username and password of a login request."""

import falcon
import pytest
from tests.falcon.world import ask

from praetorian_falcon import credentials


class TestCredentials:
    def post(self, world, **options):
        """Post a body, and return the credentials or what was answered."""
        return ask(world, credentials, lambda responder: responder, headers=options.pop("headers", {}), **options)

    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({"username": "alice", "password": "x"}, ("alice", "x")),
            ({"username": "alice"}, ("alice", None)),
            ({}, (None, None)),
            ({"username": 7, "password": ["x"]}, (7, ["x"])),
        ],
    )
    def test_returns_what_is_there(self, world, body, expected):
        """Whatever it is; an absent member is None."""
        assert self.post(world, json=body) == expected

    @pytest.mark.parametrize("body", ["[]", '"alice"', "1", "null", "true"])
    def test_refuses_what_is_no_object(self, world, body):
        """400."""
        assert self.post(world, body=body, headers={"Content-Type": "application/json"})[0] == 400

    @pytest.mark.parametrize("body", ["", "{", '{"username": ', "\xff"])
    def test_refuses_what_is_no_json(self, world, body):
        """400, Falcon's own."""
        assert self.post(world, body=body, headers={"Content-Type": "application/json"})[0] == 400

    def test_refuses_what_is_too_deep_to_parse(self, world):
        """400, though Python's parser gives up with a ``RecursionError``."""
        body = "[" * 200_000

        assert self.post(world, body=body, headers={"Content-Type": "application/json"})[0] == 400

    @pytest.mark.parametrize(
        "content_type",
        [
            None,
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/json",
            "x+json",
        ],
    )
    def test_refuses_another_content_type(self, world, content_type):
        """415: a form of another site cannot log anybody in."""
        headers = {} if content_type is None else {"Content-Type": content_type}

        assert self.post(world, body='{"username": "alice"}', headers=headers)[0] == 415

    @pytest.mark.parametrize(
        "content_type", ["application/json", "application/json; charset=utf-8", "application/json ;x=y"]
    )
    def test_takes_json_with_parameters(self, world, content_type):
        """The twin."""
        headers = {"Content-Type": content_type}

        assert self.post(world, body='{"username": "alice"}', headers=headers) == ("alice", None)

    def test_takes_a_json_dialect_that_the_application_handles(self, world):
        """What ends in ``+json`` is JSON if there is a handler for it."""
        world.app.req_options.media_handlers["application/vnd.x+json"] = falcon.media.JSONHandler()
        headers = {"Content-Type": "application/vnd.x+json"}

        assert self.post(world, body='{"username": "alice"}', headers=headers) == ("alice", None)
