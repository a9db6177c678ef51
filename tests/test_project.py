"""The project itself: the packages in the wheel, the allowed versions, the examples in docstrings, the rules of the suite."""

import doctest
import importlib
import pkgutil
import re
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
    """Return the requirements of the package and of its extras."""
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"].values()
    return [Requirement(line) for line in chain(project["dependencies"], *extras)]


def oldest_pins():
    """Return the pins of constraints/oldest.txt."""
    lines = (ROOT / "constraints" / "oldest.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


class TestDependencies:
    def test_each_has_a_lower_bound_and_no_other(self):
        """A library sets no upper bound and excludes no version: the application decides."""

        for requirement in requirements():
            assert [">="] == [spec.operator for spec in requirement.specifier], requirement

    def test_oldest_pins_the_lower_bounds(self):
        """The oldest tested version of each requirement is the oldest allowed version."""
        allowed = {
            (requirement.name, Version(spec.version))
            for requirement in requirements()
            for spec in requirement.specifier
        }
        pinned = {(pin.name, Version(spec.version)) for pin in oldest_pins() for spec in pin.specifier}

        assert allowed == pinned

    def test_oldest_pins_exactly(self):
        """Each line of constraints/oldest.txt allows one version."""

        for pin in oldest_pins():
            assert ["=="] == [spec.operator for spec in pin.specifier], pin


class TestWheel:
    def test_holds_every_package(self):
        """The wheel holds each package under src."""
        packages = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

        assert sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.glob("src/*/__init__.py")) == sorted(
            packages
        )

    def test_every_package_is_typed(self):
        """Type checkers read the annotations of a package only if it holds py.typed."""

        for package in ROOT.glob("src/*/__init__.py"):
            assert (package.parent / "py.typed").is_file(), package.parent


class TestContributing:
    def test_names_every_layer(self):
        """The table of layers in CONTRIBUTING.md has the modules of the import contract, in its order."""
        (contract,) = [
            contract
            for contract in PYPROJECT["tool"]["importlinter"]["contracts"]
            if contract.get("containers") == ["praetorian_core"]
        ]
        rows = re.findall(r"^\| \d \| (.*?) \|", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)

        assert re.findall(r"\w+", " ".join(contract["layers"])) == re.findall(r"`(\w+)`", " ".join(rows))


class TestDocstrings:
    @pytest.mark.parametrize("name", MODULES)
    def test_examples_hold(self, name):
        """The examples of a docstring return what it shows."""
        result = doctest.testmod(importlib.import_module(name))

        assert 0 == result.failed


class TestNoTestIsExcused:
    def test_an_excused_test_fails_the_session(self, pytester):
        """A skipped test and an expected failure fail the run, on several workers too, and the summary names each."""
        pytester.makeconftest((ROOT / "conftest.py").read_text(encoding="utf-8"))
        pytester.makepyfile(
            test_skip="import pytest\ndef test_it(): pytest.skip('later')",
            test_import="import pytest\npytest.importorskip('no_such_module_anywhere')",
            test_xfail="import pytest\n@pytest.mark.xfail\ndef test_it(): assert False",
            test_xpass="import pytest\n@pytest.mark.xfail\ndef test_it(): assert True",
            test_pass="def test_it(): pass",
        )

        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "1")

        assert pytest.ExitCode.TESTS_FAILED == result.ret
        assert {
            "no test may be excused: skipped: test_skip.py::test_it",
            "no test may be excused: skipped: test_import.py",
            "no test may be excused: xfailed: test_xfail.py::test_it",
            "no test may be excused: xpassed: test_xpass.py::test_it",
        } == {line for line in result.outlines if line.startswith("no test")}

    def test_a_session_of_run_tests_passes(self, pytester):
        """A run in which every test ran passes, and its summary says nothing of excused tests."""
        pytester.makeconftest((ROOT / "conftest.py").read_text(encoding="utf-8"))
        pytester.makepyfile("def test_it(): pass")

        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:randomly")

        assert pytest.ExitCode.OK == result.ret
        result.stdout.no_fnmatch_line("*excused*")


class TestIds:
    @pytest.mark.parametrize("value", ["object()", "{'a', 'b'}"], ids=["address", "set"])
    def test_an_unstable_id_stops_the_collection(self, pytester, value):
        """An id with a memory address or a set differs in each process, so no test of the run starts."""
        pytester.makeconftest((ROOT / "conftest.py").read_text(encoding="utf-8"))
        pytester.makepyfile(
            f"import pytest\n@pytest.mark.parametrize('value', [{value}], ids=repr)\ndef test_it(value): pass"
        )

        result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

        assert pytest.ExitCode.USAGE_ERROR == result.ret
        result.stderr.fnmatch_lines(["*test ids must not hold memory addresses or sets; got:*"])
