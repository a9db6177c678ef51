"""The contract: one table, on every framework, as in production and under test."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from tests.contract.targets.broken import Broken
from tests.contract.targets.on_falcon import OnFalcon, OnFalconASGI
from tests.contract.targets.on_flask import OnFlask
from tests.contract.targets.on_restx import OnRestx

from praetorian_core.testing.adapter_suite import SCENARIOS, run

ROOT = Path(__file__).parents[2]

# Falcon has no switch for tests. What can be chosen there is who writes the body of a refusal.
TARGETS = {
    "flask": {"production": OnFlask(), "testing": OnFlask(TESTING=True)},
    "restx": {"production": OnRestx(), "testing": OnRestx(TESTING=True)},
    "falcon": {"native": OnFalcon(), "canonical": OnFalcon(native=False)},
    "falcon_asgi": {"native": OnFalconASGI(), "canonical": OnFalconASGI(native=False)},
}
CASES = {
    f"{target}-{config}-{scenario.name}": (built, scenario)
    for (target, configs), scenario in itertools.product(TARGETS.items(), SCENARIOS)
    for config, built in configs.items()
}


class TestContract:
    @pytest.mark.parametrize(("target", "scenario"), CASES.values(), ids=CASES)
    def test_scenario(self, target, scenario):
        """Each target answers each scenario as the table says."""

        assert [] == run(target, scenario)

    def test_every_one_is_collected(self):
        """Each scenario is a test on four targets in two configurations."""

        assert 4 * 2 * len(SCENARIOS) == len(CASES)

    def test_every_name_is_its_own(self):
        """No scenario hides another."""

        assert len(SCENARIOS) == len({scenario.name for scenario in SCENARIOS})


class TestBrokenAdapter:
    def test_is_noticed(self):
        """What answers 403 to everything, forgets challenges and lets OPTIONS through fails far more than 30."""
        failed = [scenario.name for scenario in SCENARIOS if run(Broken(), scenario)]

        assert len(failed) >= 30
        assert "OPTIONS of the application: no token" in failed
        assert "no header" in failed
        assert "a bearer token" not in failed
