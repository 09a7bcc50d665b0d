"""A service over a changing fleet, watched for a while by viewers: what it takes, and how late they see the changes."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any, Final, NamedTuple

import psutil

from bench.row import Row
from bench.sights import LATE_SECONDS, Sights, follow
from testkit.changing_fleet import ChangingFleet, FleetReport, NodeReport
from testkit.net import wait_for
from testkit.process import Process, module
from testkit.running import Service

DELTA_PROTOCOL: Final = "castray.delta.v1"
"""Not the bridge's own constant, so that older bridges can be measured too."""
_TIMED: Final = 5
"""Viewers whose messages are read; of the others only the frames' heads, because reading takes longer than sending."""
_SETTLE_SECONDS: Final = 3.0
_MEMORY_SECONDS: Final = 2.0


class Audience(NamedTuple):
    """Viewers of one kind."""

    size: int
    kind: str
    protocol: str = ""
    deflate: bool = False


def wall_viewers(count: int) -> Audience:
    """Return viewers that take what the wall in a browser takes: deltas, compressed."""
    return Audience(count, "viewers of the wall", DELTA_PROTOCOL, deflate=True)


def plain_viewers(count: int, *, deflate: bool = False) -> Audience:
    """Return viewers that take whole lists, as droneOnCampus does."""
    return Audience(count, "plain viewers, compressed" if deflate else "plain viewers", deflate=deflate)


class Watched(NamedTuple):
    """What was measured; parts of a core are in percent."""

    cpu: float
    megabytes: float
    fleet_cpu: float
    viewers_cpu: float
    load: float
    sights: Sights
    changes: int
    """Those of the time times the viewers whose messages were read."""
    wrong: int
    """Nodes whose state or task was another one than the viewer's after the changes ended."""
    lost: int
    kilobytes: float
    """A second and viewer."""
    fleet_late_ms: float


def watch(service: Service, fleet: ChangingFleet, audience: Audience, seconds: float, directory: Path) -> Watched:
    """Let `audience` watch `service` for `seconds`, then end the changes and the fleet."""
    with viewers(service.url, audience, directory) as watching:
        time.sleep(_SETTLE_SECONDS)
        for viewer in watching:
            os.kill(viewer.pid, signal.SIGUSR1)
        begin, before = time.monotonic(), _used(service, fleet, watching)
        memory = 0.0
        while time.monotonic() < begin + seconds:
            memory = max(memory, service.megabytes())
            time.sleep(_MEMORY_SECONDS)
        end, after = time.monotonic(), _used(service, fleet, watching)
        for viewer in watching:
            os.kill(viewer.pid, signal.SIGUSR1)
        load = os.getloadavg()[0]
        fleet.stop_changing()
        time.sleep(LATE_SECONDS)
        seen = [_seen(viewer) for viewer in watching]
        reports = fleet.end()
    nodes = {name: node for report in reports for name, node in report.nodes.items()}
    sights, changes = _follow(nodes, seen, begin, end)
    cpu, fleet_cpu, viewers_cpu = (100 * (now - then) / (end - begin) for now, then in zip(after, before, strict=True))
    return Watched(
        cpu, memory, fleet_cpu, viewers_cpu, load, sights, changes, _wrong(nodes, seen),
        sum(each["lost"] for each in seen), _kilobytes(seen, audience.size), _late(reports),
    )  # fmt: skip


def rows(
    name: str, found: Watched, targets: Mapping[str, str], other: Watched | None = None, whose: str = ""
) -> list[Row]:
    """Return the figures of `found`, with the promises of `targets` by the end of the row's name, beside `other`."""
    figures = _figures(found)
    beside = _figures(other) if other else {}
    unknown = targets.keys() - figures.keys()
    if unknown:
        raise ValueError(f"no such figures: {sorted(unknown)}")
    return [
        Row(
            f"{name}: {what}",
            value,
            unit,
            targets.get(what, ""),
            whose if what in beside else "",
            beside.get(what, (None,))[0],
        )
        for what, (value, unit) in figures.items()
    ]


