"""Play a scenario on a target, and say what differs."""

from __future__ import annotations

from typing import Protocol

from praetorian_core.errors import PraetorianError
from praetorian_core.testing.adapter_suite.values import BodyStyle, Expected, Lack, Received, Request, Scenario
from praetorian_core.testing.adapter_suite.world import World, make_world


class Application(Protocol):
    """An application that requests can be sent to; ``WSGIClient(app)`` and ``ASGIClient(app)`` are such."""

    def send(self, request: Request, /) -> Received:
        """Return the response to a request whose tokens are filled in."""
        ...


class Target(Protocol):
    """A framework with its adapter, in one configuration. See ``Application``."""

    @property
    def style(self) -> BodyStyle:
        """What the body of a refusal looks like."""
        ...

    @property
    def lacks(self) -> frozenset[Lack]:
        """What the framework does not do of itself."""
        ...

    def build(self, world: World, /) -> Application:
        """Return the application that ``ROUTES`` describes, built over a world."""
        ...


def run(target: Target, scenario: Scenario) -> list[str]:
    """Play a scenario in a world of its own.

    Args:
        target: What is tested.
        scenario: One of ``SCENARIOS``.

    Returns:
        What differs from what is expected, in words; an empty list is a pass.
    """
    world = make_world(scenario.setting)
    application = target.build(world)
    expected = scenario.expected_of(target.lacks)
    try:
        received = application.send(scenario.request.filled(world.tokens))
    except Exception as error:  # noqa: BLE001  (whatever comes through is a finding, not the end of the test)
        if expected.is_unhandled and isinstance(error, PraetorianError):
            return []
        return [f"{type(error).__name__} came through; expected status {expected.status}"]
    found = differences(expected, received, target.style)
    told = [] if expected.code is None else [expected.code]
    if told != world.told:
        found.append(f"the tasks were told {world.told}; expected {told}")
    return found


def differences(expected: Expected, received: Received, style: BodyStyle = BodyStyle.CANONICAL) -> list[str]:
    """Return in words what differs between what was expected and what was received.

    Args:
        expected: What had to come back.
        received: What came back.
        style: What the body of a refusal looks like.
    """
    body = expected.body_in(style)
    json = received.json
    code: object = json.get("code") if isinstance(json, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    pairs: list[tuple[str, object, object]] = [
        ("status", expected.status, received.status),
        ("challenge", expected.challenge, received.header("WWW-Authenticate")),
        ("Cache-Control", expected.cache_control, received.header("Cache-Control")),
        ("Retry-After", expected.retry_after, received.header("Retry-After")),
    ]
    if body is not None:
        pairs += [("code", expected.code, code), ("body", body, json)]
    return [f"{what} is {found!r}; expected {wanted!r}" for what, wanted, found in pairs if wanted != found]
