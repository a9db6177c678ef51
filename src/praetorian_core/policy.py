"""Policies: the roles and the recent authentication that a view requires, combined with ``&`` and ``|``.

    editors = any_role("editor", "admin") & all_roles("staff")
    transfers = all_roles("treasurer") & authenticated_within("5 minutes")

There is no "not". The roles in a token may be outdated, and a policy that requires the absence of a role would then
grant what the current roles forbid.

If a recent authentication alone would satisfy a policy, ``StaleAuthenticationError`` is raised, so that the client can ask
for the password again (RFC 9470); otherwise ``MissingRoleError`` is.
"""

from __future__ import annotations

import enum
from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import NoReturn

import attrs

from praetorian_core.errors import ConfigurationError, MissingRoleError, StaleAuthenticationError
from praetorian_core.lifespan import Lifespan, parse_lifespan
from praetorian_core.messages import type_name
from praetorian_core.principal import Principal

MAX_AHEAD = 60
"""How far ``auth_time`` may lie in the future, in seconds: as far as the clocks of machines may differ at most."""

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Policy(ABC):
    """A requirement for a principal.

    ``all_roles``, ``any_role`` and ``authenticated_within`` create policies; ``&`` and ``|`` combine them.
    """

    __slots__ = ()

    @abstractmethod
    def permits(self, principal: Principal, now: int) -> bool:
        """Return whether the principal satisfies the policy.

        Args:
            principal: The principal of a valid token.
            now: The current time, in seconds since the epoch.
        """

    @abstractmethod
    def __str__(self) -> str:
        """Return the policy in words."""

    @property
    def names(self) -> frozenset[str]:
        """The names of the roles that the policy mentions, as far as it declares them."""
        return frozenset()

    @property
    def reads_roles(self) -> bool:
        """Whether the policy depends on roles, so that it has no meaning where roles are disabled."""
        return True

    @property
    def max_ages(self) -> frozenset[int]:
        """The ages of an authentication that the policy mentions, in seconds, as far as it declares them."""
        return frozenset()

    def __bool__(self) -> NoReturn:
        """Raise: ``and`` and ``or`` return one of two policies and drop the other."""
        raise ConfigurationError("a policy is neither true nor false; write & for and, | for or")

    def __call__(self, *_: object) -> NoReturn:
        """Raise: a policy is no decorator."""
        raise ConfigurationError(f"a policy is not a decorator; write @policy_required(...) around it: {self}")

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

    def permits(self, principal: Principal, now: int) -> bool:  # noqa: ARG002  (roles have no age)
        """Return whether the principal has all of the roles."""
        return self.roles <= principal.roles

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

    def permits(self, principal: Principal, now: int) -> bool:  # noqa: ARG002  (roles have no age)
        """Return whether the principal has one of the roles."""
        return not self.roles.isdisjoint(principal.roles)

    @property
    def names(self) -> frozenset[str]:
        """The names of the roles."""
        return self.roles

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"any of {', '.join(sorted(self.roles))}"


def _seconds(max_age: object) -> int:
    return parse_lifespan(max_age, name="authenticated_within")


@attrs.frozen
class AuthenticatedWithin(Policy):
    """Requires that the user proved their identity a short time ago.

    Attributes:
        max_age: The age that the authentication must be below, in seconds.
    """

    max_age: int = attrs.field(converter=_seconds)

    def permits(self, principal: Principal, now: int) -> bool:
        """Return whether the authentication is younger than ``max_age``; one at an unknown time never is."""
        at = principal.authenticated_at
        return at is not None and now - self.max_age < at <= now + MAX_AHEAD

    @property
    def reads_roles(self) -> bool:
        """False: the policy has a meaning where roles are disabled."""
        return False

    @property
    def max_ages(self) -> frozenset[int]:
        """The age."""
        return frozenset({self.max_age})

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"authenticated within {_in_words(self.max_age)}"


@attrs.frozen
class _Pair(Policy):
    """Two parts.

    Attributes:
        first: One part.
        second: The other one.
    """

    first: Policy
    second: Policy

    @property
    def names(self) -> frozenset[str]:
        """The names of the roles of both parts."""
        return self.first.names | self.second.names

    @property
    def reads_roles(self) -> bool:
        """Whether one of the parts depends on roles."""
        return self.first.reads_roles or self.second.reads_roles

    @property
    def max_ages(self) -> frozenset[int]:
        """The ages of both parts."""
        return self.first.max_ages | self.second.max_ages


@attrs.frozen
class Both(_Pair):
    """Requires both parts."""

    def permits(self, principal: Principal, now: int) -> bool:
        """Return whether the principal satisfies both parts."""
        return self.first.permits(principal, now) and self.second.permits(principal, now)

    def __str__(self) -> str:
        """Return the policy in words."""
        return f"({self.first}) and ({self.second})"


@attrs.frozen
class Either(_Pair):
    """Requires one of two parts."""

    def permits(self, principal: Principal, now: int) -> bool:
        """Return whether the principal satisfies one of the parts."""
        return self.first.permits(principal, now) or self.second.permits(principal, now)

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


def authenticated_within(max_age: Lifespan) -> AuthenticatedWithin:
    """Return the policy that requires a recent login, or a recent ``Guard.confirm``; a refresh is neither.

    Args:
        max_age: The age that the authentication must be below: seconds, or any ``Lifespan``.

    Raises:
        ConfigurationError: ``max_age`` is not a lifespan.

    See:
        RFC 9470 §3, OpenID Connect Core 1.0 §2 (``auth_time``), ASVS 7.5.3.

    Example:
        >>> str(authenticated_within("5 minutes"))
        'authenticated within 5 minutes'
    """
    if callable(max_age) and not isinstance(max_age, Policy):
        raise ConfigurationError(
            "authenticated_within takes a lifespan; write @policy_required(authenticated_within('5 minutes'))"
        )
    return AuthenticatedWithin(max_age)


def check_policy(policy: Policy, principal: Principal, now: int) -> None:
    """Raise if the principal does not satisfy the policy.

    Args:
        policy: The policy.
        principal: The principal of a valid token.
        now: The current time, in seconds since the epoch.

    Raises:
        StaleAuthenticationError: A recent authentication alone would satisfy it; the error names how recent.
        MissingRoleError: The roles do not satisfy it; the error holds the policy, for the log.
    """
    if policy.permits(principal, now) is True:
        return
    # From the largest on, so the error requires no more than is needed.
    for max_age in sorted(policy.max_ages, reverse=True):
        if policy.permits(attrs.evolve(principal, authenticated_at=now - max_age + 1), now) is True:
            raise StaleAuthenticationError(max_age=max_age, authenticated_at=principal.authenticated_at, now=now)
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


def _in_words(seconds: int) -> str:
    unit, length = next(pair for pair in _UNITS if seconds % pair[1] == 0)
    return f"{seconds // length} {unit}" + ("" if seconds == length else "s")


def _role_name(name: object, maker: str) -> str:
    if isinstance(name, enum.Enum):
        name = name.value
    found = type_name(name)
    if callable(name) and not isinstance(name, Policy):
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