def _figures(found: Watched) -> dict[str, tuple[float, str]]:
    figures = {"CPU": (found.cpu, "% of a core"), "memory": (found.megabytes, "MB")}
    if found.changes:
        late = found.sights.late
        p50, p99 = (quantiles(late, n=100, method="inclusive")[at] for at in (49, 98)) if len(late) > 1 else (1e9, 1e9)
        figures |= {
            "change to its sight, p50": (p50, "ms"),
            "change to its sight, p99": (p99, "ms"),
            "changes missed": (100 * found.sights.missed / found.changes, "%"),
            "changes superseded before they were sent": (100 * found.sights.superseded / found.changes, "%"),
            "lights wrong after the changes": (found.wrong, "nodes"),
            "viewers lost": (found.lost, "viewers"),
            "a viewer takes": (found.kilobytes, "KB/s"),
        }
    return figures | {
        "CPU of the fleet itself": (found.fleet_cpu, "% of a core"),
        "changes later than planned, p99": (found.fleet_late_ms, "ms"),
        "CPU of the viewers themselves": (found.viewers_cpu, "% of a core"),
        "load average": (found.load, ""),
    }


@contextmanager
def viewers(url: str, audience: Audience, directory: Path) -> Iterator[list[Process]]:
    """Run `audience` in processes of its own; they end at SIGTERM with what they saw (`bench.fleet_viewers`)."""
    timed = min(_TIMED, audience.size)
    groups = {"time": timed, "count": audience.size - timed}
    options = (audience.protocol or "-", "deflate" if audience.deflate else "-")
    with ExitStack() as stack:
        processes = [
            stack.enter_context(
                Process([*module("bench.fleet_viewers"), url, str(count), *options, role], directory / f"{role}.log")
            )
            for role, count in groups.items()
            if count
        ]
        wait_for(lambda: all("connected" in each.output() for each in processes), "the viewers", 60)
        yield processes


def _used(service: Service, fleet: ChangingFleet, watching: list[Process]) -> tuple[float, float, float]:
    times = [psutil.Process(viewer.pid).cpu_times() for viewer in watching]
    return service.cpu_seconds(), fleet.cpu_seconds(), sum(each.user + each.system for each in times)


def _seen(viewers: Process) -> dict[str, Any]:
    """End a process of viewers and return what it saw. Raises `RuntimeError` when it failed."""
    if viewers.terminate(60):
        raise RuntimeError(f"the viewers failed: {viewers.output()}")
    said: dict[str, Any] = json.loads(viewers.output().splitlines()[-1])
    return said


def _follow(
    nodes: Mapping[str, NodeReport], seen: list[dict[str, Any]], begin: float, end: float
) -> tuple[Sights, int]:
    changed_at = {name: node["changed_at"] for name, node in nodes.items()}
    watching = [sights for each in seen for sights in each["seen"]]
    during = sum(begin <= at < end for times in changed_at.values() for at in times)
    return follow(changed_at, watching, begin, end), during * len(watching)


def _wrong(nodes: Mapping[str, NodeReport], seen: list[dict[str, Any]]) -> int:
    """Return how many nodes the first viewer shows in another state, or after another change, than they ended in."""
    shown: dict[str, tuple[str, str]] = next((each["states"] for each in seen if each["states"]), {})
    wrong = 0
    for name, node in nodes.items():
        state, task = shown.get(name, ("", ""))
        is_last = task.startswith(f"{name} change {len(node['changed_at'])} at ") or not node["changed_at"]
        wrong += state != node["state"] or not is_last
    return wrong


def _kilobytes(seen: list[dict[str, Any]], viewers: int) -> float:
    rates = 0.0
    for each in seen:
        (begin, first, _), (end, last, _) = each["counts"]
        rates += (last - first) / (end - begin)
    return rates / 1000 / viewers if viewers else 0.0


def _late(reports: list[FleetReport]) -> float:
    return max(report.late_p99_ms for report in reports)
