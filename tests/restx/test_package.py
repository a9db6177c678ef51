"""The imports of the package, and the error where one is missing."""

import importlib
import sys

import pytest

import praetorian_restx


class TestImport:
    def test_names(self):
        """Everything that is promised is there."""

        assert all(hasattr(praetorian_restx, name) for name in praetorian_restx.__all__)

    def test_without_the_framework(self, monkeypatch):
        """Where Flask-RESTX is absent, the error names the extra to install."""
        for name in [name for name in sys.modules if name.split(".")[0] in ("praetorian_restx", "flask_restx")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, "flask_restx", None)

        with pytest.raises(ImportError, match=r'pip install "praetorian-core\[restx\]"'):
            importlib.import_module("praetorian_restx")
