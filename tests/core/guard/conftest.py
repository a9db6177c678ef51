"""Guards with and without a store."""

import pytest
from tests.core.guard.world import World

from praetorian_core.stores.memory import MemoryStore


@pytest.fixture
def world():
    return World()


@pytest.fixture
def stored():
    return World(guard={"store": MemoryStore()})
