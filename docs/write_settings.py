"""Write docs/settings.md from the declarations of ``praetorian_core.settings``: ``python docs/write_settings.py``.

The introduction is kept; everything below the marker is written anew.
"""

from __future__ import annotations

import textwrap
from itertools import groupby
from pathlib import Path
from typing import TypeAlias, cast

import attrs

from praetorian_core.settings import Settings
from praetorian_core.settings.declaration import declaration_of

Field: TypeAlias = "attrs.Attribute[object]"

PAGE = Path(__file__).with_name("settings.md")
MARKER = "<!-- Below this line the page is written by docs/write_settings.py. -->\n"
SECTIONS = (
    "Keys",
    "Lifespans and clocks",
    "Claims",
    "Requests and responses",
    "Browsers",
    "Users",
    "Store and sessions",
    "Login attempts",
)


def default_of(field: Field) -> str:
    """Return the default as the page shows it."""
    default = field.default
    if default is attrs.NOTHING:
        return "none, required"
    if field.name == "accept_layouts":
        return "`PRAETORIAN_LAYOUT` alone"
    if isinstance(default, str):
        return f'`"{default}"`'
    text = f"`{getattr(default, 'name', default)}`"
    if declaration_of(field).unit == "lifespan" and isinstance(default, int) and default:
        return f"{text} ({_in_words(default)})"
    return text


def _in_words(seconds: int) -> str:
    sizes = ((86_400, "days"), (60, "minutes"), (1, "seconds"))
    return next(f"{seconds // size} {unit}" for size, unit in sizes if seconds % size == 0)


def _details(field: Field) -> str:
    setting = declaration_of(field)
    unit = {"": "", "seconds": ", in seconds", "lifespan": ", a [lifespan](#lifespans)"}[setting.unit]
    paragraphs = (f"Attribute `{field.name}`, default {default_of(field)}{unit}.", setting.does, setting.change)
    text = "\n\n".join(textwrap.fill(text, 120, break_on_hyphens=False) for text in paragraphs)
    return f"### `{setting.key}`\n\n{text}\n\n```python\n{setting.key} = {setting.example}\n```\n"


def _row(field: Field) -> str:
    setting = declaration_of(field)
    return f"| [`{setting.key}`](#{setting.key.lower()}) | `{field.name}` | {default_of(field)} | {setting.unit} |\n"


def reference() -> str:
    """Return the generated part of the page."""
    declared = cast("tuple[Field, ...]", attrs.fields(Settings))
    fields = sorted(declared, key=lambda field: SECTIONS.index(declaration_of(field).section))
    text = f"\n## All settings\n\n| key | attribute | default | unit |\n|---|---|---|---|\n{''.join(map(_row, fields))}"
    for section, members in groupby(fields, key=lambda field: declaration_of(field).section):
        text += f"\n## {section}\n\n" + "\n".join(map(_details, members))
    return text


def page(current: str) -> str:
    """Return the whole page: the introduction of the current one, then the reference."""
    introduction, marker, _ = current.partition(MARKER)
    if not marker:
        raise ValueError("docs/settings.md has lost the marker line")
    return introduction + MARKER + reference()


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
