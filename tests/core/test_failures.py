"""The place of a failure: the last frame of the application."""

from __future__ import annotations

import json
import threading

import pytest

from praetorian_core.errors import PraetorianError
from praetorian_core.failures import is_raised_here, package_of, place_of
from praetorian_core.stores.memory import MemoryStore


def _place(error, application="shop"):
    return place_of(error, application)


def raised_by(call):
    """Return what a call raises."""
    with pytest.raises(Exception) as caught:
        call()
    return caught.value


def fails():
    raise LookupError


def fails_in_a_library():
    json.loads("{")


class TestPlaceOf:
    @pytest.mark.parametrize("call", [fails, fails_in_a_library], ids=lambda call: call.__name__)
    def test_application(self, call):
        """The last frame of the application is named, not the library that it called."""
        place = _place(raised_by(call))

        assert place.startswith("test_failures.py:")
        assert place.endswith(f" in {call.__name__}")

    def test_through_the_core(self):
        """Frames of the core do not count: a store called the application's function."""

        def expired():
            raise LookupError

        class Broken(MemoryStore):
            def _live(self, name, now):
                expired()

        assert _place(raised_by(lambda: Broken().get("a", now=1))).endswith(" in expired")

    def test_library_alone(self):
        """Without a frame of the application, the last one of a library is named."""
        error = raised_by(lambda: json.loads("{"))
        error.__traceback__ = error.__traceback__.tb_next.tb_next

        assert _place(error).startswith("__init__.py:") or _place(error).startswith("decoder.py:")

    def test_core_alone(self):
        """Without either, the last frame is named."""
        error = raised_by(lambda: MemoryStore(max_entries=0))
        error.__traceback__ = error.__traceback__.tb_next.tb_next

        assert _place(error).startswith("memory.py:")

    def test_no_traceback(self):
        """An exception that was never raised has no place."""
        assert "?" == _place(LookupError())

    def test_code_without_file(self):
        """Code from a string belongs to no file of the application."""
        error = raised_by(lambda: exec("1 / 0", {"__name__": "x"}))

        assert _place(error).startswith("test_failures.py:")

    def test_other_thread(self):
        """An exception that crossed a thread keeps its place."""
        errors = []

        def work():
            try:
                fails()
            except LookupError as error:
                errors.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

        assert _place(errors[0]).endswith(" in fails")

    def test_installed_application(self):
        """An application that is installed like a library is recognized by its package."""
        error = raised_by(lambda: json.loads("{"))

        assert _place(error, "json").endswith((" in raw_decode", " in decode"))

    def test_package(self):
        """The package of a module is the first part of its name."""
        assert ["shop", "shop"] == [package_of("shop"), package_of("shop.users.models")]


class TestIsRaisedHere:
    def test_core(self):
        """An error that the core raised has a text without secrets."""
        assert is_raised_here(raised_by(lambda: MemoryStore(max_entries=0)))

    def test_application(self):
        """An error of the core's class that the application raised has any text."""

        def fails():
            raise PraetorianError("a secret")

        assert not is_raised_here(raised_by(fails))

    def test_never_raised(self):
        """An error that was never raised was not raised by the core."""
        assert not is_raised_here(PraetorianError("x"))
