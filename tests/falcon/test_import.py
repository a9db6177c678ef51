"""What importing the adapter takes, and what it offers."""

import subprocess
import sys

import pytest

import praetorian_falcon


class TestImport:
    def test_without_falcon_names_the_extra(self, monkeypatch):
        """An ``ImportError`` that says what to write."""
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        for name in [name for name in sys.modules if name.partition(".")[0] == "praetorian_falcon"]:
            monkeypatch.delitem(sys.modules, name)

        with pytest.raises(ImportError, match=r'pip install "praetorian-core\[falcon\]"'):
            __import__("praetorian_falcon")

    def test_imports_no_other_framework(self):
        """Neither Flask nor its adapter comes along."""
        program = "import sys, praetorian_falcon; print(sorted({'flask', 'praetorian_flask'} & set(sys.modules)))"
        path = ":".join(sys.path)
        result = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, env={"PYTHONPATH": path}
        )

        assert result.stdout.strip() == "[]"


class TestNames:
    def test_are_those_of_the_contract(self):
        """What ``import *`` gives, sorted, and each of it there."""
        names = praetorian_falcon.__all__

        assert names == sorted(names)
        assert [name for name in names if not hasattr(praetorian_falcon, name)] == []
        assert set(names) == {
            "ASGIRequest",
            "PraetorianMiddleware",
            "WSGIRequest",
            "admit_websocket",
            "auth_accepted",
            "auth_exempt",
            "auth_required",
            "authenticate",
            "build_error_handler",
            "build_error_handler_async",
            "clear_token_cookies",
            "confirm",
            "credentials",
            "current_custom_claims",
            "current_guard",
            "current_principal",
            "current_principal_or_none",
            "current_rolenames",
            "current_token",
            "current_user",
            "current_user_id",
            "current_user_or_none",
            "init_app",
            "keep_principal",
            "policy_required",
            "roles_accepted",
            "roles_required",
            "set_token_cookies",
            "verify_in_request",
        }
