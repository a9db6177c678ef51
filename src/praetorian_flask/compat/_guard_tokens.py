"""The methods of ``Praetorian`` for tokens."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import cast

from praetorian_flask.compat._constants import (
    IS_REGISTRATION_TOKEN_CLAIM,
    IS_RESET_TOKEN_CLAIM,
    RESERVED_CLAIMS,
    VITAM_AETERNUM,
    AccessType,
)
from praetorian_flask.compat._durations import to_duration
from praetorian_flask.compat._errors import (
    BlacklistedError,
    ClaimCollisionError,
    ConfigurationError,
    EarlyRefreshError,
    ExpiredAccessError,
    ExpiredRefreshError,
    InvalidRegistrationToken,
    InvalidResetToken,
    MissingClaimError,
    MissingUserError,
    MisusedRegistrationToken,
    MisusedResetToken,
    old_errors,
)
from praetorian_flask.compat._moved import moved
from praetorian_flask.compat._state import GuardState, StoredUser
from praetorian_flask.compat._tokens import Data, custom_claims, joined_roles

_PURPOSES = {access_type.value: access_type.name for access_type in AccessType}


class TokenMethods(GuardState):
    """Issue, refresh and validate tokens."""

    @moved
    def encode_jwt_token(
        self,
        user: object,
        override_access_lifespan: object = None,
        override_refresh_lifespan: object = None,
        bypass_user_check: bool = False,  # noqa: FBT001, FBT002  (flask-praetorian's signature)
        is_registration_token: bool = False,  # noqa: FBT001, FBT002  (flask-praetorian's signature)
        is_reset_token: bool = False,  # noqa: FBT001, FBT002  (flask-praetorian's signature)
        **custom_claims: object,
    ) -> str:
        """Return the first token of a session, or a registration or reset token.

        Args:
            user: The user.
            override_access_lifespan: In place of ``JWT_ACCESS_LIFESPAN``.
            override_refresh_lifespan: In place of ``JWT_REFRESH_LIFESPAN``.
            bypass_user_check: Whether a user who is not valid gets a token.
            is_registration_token: Whether the token confirms a registration.
            is_reset_token: Whether the token resets a password.
            custom_claims: JSON values that the token carries.

        Raises:
            ClaimCollisionError: A custom claim has a reserved name.
            MissingUserError: There is no user.
            InvalidUserError: The user is not valid.
            ConfigurationError: A claim is not a JSON value, or a role name holds a comma.
        """
        flags = {IS_REGISTRATION_TOKEN_CLAIM: is_registration_token, IS_RESET_TOKEN_CLAIM: is_reset_token}
        return self._issue(
            user,
            (override_access_lifespan, override_refresh_lifespan),
            custom_claims,
            flags=[flag for flag, is_set in flags.items() if is_set],
            checks_user=not bypass_user_check,
        )

    def _issue(
        self,
        user: object,
        overrides: tuple[object, object],
        custom: Mapping[str, object],
        *,
        flags: Iterable[str] = (),
        checks_user: bool = True,
    ) -> str:
        """Return a new token; see ``encode_jwt_token``."""
        self._require_initialized()
        if not RESERVED_CLAIMS.isdisjoint(custom):
            raise ClaimCollisionError("The custom claims collide with required claims")
        if checks_user:
            self._check_user(user)
        elif user is None:
            raise MissingUserError("Could not find the requested user")
        now = _now()
        access = _seconds(overrides[0], "override_access_lifespan", self.access_lifespan)
        refresh = _seconds(overrides[1], "override_refresh_lifespan", self.refresh_lifespan)
        data: Data = {
            "iat": now,
            "exp": now + min(access, refresh),
            "rf_exp": now + refresh,
            "jti": str(uuid.uuid4()),
            "id": self._identity_of(user),
            "rls": self._roles_of(user),
            **dict.fromkeys(flags, True),
            **custom,
        }
        if self.encode_jwt_token_hook is not None:
            self.encode_jwt_token_hook(**data)
        return self._encode(data)

    def _encode(self, data: Data) -> str:
        with old_errors():
            return self._tokens.encode(data)

    def _identity_of(self, user: object) -> object:
        identity: object = cast("StoredUser", user).identity
        return identity if type(identity) in (int, str) else _as_claim(identity)

    def _roles_of(self, user: object) -> str:
        names: object = getattr(user, "rolenames", ()) if self.roles_disabled else cast("StoredUser", user).rolenames
        if isinstance(names, str):
            names = names.split(",")
        return joined_roles(cast("list[object]", names or ()))

    @moved
    def encode_eternal_jwt_token(self, user: object, **custom_claims: object) -> str:
        """Return a token that lasts a million days. Prefer one that ends."""
        return self._issue(user, (VITAM_AETERNUM, VITAM_AETERNUM), custom_claims)

    @moved
    def refresh_jwt_token(self, token: str | bytes, override_access_lifespan: object = None) -> str:
        """Return the next token of a session: the same end, ``jti`` and custom claims, and the user's present roles.

        Raises:
            EarlyRefreshError: The access lifespan has not ended yet.
            ExpiredRefreshError: The refresh lifespan has ended.
            PraetorianError: See ``extract_jwt_token``.
            MissingUserError: The user does not exist.
            InvalidUserError: The user is not valid.
        """
        data = self.extract_jwt_token(token, access_type=AccessType.refresh)
        user = self.identify(data["id"])
        self._check_user(user)
        now = _now()
        access = _seconds(override_access_lifespan, "override_access_lifespan", self.access_lifespan)
        refreshed: Data = {
            "iat": now,
            "exp": min(now + access, cast("int", data["rf_exp"])),
            "rf_exp": data["rf_exp"],
            "jti": data["jti"],
            "id": data["id"],
            "rls": self._roles_of(user),
            **custom_claims(data),
        }
        if self.refresh_jwt_token_hook is not None:
            self.refresh_jwt_token_hook(**refreshed)
        return self._encode(refreshed)

    @moved
    def extract_jwt_token(self, token: str | bytes, access_type: AccessType = AccessType.access) -> Data:
        """Return the claims of a token that may be used for a purpose.

        Args:
            token: The token.
            access_type: The purpose.

        Raises:
            InvalidTokenHeader: The token is not genuine.
            MissingClaimError: A claim is absent.
            BlacklistedError: The token was revoked.
            ExpiredAccessError: The token has expired for this purpose.
            MisusedRegistrationToken: A registration token was presented for something else.
            MisusedResetToken: A reset token was presented for something else.
            InvalidRegistrationToken: The token confirms no registration.
            InvalidResetToken: The token resets no password.
        """
        self._require_initialized()
        data = self._tokens.decode(token, _now())
        self._validate_jwt_data(data, access_type)
        return data

    def _validate_jwt_data(self, data: Data, access_type: AccessType) -> None:
        """Raise unless the claims of a token allow a purpose; see ``extract_jwt_token``."""
        if "jti" not in data:
            raise MissingClaimError("Token is missing jti claim")
        if self.is_blacklisted(cast("str", data["jti"])):
            raise BlacklistedError("Token has a blacklisted jti")
        for name, text in (("id", "id field"), ("exp", "exp claim"), ("rf_exp", "rf_exp claim")):
            if name not in data:
                raise MissingClaimError(f"Token is missing {text}")
        self._check_purpose(data, access_type, _now())

    def _check_purpose(self, data: Data, access_type: AccessType, now: int) -> None:
        flags = {name for name in (IS_REGISTRATION_TOKEN_CLAIM, IS_RESET_TOKEN_CLAIM) if name in data}
        # By value: under the alias flask_praetorian the enumeration may be another object with the same members.
        purpose = access_type.value
        name = _PURPOSES[purpose]
        if purpose == AccessType.register.value:
            self._check_alive(now, cast("int", data["exp"]), name)
            if IS_REGISTRATION_TOKEN_CLAIM not in flags:
                raise InvalidRegistrationToken("invalid registration token used for verification")
            if IS_RESET_TOKEN_CLAIM in flags:
                raise MisusedResetToken("password reset token used for registration")
            return
        if IS_REGISTRATION_TOKEN_CLAIM in flags:
            raise MisusedRegistrationToken(f"registration token used for {name}")
        if purpose == AccessType.reset.value:
            self._check_alive(now, cast("int", data["exp"]), name)
            if IS_RESET_TOKEN_CLAIM not in flags:
                raise InvalidResetToken("invalid reset token used for verification")
            return
        if IS_RESET_TOKEN_CLAIM in flags:
            raise MisusedResetToken(f"password reset token used for {name}")
        self._check_deadlines(data, now, is_refresh=purpose == AccessType.refresh.value)

    def _check_deadlines(self, data: Data, now: int, *, is_refresh: bool) -> None:
        options = self._require_initialized()
        expires, ends = cast("int", data["exp"]), cast("int", data["rf_exp"])
        if not is_refresh:
            self._check_alive(now, min(expires + options.leeway, ends), "access")
        elif now >= ends:
            raise ExpiredRefreshError("refresh permission for token has expired")
        elif now < expires - int(options.early_refresh.total_seconds()):
            raise EarlyRefreshError("access permission for token has not expired. may not refresh")

    def _check_alive(self, now: int, deadline: int, name: str) -> None:
        if now >= deadline:
            raise ExpiredAccessError(f"{name} permission has expired")

    def check_session(self, token: str) -> None:
        """Raise if the store says that the session has ended; without ``PRAETORIAN_STORE`` there is nothing to ask.

        Args:
            token: A token that ``extract_jwt_token`` has accepted.

        Raises:
            BlacklistedError: The session was revoked.
        """
        if self._require_initialized().store is not None:
            with old_errors():
                self.guard.verify(token)

    @moved
    def pack_header_for_user(
        self,
        user: object,
        override_access_lifespan: object = None,
        override_refresh_lifespan: object = None,
        **custom_claims: object,
    ) -> dict[str, str]:
        """Return the header of a client that has logged in as a user."""
        token = self._issue(user, (override_access_lifespan, override_refresh_lifespan), custom_claims)
        return {self.header_name: f"{self.header_type} {token}"}


def _now() -> int:
    return int(time.time())


def _seconds(override: object, name: str, default: timedelta) -> int:
    # The attribute of the guard may have been set since, to any form of a lifespan.
    return int(to_duration(default if override is None else override, name).total_seconds())


def _as_claim(identity: object) -> object:
    """Return an identity that is neither an int nor a str as flask-praetorian wrote it: its text."""
    if isinstance(identity, int) and not isinstance(identity, bool):
        return int(identity)
    if identity is None:
        raise ConfigurationError("user.identity is None; a user needs an identity before it gets a token")
    return str(identity)
