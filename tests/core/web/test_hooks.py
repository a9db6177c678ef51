"""Functions that run for each error before it is answered."""

import asyncio
import logging

import pytest

from praetorian_core.errors import ConfigurationError, MissingTokenError
from praetorian_core.web.hooks import error_hooks, run_error_hooks, run_error_hooks_async

CANARY = "canary-of-the-hook"


def run(*hooks):
    """Run hooks without an event loop."""
    run_error_hooks(hooks, MissingTokenError())


def run_async(*hooks):
    """Run hooks on an event loop."""
    asyncio.run(run_error_hooks_async(hooks, MissingTokenError()))


both = pytest.mark.parametrize("run", [run, run_async])


def failing(error):
    """Raise with a text that must not be logged."""
    raise RuntimeError(CANARY)


class TestErrorHooks:
    def test_none(self):
        """Without ``on_error`` there is no hook."""

        assert () == error_hooks(None)

    def test_one(self):
        """One function is one hook."""

        assert (print,) == error_hooks(print)

    @pytest.mark.parametrize("make", [list, tuple, iter], ids=["list", "tuple", "iterator"])
    def test_several(self, make):
        """Any iterable is taken, in its order."""

        assert (print, repr) == error_hooks(make([print, repr]))

    @pytest.mark.parametrize(
        ("value", "found"),
        [(0, "int"), (MissingTokenError(), "MissingTokenError"), ("log", "str"), ([print, None], "NoneType")],
        ids=["number", "error", "text", "none-in-a-list"],
    )
    def test_rejects(self, value, found):
        """Anything else is refused when the hooks are set up, with its type."""

        with pytest.raises(ConfigurationError, match=rf"`on_error` must .*; got {found}$"):
            error_hooks(value)


class TestRun:
    @both
    def test_in_order(self, run):
        """Each hook is called with the error, in order."""
        seen = []

        run(lambda error: seen.append(("first", error.code)), lambda error: seen.append(("second", error.code)))

        assert [("first", "missing_token"), ("second", "missing_token")] == seen

    @both
    def test_a_hook_that_raises(self, run, caplog):
        """It is logged without the exception's text, and the next hook runs."""
        seen = []

        run(failing, seen.append)

        assert [MissingTokenError] == [type(error) for error in seen]
        assert [("praetorian", logging.ERROR, "an on_error hook raised RuntimeError for missing_token")] == (
            caplog.record_tuples
        )

    @both
    def test_a_value_is_ignored(self, run, caplog):
        """A hook's return value changes nothing."""

        assert run(lambda error: ("theirs", 200)) is None
        assert [] == caplog.messages

    def test_a_coroutine_is_awaited_under_asyncio(self):
        """A coroutine function is awaited before the next hook runs."""
        seen = []

        async def first(error):
            await asyncio.sleep(0)
            seen.append("first")

        run_async(first, lambda error: seen.append("second"))

        assert ["first", "second"] == seen

    def test_a_coroutine_is_reported_without_asyncio(self, caplog):
        """Nothing can await it, so it is closed and logged."""
        seen = []

        async def hook(error):
            seen.append(error)

        run(hook)

        assert [] == seen
        assert ["an on_error hook returned a coroutine for missing_token, which is not awaited here"] == caplog.messages

    def test_a_coroutine_that_raises(self, caplog):
        """An exception while it is awaited is logged like any other."""

        async def hook(error):
            failing(error)

        run_async(hook)

        assert ["an on_error hook raised RuntimeError for missing_token"] == caplog.messages
