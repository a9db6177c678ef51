"""Policies: which principals satisfy them; neither a further role nor a later login takes access away."""

import enum

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from praetorian_core.errors import ConfigurationError, MissingRoleError, StaleAuthenticationError
from praetorian_core.policy import (
    MAX_AHEAD,
    AllRoles,
    AnyRole,
    AuthenticatedWithin,
    Policy,
    all_roles,
    any_role,
    authenticated_within,
    check_policy,
)
from praetorian_core.principal import Principal
from praetorian_core.settings import MAX_LEEWAY

NOW = 1_800_000_000

ROLES = ("a", "b", "c", "d")
SUBSETS = [frozenset(role for bit, role in enumerate(ROLES) if number >> bit & 1) for number in range(2 ** len(ROLES))]

AGES = (1, 2, 5, 9)
"""The seconds that formulas require."""

# A formula is a nested tuple: ("all", names), ("any", names), ("within", seconds), ("and", left, right) or ("or", left,
# right).
names = st.lists(st.sampled_from(ROLES), min_size=1, max_size=3).map(tuple)
role_formulas = st.tuples(st.sampled_from(["all", "any"]), names)


def combined(leaves):
    """Return the strategy of formulas of these leaves."""
    return st.recursive(leaves, lambda parts: st.tuples(st.sampled_from(["and", "or"]), parts, parts), max_leaves=8)


formulas = combined(role_formulas)
timed_formulas = combined(role_formulas | st.tuples(st.just("within"), st.sampled_from(AGES)))


def build(formula):
    """Return the policy that the formula spells."""
    match formula:
        case ("all", roles):
            return all_roles(*roles)
        case ("any", roles):
            return any_role(*roles)
        case ("within", seconds):
            return authenticated_within(seconds)
        case ("and", left, right):
            return build(left) & build(right)
        case ("or", left, right):
            return build(left) | build(right)


def holds(formula, held, age=None):
    """Evaluate the formula with nothing of the code under test."""
    match formula:
        case ("all", roles):
            return all(role in held for role in roles)
        case ("any", roles):
            return any(role in held for role in roles)
        case ("within", seconds):
            return age is not None and age < seconds
        case ("and", left, right):
            return holds(left, held, age) and holds(right, held, age)
        case ("or", left, right):
            return holds(left, held, age) or holds(right, held, age)


def principal(*roles, at=None):
    """Return a principal with these roles, who authenticated at this second."""
    return Principal(
        identity=1,
        roles=frozenset(roles),
        claims={"team": "red"},
        session_id="s",
        issued_at=NOW,
        authenticated_at=at,
        access_expires_at=NOW + 1,
        refresh_expires_at=NOW + 2,
    )


def permits(policy, held):
    """Return whether a policy permits a principal with these roles."""
    return policy.permits(principal(*held), NOW)


def outcome(policy, *roles, at=None):
    """Return the class of the error that a check raises, with its ``max_age``; None if it passes."""
    try:
        check_policy(policy, principal(*roles, at=at), NOW)
    except StaleAuthenticationError as error:
        return (StaleAuthenticationError, error.max_age)
    except MissingRoleError:
        return MissingRoleError
    return None


def rows(policy, table):
    """Make a parametrised row of each line of a truth table; the roles held are the letters."""
    return [pytest.param(policy, frozenset(held), expected, id=f"{policy}: {held}") for held, expected in table.items()]


