"""``praetorian migrate PATH``: what an application uses of flask-praetorian, and what each use becomes.

The source is read as a syntax tree and never imported or run. ``--diff`` shows the mechanical change, the imports that
turn to the drop-in; ``--write`` makes it. Everything else is listed, since it needs a decision.
"""

from __future__ import annotations

import ast
import difflib
import io
import os
import re
import tempfile
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs
import click

from praetorian_flask.migration_table import ATTRIBUTES, KEYS, NAMES, Advice

OLD = "flask_praetorian"
NEW = "praetorian_flask.compat"

_SUBMODULES = {"base", "constants", "decorators", "exceptions", "user_mixins", "utilities"}

_DISTRIBUTION = re.compile(r"(?<![\w-])flask[-_]praetorian(?![\w-])", re.IGNORECASE)
_REQUIREMENTS = (
    "requirements*.txt",
    "requirements/*.txt",
    "constraints*.txt",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
)
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist"}


@attrs.frozen(order=True)
class Use:
    """One use of flask-praetorian.

    Attributes:
        line: The line, from 1.
        name: What is used.
        advice: What it becomes, and whether the drop-in keeps it.
    """

    line: int
    name: str
    advice: Advice = attrs.field(order=False)


def find_uses(source: str) -> list[Use]:
    """Return the uses of flask-praetorian in a module's source, by line.

    Raises:
        SyntaxError: The source is not Python.
    """
    tree = ast.parse(source)
    if not _concerns(tree):
        return []
    uses = set[Use]()
    modules = _module_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            uses.update(_imported(node))
        elif isinstance(node, ast.Attribute):
            advice = ATTRIBUTES.get(node.attr) or (NAMES.get(node.attr) if _is_module(node.value, modules) else None)
            if advice is not None:
                uses.add(Use(node.end_lineno or node.lineno, node.attr, advice))
        elif isinstance(node, ast.keyword) and node.arg is not None and node.arg in ATTRIBUTES:
            uses.add(Use(node.value.lineno, f"{node.arg}=", ATTRIBUTES[node.arg]))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in KEYS:
            uses.add(Use(node.lineno, node.value, KEYS[node.value]))
    return sorted(uses)


def _concerns(tree: ast.Module) -> bool:
    """Return whether a module has to do with flask-praetorian: it imports it, uses a guard, or sets its keys."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(_is_either(alias.name) for alias in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and _is_either(node.module or ""):
            return True
        if isinstance(node, ast.Attribute) and node.attr in ATTRIBUTES and ATTRIBUTES[node.attr].distinctive:
            return True
        if isinstance(node, ast.Constant) and node.value in KEYS:
            return True
    return False


def _is_old(module: str) -> bool:
    return module == OLD or module.startswith(f"{OLD}.")


def _is_either(module: str) -> bool:
    """Return whether a module is of flask-praetorian or of the drop-in, whose names are still to be replaced."""
    return _is_old(module) or module == NEW or module.startswith(f"{NEW}.")


def _module_names(tree: ast.Module) -> set[str]:
    """Return the names under which a module knows ``flask_praetorian`` and its submodules."""
    names = {OLD}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.asname for alias in node.names if alias.asname is not None and _is_either(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module in (OLD, NEW):
            names.update(alias.asname or alias.name for alias in node.names if alias.name in _SUBMODULES)
    return names


def _is_module(node: ast.expr, modules: set[str]) -> bool:
    """Return whether an expression is ``flask_praetorian`` or one of its submodules."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name) and node.id in modules


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[Use]:
    if isinstance(node, ast.Import):
        for alias in node.names:
            if _is_old(alias.name):
                yield Use(alias.lineno, f"import {alias.name}", Advice(f"import {NEW}", kept=True))
        return
    if _is_either(node.module or ""):
        for alias in node.names:
            advice = NAMES.get(alias.name, Advice("the same name", kept=True))
            yield Use(alias.lineno, alias.name, advice)


def rewrite(source: str) -> str:
    """Return a module's source with the imports of flask-praetorian turned to the drop-in, and nothing else changed.

    Raises:
        SyntaxError: The source is not Python.
    """
    # Python ends a line at these three only, splitlines at others as well.
    lines = list(io.StringIO(source, newline=""))
    edits = sorted(_edits(ast.parse(source), lines), reverse=True)
    for line, begin, end, text in edits:
        # Positions of the syntax tree count bytes of UTF-8.
        octets = lines[line - 1].encode()
        lines[line - 1] = (octets[:begin] + text.encode() + octets[end:]).decode()
    return "".join(lines)


