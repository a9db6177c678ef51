# /// script
# requires-python = ">=3.10"
# dependencies = ["nox>=2025.2.9"]
# ///
"""The commands of this project. ``nox --list`` names the sessions, ``nox -s tests`` runs one."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "imports", "typing", "tests"]
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "uv|virtualenv"  # uv if it is installed beside nox, because it installs faster
# Each worker of each session would compile all tests again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

PYPROJECT = nox.project.load_toml("pyproject.toml")
OLDEST = "constraints/oldest.txt"
PACKAGE = ".[asymmetric,flask,restx,falcon,redis,mail,cli,legacy-hashes,testing]"
# flask-buzz 4 dropped what flask-praetorian uses.
PEER = ("flask-praetorian==1.6.2", "flask-buzz<4")
# The versions that applications run, each with the releases of its time.
MIGRATED = {
    "1.6.2": (*PEER, "flask-restx", "flask-restful", "Flask-SQLAlchemy"),
    "1.3.0": (
        "flask-praetorian==1.3.0",
        "Flask<2",
        "Werkzeug<2",
        "Jinja2<3",
        "MarkupSafe<2.1",
        "itsdangerous<2.1",
        "flask-buzz==0.1.15",
        "py-buzz<2",
        "Flask-SQLAlchemy<3",
        "SQLAlchemy<2",
        "flask-restx<1.2",
        "flask-restful",
        "setuptools<81",  # flask-restx imports pkg_resources
    ),
}

CORES = os.cpu_count() or 1
# One worker more than cores, because tests wait for servers; more than four only compete for them.
WORKERS = ("-n", str(min(CORES + 1, 4)))
# Each of two runs at the same time: one fills the time in which the other waits.
HALF_OF_THE_WORKERS = ("-n", str(min(CORES, 4)))
# The tests whose result may depend on the Python: they use the language, the standard library and the frameworks. The
# others start the same code in servers and processes, repeat it with thousands of values, or read documents.
DEPENDS_ON_PYTHON = (
    "tests/core",
    "tests/flask",
    "tests/restx",
    "tests/falcon",
    "tests/contract/test_contract.py",
    "tests/properties/test_lifecycle_machine.py",
    "--ignore-glob=*/core/stores/test_[!s]*.py",  # all but test_sqlite.py
)
# A Python between the current and the newest one. What it changed in the language is in the newest one too, so it leaves
# out what only computes with values and calls no part of the standard library that differs between these Pythons.
DIFFERS_BETWEEN_PYTHONS = (
    "tests/core",
    "tests/flask",
    "tests/falcon",
    "--ignore=tests/core/flows",
    "--ignore=tests/core/guard",
    "--ignore=tests/core/testing",
    "--ignore=tests/core/token/layouts",
    "--ignore-glob=*/core/test_settings*.py",
    "--ignore-glob=*/core/stores/test_[!s]*.py",
)


def group(name: str) -> tuple[str, ...]:
    """Return the requirements of a dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def demo(session: nox.Session) -> None:
    """Play the life of a token on real servers; ``-- --serve`` keeps them up, ``-- --browser`` serves a page."""
    session.install(".[flask,restx,falcon]", *group("demo"))
    if "--browser" in session.posargs:
        options = [argument for argument in session.posargs if argument != "--browser"]
        session.run("python", "-m", "examples.spa_app", *options)
        return
    session.run("python", "examples/demo/run.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite on the Python that runs nox; tests/core alone must cover every branch of the core."""
    # A wheel, not an editable install: the tests run what users install.
    session.install(PACKAGE, *group("tests"))
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    session.env["COVERAGE_FILE"] = str(Path(session.virtualenv.location) / "coverage")
    session.run("coverage", "erase")
    printed = Path(session.virtualenv.location) / "others"
    try:
        with printed.open("w") as output, ThreadPoolExecutor() as pool:
            # They wait more, for servers and processes.
            others = pool.submit(session.run, "pytest", *WORKERS, "--ignore=tests/core", stdout=output, stderr=output)
            session.run("coverage", "run", "-m", "pytest", *HALF_OF_THE_WORKERS, "tests/core")
    finally:
        session.log("The tests outside tests/core printed:")
        print(printed.read_text(encoding="utf-8"), flush=True)
    others.result()  # raises if they failed
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report", "--fail-under=100")


def run_suite(session: nox.Session, *arguments: str, constraints: tuple[str, ...] = ()) -> None:
    """Run the whole suite, or the tests that the arguments select, without coverage."""
    session.install(PACKAGE, *group("tests"), *constraints)
    session.run("pytest", *(session.posargs or (*WORKERS, *arguments)))


@nox.session(name="tests-3.10", python="3.10")
def tests_310(session: nox.Session) -> None:
    """Run the tests that depend on the Python on Python 3.10."""
    run_suite(session, *DEPENDS_ON_PYTHON)


@nox.session(name="tests-3.11", python="3.11")
def tests_311(session: nox.Session) -> None:
    """Run the tests that depend on the Python on Python 3.11."""
    run_suite(session, *DEPENDS_ON_PYTHON)


@nox.session(name="tests-3.12", python="3.12")
def tests_312(session: nox.Session) -> None:
    """Run the tests of what differs between Pythons on Python 3.12."""
    run_suite(session, *DIFFERS_BETWEEN_PYTHONS)


@nox.session(name="tests-3.13", python="3.13")
def tests_313(session: nox.Session) -> None:
    """Run the tests that depend on the Python on Python 3.13."""
    run_suite(session, *DEPENDS_ON_PYTHON)


@nox.session(python="3.10")
def oldest(session: nox.Session) -> None:
    """Run the whole suite on the oldest Python and the oldest dependencies allowed."""
    run_suite(session, constraints=("--constraint", OLDEST))


def environment(session: nox.Session, name: str, packages: tuple[str, ...]) -> str:
    """Make an environment beside the session's own, and return the path of its Python."""
    home = Path(session.create_tmp()).resolve() / name
    python = str(home / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    if session.venv_backend == "uv":
        session.run_install("uv", "venv", "--quiet", "--allow-existing", "--python", "python", str(home))
        session.run_install("uv", "pip", "install", "--quiet", "--python", python, *packages)
    else:
        session.run_install("python", "-m", "venv", str(home))
        session.run_install(python, "-m", "pip", "install", "--quiet", *packages, external=True)
    return python


@nox.session
def interop(session: nox.Session) -> None:
    """Exchange tokens with the published flask-praetorian, which has an environment of its own."""
    session.install(PACKAGE, *group("tests"))
    python = environment(session, "peer", PEER)
    session.run("pytest", "tests/interop", *session.posargs, env={"PRAETORIAN_PEER_PYTHON": python})


@nox.session
def migration(session: nox.Session) -> None:
    """Move applications of flask-praetorian to the drop-in, with their databases, tokens and clients."""
    session.install(PACKAGE, *group("tests"))
    pythons = {version: environment(session, f"migrated-{version}", packages) for version, packages in MIGRATED.items()}
    session.run("pytest", "tests/migration", *session.posargs, env={"PRAETORIAN_MIGRATION": json.dumps(pythons)})


@nox.session
def browser(session: nox.Session) -> None:
    """Use the pages of the examples with a real Chromium; the machine must have Chromium and its driver."""
    session.install(PACKAGE, *group("tests"), *group("browser"))
    session.run("pytest", "tests/browser", *session.posargs, env={"PRAETORIAN_BROWSER": "chromium"})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; ``-- --fix`` corrects what ruff can correct."""
    session.install(*group("lint"))
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix", ".")
        session.run("ruff", "format", ".")
        return
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def imports(session: nox.Session) -> None:
    """Check the imports against the contracts in pyproject.toml."""
    session.install(*group("lint"))
    session.run("lint-imports", env={"PYTHONPATH": "src"})


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types with mypy and pyright, and that the public interface is fully typed."""
    session.install(PACKAGE, *group("typing"))
    session.run("mypy", "--strict", "src", "typing_tests", "examples")
    session.run("pyright")
    for package in ("praetorian_core", "praetorian_flask", "praetorian_restx", "praetorian_falcon"):
        session.run("pyright", "--verifytypes", package, "--ignoreexternal")


@nox.session
def bench(session: nox.Session) -> None:
    """Measure ``verify``, requests on each framework, the event loop during logins, and stores; ``-- --quick`` is short."""
    session.install(".[asymmetric,flask,restx,falcon,redis]", *group("bench"))
    for script in ("verify", "overhead", "heartbeat", "stores"):
        session.run("python", f"bench/{script}.py", *session.posargs)
