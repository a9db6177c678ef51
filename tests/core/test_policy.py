"""Policies: which roles satisfy them; a further role never takes access away."""

import enum

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core.errors import ConfigurationError, MissingRoleError
from praetorian_core.policy import AllRoles, AnyRole, Policy, all_roles, any_role, check_policy
from praetorian_core.principal import Principal

ROLES = ("a", "b", "c", "d")
SUBSETS = [frozenset(role for bit, role in enumerate(ROLES) if number >> bit & 1) for number in range(2 ** len(ROLES))]

# A formula is a nested tuple: ("all", names), ("any", names), ("and", left, right) or ("or", left, right).
names = st.lists(st.sampled_from(ROLES), min_size=1, max_size=3).map(tuple)
formulas = st.recursive(
    st.tuples(st.sampled_from(["all", "any"]), names),
    lambda parts: st.tuples(st.sampled_from(["and", "or"]), parts, parts),
    max_leaves=8,
)


def build(formula):
    """Return the policy that the formula spells."""
    match formula:
        case ("all", roles):
            return all_roles(*roles)
        case ("any", roles):
            return any_role(*roles)
        case ("and", left, right):
            return build(left) & build(right)
        case ("or", left, right):
            return build(left) | build(right)


def holds(formula, held):
    """Evaluate the formula with nothing of the code under test."""
    match formula:
        case ("all", roles):
            return all(role in held for role in roles)
        case ("any", roles):
            return any(role in held for role in roles)
        case ("and", left, right):
            return holds(left, held) and holds(right, held)
        case ("or", left, right):
            return holds(left, held) or holds(right, held)


def principal(*roles):
    """Return a principal with these roles."""
    return Principal(
        identity=1,
        roles=frozenset(roles),
        claims={},
        session_id="s",
        issued_at=0,
        access_expires_at=1,
        refresh_expires_at=2,
    )


def rows(policy, table):
    """Make a parametrised row of each line of a truth table; the roles held are the letters."""
    return [pytest.param(policy, frozenset(held), expected, id=f"{policy}: {held}") for held, expected in table.items()]


class TestTruth:
    @pytest.mark.parametrize(
        ("policy", "held", "expected"),
        [
            *rows(all_roles("a"), {"": False, "a": True, "b": False, "ab": True}),
            *rows(all_roles("a", "b"), {"": False, "a": False, "b": False, "ab": True, "abc": True, "c": False}),
            *rows(any_role("a"), {"": False, "a": True, "b": False, "ab": True}),
            *rows(any_role("a", "b"), {"": False, "a": True, "b": True, "ab": True, "abc": True, "c": False}),
            *rows(all_roles("a") & any_role("b", "c"), {"": False, "a": False, "b": False, "ab": True, "bc": False}),
            *rows(all_roles("a") | all_roles("b", "c"), {"": False, "a": True, "b": False, "c": False, "bc": True}),
            *rows((any_role("a") | any_role("b")) & any_role("c"), {"ab": False, "c": False, "ac": True, "bc": True}),
            *rows(any_role("a") | any_role("b") & any_role("c"), {"a": True, "b": False, "c": False, "bc": True}),
        ],
    )
    def test_table(self, policy, held, expected):
        """``all_roles`` wants every name, ``any_role`` one, ``&`` both parts, ``|`` one part."""

        assert expected is policy.permits(held)

    @pytest.mark.parametrize(
        "held",
        [
            "Admin",
            "ADMIN",
            "adm",
            "administrator",
            "\N{CYRILLIC SMALL LETTER A}dmin",
        ],
        ids=ascii,
    )
    @pytest.mark.parametrize("make", [all_roles, any_role])
    def test_names_are_exact(self, make, held):
        """A role name matches exactly: not in another letter case, not in part, not by looks."""

        assert not make("admin").permits(frozenset({held}))
        assert make(held).permits(frozenset({held}))

    def test_repeated_names_are_one(self):
        """A repeated name changes nothing."""

        assert all_roles("a", "a") == all_roles("a")
        assert all_roles("a", "a").permits(frozenset("a"))

    @given(formulas)
    def test_is_the_formula(self, formula):
        """A combination permits exactly the sets of roles that its formula permits."""
        policy = build(formula)

        assert [holds(formula, held) for held in SUBSETS] == [policy.permits(held) for held in SUBSETS]

    @given(formulas)
    def test_is_monotone(self, formula):
        """No further role takes access away: the roles in a token may be outdated."""
        admitted = {held for held in SUBSETS if build(formula).permits(held)}

        assert {more for held in admitted for more in SUBSETS if held <= more} == admitted

    @given(formulas)
    def test_no_roles_satisfy_no_policy(self, formula):
        """A principal without roles satisfies no policy (ASVS 8.2.1)."""

        assert not build(formula).permits(frozenset())


