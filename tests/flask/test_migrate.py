"""``praetorian migrate``, on sources as applications have them."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from praetorian_flask.migrate import find_uses, migrate, rewrite

APPLICATION = """\
# the application
import os, flask_praetorian
from flask_praetorian import Praetorian, auth_required as needs_login
from flask_praetorian.exceptions import (
    PraetorianError,
)

guard = Praetorian()


def login(user):
    return {"access_token": guard.encode_jwt_token(user, override_access_lifespan=LIFE)}


@flask_praetorian.roles_required("admin")
def panel():
    return guard.refresh_jwt_token(guard.read_token_from_header())
"""


class TestRewrite:
    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("import flask_praetorian", "import praetorian_flask.compat as flask_praetorian"),
            ("import flask_praetorian as fp", "import praetorian_flask.compat as fp"),
            ("import os, flask_praetorian, re", "import os, praetorian_flask.compat as flask_praetorian, re"),
            ("import flask_praetorian.exceptions", "import praetorian_flask.compat as flask_praetorian"),
            ("import flask_praetorian.exceptions as e", "import praetorian_flask.compat.exceptions as e"),
            ("from flask_praetorian import Praetorian", "from praetorian_flask.compat import Praetorian"),
            (
                "from flask_praetorian.base import Praetorian as P",
                "from praetorian_flask.compat.base import Praetorian as P",
            ),
            ("from  flask_praetorian  import (\n  a,\n  b)", "from  praetorian_flask.compat  import (\n  a,\n  b)"),
            ("from \\\n  flask_praetorian import a", "from \\\n  praetorian_flask.compat import a"),
            ("ä = 'é'; import flask_praetorian", "ä = 'é'; import praetorian_flask.compat as flask_praetorian"),
            (
                "try:\n\timport flask_praetorian\nfinally: pass",
                "try:\n\timport praetorian_flask.compat as flask_praetorian\nfinally: pass",
            ),
            (
                "x = 1\x0c\nimport flask_praetorian\r\n",
                "x = 1\x0c\nimport praetorian_flask.compat as flask_praetorian\r\n",
            ),
        ],
    )
    def test_imports(self, before, after):
        """Every form of import turns to the drop-in and binds the same name."""
        assert after == rewrite(before)

    @pytest.mark.parametrize(
        "source",
        [
            "import flask_praetorian_extras",
            "from my.flask_praetorian import x",
            "from .flask_praetorian import x",
            "'flask_praetorian'",
            "",
        ],
    )
    def test_leaves_the_rest(self, source):
        """Other modules, relative ones and text stay as they are."""
        assert source == rewrite(source)

    def test_twice(self):
        """A second run changes nothing."""
        assert rewrite(APPLICATION) == rewrite(rewrite(APPLICATION))


class TestFindUses:
    def test_lines(self):
        """Each use is found with its line."""
        assert [
            (2, "import flask_praetorian"),
            (3, "Praetorian"),
            (3, "auth_required"),
            (5, "PraetorianError"),
            (12, "encode_jwt_token"),
            (12, "override_access_lifespan="),
            (15, "roles_required"),
            (17, "read_token_from_header"),
            (17, "refresh_jwt_token"),
        ] == [(use.line, use.name) for use in find_uses(APPLICATION)]

    def test_other_names_of_the_module(self):
        """A name is found under each name that the module or a submodule was imported as."""
        source = (
            "import flask_praetorian as fp\n"
            "import flask_praetorian.exceptions as fe\n"
            "from flask_praetorian import utilities\n"
            "from flask_praetorian import constants as c\n"
            "fp.auth_required, fe.MissingToken, utilities.current_guard, c.AccessType\n"
            "other.auth_required\n"
        )

        assert {"auth_required", "MissingToken", "current_guard", "AccessType"} == {
            use.name for use in find_uses(source) if use.line == 5
        }
        assert [] == [use for use in find_uses(source) if use.line == 6]

    def test_a_guard_from_another_module(self):
        """A guard that is imported from the application's own module is recognized by its methods."""
        source = "from .extensions import guard\ntoken = guard.encode_jwt_token(user)\nuser = guard.authenticate(a, b)"

        assert [(2, "encode_jwt_token"), (3, "authenticate")] == [(use.line, use.name) for use in find_uses(source)]

    def test_configuration(self):
        """Configuration keys are found where they are written as text."""
        source = 'app.config["PRAETORIAN_CONFIRMATION_URI"] = "https://shop.example"'

        assert [(1, "PRAETORIAN_CONFIRMATION_URI")] == [(use.line, use.name) for use in find_uses(source)]

    def test_after_the_rewrite(self):
        """An import from the drop-in is still listed, because its names are still to be replaced."""
        before, after = (
            {use.name for use in find_uses(source) if not use.name.startswith("import ")}
            for source in (APPLICATION, rewrite(APPLICATION))
        )

        assert before == after

    @pytest.mark.parametrize("source", ["service.authenticate(a, b)", "x.hash_password(y)", "import flask"])
    def test_strangers(self, source):
        """A common method name alone is no use of flask-praetorian."""
        assert [] == find_uses(source)


