"""An adapter for Starlette, written in an hour: ``adapter.py`` is all of it.

``app.py`` is the application that the contract asks for, and ``test_starlette_app.py`` plays the contract on it.
"""

from .app import create_app

__all__ = ["create_app"]
