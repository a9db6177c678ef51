"""docs/settings.md holds every setting with its default, and its examples work."""

import importlib.util
import re
import uuid
from pathlib import Path

import attrs
import pytest

from praetorian_core.settings import Settings
from praetorian_core.settings.config import FLASK_JWT_EXTENDED_KEYS, FLASK_PRAETORIAN_KEYS, SECRET_KEYS
from praetorian_core.settings.declaration import declaration_of
from praetorian_core.token.keys import KeyRing, generate_secret
from praetorian_core.token.layouts import FLASK_PRAETORIAN, STANDARD

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "settings.md").read_text(encoding="utf-8")
FIELDS = attrs.fields(Settings)
NAMES = {"uuid": uuid, "STANDARD": STANDARD, "FLASK_PRAETORIAN": FLASK_PRAETORIAN}
NAMES |= {"KeyRing": KeyRing, "secret": generate_secret()}
by_key = pytest.mark.parametrize("field", FIELDS, ids=lambda field: declaration_of(field).key)


def writer():
    """Return the program that writes the page."""
    spec = importlib.util.spec_from_file_location("write_settings", DOCS / "write_settings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestPage:
    def test_is_up_to_date(self):
        """The page is what ``python docs/write_settings.py`` writes from the declarations."""

        assert writer().page(PAGE) == PAGE

    @by_key
    def test_describes_each_setting(self, field):
        """A setting has its row, its default and its own section."""
        setting, default = declaration_of(field), writer().default_of(field)

        assert f"| [`{setting.key}`](#{setting.key.lower()}) | `{field.name}` | {default} | {setting.unit} |\n" in PAGE
        assert f"### `{setting.key}`\n\nAttribute `{field.name}`, default {default}" in PAGE

    @by_key
    def test_default(self, field):
        """The default on the page is the attribute's value in settings of which only the keys were given."""
        (shown,) = re.findall(rf"\| `{field.name}` \| (.*?) \| ", PAGE)
        value = getattr(Settings(keys=KeyRing.from_secret(generate_secret())), field.name)

        if field.name == "keys":
            assert "none, required" == shown
        elif field.name == "accept_layouts":
            assert ("`PRAETORIAN_LAYOUT` alone", (STANDARD,)) == (shown, value)
        else:
            (source,) = re.findall("`(.*?)`", shown)
            assert value == eval(source, dict(NAMES))

    @pytest.mark.parametrize("key", ["SECRET_KEY", "SECRET_KEY_FALLBACKS", *SECRET_KEYS])
    def test_names_the_keys_of_secrets(self, key):
        """The keys of which the key ring is made stand in the introduction."""

        assert f"| `{key}` |" in PAGE

    def test_names_the_keys_of_other_libraries(self):
        """The keys that cause a warning stand in the introduction, with their counterparts."""
        introduction = PAGE.partition("## Keys of other libraries")[2].partition("<!--")[0]
        rows = re.findall(r"^\| `(JWT_\w+)` \| `(\w+)` \|$", introduction, re.MULTILINE)

        assert {key: counterpart for key, (_, counterpart) in FLASK_JWT_EXTENDED_KEYS.items()} == dict(rows)
        assert {key for key in FLASK_PRAETORIAN_KEYS if f"`{key}`" in introduction} == FLASK_PRAETORIAN_KEYS

    @by_key
    def test_example(self, field):
        """The example is accepted in a framework's configuration and changes something."""
        setting = declaration_of(field)
        config = {"SECRET_KEY": generate_secret(), "PRAETORIAN_ACCEPT_LAYOUTS": [STANDARD, FLASK_PRAETORIAN]}
        if setting.needs_cookies:
            config["JWT_PLACES"] = ["header", "cookie"]
        if setting.key == "PRAETORIAN_SESSION_LIMIT":
            config["PRAETORIAN_MAX_SESSIONS"] = 1
        config[setting.key] = eval(setting.example, dict(NAMES))
        default = Settings.from_mapping({"SECRET_KEY": config["SECRET_KEY"]})

        assert getattr(Settings.from_mapping(config), field.name) != getattr(default, field.name)

    @by_key
    def test_texts_are_sentences(self, field):
        """Each setting says what it does, when to change it, and its unit."""
        setting = declaration_of(field)

        for text in (setting.does, setting.change):
            assert (text[0].upper(), ".") == (text[0], text[-1])
        assert setting.unit in ("", "seconds", "lifespan")
