"""An API on Falcon (WSGI): a notice board that everybody reads, members write on and moderators clean.

    export SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')"
    gunicorn 'examples.falcon_app:create_app()'

``app.py`` holds everything.
"""

from .app import create_app

__all__ = ["create_app"]
