"""What every flow of one guard goes by."""

from __future__ import annotations

import attrs

from praetorian_core.errors import (
    ConfigurationError,
    InvalidUserError,
    MissingUserError,
    ServiceUnavailableError,
)
from praetorian_core.login.throttle import LoginThrottle
from praetorian_core.questions import (
    CheckActive,
    DescribeUser,
    Flow,
    IdentifyUser,
    ask,
)
from praetorian_core.settings import Settings
from praetorian_core.token.claims import encode_identity, encode_roles
from praetorian_core.token.codec import TokenCodec


@attrs.frozen(kw_only=True)
class FlowContext:
    """The unchanging context of a guard's flows.

    Attributes:
        settings: What the operator chose.
        codec: How tokens are minted and read.
        throttle: How logins are slowed; None for not at all.
        has_store: Whether sessions are remembered.
        renews_passwords: Whether an outdated password hash can be saved anew.
    """

    settings: Settings
    codec: TokenCodec
    throttle: LoginThrottle | None
    has_store: bool
    renews_passwords: bool

    def need_store(self, call: str) -> None:
        """Return iff there is a store.

        Raises:
            ConfigurationError: There is none; the text names the setting.
        """
        if not self.has_store:
            detail = f"{call} needs a store; set PRAETORIAN_STORE, or hand the guard a store="
            raise ConfigurationError(detail)


def require_user(identity: object) -> Flow[object]:
    """Return the user behind a token, who must exist.

    Raises:
        MissingUserError: There is no such user.
    """
    user = yield from ask(IdentifyUser(identity))
    if user is None:
        raise MissingUserError
    return user


def require_valid(user: object) -> Flow[None]:
    """Return iff the user may still act.

    Raises:
        InvalidUserError: The user may not.
        ServiceUnavailableError: The application's method answered neither yes nor no.
    """
    valid = yield from ask(CheckActive(user))
    if valid is True:
        return
    if valid is False:
        raise InvalidUserError
    detail = f"the user's validation method returned {type(valid).__name__}; expected True or False"
    raise ServiceUnavailableError(detail)


def identity_and_roles(context: FlowContext, user: object) -> Flow[tuple[object, frozenset[str]]]:
    """Return a user's identity and roles, both fit for a token.

    Raises:
        ConfigurationError: The user's attributes cannot be read into a token.
    """
    facts = yield from ask(DescribeUser(user))
    roles = frozenset[str]() if context.settings.roles_disabled else encode_roles(facts.rolenames)
    return encode_identity(facts.identity), roles