def _edits(tree: ast.Module, lines: list[str]) -> Iterator[tuple[int, int, int, str]]:
    """Yield the line, the first and last byte, and the text of each change."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _is_old(alias.name):
                    yield alias.lineno, alias.col_offset, alias.end_col_offset or 0, _turned(alias)
        elif isinstance(node, ast.ImportFrom) and _is_old(node.module or "") and node.level == 0:
            yield _module_name(node, lines)


def _turned(alias: ast.alias) -> str:
    module = NEW + alias.name.removeprefix(OLD)
    if alias.asname is not None:
        return f"{module} as {alias.asname}"
    # ``import flask_praetorian.exceptions`` binds ``flask_praetorian``; the drop-in imports its submodules itself.
    return f"{NEW} as {OLD}"


def _module_name(node: ast.ImportFrom, lines: list[str]) -> tuple[int, int, int, str]:
    """Return the change of a module's name after ``from``, wherever a continued line has put it."""
    for number in range(node.lineno, (node.end_lineno or node.lineno) + 1):
        begin = node.col_offset if number == node.lineno else 0
        at = lines[number - 1].encode().find(OLD.encode(), begin)
        if at >= 0:
            return number, at, at + len(OLD.encode()), NEW
    raise AssertionError("the syntax tree names a module that the source does not hold")


@attrs.frozen
class Report:
    """What was found in one file.

    Attributes:
        path: The file.
        uses: The uses, by line.
        before: The source as it is.
        after: The source with its imports changed to the drop-in.
        problem: Why the file could not be read; None where it was.
    """

    path: Path
    uses: list[Use] = attrs.field(factory=list[Use])
    before: str = ""
    after: str = ""
    problem: str | None = None


def scan(path: Path) -> Iterator[Report]:
    """Yield a report for each Python file below a path, or for the path itself, that uses flask-praetorian."""
    for file in _python_files(path):
        try:
            # Also a BOM and a coding line are obeyed, and line ends are kept.
            with file.open("rb") as stream:
                encoding, _ = tokenize.detect_encoding(stream.readline)
            source = file.read_bytes().decode(encoding)
            uses = find_uses(source)
            after = rewrite(source)
        except (OSError, SyntaxError, UnicodeDecodeError, ValueError) as error:
            yield Report(file, problem=f"{type(error).__name__}: {error}")
            continue
        if uses or after != source:
            yield Report(file, uses, source, after)


def _python_files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(
            name
            for name in names
            if name not in _SKIPPED and not name.startswith(".") and not Path(folder, name, "pyvenv.cfg").exists()
        )
        yield from (Path(folder, file) for file in sorted(files) if file.endswith(".py"))


def requirements(path: Path) -> Iterator[tuple[Path, int, str]]:
    """Yield the file, the line and the text of each requirement that names flask-praetorian."""
    if not path.is_dir():
        return
    for pattern in _REQUIREMENTS:
        for file in sorted(path.glob(pattern)):
            text = file.read_text(encoding="utf-8", errors="replace")
            for number, line in enumerate(text.splitlines(), 1):
                if _DISTRIBUTION.search(line) and not line.lstrip().startswith("#"):
                    yield file, number, line.strip()


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--diff", "shows_diff", is_flag=True, help="Show the change of the imports as a diff.")
@click.option("--write", "writes", is_flag=True, help="Make the change of the imports.")
def migrate(path: Path, *, shows_diff: bool, writes: bool) -> None:
    """List what PATH, a file or a folder, uses of flask-praetorian, and what each use becomes."""
    reports = list(scan(path))
    for report in reports:
        if report.problem is not None:
            click.echo(f"{report.path}: not read: {report.problem}", err=True)
        elif shows_diff:
            click.echo(_diff(report), nl=False)
        else:
            _list(report.path, report.uses)
        if writes and report.after != report.before:
            _replace(report)
            click.echo(f"{report.path}: imports changed to {NEW}")
    if not shows_diff:
        for file, line, text in requirements(path):
            click.echo(f"{file}:{line}: {text}\n    becomes praetorian-core[flask,legacy-hashes,mail]")
        _summarize(reports)
    if any(report.problem is not None for report in reports):
        raise SystemExit(1)


def _list(path: Path, uses: Iterable[Use]) -> None:
    for use in uses:
        kept = "kept by the drop-in" if use.advice.kept else "changes with the drop-in"
        click.echo(f"{path}:{use.line}: {use.name} ({kept})\n    becomes {use.advice.becomes}")


def _summarize(reports: list[Report]) -> None:
    uses = [use for report in reports for use in report.uses]
    if not uses:
        click.echo("nothing of flask-praetorian is used here")
        return
    changed = sum(not use.advice.kept for use in uses)
    kept = f"all but {changed}" if changed else "all of them"
    click.echo(
        f"uses: {len(uses)}, in files: {sum(bool(report.uses) for report in reports)}; the drop-in keeps {kept}; "
        "--diff shows the change of the imports, docs/migration.md the rest"
    )


def _diff(report: Report) -> str:
    before, after = (text.splitlines(keepends=True) for text in (report.before, report.after))
    return "".join(difflib.unified_diff(before, after, str(report.path), str(report.path)))


def _replace(report: Report) -> None:
    """Replace a file at once, so that an interrupt leaves the old or the new one."""
    with report.path.open("rb") as stream:
        encoding, _ = tokenize.detect_encoding(stream.readline)
    descriptor, name = tempfile.mkstemp(dir=report.path.parent, prefix=f".{report.path.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(report.after.encode(encoding))
        fresh.chmod(report.path.stat().st_mode)
        fresh.replace(report.path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
