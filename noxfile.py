# /// script
# requires-python = ">=3.10"
# dependencies = ["nox>=2025.2.9"]
# ///
"""Everything that can be run on this project. ``nox --list`` names the sessions, ``nox -s tests`` runs one."""

from __future__ import annotations

from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["lint", "imports", "typing", "tests"]
nox.options.reuse_venv = "yes"
nox.options.default_venv_backend = "virtualenv"

PYPROJECT = nox.project.load_toml("pyproject.toml")
OLDEST = "constraints/oldest.txt"
PACKAGE = ".[asymmetric,flask,restx,falcon,redis,mail,testing]"
# flask-buzz 4 dropped what flask-praetorian uses.
PEER = ("flask-praetorian==1.6.2", "flask-buzz<4")


def group(name: str) -> tuple[str, ...]:
    """Return the requirements of a dependency group."""
    return nox.project.dependency_groups(PYPROJECT, name)


@nox.session
def demo(session: nox.Session) -> None:
    """Play the life of a token against a real server per framework; ``-- --serve`` keeps the servers up."""
    session.install(".[flask,restx,falcon]", *group("demo"))
    session.run("python", "examples/demo/run.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the whole suite on the Python nox was started with and judge the coverage."""
    # Installed as a wheel, not editable: what is tested is what is shipped, py.typed and all.
    session.install(PACKAGE, *group("tests"))
    session.env["COVERAGE_FILE"] = str(Path(session.virtualenv.location) / "coverage")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs)
    session.run("coverage", "combine", "--quiet")
    if session.posargs:
        session.warn("part of the suite only: coverage is not judged")
        return
    session.run("coverage", "report", "--include=src/praetorian_core/*", "--fail-under=100")
    session.run("coverage", "report", "--omit=src/praetorian_core/*")


def suite(session: nox.Session, *install_options: str) -> None:
    """Run the whole suite without judging the coverage."""
    session.install(PACKAGE, *group("tests"), *install_options)
    session.run("pytest", *session.posargs)


@nox.session(name="tests-3.10", python="3.10")
def tests_310(session: nox.Session) -> None:
    """Run the whole suite on Python 3.10."""
    suite(session)


@nox.session(name="tests-3.11", python="3.11")
def tests_311(session: nox.Session) -> None:
    """Run the whole suite on Python 3.11."""
    suite(session)


@nox.session(name="tests-3.12", python="3.12")
def tests_312(session: nox.Session) -> None:
    """Run the whole suite on Python 3.12."""
    suite(session)


@nox.session(name="tests-3.13", python="3.13")
def tests_313(session: nox.Session) -> None:
    """Run the whole suite on Python 3.13."""
    suite(session)


@nox.session(python="3.10")
def oldest(session: nox.Session) -> None:
    """Run the whole suite on the oldest Python and the oldest dependencies allowed."""
    suite(session, "--constraint", OLDEST)


@nox.session
def interop(session: nox.Session) -> None:
    """Exchange tokens with the published flask-praetorian, which lives in an environment of its own."""
    session.install(PACKAGE, *group("tests"))
    home = Path(session.create_tmp()).resolve() / "peer"
    session.run("python", "-m", "venv", str(home))
    python = home / ("Scripts/python.exe" if (home / "Scripts").exists() else "bin/python")
    session.run(str(python), "-m", "pip", "install", "--quiet", *PEER, external=True)
    session.run("pytest", "tests/interop", *session.posargs, env={"PRAETORIAN_PEER_PYTHON": str(python)})


@nox.session
def browser(session: nox.Session) -> None:
    """Use the Swagger page of an example with a real Chromium, which has to be on the machine, its driver too."""
    session.install(PACKAGE, *group("tests"), *group("browser"))
    session.run("pytest", "tests/browser", *session.posargs, env={"PRAETORIAN_BROWSER": "chromium"})


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format; ``-- --fix`` mends what can be mended."""
    session.install(*group("lint"))
    if "--fix" in session.posargs:
        session.run("ruff", "check", "--fix", ".")
        session.run("ruff", "format", ".")
        return
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def imports(session: nox.Session) -> None:
    """Check who imports whom."""
    session.install(*group("lint"))
    session.run("lint-imports", env={"PYTHONPATH": "src"})


@nox.session
def typing(session: nox.Session) -> None:
    """Check the types with mypy and pyright, and that the public interface is typed in full."""
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
