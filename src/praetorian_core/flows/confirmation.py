"""Confirm the password during a session: an exchange of the token that needs the password.

The order is: the token and its session are checked, the user is loaded, the attempt is counted like a login to the same
account, the password is checked, the generation is spent. A wrong password spends nothing, so the user can try again.
"""

from __future__ import annotations

from praetorian_core.events import AuthenticationConfirmed, session_digest
from praetorian_core.flows.context import FlowContext
from praetorian_core.flows.exchange import check_unspent, exchange, present
from praetorian_core.flows.login import Login
from praetorian_core.flows.sessions import load_user, read_session
from praetorian_core.questions import Emit, Flow, ask
from praetorian_core.token.lifecycle import check_session_end


def confirm(
    context: FlowContext,
    token: str | bytes,
    password: object,
    source: str | None,
    access_lifespan: int | None,
    now: int,
) -> Flow[str]:
    """Return the next token of a session whose user has just given the password; its ``auth_time`` is now.

    Raises:
        InvalidTokenError: The token is not genuine.
        MisusedTokenError: It is an action token.
        ExpiredRefreshError: Its session has expired.
        RevokedTokenError: Its session was ended.
        ReusedTokenError: It was exchanged before; its session is now ended.
        MissingUserError: The user does not exist any more.
        InvalidUserError: The user's account is not active.
        AuthenticationError: The password is wrong.
        LoginThrottledError: A limit was reached; the password was not checked.
        ServiceUnavailableError: A call that the decision depends on failed.
        ConfigurationError: The source is neither a str nor None.
    """
    login = Login(context, source, now)
    claims = read_session(context, token, now)
    principal = claims.principal
    check_session_end(principal, now, context.settings.idle_lifespan)
    presented = yield from present(context, claims, now)
    # Before the password: a copied token must not serve to guess it.
    yield from check_unspent(context, presented, now)
    attempt = None if context.throttle is None else context.throttle.confirmation(source, now)
    counted = yield from login.count(attempt, load_user(principal))
    check = yield from login.check_password(password, counted)
    if check.matches is not True:
        yield from login.fail(counted.account)
    yield from login.succeed(counted, password, check)
    fresh = yield from exchange(context, presented, counted.user, access_lifespan, now, now)
    identity, session = str(principal.identity), session_digest(principal.session_id)
    yield from ask(Emit(AuthenticationConfirmed(at=now, identity=identity, session=session, source=source)))
    return fresh
