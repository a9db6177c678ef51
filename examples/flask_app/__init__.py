"""An API with user accounts: Flask, SQLAlchemy and Praetorian.

In the root of this repository:

    pip install ".[flask]" sqlalchemy
    export FLASK_SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')"
    flask --app examples/flask_app add-user alice@example.org editor
    flask --app examples/flask_app run

``users.py`` holds the tables, ``app.py`` the routes.
"""

from .app import create_app

__all__ = ["create_app"]
