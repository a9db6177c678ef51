"""The project's own promises: what is packaged, which versions are allowed, and that no test is excused."""

import doctest
import importlib
import pkgutil
import sys
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import praetorian_core

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MODULES = [info.name for info in pkgutil.walk_packages(praetorian_core.__path__, "praetorian_core.")]


def requirements():
    """Return every requirement that users install, those of the extras included."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for line in chain(project["dependencies"], *extras)]


def oldest_pins():
    """Return the lines of constraints/oldest.txt that pin something."""
    lines = (ROOT / "constraints" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


class TestDependencies:
    def test_each_has_a_lower_bound_and_no_other(self):
        """A library neither caps nor excludes: that is for the application."""

        for requirement in requirements():
            assert [spec.operator for spec in requirement.specifier] == [">="], requirement

    def test_oldest_pins_the_lower_bounds(self):
        """The oldest versions that are tested are the oldest that are allowed, all of them."""
        allowed = {
            (requirement.name, Version(spec.version))
            for requirement in requirements()
            for spec in requirement.specifier
        }
        pinned = {(pin.name, Version(spec.version)) for pin in oldest_pins() for spec in pin.specifier}

        assert pinned == allowed

    def test_oldest_pins_exactly(self):
        """Nothing in constraints/oldest.txt leaves a choice."""

        for pin in oldest_pins():
            assert [spec.operator for spec in pin.specifier] == ["=="], pin


class TestWheel:
    def test_holds_every_package(self):
        """Each import package under src is in the wheel."""
        packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

        assert sorted(packages) == sorted(
            path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("src/*/__init__.py")
        )

    def test_every_package_is_typed(self):
        """Type checkers read a package's annotations only beside a py.typed."""

        for package in ROOT.glob("src/*/__init__.py"):
            assert (package.parent / "py.typed").is_file(), package.parent


class TestDocstrings:
    @pytest.mark.parametrize("name", MODULES)
    def test_examples_hold(self, name):
        """What a docstring shows is what happens."""
        result = doctest.testmod(importlib.import_module(name))

        assert result.failed == 0


class TestNoTestIsExcused:
    @pytest.fixture
    def project(self, pytester):
        """Return a project that has our conftest."""
        pytester.makeconftest((ROOT / "conftest.py").read_text(encoding="utf-8"))
        return pytester

    @pytest.mark.parametrize(
        ("outcome", "source"),
        [
            ("skipped", "def test_it(): pytest.skip('later')"),
            ("skipped", "pytest.importorskip('no_such_module_anywhere')"),
            ("xfailed", "@pytest.mark.xfail\ndef test_it(): assert False"),
            ("xpassed", "@pytest.mark.xfail\ndef test_it(): assert True"),
        ],
    )
    def test_an_excused_test_fails_the_session(self, project, outcome, source):
        """A skipped test and one that is expected to fail are findings, named at the end."""
        project.makepyfile(f"import pytest\n{source}\ndef test_other(): pass")

        result = project.runpytest_subprocess("-p", "no:cacheprovider")

        assert result.ret != pytest.ExitCode.OK
        result.stdout.fnmatch_lines([f"no test may be excused: {outcome}: test_an_excused_test_fails_the_session.py*"])

    def test_a_session_of_run_tests_passes(self, project):
        """The twin: where every test ran, nothing is said."""
        project.makepyfile("def test_it(): pass")

        result = project.runpytest_subprocess("-p", "no:cacheprovider")

        assert result.ret == pytest.ExitCode.OK
        result.stdout.no_fnmatch_line("*excused*")
