"""The adapter suite on every framework, as in production and under test, and on broken adapters."""

from __future__ import annotations

import itertools

import pytest
from tests.contract.targets.broken import FAULTS
from tests.contract.targets.on_falcon import OnFalcon, OnFalconASGI
from tests.contract.targets.on_flask import OnFlask
from tests.contract.targets.on_restx import OnRestx
from tests.contract.targets.on_wsgi import Adapter, OnWSGI

from praetorian_core.testing.adapter_suite import SCENARIOS, run

# Falcon has no switch for tests; its configuration decides who writes the body of a refusal.
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
        """Each target answers each scenario as expected."""

        assert [] == run(target, scenario)

    def test_every_one_is_collected(self):
        """Each scenario is a test on four targets in two configurations."""

        assert 4 * 2 * len(SCENARIOS) == len(CASES)

    def test_every_name_is_its_own(self):
        """Scenarios have different names."""

        assert len(SCENARIOS) == len({scenario.name for scenario in SCENARIOS})


class TestBrokenAdapters:
    def test_the_sound_one_passes(self):
        """The adapter from which the broken ones are derived passes every scenario."""

        assert [] == failed_on(Adapter, {scenario.name for scenario in SCENARIOS})

    @pytest.mark.parametrize("adapter", FAULTS, ids=lambda adapter: adapter.__name__)
    def test_is_found(self, adapter):
        """The scenarios that name the fault fail, and one that does not concern it passes."""
        named = FAULTS[adapter]

        assert named == set(failed_on(adapter, {*named, "a bearer token"}))


def failed_on(adapter, names):
    """Return the names of those of these scenarios that fail on an adapter."""
    chosen = [scenario for scenario in SCENARIOS if scenario.name in names]
    assert len(names) == len(chosen)
    return [scenario.name for scenario in chosen if run(OnWSGI(adapter), scenario)]
