"""Table of scenarios: every fact that holds on every framework, and the application that it needs."""

from __future__ import annotations

from collections.abc import Mapping

from praetorian_core.testing.adapter_suite.scenarios import (
    confirmations,
    cookies,
    failures,
    header,
    listing,
    logins,
    methods,
    policies,
    sequences,
    sessions,
)
from praetorian_core.testing.adapter_suite.values import Scenario

ROUTES: Mapping[str, str] = {
    "GET /open": "no decorator: {id: identity of the principal, or null}",
    "GET /protected": "auth_required: {id, roles in order}",
    "GET /optional": "auth_accepted: {id: identity of the principal, or null}",
    "GET /admin": "roles_required('admin', 'reader'): {id}",
    "GET /staff": "roles_accepted('admin', 'editor'): {id}",
    "GET /policy": "policy_required(all_roles('reader') & any_role('admin', 'editor')): {id}",
    "GET /recent": "policy_required(authenticated_within('5 minutes')): {id}",
    "GET /transfer": "policy_required(all_roles('admin') & authenticated_within('5 minutes')): {id}",
    "GET /me": "auth_required, loads the user: {username}",
    "OPTIONS /options": "auth_required, answered by the application: {id}",
    "GET /counter": "no decorator: {count: how often another method of this path ran}",
    **{f"{method} /counter": "auth_required, adds one: {count}" for method in ("POST", "PUT", "PATCH", "DELETE")},
    "OPTIONS /counter": "auth_required, answered by the application, adds one: {count}",
    "GET /undecorated": "no decorator, but needs the principal: {id}",
    "GET /forbidden": "raises ForbiddenError",
    "GET /own": "raises praetorian_core.testing.adapter_suite.OutOfHoursError",
    "POST /login": "authenticates the members username and password of the JSON body: {username}",
    "POST /refresh": "refreshes the request's token: {refreshed: true}",
    "POST /cookie/login": "authenticates as /login does, and sets the cookies of a new token: {username}",
    "POST /cookie/refresh": "refreshes the request's token, and sets the cookies of the new one: {refreshed: true}",
    "POST /cookie/logout": "revokes the request's token, and deletes the cookies: {ended: true}",
    "POST /confirm": "confirms the request's token with the member 'password' of the JSON body, and verifies the next "
    "token: {authenticated_at}",
    "POST /logout": "revokes the request's token: {ended: true}",
    "GET /sessions": "auth_required, lists the user's sessions: {sessions: [[label, is_current], …]}",
    "POST /sessions": "logs in like /login, and issues a session with the header User-Agent as label: {username}",
    "DELETE /sessions": "auth_required, ends the user's other sessions: {ended: true}",
    "DELETE /sessions/<id>": "auth_required, ends the session of this id: {ended: whether there was one}",
    "POST /redeem": "redeems the request's token for the action 'confirm': {username}",
    "POST /password": "hashes the member 'password' of the JSON body: {changed: true}",
    "POST /collide": "issues a token for alice with the custom claim SUB",
    "POST /misfit": "issues a token for alice with a custom claim that is an object()",
}
"""Routes of a target's application, and what each answers if nothing is refused."""

SCENARIOS: tuple[Scenario, ...] = (
    *header.SCENARIOS,
    *sessions.SCENARIOS,
    *listing.SCENARIOS,
    *policies.SCENARIOS,
    *logins.SCENARIOS,
    *confirmations.SCENARIOS,
    *methods.SCENARIOS,
    *failures.SCENARIOS,
    *sequences.SCENARIOS,
    *cookies.SCENARIOS,
)

_CORE_NAMES = {
    "no header",
    "a bearer token",
    "two tokens",
    "two lines",
    "two lines, another scheme first",
    "two lines, another scheme last",
    "the algorithm none",
    "access in the last second before exp",
    "access at exp",
    "access at rf_exp",
    "refresh in the last second before exp",
    "refresh at exp",
    "refresh in the last second before rf_exp",
    "refresh at rf_exp",
    "a revoked session",
    "refresh of a token that was refreshed",
    "access with an action token",
    "one role of two",
    "both roles",
    "optional: no token",
    "optional: an invalid token",
    "the longest age of an authentication",
    "an authentication that is too old",
    "confirm: wrong password",
    "login",
    "login: wrong password",
    "login: a JSON array",
    "login: content type Application/JSON",
    "login: a byte order mark",
    "login: UTF-16",
    "login: a chunked body",
    "login: a longer body",
    "login: a longer chunked body",
    "spaces after the token",
    "a tab after the token",
    "the user store fails to load the current user",
    "a custom claim with a reserved name",
    "HEAD without a token",
    "OPTIONS of the application: no token",
    "a preflight of a guarded OPTIONS",
    "an anonymous request after an authenticated one",
    "a preflight does not run the view",
    "POST without a token has no effect",
}

CORE: tuple[Scenario, ...] = tuple(scenario for scenario in SCENARIOS if scenario.name in _CORE_NAMES)
"""Scenarios for real servers: they share one world, in any order, and move no clock."""
