r"""An API on Falcon (ASGI): a chat room with an HTTP log and a WebSocket.

In the root of this repository:

    pip install ".[falcon]" 'uvicorn[standard]'
    export SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')"
    uvicorn --factory examples.falcon_asgi_app:create_app

In a second terminal, log in as ``ada``. ``create_app`` adds this account if there is none:

    TOKEN=$(curl -s localhost:8000/session -H 'Content-Type: application/json' \
        -d '{"username": "ada", "password": "correct horse battery staple"}' |
        python -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')
    curl -s localhost:8000/room -H "Authorization: Bearer $TOKEN"

The whole application is in ``app.py``.
"""

from .app import create_app

__all__ = ["create_app"]