class TestMistakes:
    @pytest.mark.parametrize("policy", [all_roles("a"), any_role("a"), authenticated_within(60)], ids=str)
    def test_and_or(self, policy):
        """``and`` would drop one of two policies, so a policy has no truth value."""
        with pytest.raises(ConfigurationError, match="write & for and"):
            policy and policy  # noqa: B018  (the expression is the mistake)
        assert f"({policy}) and ({policy})" == str(policy & policy)

    def test_decorator(self):
        """A policy stands in ``policy_required``."""
        with pytest.raises(ConfigurationError, match=r"write @policy_required\(...\) around it: authenticated within"):
            authenticated_within("5 minutes")(lambda: None)

    def test_decorator_without_age(self):
        """``@authenticated_within`` alone would take the view for a lifespan."""
        with pytest.raises(ConfigurationError, match="authenticated_within takes a lifespan; write @policy_required"):
            authenticated_within(lambda: None)


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

        assert expected is permits(policy, held)

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

        assert not permits(make("admin"), {held})
        assert permits(make(held), {held})

    def test_repeated_names_are_one(self):
        """A repeated name changes nothing."""

        assert all_roles("a", "a") == all_roles("a")
        assert permits(all_roles("a", "a"), "a")

    @given(formulas)
    def test_is_the_formula(self, formula):
        """A combination permits exactly the sets of roles that its formula permits."""
        policy = build(formula)

        assert [holds(formula, held) for held in SUBSETS] == [permits(policy, held) for held in SUBSETS]

    @given(formulas)
    def test_is_monotone(self, formula):
        """No further role takes access away: the roles in a token may be outdated."""
        admitted = {held for held in SUBSETS if permits(build(formula), held)}

        assert {more for held in admitted for more in SUBSETS if held <= more} == admitted

    @given(formulas)
    def test_no_roles_satisfy_no_policy(self, formula):
        """A principal without roles satisfies no policy (ASVS 8.2.1)."""

        assert not permits(build(formula), ())


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

        assert permits(make(name), {name})

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
        """A custom policy declares no names and no ages, and counts as one that reads roles, unless it says more."""

        class Weekend(Policy):
            def permits(self, principal, now):
                return True

            def __str__(self):
                return "weekend"

        both = Weekend() & Weekend()

        assert (frozenset(), frozenset(), True) == (both.names, both.max_ages, both.reads_roles)


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
            (authenticated_within(1), "authenticated within 1 second"),
            (authenticated_within(90), "authenticated within 90 seconds"),
            (authenticated_within(60), "authenticated within 1 minute"),
            (authenticated_within("5 minutes"), "authenticated within 5 minutes"),
            (authenticated_within("2 hours"), "authenticated within 2 hours"),
            (authenticated_within("1 day"), "authenticated within 1 day"),
            (all_roles("a") & authenticated_within(300), "(all of a) and (authenticated within 5 minutes)"),
        ],
        ids=str,
    )
    def test_str(self, policy, expected):
        """The text of a policy names its roles in a stable order."""

        assert expected == str(policy)


class TestCheckPolicy:
    def test_satisfied(self):
        """Roles that satisfy the policy pass."""

        assert check_policy(all_roles("a") & any_role("b", "c"), principal("a", "b"), NOW) is None

    def test_not_satisfied(self):
        """Roles that do not satisfy it raise, with the policy in words as evidence."""

        with pytest.raises(MissingRoleError) as caught:
            check_policy(all_roles("a") & any_role("b", "c"), principal("a"), NOW)

        assert "(all of a) and (any of b, c)" == caught.value.required

    @pytest.mark.parametrize("answer", [1, "yes", None, [True]], ids=repr)
    def test_only_true_is_yes(self, answer):
        """A custom policy that returns anything but True raises."""

        class Sloppy(Policy):
            max_ages = frozenset({300})

            def permits(self, principal, now):
                return answer

            def __str__(self):
                return "sloppy"

        with pytest.raises(MissingRoleError):
            check_policy(Sloppy(), principal("a"), NOW)


class TestOfNothing:
    @pytest.mark.parametrize("kind", [AllRoles, AnyRole])
    def test_no_role(self, kind):
        """A policy without a role is refused however it is created (ASVS 8.2.1)."""
        with pytest.raises(ConfigurationError, match="a policy has no role"):
            kind(frozenset())

        assert permits(kind(frozenset({"a"})), "a")