class TestNames:
    @pytest.mark.parametrize("make", [all_roles, any_role])
    def test_no_name(self, make):
        """A policy needs a name: every principal would satisfy "all of none" (ASVS 8.2.1)."""

        with pytest.raises(ConfigurationError) as caught:
            make()

        assert f"{make.__name__} needs at least one role; write the names, as in {make.__name__}('admin')" == str(
            caught.value
        )

    @pytest.mark.parametrize("make", [all_roles, any_role])
    @pytest.mark.parametrize(
        ("name", "found"),
        [
            pytest.param(None, "NoneType", id="none"),
            pytest.param(5, "int", id="number"),
            pytest.param(b"admin", "bytes", id="bytes"),
            pytest.param(all_roles("admin"), "AllRoles", id="policy"),
            pytest.param(type("Name", (str,), {})("admin"), "Name", id="subclass-of-str"),
            pytest.param(enum.Enum("Rank", {"ADMIN": 1}).ADMIN, "int", id="enum-of-int"),
        ],
    )
    def test_not_a_name(self, make, name, found):
        """A value of another type is refused at decoration."""
        text = f"{make.__name__} was given {found}; write role names, as in {make.__name__}('admin')"

        for arguments in ((name,), ("admin", name), (name, "admin")):
            with pytest.raises(ConfigurationError) as caught:
                make(*arguments)
            assert text == str(caught.value)

    @pytest.mark.parametrize("make", [all_roles, any_role])
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            (["admin"], "was given a list; write the names, as in {0}('admin', 'editor')"),
            ({"admin"}, "was given a set; write the names, as in {0}('admin', 'editor')"),
            (principal, "was given principal in place of a role; write {0}('admin')"),
        ],
        ids=["list", "set", "the-view-itself"],
    )
    def test_typical_mistakes(self, make, name, text):
        """A collection of names, and ``@roles_required`` without a call, are refused with what to write."""

        with pytest.raises(ConfigurationError) as caught:
            make(name)
        assert f"{make.__name__} {text.format(make.__name__)}" == str(caught.value)

    @pytest.mark.parametrize("make", [all_roles, any_role])
    @pytest.mark.parametrize("name", ["admin", "a", "a b", "größe", "0"])
    def test_any_text_is_a_name(self, make, name):
        """The matching positive test: every other text is a role name."""

        assert make(name).permits(frozenset({name}))

    @pytest.mark.parametrize("make", [all_roles, any_role])
    @pytest.mark.parametrize("name", ["", " ", " admin", "admin ", "admin\n"])
    def test_blanks(self, make, name):
        """A name with blanks around it is refused: the roles of users are stripped, so it would match none."""
        with pytest.raises(ConfigurationError, match=f"{make.__name__} was given .* expected a name without blanks"):
            make("editor", name)

    @pytest.mark.parametrize("make", [all_roles, any_role])
    def test_comma(self, make):
        """Several names in one text are refused with the call that separates them."""
        with pytest.raises(ConfigurationError) as caught:
            make("a, b")

        assert f"{make.__name__} was given 'a, b', which is one name; write {make.__name__}('a', 'b')" == str(
            caught.value
        )

    @pytest.mark.parametrize("kind", [lambda *args: enum.Enum(*args, type=str), enum.Enum], ids=["str enum", "enum"])
    def test_enum(self, kind):
        """A member of an enum of texts is its value."""
        rank = kind("Rank", {"ADMIN": "admin", "EDITOR": "editor"})

        assert any_role("admin", "editor") == any_role(rank.ADMIN, rank.EDITOR)
        assert str is type(next(iter(all_roles(rank.ADMIN).roles)))

    @pytest.mark.parametrize(
        ("policy", "expected"),
        [
            (all_roles("a", "b"), ["a", "b"]),
            (any_role("a") & all_roles("b"), ["a", "b"]),
            (any_role("a") | all_roles("b") & any_role("c"), ["a", "b", "c"]),
        ],
        ids=["all", "and", "or"],
    )
    def test_declared(self, policy, expected):
        """A policy declares the names of all its roles, to be compared with the setting ``PRAETORIAN_ROLES``."""
        assert expected == sorted(policy.names)

    def test_custom_policy_declares_none(self):
        """A custom policy declares no names unless it overrides ``names``."""

        class Weekend(Policy):
            def permits(self, held):
                return True

            def __str__(self):
                return "weekend"

        assert frozenset() == (Weekend() & Weekend()).names


