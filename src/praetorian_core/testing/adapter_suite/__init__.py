"""Conformance suite for adapters: one table of scenarios for every framework.

The author of an adapter builds the application that ``ROUTES`` describes over a ``World``, describes in a ``Target`` how
to build it, and runs every scenario. ``run`` returns the differences; an empty list is a pass::

    class OnMine:
        style = BodyStyle.CANONICAL
        lacks = frozenset[Lack]()

        def build(self, world: World) -> Application:
            return ASGIClient(my_app(world))


    @pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
    def test_scenario(scenario):
        assert run(OnMine(), scenario) == []

The suite depends neither on a framework nor on a test runner.
"""

from praetorian_core.testing.adapter_suite.answers import ANSWERS, refused
from praetorian_core.testing.adapter_suite.clients import ASGIClient, WSGIClient
from praetorian_core.testing.adapter_suite.runner import Application, Target, differences, run
from praetorian_core.testing.adapter_suite.scenarios import CORE, ROUTES, SCENARIOS
from praetorian_core.testing.adapter_suite.values import (
    BodyStyle,
    Expected,
    Lack,
    Received,
    Request,
    Scenario,
    Setting,
    Step,
)
from praetorian_core.testing.adapter_suite.world import OutOfHoursError, World, make_world

__all__ = [
    "ANSWERS",
    "CORE",
    "ROUTES",
    "SCENARIOS",
    "ASGIClient",
    "Application",
    "BodyStyle",
    "Expected",
    "Lack",
    "OutOfHoursError",
    "Received",
    "Request",
    "Scenario",
    "Setting",
    "Step",
    "Target",
    "WSGIClient",
    "World",
    "differences",
    "make_world",
    "refused",
    "run",
]
