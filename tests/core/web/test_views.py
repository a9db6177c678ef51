"""What adapters know of views: originals, wrappers and exemptions."""

import functools
import gc

import pytest

from praetorian_core.errors import ConfigurationError
from praetorian_core.web.views import ViewRegistry, chain, check_applied


def wrap(view):
    """Return a wrapper as decorators make them."""

    @functools.wraps(view)
    def wrapper():
        return view()

    return wrapper


def original():
    """Return nothing."""


def passing(view):
    """Return a wrapper without ``functools.wraps``."""

    def wrapper(*args, **kwargs):
        return view(*args, **kwargs)

    return wrapper


def wrap_and_record(registry, view):
    """Return a recorded wrapper."""
    wrapper = wrap(view)
    registry.record(wrapper, view)
    return wrapper


class Unhashable:
    """A callable that compares by value and so has no hash."""

    __hash__ = None

    def __eq__(self, other):
        return True

    def __call__(self):
        """Return nothing."""


class Slotted:
    """A callable that allows no weak reference."""

    __slots__ = ()

    def __call__(self):
        """Return nothing."""


class Views:
    """A class whose methods are views."""

    def view(self):
        """Return nothing."""


@pytest.fixture
def registry():
    return ViewRegistry()


class TestUnguarded:
    @pytest.mark.parametrize(
        "view",
        [lambda: None, Unhashable(), Slotted(), functools.partial(original), Views().view],
        ids=["function", "unhashable", "slotted", "partial", "bound-method"],
    )
    def test_an_original(self, registry, view):
        """A registered view is found if only its wrapper was to be registered."""
        registry.record(original, view)

        assert ["a"] == list(registry.unguarded({"a": view, "b": len}))

    def test_by_identity(self, registry):
        """Another view is not found, although it compares equal."""
        registry.record(original, Unhashable())

        assert [] == list(registry.unguarded({"a": Unhashable()}))

    def test_the_wrapper(self, registry):
        """The matching positive test: the wrapper is registered."""
        wrapper = wrap(original)
        registry.record(wrapper, original)

        assert [] == list(registry.unguarded({"a": wrapper}))

    def test_through_another_wrapper(self, registry):
        """A view that the decorated one wraps is an original as well."""
        between = wrap(original)
        registry.record(wrap(between), between)

        assert ["a"] == list(registry.unguarded({"a": original}))

    def test_through_a_wrapper_without_wraps(self, registry):
        """A decorator that does not use ``functools.wraps`` hides neither an original nor a guard."""
        between = passing(original)
        registry.record(wrap(between), between)

        assert ["a"] == list(registry.unguarded({"a": original}))
        assert [] == list(registry.unguarded({"a": passing(wrap_and_record(registry, Views.view))}))

    def test_two_views_that_share_a_function(self, registry):
        """Two views may pass their arguments to one function, one of them guarded and the other open."""
        guarded, open_ = passing(original), passing(original)
        wrapper = wrap_and_record(registry, guarded)

        assert [] == list(registry.unguarded({"guarded": wrapper, "open": open_}))
        assert ["guarded"] == list(registry.unguarded({"guarded": guarded, "open": open_}))

    def test_a_view_that_calls_another_view(self, registry):
        """A guarded view that calls an open view is not its wrapper."""

        def other():
            return original()

        def caller():
            return other()

        registry.record(wrap(caller), caller)

        assert [] == list(registry.unguarded({"a": other}))

    def test_beside_its_wrapper(self, registry):
        """An unguarded view is found although its wrapper is registered as well."""
        wrapper = wrap(original)
        registry.record(wrapper, original)

        assert ["a"] == list(registry.unguarded({"a": original, "b": wrapper}))

    def test_a_weaker_guard(self, registry):
        """A guarded view is found if a stronger wrapper was to be registered, and is not."""
        weak = wrap(original)
        strong = wrap(weak)
        registry.record(weak, original)
        registry.record(strong, weak)

        assert ["a"] == list(registry.unguarded({"a": weak}))
        assert [] == list(registry.unguarded({"a": weak, "b": strong}))

    def test_within_a_function_of_the_framework(self, registry):
        """A framework may wrap the view that it registers."""
        wrapper = wrap(original)
        registry.record(wrapper, original)

        assert ["a"] == list(registry.unguarded({"a": wrap(original)}))
        assert [] == list(registry.unguarded({"a": wrap(wrapper)}))

    def test_a_weaker_guard_within_a_function_of_the_framework(self, registry):
        """A guarded view within it is found as well, if the stronger wrapper is not registered."""
        weak = wrap(original)
        strong = wrap(weak)
        registry.record(weak, original)
        registry.record(strong, weak)

        assert ["a"] == list(registry.unguarded({"a": wrap(weak)}))
        assert [] == list(registry.unguarded({"a": wrap(weak), "b": wrap(strong)}))

    def test_an_unguarded_wrapper_of_a_guard(self, registry):
        """A wrapper of a guarded view counts as guarded by that view's guard only."""
        weak = wrap(original)
        between = wrap(weak)
        registry.record(weak, original)
        registry.record(wrap(between), between)

        assert ["a"] == list(registry.unguarded({"a": between}))

    def test_forgets_views_that_are_gone(self, registry):
        """A view that is collected is not confused with a later one at the same address."""

        def cycle():
            view = wrap(lambda: None)
            registry.record(original, view)
            registry.exempt(view)

        cycle()
        gc.collect()

        assert not registry.has_exempt()


