"""An API on Falcon (ASGI): a chat room with an HTTP log and a WebSocket.

    export SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')"
    uvicorn --factory examples.falcon_asgi_app:create_app

The whole application is in ``app.py``.
"""

from .app import create_app

__all__ = ["create_app"]
