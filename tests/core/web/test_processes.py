"""A store in memory under several processes."""

import pytest

from praetorian_core.stores.memory import MemoryStore
from praetorian_core.stores.url import StoreURL
from praetorian_core.web.processes import warn_of_memory_store


class TestWarnOfMemoryStore:
    @pytest.mark.parametrize("store", ["memory://", StoreURL("memory://")], ids=["text", "StoreURL"])
    def test_several_processes(self, caplog, store):
        """The warning names the setting and what to write."""
        warn_of_memory_store(store, is_one_of_several=True)

        (message,) = caplog.messages
        assert message.startswith("PRAETORIAN_STORE is memory://")
        assert "redis://" in message

    @pytest.mark.parametrize(
        ("store", "is_one_of_several"),
        [("memory://", False), ("sqlite:///x", True), (None, True), (MemoryStore(), True)],
        ids=["one process", "shared store", "no store", "store object"],
    )
    def test_no_warning(self, caplog, store, is_one_of_several):
        """One process, another store or none needs no warning."""
        warn_of_memory_store(store, is_one_of_several=is_one_of_several)

        assert caplog.messages == []