class TestExempt:
    def test_none(self, registry):
        """Without exemptions no view is exempt."""

        assert not registry.has_exempt()
        assert not registry.is_exempt(original)

    def test_one(self, registry):
        """An exempt view is exempt, also within a wrapper; another one is not."""
        registry.exempt(original)

        assert registry.has_exempt()
        assert registry.is_exempt(original)
        assert registry.is_exempt(wrap(original))
        assert not registry.is_exempt(wrap(len))
        assert not registry.is_exempt(None)

    def test_a_method(self, registry):
        """A method is exempt on every instance, and on the class."""
        registry.exempt(Views.view)

        assert registry.is_exempt(Views().view)


class TestGuarded:
    def test_by_identity(self, registry):
        """The wrapper is guarded; a wrapper around it, which copied its attributes, is not."""
        wrapper = wrap(original)
        registry.record(wrapper, original)

        assert registry.is_guarded(wrapper)
        assert not registry.is_guarded(wrap(wrapper))


class TestChain:
    def test_from_the_outside_in(self):
        """A wrapper comes before the view that it wraps."""
        inner = wrap(original)
        outer = wrap(inner)

        assert [outer, inner, original] == list(chain(outer))

    def test_a_partial(self):
        """A ``functools.partial`` wraps its function."""

        def view():
            """Do nothing."""

        bound = functools.partial(view)

        assert [bound, view] == list(chain(bound))

    def test_a_variable_that_is_assigned_later(self):
        """A wrapper whose function is not assigned yet wraps nothing yet."""

        def wrapper(*args, **kwargs):
            return later(*args, **kwargs)

        assert [wrapper] == list(chain(wrapper))
        later = original
        assert [wrapper, later] == list(chain(wrapper))

    def test_a_circle(self):
        """A view that claims to wrap itself ends the chain."""
        view = wrap(original)
        view.__wrapped__ = view

        assert [view] == list(chain(view))


class TestCheckApplied:
    def test_a_view(self):
        """The view is returned."""

        assert original is check_applied("auth_required", (original,))

    @pytest.mark.parametrize(
        ("views", "text"),
        [
            ((), "auth_required takes no parentheses; write @auth_required"),
            (("admin",), "auth_required takes no roles; write @auth_required, or @roles_required('admin')"),
            ((original, "admin"), "auth_required takes no roles; write @auth_required, or @roles_required('admin')"),
        ],
        ids=["parentheses", "role", "two"],
    )
    def test_mistakes(self, views, text):
        """Parentheses and roles are refused with what to write."""
        with pytest.raises(ConfigurationError) as caught:
            check_applied("auth_required", views)

        assert text == str(caught.value)
