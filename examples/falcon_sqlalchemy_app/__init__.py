"""An API on Falcon (ASGI) whose users are in a database, read through a thread-local SQLAlchemy session.

In the root of this repository:

    pip install ".[falcon]" sqlalchemy uvicorn
    export SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(48))')"
    uvicorn --factory examples.falcon_sqlalchemy_app:create_app

The database ``users.db`` has no user at first. This adds one:

    from praetorian_core import PasswordHasher
    from examples.falcon_sqlalchemy_app.app import Session, User, open_database

    Session.configure(bind=open_database("sqlite:///users.db"))
    Session.add(User(name="ada", password=PasswordHasher().hash("correct horse battery staple"), rolenames=["editor"]))
    Session.commit()

The whole application is in ``app.py``.
"""

from .app import create_app

__all__ = ["create_app"]