class TestCombining:
    @pytest.mark.parametrize(
        "operate",
        [
            pytest.param(lambda policy: ~policy, id="invert"),
            pytest.param(lambda policy: -policy, id="minus"),
            pytest.param(lambda policy: policy ^ policy, id="xor"),
            pytest.param(lambda policy: policy - policy, id="difference"),
        ],
    )
    @pytest.mark.parametrize(
        "policy",
        [all_roles("a"), any_role("a"), all_roles("a") & any_role("b"), all_roles("a") | any_role("b")],
        ids=str,
    )
    def test_there_is_no_negation(self, policy, operate):
        """No policy requires the absence of a role: it would grant on outdated roles."""

        with pytest.raises(TypeError):
            operate(policy)

    @pytest.mark.parametrize(
        "operate",
        [
            pytest.param(lambda policy, other: policy & other, id="and"),
            pytest.param(lambda policy, other: policy | other, id="or"),
            pytest.param(lambda policy, other: other & policy, id="and-reversed"),
            pytest.param(lambda policy, other: other | policy, id="or-reversed"),
        ],
    )
    @pytest.mark.parametrize(
        "other",
        ["admin", None, True, 0, frozenset({"admin"}), {"admin"}, {}, AllRoles, principal, object()],
        ids=lambda value: type(value).__name__,
    )
    def test_only_policies_combine(self, operate, other):
        """Only policies combine, so a forgotten ``all_roles(...)`` raises where it is written."""

        with pytest.raises(TypeError):
            operate(all_roles("a"), other)

    def test_parts_are_left_alone(self):
        """A combination is a new policy: ``&=`` rebinds a name and changes no policy of another view."""
        shared = policy = all_roles("a")
        policy &= all_roles("b")

        assert all_roles("a") == shared
        assert all_roles("a") & all_roles("b") == policy

    @pytest.mark.parametrize(
        ("policy", "field"),
        [(all_roles("a"), "roles"), (any_role("a"), "roles"), (all_roles("a") & any_role("b"), "first"),
         (all_roles("a") | any_role("b"), "second")],
        ids=str,
    )  # fmt: skip
    def test_frozen(self, policy, field):
        """A policy cannot be changed, and can be the key of a dict."""

        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(policy, field, frozenset())
        assert "seen" == {policy: "seen"}[policy]

    def test_the_kinds_differ(self):
        """Policies of the same roles are equal only if they require the same."""

        assert all_roles("a") != any_role("a")
        assert all_roles("a") & any_role("b") != all_roles("a") | any_role("b")
        assert isinstance(any_role("a"), AnyRole)


class TestWords:
    @pytest.mark.parametrize(
        ("policy", "expected"),
        [
            (all_roles("b", "a"), "all of a, b"),
            (any_role("b", "a"), "any of a, b"),
            (all_roles("a") & any_role("b", "c"), "(all of a) and (any of b, c)"),
            (all_roles("a") | any_role("b"), "(all of a) or (any of b)"),
            (
                (all_roles("a") | any_role("b")) & all_roles("c"),
                "((all of a) or (any of b)) and (all of c)",
            ),
        ],
        ids=str,
    )
    def test_str(self, policy, expected):
        """The text of a policy names its roles in a stable order."""

        assert expected == str(policy)


class TestCheckPolicy:
    def test_satisfied(self):
        """Roles that satisfy the policy pass."""

        assert check_policy(all_roles("a") & any_role("b", "c"), principal("a", "b")) is None

    def test_not_satisfied(self):
        """Roles that do not satisfy it raise, with the policy in words as evidence."""

        with pytest.raises(MissingRoleError) as caught:
            check_policy(all_roles("a") & any_role("b", "c"), principal("a"))

        assert "(all of a) and (any of b, c)" == caught.value.required

    @pytest.mark.parametrize("answer", [1, "yes", None, [True]], ids=repr)
    def test_only_true_is_yes(self, answer):
        """A custom policy that returns anything but True raises."""

        class Sloppy:
            def permits(self, held):
                return answer

        with pytest.raises(MissingRoleError):
            check_policy(Sloppy(), principal("a"))


class TestOfNothing:
    @pytest.mark.parametrize("kind", [AllRoles, AnyRole])
    def test_no_role(self, kind):
        """A policy without a role is refused however it is created (ASVS 8.2.1)."""
        with pytest.raises(ConfigurationError, match="a policy has no role"):
            kind(frozenset())

        assert kind(frozenset({"a"})).permits(frozenset({"a"}))
