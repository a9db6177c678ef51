"""Every test that asks for a world runs on WSGI and on ASGI."""

import pytest
from tests.falcon.world import KINDS, make_world


@pytest.fixture(params=KINDS)
def kind(request):
    """Return the kind of application."""
    return request.param


@pytest.fixture
def world(kind):
    """Return a world with the defaults."""
    return make_world(kind)
