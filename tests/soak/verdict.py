"""What the soak says in the end: one line per promise, and whether all were kept."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from testkit.net import wait_for
from tests.soak.faults import Absence
from tests.soak.scripts import Script
from tests.soak.watch import Drift, Watch
from tests.soak.world import World

GAP_SECONDS: Final = 5.0
"""A living node has a sample in Prometheus at least this often; it is scraped every second."""
SILENCE_SECONDS: Final = 6.0
"""A viewer hears of a running bridge at least this often; it is promised a message every three seconds."""
START_SECONDS: Final = 5.0
"""What a node may take from its return to its first sample."""
_LOOKS_PER_SECOND: Final = 1.0
"""Least that counts as having looked: half of the tries of three nodes twice a second go amiss at most."""
_GROWTH: Final = {"threads": 8.0, "descriptors": 12.0, "megabytes": 6.0}
"""Most that may come on between the first and the last quarter of the calm part: viewers come and go."""
_STATS: Final = {
    "processed": "total_processed",
    "low_confidence": "low_confidence_count",
    "sent_to_server": "sent_to_server",
}


class Line(NamedTuple):
    """One promise."""

    kept: bool
    text: str


def counts(world: World, scripts: dict[str, Script]) -> Iterator[Line]:
    """Tell whether each node counted what was acknowledged, and nothing twice."""
    for name, script in scripts.items():
        counted = world.monitors[name].stats()
        done = script.ledger.done
        extra = [counted[_STATS[key]] - done[key] for key in done]
        # Sending counts two figures at once: the larger surplus tells how many unanswered posts were taken in.
        kept = min(extra) >= 0 and extra[0] + max(extra[1:]) <= script.ledger.unsure and script.failure is None
        text = f"{name}: {sum(done.values())} counts acknowledged, lost {-min(0, *extra)}, counted beyond {max(extra)}"
        unsure = f" ({script.ledger.unsure} posts without an answer)" if script.ledger.unsure else ""
        yield Line(kept, text + unsure + (f", {script.failure!r}" if script.failure else ""))


def lights(world: World, watch: Watch, seconds: float) -> Iterator[Line]:
    """Tell whether a light was ever stuck in those seconds, and whether all are green after all scripts ended."""
    kept = not watch.stuck and watch.failure is None and watch.looks >= _LOOKS_PER_SECOND * seconds
    failure = f", {watch.failure!r}" if watch.failure else ""
    yield Line(kept, f"lights: {watch.looks} looks, stuck: {'; '.join(watch.stuck) or 'none'}{failure}")

    def all_idle() -> bool:
        nodes = world.bridge.nodes()
        return set(nodes) == set(world.monitors) and all(
            node["workStatusReachable"] and node["workStatus"] == "idle" for node in nodes.values()
        )

    try:
        wait_for(all_idle, "all lights idle", 30)
        yield Line(True, "lights: all idle in the end")
    except TimeoutError:
        shown = {name: (node["workStatus"], node["workStatusError"]) for name, node in world.bridge.nodes().items()}
        yield Line(False, f"lights: in the end {shown}")


def leaks(drifts: Sequence[Drift], services: int) -> Iterator[Line]:
    """Tell the slopes of the calm part for so many services."""
    if len(drifts) < services * len(_GROWTH):
        yield Line(False, f"only {len(drifts)} slopes of {services} services: too few samples; run longer")
    for drift in drifts:
        kept = drift.grown <= _GROWTH[drift.what]
        figures = f"{drift.last:9.1f}  grown {drift.grown:+7.2f}  slope {drift.per_hour:+9.2f} per hour"
        yield Line(kept, f"{drift.who:>6} {drift.what:<11} {figures}")


def data(world: World, absences: list[Absence], begun: float, ended: float) -> Iterator[Line]:
    """Tell the longest time for which Prometheus had nothing from a living node."""
    window = int(time.time() - begun) + 1
    for name in sorted(world.monitors):
        rows = world.query(f'up{{node="{name}"}}[{window}s]')
        samples = sorted(float(at) for row in rows for at, value in row["values"] if value == "1")
        worst, at = _longest_gap(samples, name, absences, begun, ended)
        text = f"{name}: {len(samples)} scrapes, longest gap while alive {worst:.1f} s, at {at - begun:.0f} s"
        yield Line(worst <= GAP_SECONDS, text)


def viewers(heard: Sequence[Sequence[float]], absences: list[Absence], begun: float, ended: float) -> Iterator[Line]:
    """Tell the longest time for which a viewer heard nothing of a running bridge."""
    for number, times in enumerate(heard, start=1):
        worst, at = _longest_gap(list(times), "bridge", absences, begun, ended)
        text = f"viewer {number}: {len(times)} messages, longest silence {worst:.1f} s, at {at - begun:.0f} s"
        yield Line(worst <= SILENCE_SECONDS, text)


def _longest_gap(
    times: list[float], who: str, absences: list[Absence], begun: float, ended: float
) -> tuple[float, float]:
    """Return the longest time without any of `times` while `who` was there (seconds), and when that began."""
    gaps = [gap for alive in _alive(who, absences, begun, ended) for gap in _gaps(times, *alive)]
    return max(gaps, default=(0.0, begun))


def _alive(name: str, absences: list[Absence], begun: float, ended: float) -> Iterator[tuple[float, float]]:
    at = begun
    for absence in sorted(absence for absence in absences if absence.who == name):
        if absence.begun > at:
            yield at, absence.begun
        at = absence.ended + START_SECONDS
    if ended > at:
        yield at, ended


def _gaps(samples: list[float], begun: float, ended: float) -> list[tuple[float, float]]:
    inside = [begun, *(at for at in samples if begun < at < ended), ended]
    return [(later - earlier, earlier) for earlier, later in pairwise(inside)]
