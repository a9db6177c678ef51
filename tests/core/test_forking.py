"""``forking``: what happens to registered objects around a fork."""

import gc
import os
import threading

import pytest

from praetorian_core import forking
from praetorian_core.forking import _Registry


class Recorder:
    """Records which of its methods are called."""

    def __init__(self):
        self.calls = []

    def before_fork(self):
        self.calls.append("before")

    def after_fork_in_parent(self):
        self.calls.append("parent")

    def after_fork_in_child(self):
        self.calls.append("child")


class TestRegistry:
    def test_parent(self):
        """The parent prepares every object and undoes that afterwards."""
        registry, recorders = _Registry(), [Recorder(), Recorder()]
        for recorder in recorders:
            registry.add(recorder)
        registry.before()
        registry.in_parent()

        assert [["before", "parent"]] * 2 == [recorder.calls for recorder in recorders]

    def test_child(self):
        """The child gets every object that was prepared, and can fork again."""
        registry, recorder = _Registry(), Recorder()
        registry.add(recorder)
        registry.before()
        registry.in_child()
        registry.before()
        registry.in_parent()

        assert ["before", "child", "before", "parent"] == recorder.calls

    def test_fork_by_c_code(self):
        """C code that forks calls the child's part alone."""
        registry, recorder = _Registry(), Recorder()
        registry.add(recorder)
        registry.in_child()

        assert ["child"] == recorder.calls

    def test_garbage(self):
        """A registered object is not kept alive."""
        registry, recorder = _Registry(), Recorder()
        registry.add(recorder)
        calls = recorder.calls
        del recorder
        gc.collect()
        registry.before()
        registry.in_parent()

        assert [] == calls

    def test_added_during_a_fork(self):
        """An object that a thread adds during a fork is registered after it."""
        registry, recorder = _Registry(), Recorder()
        registry.before()
        thread = threading.Thread(target=registry.add, args=[recorder])
        thread.start()
        registry.in_parent()
        thread.join()
        registry.before()
        registry.in_parent()

        assert ["before", "parent"] == recorder.calls


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_real_fork():
    """``os.fork`` calls the methods, in the parent and in the child."""
    recorder = Recorder()
    forking.register(recorder)
    child = os.fork()
    if child == 0:
        os._exit(0 if recorder.calls == ["before", "child"] else 1)
    _, status = os.waitpid(child, 0)

    assert 0 == os.waitstatus_to_exitcode(status)
    assert ["before", "parent"] == recorder.calls
