"""What every adapter must answer: one table of scenarios, played on whatever framework.

An adapter's author builds the application that ``ROUTES`` describes over a ``World``, says in a ``Target`` how, and plays
every scenario; ``run`` returns what differs, and an empty list is a pass::

    class OnMine:
        style = BodyStyle.CANONICAL
        lacks = frozenset[Lack]()

        def build(self, world: World) -> Application:
            return ASGIClient(my_app(world))


    @pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
    def test_scenario(scenario):
        assert run(OnMine(), scenario) == []

Nothing here knows a framework or a test runner.
"""

from praetorian_core.testing.adapter_suite.clients import ASGIClient, WSGIClient
from praetorian_core.testing.adapter_suite.runner import Application, Target, differences, run
from praetorian_core.testing.adapter_suite.scenarios import CORE, ROUTES, SCENARIOS
from praetorian_core.testing.adapter_suite.values import (
    ANSWERS,
    BodyStyle,
    Expected,
    Lack,
    Received,
    Request,
    Scenario,
    Setting,
    refused,
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
    "Target",
    "WSGIClient",
    "World",
    "differences",
    "make_world",
    "refused",
    "run",
]
