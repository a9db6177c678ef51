"""The world of the contract, as the tests of the Flask adapter use it: set up by ``app.config``, with any options."""

from __future__ import annotations

import attrs

from praetorian_core.testing import FrozenClock
from praetorian_core.testing.adapter_suite import ANSWERS, SCENARIOS, Setting, refused
from praetorian_core.testing.adapter_suite import make_world as make_contract_world
from praetorian_core.testing.adapter_suite.tokens import ACCESS, NOW, PASSWORD, REFRESH
from praetorian_core.testing.adapter_suite.world import CANARY, SECRET, FailingUsers
from praetorian_core.testing.adapter_suite.world import CONFIG as PLAIN

__all__ = [
    "ACCESS",
    "ANSWERS",
    "CANARY",
    "CONFIG",
    "NOW",
    "PASSWORD",
    "REFRESH",
    "SECRET",
    "USUAL",
    "World",
    "make_world",
    "refused",
]

CONFIG = {**PLAIN, "PRAETORIAN_STORE": "memory://"}
USUAL = [
    (scenario.name, scenario.steps[0])
    for scenario in SCENARIOS
    if scenario.setting is Setting.USUAL and len(scenario.steps) == 1
]


@attrs.frozen
class World:
    """Everything that an application is built over: a clock that stands still, users, options of the guard."""

    clock: FrozenClock
    users: FailingUsers
    options: dict[str, object]


def make_world(**options) -> World:
    """Return a fresh world; the users' names say what becomes of them."""
    world = make_contract_world()
    usual = {name: option for name, option in world.options.items() if name != "store"}
    return World(world.clock, world.users, {**usual, **options})
