"""The contract, played on the Starlette adapter."""

from __future__ import annotations

import pytest

from praetorian_core import AsyncGuard
from praetorian_core.testing.adapter_suite import (
    SCENARIOS,
    Application,
    ASGIClient,
    BodyStyle,
    Lack,
    Scenario,
    World,
    run,
)

from . import create_app


class OnStarlette:
    """Starlette, whose routes answer OPTIONS only where they say so."""

    style = BodyStyle.CANONICAL
    lacks = frozenset({Lack.OPTIONS})

    def build(self, world: World) -> Application:
        """Return the application of the contract."""
        guard = AsyncGuard(world.users, world.settings, **world.options)
        return ASGIClient(create_app(guard, *world.on_error))


class TestContract:
    @pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
    def test_scenario(self, scenario: Scenario) -> None:
        """Starlette answers as every other framework does."""

        assert [] == run(OnStarlette(), scenario)
