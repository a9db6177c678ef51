"""What a view demands of a principal: roles, combined with ``&`` and ``|``.

    editors = any_role("editor", "admin") & all_roles("staff")

There is no "not": roles in a token may be stale, and a demand for the absence of a role would grant what the newest
roles forbid.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import attrs

from praetorian_core.errors import ConfigurationError, MissingRoleError
from praetorian_core.principal import Principal


def _role_names(names: tuple[object, ...], maker: str) -> frozenset[str]:
    # Without a name "all of them" would admit everybody (ASVS 8.2.1); and `@roles_required` without a call would take
    # the view itself for a name.
    if not names:
        detail = f"{maker} was given no role; write the names, as in {maker}('admin')"
        raise ConfigurationError(detail)
    roles: set[str] = set()
    for name in names:
        if type(name) is not str or not name:
            detail = f"{maker} was given {type(name).__name__}; write role names, as in {maker}('admin')"
            raise ConfigurationError(detail)
        roles.add(name)
    return frozenset(roles)


class Policy(ABC):
    """Any demand for roles; made by ``all_roles`` and ``any_role`` and combined with ``&`` and ``|``."""

    __slots__ = ()

    @abstractmethod
    def permits(self, held: frozenset[str]) -> bool:
        """Tell whether these roles are enough."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the policy in words."""

    def __and__(self, other: Policy) -> Policy:
        """Return the policy that demands both."""
        return Both(self, other) if isinstance(other, Policy) else NotImplemented

    def __or__(self, other: Policy) -> Policy:
        """Return the policy that demands either."""
        return Either(self, other) if isinstance(other, Policy) else NotImplemented


def _some(_policy: object, _field: object, roles: frozenset[str]) -> None:
    # All of none is everybody (ASVS 8.2.1).
    if not roles:
        detail = "a policy was made of no role; write the names, as in all_roles('admin')"
        raise ConfigurationError(detail)


@attrs.frozen
class AllRoles(Policy):
    """Satisfied by a principal who holds every one of the roles."""

    roles: frozenset[str] = attrs.field(validator=_some)

    def permits(self, held: frozenset[str]) -> bool:
        """Tell whether these roles are enough."""
        return self.roles <= held

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"all of {', '.join(sorted(self.roles))}"


@attrs.frozen
class AnyRole(Policy):
    """Satisfied by a principal who holds one of the roles at least."""

    roles: frozenset[str] = attrs.field(validator=_some)

    def permits(self, held: frozenset[str]) -> bool:
        """Tell whether these roles are enough."""
        return not self.roles.isdisjoint(held)

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"any of {', '.join(sorted(self.roles))}"


@attrs.frozen
class Both(Policy):
    """Satisfied where both parts are."""

    first: Policy
    second: Policy

    def permits(self, held: frozenset[str]) -> bool:
        """Tell whether these roles are enough."""
        return self.first.permits(held) and self.second.permits(held)

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"({self.first}) and ({self.second})"


@attrs.frozen
class Either(Policy):
    """Satisfied where one part is."""

    first: Policy
    second: Policy

    def permits(self, held: frozenset[str]) -> bool:
        """Tell whether these roles are enough."""
        return self.first.permits(held) or self.second.permits(held)

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"({self.first}) or ({self.second})"


def all_roles(*names: str) -> AllRoles:
    """Return the policy that demands every one of these roles.

    Raises:
        ConfigurationError: No name was given, or one that is not a non-empty str.
    """
    return AllRoles(_role_names(names, "all_roles"))


def any_role(*names: str) -> AnyRole:
    """Return the policy that demands one of these roles.

    Raises:
        ConfigurationError: No name was given, or one that is not a non-empty str.
    """
    return AnyRole(_role_names(names, "any_role"))


def check_policy(policy: Policy, principal: Principal) -> None:
    """Return iff the principal satisfies the policy.

    Raises:
        MissingRoleError: It does not; the policy is in the error, for the log.
    """
    if policy.permits(principal.roles) is not True:
        raise MissingRoleError(required=str(policy))
