"""Role policies: which roles a view requires, combined with ``&`` and ``|``.

    editors = any_role("editor", "admin") & all_roles("staff")

There is no "not". The roles in a token may be outdated, and a policy that requires the absence of a role would then
grant what the current roles forbid.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Collection

import attrs

from praetorian_core.errors import ConfigurationError, MissingRoleError
from praetorian_core.messages import type_name
from praetorian_core.principal import Principal


class Policy(ABC):
    """A requirement for roles; created by ``all_roles`` and ``any_role``, combined with ``&`` and ``|``."""

    __slots__ = ()

    @abstractmethod
    def permits(self, held: frozenset[str]) -> bool:
        """Return whether these roles satisfy the policy."""

    @abstractmethod
    def __str__(self) -> str:
        """Return the policy in words."""

    @property
    def names(self) -> frozenset[str]:
        """The names of the roles that the policy mentions, as far as it declares them."""
        return frozenset()

    def __and__(self, other: Policy) -> Policy:
        """Return the policy that requires both."""
        return Both(self, other) if isinstance(other, Policy) else NotImplemented

    def __or__(self, other: Policy) -> Policy:
        """Return the policy that requires one of the two."""
        return Either(self, other) if isinstance(other, Policy) else NotImplemented


def _not_empty(_policy: object, _field: object, roles: frozenset[str]) -> None:
    # "All of no roles" would be satisfied by every principal (ASVS 8.2.1).
    if not roles:
        raise ConfigurationError("a policy has no role; write the names, as in all_roles('admin')")


@attrs.frozen
class AllRoles(Policy):
    """Requires every one of the roles."""

    roles: frozenset[str] = attrs.field(validator=_not_empty)

    def permits(self, held: frozenset[str]) -> bool:
        """Return whether these roles satisfy the policy."""
        return self.roles <= held

    @property
    def names(self) -> frozenset[str]:
        """The names of the roles."""
        return self.roles

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"all of {', '.join(sorted(self.roles))}"


@attrs.frozen
class AnyRole(Policy):
    """Requires at least one of the roles."""

    roles: frozenset[str] = attrs.field(validator=_not_empty)

    def permits(self, held: frozenset[str]) -> bool:
        """Return whether these roles satisfy the policy."""
        return not self.roles.isdisjoint(held)

    @property
    def names(self) -> frozenset[str]:
        """The names of the roles."""
        return self.roles

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"any of {', '.join(sorted(self.roles))}"


@attrs.frozen
class Both(Policy):
    """Requires both parts."""

    first: Policy
    second: Policy

    def permits(self, held: frozenset[str]) -> bool:
        """Return whether these roles satisfy the policy."""
        return self.first.permits(held) and self.second.permits(held)

    @property
    def names(self) -> frozenset[str]:
        """The names of the roles of both parts."""
        return self.first.names | self.second.names

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"({self.first}) and ({self.second})"


@attrs.frozen
class Either(Policy):
    """Requires one of two parts."""

    first: Policy
    second: Policy

    def permits(self, held: frozenset[str]) -> bool:
        """Return whether these roles satisfy the policy."""
        return self.first.permits(held) or self.second.permits(held)

    @property
    def names(self) -> frozenset[str]:
        """The names of the roles of both parts."""
        return self.first.names | self.second.names

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"({self.first}) or ({self.second})"


def all_roles(*names: str) -> AllRoles:
    """Return the policy that requires every one of these roles.

    Args:
        names: Role names, or members of a str enum.

    Raises:
        ConfigurationError: There is no name, or a name is not a role name.
    """
    return AllRoles(role_names(names, "all_roles"))


def any_role(*names: str) -> AnyRole:
    """Return the policy that requires one of these roles.

    Args:
        names: Role names, or members of a str enum.

    Raises:
        ConfigurationError: There is no name, or a name is not a role name.
    """
    return AnyRole(role_names(names, "any_role"))


def check_policy(policy: Policy, principal: Principal) -> None:
    """Raise if the principal does not satisfy the policy.

    Raises:
        MissingRoleError: The roles do not satisfy it; the error holds the policy, for the log.
    """
    if policy.permits(principal.roles) is not True:
        raise MissingRoleError(required=str(policy))


def role_names(names: tuple[object, ...], maker: str) -> frozenset[str]:
    """Return the names that a policy or a decorator was given.

    Args:
        names: Role names, or members of a str enum.
        maker: What was called, for the error message.

    Raises:
        ConfigurationError: There is no name, or a name is not the name of one role.
    """
    # Without a call, `@roles_required` would take the view itself for a name.
    if not names:
        raise ConfigurationError(f"{maker} needs at least one role; write the names, as in {maker}('admin')")
    return frozenset(_role_name(name, maker) for name in names)


def _role_name(name: object, maker: str) -> str:
    if isinstance(name, enum.Enum):
        name = name.value
    found = type_name(name)
    if callable(name):
        view = getattr(name, "__name__", type(name).__name__)
        raise ConfigurationError(f"{maker} was given {view} in place of a role; write {maker}('admin')")
    if isinstance(name, Collection) and not isinstance(name, str | bytes):
        raise ConfigurationError(f"{maker} was given a {found}; write the names, as in {maker}('admin', 'editor')")
    if type(name) is not str:
        raise ConfigurationError(f"{maker} was given {found}; write role names, as in {maker}('admin')")
    if not name or name != name.strip():
        raise ConfigurationError(f"{maker} was given {name!r}; expected a name without blanks around it")
    if "," in name:
        separate = ", ".join(repr(part.strip()) for part in name.split(","))
        raise ConfigurationError(f"{maker} was given {name!r}, which is one name; write {maker}({separate})")
    return name
