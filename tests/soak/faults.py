"""The random faults of the soak. Each one ends with everything running again, and says who was away and when."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from tests.soak.world import World


class Absence(NamedTuple):
    """`who` (a node's name, `bridge` or `ray`) was not there, or not fully, between two Unix times."""

    who: str
    begun: float
    ended: float


class Faults:
    """Does one fault at a time; `absences` grows."""

    def __init__(self, world: World, seed: int, tell: Callable[[str], None]) -> None:
        self.absences: list[Absence] = []
        self.count = 0
        self._world = world
        self._random = random.Random(seed)
        self._tell = tell

    def violent(self) -> None:
        """Do one of all faults."""
        self._do(self._random.choices(_VIOLENT, _WEIGHTS)[0])

    def calm(self) -> None:
        """Do one of those that leave this project's processes alone."""
        self._do(self._random.choice((Faults.ray_frozen, Faults.script_dies_while_sending)))

    def _do(self, fault: Callable[[Faults], None]) -> None:
        self.count += 1
        self._tell(fault.__name__.replace("_", " "))
        fault(self)

    @contextlib.contextmanager
    def _away(self, *who: str):  # type: ignore[no-untyped-def]
        begun = time.time()
        yield
        self.absences.extend(Absence(one, begun, time.time()) for one in who)

    def _pause(self, most: float) -> None:
        time.sleep(self._random.random() * most)

    def monitor_killed(self) -> None:
        name = self._random.choice(sorted(self._world.monitors))
        with self._away(name):
            self._world.monitors[name].kill_9()
            self._pause(3)
            self._world.monitors[name].start()

    def monitor_stopped(self) -> None:
        name = self._random.choice(sorted(self._world.monitors))
        with self._away(name):
            if self._world.monitors[name].process.terminate(within=5) != 0:
                raise AssertionError(f"the monitor of {name} did not end well")
            self._pause(1)
            self._world.monitors[name].start()

    def bridge_killed(self) -> None:
        with self._away("bridge"):
            self._world.bridge.kill_9()
            self._pause(3)
            self._world.bridge.start()

    def node_dies(self) -> None:
        spec = self._random.choice(self._world.specs[1:])
        with self._away(spec.name):
            self._world.monitors[spec.name].kill_9()
            self._world.ray.kill(spec.name)
            self._pause(5)
            self._world.ray.add(spec)
            self._world.monitors[spec.name].start()

    def ray_frozen(self) -> None:
        dashboard = self._world.dashboard_process()
        with self._away("ray"):
            dashboard.suspend()
            self._pause(6)
            dashboard.resume()

    def ray_restarts(self) -> None:
        with self._away("ray"):
            self._world.ray.close()
            self._pause(2)
            self._world.ray.start(self._world.specs)

    def script_dies_while_sending(self) -> None:
        # A second script on the node, which sends nothing more.
        name = self._random.choice(sorted(self._world.monitors))
        self._world.monitors[name].report(status="sending", session=f"dies-{self.count}", sequence=1, ttl=2)


_VIOLENT: Final = (
    Faults.monitor_killed,
    Faults.monitor_stopped,
    Faults.bridge_killed,
    Faults.node_dies,
    Faults.ray_frozen,
    Faults.ray_restarts,
    Faults.script_dies_while_sending,
)
_WEIGHTS: Final = (4, 2, 3, 2, 2, 1, 2)
