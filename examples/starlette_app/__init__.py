"""An adapter for Starlette: ``adapter.py`` is all of it.

``app.py`` is the application of the adapter suite, and ``test_starlette_app.py`` runs the suite on it.
"""

from .app import create_app

__all__ = ["create_app"]
