"""Shared context of a guard's flows."""

from __future__ import annotations

import attrs

from praetorian_core.errors import ConfigurationError, InvalidUserError, MissingUserError
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.questions import (
    CheckActive,
    DescribeUser,
    Flow,
    IdentifyUser,
    ask,
)
from praetorian_core.settings import Settings
from praetorian_core.token.claims import BlankRolesWarning, encode_identity, encode_roles
from praetorian_core.token.codec import TokenCodec


@attrs.frozen(kw_only=True)
class FlowContext:
    """The unchanging context of a guard's flows.

    Attributes:
        settings: The configuration.
        codec: Encodes and decodes tokens.
        throttle: Limits login attempts; None for no limit.
        has_store: Whether there is a store.
        renews_passwords: Whether an outdated password hash can be saved again.
        warn_of_blank_roles: Logs once that role names have blanks around them.
    """

    settings: Settings
    codec: TokenCodec
    throttle: LoginThrottle | None
    has_store: bool
    renews_passwords: bool
    warn_of_blank_roles: BlankRolesWarning = attrs.field(init=False, repr=False, factory=BlankRolesWarning)

    def need_store(self, call: str) -> None:
        """Raise if there is no store.

        Raises:
            ConfigurationError: There is none; the text names the setting.
        """
        if not self.has_store:
            raise ConfigurationError(
                f"{call} needs a store; set PRAETORIAN_STORE, for example to 'sqlite:///state.db', or pass store= to the guard"
            )


def require_user(identity: object) -> Flow[object]:
    """Return the user with an identity.

    Raises:
        MissingUserError: There is no such user.
    """
    user = yield from ask(IdentifyUser(identity))
    if user is None:
        raise MissingUserError
    return user


def require_active(user: object) -> Flow[None]:
    """Raise if the user's account is not active.

    Raises:
        InvalidUserError: The account is not active.
    """
    active = yield from ask(CheckActive(user))
    if type(active) not in (bool, int) or active != 1:
        raise InvalidUserError


def identity_and_roles(context: FlowContext, user: object) -> Flow[tuple[object, frozenset[str]]]:
    """Return a user's identity and roles as a token carries them.

    Raises:
        ConfigurationError: An attribute of the user cannot be encoded.
    """
    facts = yield from ask(DescribeUser(user))
    roles = frozenset[str]()
    if not context.settings.roles_disabled:
        roles = encode_roles(facts.rolenames, context.warn_of_blank_roles)
    return encode_identity(facts.identity, context.settings.parse_identity), roles
