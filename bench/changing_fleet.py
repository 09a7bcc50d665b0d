"""What changes cost the bridge, and how soon viewers see them, with nodes that change every 2 to 10 s."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from bench.bridge import changing_world, over_changing_fleet
from bench.fleet_watch import Audience, Watched, plain_viewers, rows, wall_viewers, watch
from bench.row import Benches, Row
from testkit.net import free_port
from testkit.process import module
from testkit.running import RunningProgram

_SECONDS: Final = 10.0
_VIEWERS: Final = 50
_BASELINE: Final = "asyncio + websockets, broadcast of the list"


def _name(nodes: int, audience: Audience) -> str:
    return f"{nodes} nodes, {nodes / 5:g} changes/s, {audience.size} {audience.kind}"


def _bridge(nodes: int, audience: Audience) -> Watched:
    with over_changing_fleet(nodes, nodes / 5) as (bridge, fleet):
        return watch(bridge, fleet, audience, _SECONDS, bridge.directory)


def _broadcast(nodes: int, audience: Audience) -> Watched:
    with changing_world(nodes, nodes / 5) as (fleet, (ray, _), directory):
        port = free_port()
        command = [*module("bench.baseline_broadcast"), str(port), ray, str(fleet.port)]
        with RunningProgram(command, port, "/ready", directory / "broadcast.log") as service:
            return watch(service, fleet, audience, _SECONDS, directory)


def _measured(nodes: int, audience: Audience, targets: Mapping[str, str]) -> list[Row]:
    return rows(_name(nodes, audience), _bridge(nodes, audience), targets)


def _beside_baseline(nodes: int, targets: Mapping[str, str]) -> list[Row]:
    audience = wall_viewers(_VIEWERS)
    ours, theirs = _bridge(nodes, audience), _broadcast(nodes, plain_viewers(_VIEWERS))
    return rows(_name(nodes, audience), ours, targets, theirs, _BASELINE)


_ALL_SEEN: Final = {"changes missed": "== 0", "lights wrong after the changes": "== 0", "viewers lost": "== 0"}
_AT_23: Final = {"change to its sight, p50": "<= 20", "change to its sight, p99": "<= 100"} | _ALL_SEEN
_AT_1000: Final = {
    "CPU": "<= 40", "memory": "<= 150", "change to its sight, p50": "<= 50", "change to its sight, p99": "<= 250",
    "a viewer takes": "<= 100",
} | _ALL_SEEN  # fmt: skip
_AT_3000: Final = {"CPU": "<= 90", "memory": "<= 300", "change to its sight, p99": "<= 1000"} | _ALL_SEEN


def _case(nodes: int, audience: Audience, targets: Mapping[str, str] | None = None) -> Callable[[], list[Row]]:
    return lambda: _measured(nodes, audience, targets or {})


BENCHES: Benches = {
    "changing-23": _case(23, wall_viewers(_VIEWERS), _AT_23),
    "changing-100": _case(100, wall_viewers(_VIEWERS), _ALL_SEEN),
    "changing-1000": lambda: _beside_baseline(1000, _AT_1000),
    "changing-1000-plain": _case(1000, plain_viewers(_VIEWERS)),
    "changing-1000-plain-compressed": _case(1000, plain_viewers(_VIEWERS, deflate=True)),
    "changing-3000": _case(3000, wall_viewers(_VIEWERS), _AT_3000),
}
LARGE: Benches = {"changing-10000-unwatched": _case(10_000, wall_viewers(0))}
