"""An API on Falcon (ASGI) whose users are in a database, read through a thread-local SQLAlchemy session.

    export SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')"
    uvicorn --factory examples.falcon_sqlalchemy_app:create_app

The whole application is in ``app.py``.
"""

from .app import create_app

__all__ = ["create_app"]
