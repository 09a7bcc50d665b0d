"""The command: load and faults for some minutes, then the verdict; exit status 1 when a promise was broken."""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable

from tests.soak import verdict
from tests.soak.faults import Faults
from tests.soak.scripts import Script
from tests.soak.viewers import Viewer
from tests.soak.watch import Watch
from tests.soak.world import World

VIOLENT_SHARE = 0.6
"""Part of the time in which anything may be ended. In the rest it is seen whether processes that live on grow."""
PAUSE_SECONDS = 4.0
VIEWERS = 3


def main() -> int:
    """Run the soak and print its report."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long, besides half a minute to start and end")
    parser.add_argument("--seed", type=int, default=None, help="repeat the faults of an earlier run")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    print(f"soak: {options.minutes:g} minutes, seed {seed}; starting Ray, monitors, bridge and Prometheus", flush=True)
    with World() as world:
        return _soak(world, options.minutes * 60, seed)


def _soak(world: World, seconds: float, seed: int) -> int:
    started = time.monotonic()

    def tell(text: str) -> None:
        print(f"{time.monotonic() - started:7.1f} s  {text}", flush=True)

    chance = random.Random(seed)
    scripts = {
        name: Script(monitor, seed + number, plain=number == 1)
        for number, (name, monitor) in enumerate(sorted(world.monitors.items()))
    }
    watch, faults = Watch(world), Faults(world, seed, tell)
    viewers = [Viewer(world) for _ in range(VIEWERS)]
    begun = time.time()
    for thread in (*scripts.values(), watch, *viewers):
        thread.start()

    def do(fault: Callable[[], None], until: float) -> None:
        while time.monotonic() - started < until:
            fault()
            time.sleep(chance.random() * PAUSE_SECONDS)

    do(faults.violent, seconds * VIOLENT_SHARE)
    tell("from here on no process is ended")
    time.sleep(min(15.0, seconds / 10))  # what was just started takes its memory first
    watch.forget_samples()
    do(faults.calm, seconds)
    ended = time.time()
    for thread in (*scripts.values(), *viewers):
        thread.stop()
    lines = [
        *verdict.counts(world, scripts),
        *verdict.lights(world, watch, ended - begun),
        *verdict.data(world, faults.absences, begun, ended),
        *verdict.viewers([viewer.heard_at for viewer in viewers], faults.absences, begun, ended),
        *verdict.leaks(watch.drifts(), services=1 + len(world.monitors)),
    ]
    watch.stop()
    return _report(lines, faults.count)


def _report(lines: list[verdict.Line], faults: int) -> int:
    print(f"\nafter {faults} faults:")
    for line in lines:
        print(f"{'ok    ' if line.kept else 'BROKEN'}  {line.text}")
    broken = sum(not line.kept for line in lines)
    print(f"{len(lines) - broken} of {len(lines)} promises kept")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