class TestAuthenticatedWithin:
    @pytest.mark.parametrize(
        ("age", "expected"),
        [(0, True), (298, True), (299, True), (300, False), (301, False), (None, False)],
        ids=["just now", "max_age-2", "max_age-1", "max_age", "max_age+1", "unknown"],
    )
    def test_boundary(self, age, expected):
        """An authentication is recent while its age is below ``max_age``; one at an unknown time never is."""
        at = None if age is None else NOW - age

        assert expected is authenticated_within("5 minutes").permits(principal(at=at), NOW)

    @pytest.mark.parametrize(
        ("ahead", "expected"),
        [(1, True), (MAX_AHEAD, True), (MAX_AHEAD + 1, False)],
        ids=["1 s", "the tolerance", "the tolerance+1"],
    )
    def test_future(self, ahead, expected):
        """An authentication in the future is recent only within the largest difference of clocks."""

        assert expected is authenticated_within(1).permits(principal(at=NOW + ahead), NOW)

    def test_tolerance(self):
        """That difference is the largest leeway that a setting allows."""

        assert MAX_LEEWAY == MAX_AHEAD

    def test_roles_do_not_matter(self):
        """The roles of the principal neither help nor hinder."""
        policy = authenticated_within(300)

        assert not policy.permits(principal("a", "admin"), NOW)
        assert policy.permits(principal(at=NOW), NOW)

    @pytest.mark.parametrize("given", ["5 minutes", 300, {"minutes": 5}, "300s"], ids=repr)
    def test_any_lifespan(self, given):
        """The age is any lifespan."""

        assert AuthenticatedWithin(300) == authenticated_within(given)

    @pytest.mark.parametrize(
        "given",
        [0, -1, None, True, "300", "5 minuets"],
        ids=[*"01", "none", "bool", "no-unit", "typo"],
    )
    def test_no_lifespan(self, given):
        """Anything else is refused at decoration, however the policy is created."""

        for make in (authenticated_within, AuthenticatedWithin):
            with pytest.raises(ConfigurationError, match=r"^authenticated_within must be a timedelta, .*; got"):
                make(given)

    def test_reads_no_roles(self):
        """A policy of time alone has a meaning where roles are disabled; one with roles has none."""
        time, role = authenticated_within(300), all_roles("a")

        assert [False, False, False] == [each.reads_roles for each in (time, time & time, time | time)]
        assert [True] * 5 == [each.reads_roles for each in (role, time & role, role & time, time | role, role | time)]

    def test_ages(self):
        """A combination declares the ages of both parts."""
        policy = authenticated_within(300) & all_roles("a") | authenticated_within(60)

        assert {300, 60} == policy.max_ages
        assert frozenset() == all_roles("a").max_ages


RECENT, OLD = NOW - 59, NOW - 60


class TestStale:
    """``StaleAuthenticationError`` only if a recent authentication alone would satisfy the policy."""

    @pytest.mark.parametrize(
        ("policy", "roles", "at", "expected"),
        [
            (authenticated_within(60), "", RECENT, None),
            (authenticated_within(60), "", OLD, 60),
            (authenticated_within(60), "", None, 60),
            (authenticated_within(60) & all_roles("a"), "a", RECENT, None),
            (authenticated_within(60) & all_roles("a"), "a", OLD, 60),
            (authenticated_within(60) & all_roles("a"), "", OLD, MissingRoleError),
            (authenticated_within(60) & all_roles("a"), "", RECENT, MissingRoleError),
            (authenticated_within(60) | all_roles("a"), "a", OLD, None),
            (authenticated_within(60) | all_roles("a"), "", OLD, 60),
            (authenticated_within(60) & authenticated_within(300), "", NOW - 400, 60),
            (authenticated_within(60) & authenticated_within(300), "", NOW - 200, 60),
            (authenticated_within(60) | authenticated_within(300), "", NOW - 400, 300),
            ((authenticated_within(60) & all_roles("a")) | (authenticated_within(30) & all_roles("b")), "b", OLD, 30),
            ((authenticated_within(60) & all_roles("a")) | (authenticated_within(30) & all_roles("b")), "ab", OLD, 60),
            (all_roles("a"), "", None, MissingRoleError),
        ],
    )  # fmt: skip
    def test_table(self, policy, roles, at, expected):
        """The error names the largest age that suffices for these roles; without one, a role is missing."""
        if isinstance(expected, int):
            expected = (StaleAuthenticationError, expected)

        assert expected == outcome(policy, *roles, at=at)

    @given(timed_formulas, st.sampled_from(SUBSETS), st.none() | st.integers(0, 12))
    def test_is_the_threshold(self, formula, held, age):
        """A check passes if the formula holds; else the named age is the first at which it does not hold."""
        found = outcome(build(formula), *held, at=None if age is None else NOW - age)
        holding = [each for each in range(12) if holds(formula, held, each)]
        stale = (StaleAuthenticationError, len(holding)) if holding else MissingRoleError

        assert (None if holds(formula, held, age) else stale) == found

    def test_evidence(self):
        """The error holds both times and the age, for the log."""
        with pytest.raises(StaleAuthenticationError) as caught:
            check_policy(authenticated_within(60), principal(at=OLD), NOW)

        error = caught.value
        assert (60, OLD, NOW) == (error.max_age, error.authenticated_at, error.now)
        assert "the user authenticated 60 s ago; expected less than 60 s ago" == str(error)

    def test_unknown_time(self):
        """A token without ``auth_time`` is named as such."""
        with pytest.raises(StaleAuthenticationError, match=r"^the user authenticated at an unknown time; expected"):
            check_policy(authenticated_within(60), principal(), NOW)
