"""Admits a WebSocket by a token that comes in a message."""

from __future__ import annotations

import falcon.asgi

from praetorian_core import Principal
from praetorian_core.errors import ConfigurationError, PraetorianError
from praetorian_core.policy import Policy
from praetorian_falcon.current import async_guard, state_of
from praetorian_falcon.errors import close_refused


async def admit_websocket(
    req: falcon.asgi.Request, ws: falcon.asgi.WebSocket, token: str | bytes, policy: Policy | None = None
) -> Principal:
    """Admit an open WebSocket by a token that the client has sent as a message.

    The responder is decorated with ``@auth_accepted``, which accepts the handshake without a token and watches the socket
    from now on. A later call with a refreshed token of the same user prolongs the socket. Such a token must also satisfy
    every policy that was required before.

    Args:
        req: The handshake.
        ws: The WebSocket, which is closed if the token is rejected.
        token: The message.
        policy: The required policy; None for any principal.

    Returns:
        The principal, which the ``current_*`` functions return from now on.

    Raises:
        MisusedTokenError: The token is of another user than the WebSocket, or of another kind.
        PraetorianError: Every other error of ``AsyncGuard.admit_token``.
        ConfigurationError: The responder is not decorated.

    Example::

        @auth_accepted
        async def on_websocket(self, req, ws):
            await ws.accept()
            principal = await admit_websocket(req, ws, await ws.receive_text())
    """
    state = state_of(req)
    if state.changed is None:
        raise ConfigurationError(
            "this WebSocket would stay open when its token has expired, because no decorator watches it; decorate "
            "on_websocket with @auth_accepted"
        )
    try:
        while True:
            former = state.principal
            principal = await async_guard(state).admit_token(token, state.required(policy), instead_of=former)
            if state.principal is former:  # no other call has admitted a token meanwhile
                break
    except PraetorianError as error:
        # Here, so that a responder that catches the error cannot go on.
        await close_refused(req, ws, error)
        raise
    state.loaded = None
    state.keep(principal, policy)
    return principal
