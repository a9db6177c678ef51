"""Machines that issue different layouts and share a store, as during a rolling change between layouts."""

from __future__ import annotations

import itertools

import attrs
import pytest

from praetorian_core import FLASK_PRAETORIAN, STANDARD, Guard, KeyRing, MemoryStore, Settings, generate_secret
from praetorian_core.errors import ReusedTokenError, RevokedTokenError
from praetorian_core.testing import FrozenClock, MemoryUser, MemoryUsers

ACCESS = 900
RING = KeyRing.from_secret(generate_secret())
LAYOUTS = {"S": STANDARD, "F": FLASK_PRAETORIAN}
ORDERS = ["".join(order) for order in itertools.product("SF", repeat=4)]


@attrs.define
class Fleet:
    """One guard for each layout, all with the same store, users, keys and clock."""

    clock: FrozenClock = attrs.Factory(FrozenClock)
    alice: MemoryUser = attrs.Factory(lambda: MemoryUser(identity=7, username="alice", rolenames=["admin"]))
    store: MemoryStore = attrs.Factory(MemoryStore)
    guards: dict[str, Guard] = attrs.field(init=False)

    def __attrs_post_init__(self):
        users = MemoryUsers([self.alice])
        self.guards = {
            name: Guard(
                users,
                Settings(keys=RING, layout=layout, accept_layouts=LAYOUTS.values(), access_lifespan=ACCESS),
                store=self.store,
                throttle=None,
                passwords=None,
                clock=self.clock,
                on_event=lambda event: None,
            )
            for name, layout in LAYOUTS.items()
        }

    def session(self, order):
        """Return the tokens of a session whose issue and refreshes take place on the machines of this order."""
        tokens = [self.guards[order[0]].issue(self.alice)]
        for machine in order[1:]:
            self.clock.tick(ACCESS)
            tokens.append(self.guards[machine].refresh(tokens[-1]))
        return tokens


class TestRollingChange:
    @pytest.mark.parametrize("order", ORDERS)
    def test_an_honest_session_goes_on(self, order):
        """A client that always presents its latest token is never taken for a thief."""
        fleet = Fleet()
        token = fleet.session(order)[-1]

        for guard in fleet.guards.values():
            assert 7 == guard.verify(token).identity

    @pytest.mark.parametrize("machine", LAYOUTS)
    @pytest.mark.parametrize("order", [order for order in ORDERS if "S" in order[:-1]])
    def test_reuse_of_a_counted_token_is_detected(self, order, machine):
        """Whatever layouts follow, a session that was counted once stays counted, on every machine."""
        fleet = Fleet()
        tokens = fleet.session(order)
        fleet.clock.tick(ACCESS)
        counted = order.index("S")

        with pytest.raises(ReusedTokenError):
            fleet.guards[machine].refresh(tokens[counted])
        with pytest.raises(RevokedTokenError):
            fleet.guards[machine].refresh(tokens[-1])

    @pytest.mark.parametrize("machine", LAYOUTS)
    @pytest.mark.parametrize("order", ["FS", "FFS"])
    def test_a_token_without_a_generation_precedes_the_counted_ones(self, order, machine):
        """The first counted refresh spends it: within the grace it is a retry, after it a reuse."""
        fleet = Fleet()
        uncounted = fleet.session(order)[-2]
        guard = fleet.guards[machine]

        assert 7 == guard.verify(guard.refresh(uncounted)).identity
        fleet.clock.tick(ACCESS)
        with pytest.raises(ReusedTokenError):
            guard.refresh(uncounted)

    def test_a_session_of_one_uncounted_layout_is_not_counted(self):
        """flask-praetorian copies a counter unchanged, so a session that begins in its layout has none."""
        fleet = Fleet()
        tokens = fleet.session("FFF")
        fleet.clock.tick(ACCESS)

        assert 7 == fleet.guards["F"].verify(fleet.guards["F"].refresh(tokens[0])).identity