class TestCommand:
    @pytest.fixture
    def project(self, tmp_path):
        """Return a folder with an application, and a virtual environment that must not be read."""
        (tmp_path / "app.py").write_text(APPLICATION, encoding="utf-8")
        (tmp_path / "other.py").write_text("print('unrelated')", encoding="utf-8")
        (tmp_path / "requirements.txt").write_text(
            "flask\nflask-praetorian==1.3.0\n# flask-praetorian\n", encoding="utf-8"
        )
        (tmp_path / "env").mkdir()
        (tmp_path / "env" / "pyvenv.cfg").touch()
        (tmp_path / "env" / "x.py").write_text("import flask_praetorian", encoding="utf-8")
        return tmp_path

    def run(self, *arguments):
        return CliRunner().invoke(migrate, [str(argument) for argument in arguments])

    def test_list(self, project):
        """Each use is shown by file and line, with what it becomes and whether the drop-in keeps it."""
        result = self.run(project)

        assert 0 == result.exit_code
        assert (
            f"{project}/app.py:12: encode_jwt_token (kept by the drop-in)\n"
            "    becomes current_guard().issue(user, access_lifespan=..., refresh_lifespan=..., **claims)\n"
        ) in result.output
        assert f"{project}/requirements.txt:2: flask-praetorian==1.3.0\n    becomes praetorian-core[" in result.output
        assert "other.py" not in result.output
        assert "env" not in result.output.replace(str(project), "")

    def test_diff(self, project):
        """``--diff`` shows the imports and changes nothing."""
        result = self.run(project, "--diff")

        assert "\n-import os, flask_praetorian\n" in result.output
        assert "\n+import os, praetorian_flask.compat as flask_praetorian\n" in result.output
        assert APPLICATION == (project / "app.py").read_text(encoding="utf-8")

    def test_write(self, project):
        """``--write`` changes the imports, and what was written is Python."""
        self.run(project, "--write")
        written = (project / "app.py").read_text(encoding="utf-8")

        assert rewrite(APPLICATION) == written
        compile(written, "app.py", "exec")

    def test_encodings(self, tmp_path):
        """A file keeps its encoding, its line ends and its byte order mark."""
        latin = tmp_path / "latin.py"
        latin.write_bytes("# coding: latin-1\r\nimport flask_praetorian  # für\r\n".encode("latin-1"))
        marked = tmp_path / "marked.py"
        marked.write_bytes(b"\xef\xbb\xbfimport flask_praetorian\n")
        self.run(tmp_path, "--write")

        changed = "import praetorian_flask.compat as flask_praetorian"
        assert f"# coding: latin-1\r\n{changed}  # für\r\n".encode("latin-1") == latin.read_bytes()
        assert b"\xef\xbb\xbf" + changed.encode() + b"\n" == marked.read_bytes()

    @pytest.mark.parametrize("content", [b"def (", b"\xff\xfe\x00", b"x = 1\0"], ids=["syntax", "no-text", "nul"])
    def test_unreadable(self, project, content):
        """A file that is not Python is named and left alone; the others are still changed."""
        broken = project / "broken.py"
        broken.write_bytes(content)
        result = self.run(project, "--write")

        assert 1 == result.exit_code
        assert f"{broken}: not read: " in result.output
        assert content == broken.read_bytes()
        assert rewrite(APPLICATION) == (project / "app.py").read_text(encoding="utf-8")

    def test_nothing(self, tmp_path):
        """A folder that uses nothing of flask-praetorian says so."""
        (tmp_path / "app.py").write_text("import flask", encoding="utf-8")

        assert "nothing of flask-praetorian is used here\n" == self.run(tmp_path).output

    def test_as_a_program(self, project):
        """The installed command finds its subcommand."""
        command = [sys.executable, "-c", "from praetorian_core.cli import main; main()", "migrate", str(project)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

        assert "becomes current_guard().refresh(token)" in done.stdout
