"""An API on Falcon (WSGI): a notice board with public reading, writing for members and deletion for moderators.

    export SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')"
    gunicorn 'examples.falcon_app:create_app()'

The whole application is in ``app.py``.
"""

from .app import create_app

__all__ = ["create_app"]
