"""Username and password of a login request."""

import tracemalloc

import pytest
from tests.falcon.world import ask

from praetorian_falcon import credentials

JSON = {"Content-Type": "application/json"}


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
        """The members are returned whatever their type; an absent one is None."""
        assert self.post(world, json=body) == expected

    @pytest.mark.parametrize("body", ["[]", "{", ""], ids=["array", "broken", "empty"])
    def test_other_bodies(self, world, body):
        """A body that is not a JSON object is 400; ``tests/core/web/test_credentials.py`` lists the others."""
        assert self.post(world, body=body, headers=JSON)[0] == 400

    @pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded"])
    def test_other_content_types(self, world, content_type):
        """Another content type is 415, so a form of another site cannot log in."""
        headers = {} if content_type is None else {"Content-Type": content_type}

        assert self.post(world, body='{"username": "alice"}', headers=headers)[0] == 415

    def test_a_json_dialect(self, world):
        """A type that ends in ``+json`` needs no media handler."""
        headers = {"Content-Type": "application/vnd.x+json"}

        assert self.post(world, body='{"username": "alice"}', headers=headers) == ("alice", None)

    def test_media_afterwards(self, world):
        """The responder can read other members of the body."""

        async def both(req):
            username, _ = await credentials(req)
            return username, await req.get_media()

        def plain(req):
            username, _ = credentials(req)
            return username, req.media

        body = {"username": "alice", "otp": "123"}
        question = plain if world.kind == "wsgi" else both
        assert ask(world, question, lambda responder: responder, headers={}, json=body) == ("alice", body)

    def test_media_before(self, world):
        """A body that was read before is not read again."""

        async def both(req):
            return await req.get_media(), await credentials(req)

        def plain(req):
            return req.media, credentials(req)

        body = {"username": "alice", "password": "x"}
        question = plain if world.kind == "wsgi" else both
        assert ask(world, question, lambda responder: responder, headers={}, json=body) == (body, ("alice", "x"))


class TestMemory:
    def test_of_a_long_body(self, world):
        """A body of 10 MB is refused without being held in memory."""
        body = b'{"username": "' + b"x" * 10_000_000 + b'"}'
        peak = []

        async def measured(req):
            tracemalloc.start()
            try:
                await credentials(req)
            finally:
                peak.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()

        def plain(req):
            tracemalloc.start()
            try:
                credentials(req)
            finally:
                peak.append(tracemalloc.get_traced_memory()[1])
                tracemalloc.stop()

        question = plain if world.kind == "wsgi" else measured
        assert ask(world, question, lambda responder: responder, headers=JSON, body=body)[0] == 413
        assert peak[0] < 1_000_000
