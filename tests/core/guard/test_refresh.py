"""``refresh`` as an application calls it; tests/core/flows/test_sessions.py states all of its rules."""

from __future__ import annotations

import itertools

import attrs
import pytest
from tests.core.guard.world import LAYOUTS, World
from tests.support import ACCESS, NOW, both_layouts, outcome

from praetorian_core.errors import ConfigurationError, ReusedTokenError, RevokedTokenError
from praetorian_core.events import TokenReused
from praetorian_core.guard import Guard
from praetorian_core.stores.memory import MemoryStore


class TestRefresh:
    def test_override(self, world):
        """Access can be chosen for one successor."""
        token = world.guard.issue(world.alice)
        fresh = world.at(NOW + ACCESS).refresh(token, access_lifespan="1 minute")

        assert NOW + ACCESS + 60 == world.guard.verify(fresh).access_expires_at

    def test_bad_lifespan(self, world):
        """A lifespan that is none is refused by its name."""
        with pytest.raises(ConfigurationError, match="access_lifespan must be "):
            world.guard.refresh(world.guard.issue(world.alice), access_lifespan="soon")

    @both_layouts
    def test_roles(self, layout):
        """Roles are read anew: what was given counts, and what was taken is gone (ASVS 8.3.2)."""
        world = World(layout=layout)
        token = world.guard.issue(world.alice)
        world.alice.rolenames = ["guest"]
        fresh = world.at(NOW + ACCESS).refresh(token)

        assert {"guest"} == world.guard.verify(fresh).roles

    @both_layouts
    def test_change_of_layout(self, layout):
        """A session goes over from one layout to the other at a refresh, and keeps its end and its id."""
        other = next(name for name in LAYOUTS if name is not layout)
        old, new = World(layout=layout), World(layout=other, accept_layouts=LAYOUTS)
        token = old.guard.issue(old.alice, plan="gold")
        before = old.guard.verify(token)
        after = new.at(NOW + ACCESS).verify(new.guard.refresh(token))

        assert attrs.evolve(before, issued_at=NOW + ACCESS, access_expires_at=NOW + 2 * ACCESS) == after


class TestRefreshOnce:
    then = NOW + ACCESS

    @pytest.mark.parametrize("late", [10, 11, 500])
    def test_reuse(self, stored, late):
        """From the 10th second on it is reuse: the session ends with all of its tokens, and one event is emitted."""
        token = stored.guard.issue(stored.alice)
        fresh = stored.at(self.then).refresh(token)
        reused = outcome(stored.at(self.then + late).refresh, token)

        assert (ReusedTokenError, 1) == (reused, stored.kinds.count(TokenReused))
        assert [RevokedTokenError] * 3 == [
            outcome(stored.guard.verify, fresh),
            outcome(stored.at(self.then + ACCESS).refresh, fresh),
            outcome(stored.guard.refresh, token),
        ]

    def test_without_store(self, world):
        """Without a store refresh is stateless: a token makes as many successors as it is shown."""
        token = world.guard.issue(world.alice)
        fresh = [world.at(self.then + late).refresh(token) for late in (0, 10, 500)]

        assert [1, 1, 1] == [world.guard.verify(each).identity for each in fresh]


class TestRollingChange:
    """Machines of both layouts share a store, as during a change from one layout to the other."""

    @staticmethod
    def machines():
        """Return a guard of each layout over one store and one clock."""
        store = MemoryStore()
        worlds = [World(layout=layout, accept_layouts=LAYOUTS, guard={"store": store}) for layout in LAYOUTS]
        worlds[1].clock = worlds[0].clock
        return [Guard(worlds[0].users, world.settings, store=store, clock=worlds[0].clock, passwords=None,
                      on_event=worlds[0].heard.append) for world in worlds], worlds[0]  # fmt: skip

    @pytest.mark.parametrize("visited", list(itertools.product((0, 1), repeat=5)), ids=str)
    def test_honest(self, visited):
        """A client that presents its latest token is never rejected, whichever machines it meets."""
        guards, world = self.machines()
        token = guards[visited[0]].issue(world.alice)
        for number, machine in enumerate(visited[1:], 1):
            world.clock.now = NOW + number * ACCESS
            token = guards[machine].refresh(token)

        assert 1 == guards[0].verify(token).identity == guards[1].verify(token).identity

    @pytest.mark.parametrize("visited", [v for v in itertools.product((0, 1), repeat=4) if 0 in v], ids=str)
    @pytest.mark.parametrize("thief", [0, 1], ids=["to STANDARD", "to FLASK_PRAETORIAN"])
    def test_reuse(self, visited, thief):
        """Once a machine has counted the session, every earlier token is reuse on every machine, and ends the session."""
        guards, world = self.machines()
        tokens = [guards[visited[0]].issue(world.alice)]
        for number, machine in enumerate(visited[1:], 1):
            world.clock.now = NOW + number * ACCESS
            tokens.append(guards[machine].refresh(tokens[-1]))
        world.clock.tick(ACCESS)

        assert ReusedTokenError is outcome(guards[thief].refresh, tokens[0])
        assert [RevokedTokenError] * 2 == [outcome(guard.refresh, tokens[-1]) for guard in guards]


class TestRefreshThatCannotBeMade:
    def test_nothing_is_spent(self):
        """A successor that cannot be encoded spends nothing: when the roles are mended, the old token still refreshes."""
        world = World(guard={"store": MemoryStore()})
        token = world.guard.issue(world.alice)
        world.clock.tick(ACCESS)
        world.alice.rolenames = [f"{number:0>250}" for number in range(40)]
        with pytest.raises(ConfigurationError, match="at most 8000 characters"):
            world.guard.refresh(token)
        world.clock.tick(60)
        world.alice.rolenames = ["editor"]

        assert {"editor"} == world.guard.verify(world.guard.refresh(token)).roles
