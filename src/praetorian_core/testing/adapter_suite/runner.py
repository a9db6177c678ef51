"""Run a scenario on a target and describe the differences."""

from __future__ import annotations

from typing import Protocol

from praetorian_core.errors import PraetorianError
from praetorian_core.testing.adapter_suite.values import BodyStyle, Expected, Lack, Received, Request, Scenario, Step
from praetorian_core.testing.adapter_suite.world import World, make_world


class Application(Protocol):
    """Application that accepts requests: ``WSGIClient(app)``, ``ASGIClient(app)`` or an object with the same method."""

    def send(self, request: Request, /) -> Received:
        """Return the response to a request in which the tokens are filled in."""
        ...


class Target(Protocol):
    """A framework with its adapter in one configuration.

    Example::

        class OnMine:
            style = BodyStyle.CANONICAL
            lacks = frozenset({Lack.OPTIONS})

            def build(self, world):
                return WSGIClient(my_app(world))
    """

    @property
    def style(self) -> BodyStyle:
        """Form of a refusal's body."""
        ...

    @property
    def lacks(self) -> frozenset[Lack]:
        """Features that the framework does not have."""
        ...

    def build(self, world: World, /) -> Application:
        """Return the application that ``ROUTES`` describes, built over a world."""
        ...


def run(target: Target, scenario: Scenario) -> list[str]:
    """Run a scenario in a world of its own.

    Args:
        target: The adapter under test.
        scenario: One of ``SCENARIOS``.

    Returns:
        The differences from the expected responses of the first step that has any; an empty list is a pass.
    """
    world = make_world(scenario.setting)
    application = target.build(world)
    tokens = dict(world.tokens)
    for number, step in enumerate(scenario.steps, 1):
        found = _run_step(target, application, world, step, tokens)
        if found:
            return found if len(scenario.steps) == 1 else [f"request {number}: {text}" for text in found]
    return []


def _run_step(target: Target, application: Application, world: World, step: Step, tokens: dict[str, str]) -> list[str]:
    world.clock.tick(step.tick)
    world.reported.clear()
    expected = step.expected_of(target.lacks)
    try:
        received = application.send(step.request.filled(tokens))
    except Exception as error:  # noqa: BLE001  (any exception is a difference, not the end of the run)
        if expected.is_unhandled and isinstance(error, PraetorianError):
            return []
        return [f"{type(error).__name__} was not handled; expected status {expected.status}"]
    for name, value, _ in received.cookies:
        tokens["cookie_csrf" if "csrf" in name else "cookie"] = value
    found = differences(expected, received, target.style)
    reported = [] if expected.code is None else [expected.code]
    if reported != world.reported:
        found.append(f"the hooks received {world.reported}; expected {reported}")
    return found


def differences(expected: Expected, received: Received, style: BodyStyle = BodyStyle.CANONICAL) -> list[str]:
    """Return the differences between two responses, in words.

    Args:
        expected: Expected response.
        received: Received response.
        style: Form of a refusal's body.
    """
    json = received.json
    code: object = json.get("code") if isinstance(json, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    pairs: list[tuple[str, object, object]] = [
        ("status", expected.status, received.status),
        ("challenge", expected.challenge, received.header("WWW-Authenticate")),
        ("Cache-Control", expected.cache_control, received.header("Cache-Control")),
        ("Set-Cookie", expected.cookies, tuple(f"{name}=*; {rest}" for name, _, rest in received.cookies)),
        ("Retry-After", expected.retry_after, received.header("Retry-After")),
    ]
    if expected.content_type is not None:
        pairs.append(("Content-Type", expected.content_type, received.content_type))
    if expected.body is not None:
        pairs += [("code", expected.code, code), ("body", expected.body_in(style), json)]
    return [f"{what} is {found!r}; expected {wanted!r}" for what, wanted, found in pairs if wanted != found]
