"""Tokens: signature, deadlines, revocation, actions, and the user that they name."""

from __future__ import annotations

from praetorian_core.testing.adapter_suite.answers import refused
from praetorian_core.testing.adapter_suite.scenarios.rows import ALICE, bearer, header, one
from praetorian_core.testing.adapter_suite.values import Expected, Request

SCENARIOS = (
    # signature and form
    one("not a compact serialization", header("Bearer canary"), refused("InvalidTokenError")),
    one("a key that is not configured", bearer("foreign"), refused("InvalidTokenError")),
    one("a wrong signature", bearer("unsigned"), refused("InvalidTokenError")),
    one("the algorithm none", bearer("none"), refused("InvalidTokenError")),
    one("a token beyond the length cap", header(f"Bearer {'A' * 8193}"), refused("InvalidTokenError")),
    one("a token without rf_exp", bearer("claimless"), refused("MissingClaimError")),
    # the clock of the issuing machine is ahead
    one("a token issued 10 seconds ahead", bearer("ten_seconds_ahead"), ALICE),
    one("a token issued 11 seconds ahead", bearer("eleven_seconds_ahead"), refused("InvalidTokenError")),
    # both deadlines, to the second
    one("access in the last second before exp", bearer("last_second"), ALICE),
    one("access at exp", bearer("expired"), refused("ExpiredAccessError")),
    one("access in the last second before rf_exp", bearer("last_refresh"), refused("ExpiredAccessError")),
    one("access at rf_exp", bearer("dead"), refused("ExpiredRefreshError")),
    one(
        "refresh in the last second before exp",
        bearer("last_second", method="POST", path="/refresh"),
        refused("EarlyRefreshError"),
    ),
    one("refresh at exp", bearer("expired", method="POST", path="/refresh"), Expected(body={"refreshed": True})),
    one(
        "refresh in the last second before rf_exp",
        bearer("last_refresh", method="POST", path="/refresh"),
        Expected(body={"refreshed": True}),
    ),
    one("refresh at rf_exp", bearer("dead", method="POST", path="/refresh"), refused("ExpiredRefreshError")),
    one("refresh without a token", Request(method="POST", path="/refresh"), refused("MissingTokenError")),
    one(
        "refresh with an invalid token",
        Request(method="POST", path="/refresh", headers=(("Authorization", "Bearer x"),)),
        refused("InvalidTokenError"),
    ),
    # revoked sessions
    one("a revoked session", bearer("revoked"), refused("RevokedTokenError")),
    one(
        "refresh of a revoked session",
        bearer("revoked_expired", method="POST", path="/refresh"),
        refused("RevokedTokenError"),
    ),
    one("a session of a user whose sessions were all revoked", bearer("ended"), refused("RevokedTokenError")),
    one(
        "refresh of such a session",
        bearer("ended_expired", method="POST", path="/refresh"),
        refused("RevokedTokenError"),
    ),
    one(
        "a later session of the same user",
        bearer("issued_after"),
        Expected(body={"id": 5, "roles": []}),
    ),
    one(
        "refresh of a token that was refreshed",
        bearer("reused", method="POST", path="/refresh"),
        refused("ReusedTokenError"),
    ),
    one(
        "refresh of the successor of a reused token",
        bearer("robbed", method="POST", path="/refresh"),
        refused("RevokedTokenError"),
    ),
    one("logout", bearer("leaver", method="POST", path="/logout"), Expected(body={"ended": True})),
    one(
        "logout with an expired token",
        bearer("leaver_expired", method="POST", path="/logout"),
        Expected(body={"ended": True}),
    ),
    one(
        "logout with a token whose refresh lifespan has expired",
        bearer("dead", method="POST", path="/logout"),
        Expected(body={"ended": True}),
    ),
    one(
        "logout of a revoked session", bearer("revoked", method="POST", path="/logout"), Expected(body={"ended": True})
    ),
    one(
        "logout with a forged token",
        bearer("foreign", method="POST", path="/logout"),
        refused("InvalidTokenError"),
    ),
    one("logout without a token", Request(method="POST", path="/logout"), refused("MissingTokenError")),
    # action tokens
    one("an action token", bearer("action", method="POST", path="/redeem"), Expected(body={"username": "alice"})),
    one("access with an action token", bearer("action"), refused("MisusedTokenError")),
    one(
        "refresh of an action token",
        bearer("action", method="POST", path="/refresh"),
        refused("MisusedTokenError"),
    ),
    one(
        "an action with a session token",
        bearer("good", method="POST", path="/redeem"),
        refused("MisusedTokenError"),
    ),
    one(
        "an action token of another action",
        bearer("other_action", method="POST", path="/redeem"),
        refused("MisusedTokenError"),
    ),
    one(
        "an action token at its exp",
        bearer("expired_action", method="POST", path="/redeem"),
        refused("ExpiredActionError"),
    ),
    one(
        "a redeemed action token",
        bearer("spent_action", method="POST", path="/redeem"),
        refused("ReusedTokenError"),
    ),
    one(
        "a revoked action token",
        bearer("withdrawn_action", method="POST", path="/redeem"),
        refused("ReusedTokenError"),
    ),
    # the user of the token
    one("the current user", bearer("good", path="/me"), Expected(body={"username": "alice"})),
    one("access of a disabled user until exp", bearer("disabled"), Expected(body={"id": 3, "roles": []})),
    one("the current user is disabled", bearer("disabled", path="/me"), refused("InvalidUserError")),
    one(
        "refresh of a disabled user",
        bearer("disabled_expired", method="POST", path="/refresh"),
        refused("InvalidUserError"),
    ),
    one("the current user is deleted", bearer("gone", path="/me"), refused("MissingUserError")),
    one(
        "refresh of a deleted user",
        bearer("gone_expired", method="POST", path="/refresh"),
        refused("MissingUserError"),
    ),
    one("access without the user store", bearer("broken"), Expected(body={"id": 13, "roles": []})),
    one(
        "the user store fails to load the current user",
        bearer("broken", path="/me"),
        refused("ServiceUnavailableError"),
    ),
    one(
        "the user store fails during a refresh",
        bearer("broken_expired", method="POST", path="/refresh"),
        refused("ServiceUnavailableError"),
    ),
)
