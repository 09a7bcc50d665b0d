"""Fleets past what one bridge asks itself: a Prometheus scrapes them, the bridge queries it, rules judge them."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any, Final, NamedTuple

from bench.bridge import UNIT_DESCRIPTORS
from bench.prometheus import ScrapingPrometheus
from bench.row import Benches, Row
from testkit.changing_fleet import ChangingFleet, changing_fleet
from testkit.fake_ray import fake_ray
from testkit.net import free_port, wait_for
from testkit.running import RunningBridge, Service

_LEAST_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 5.0
"""Between two readings of the list, which is 7 MB for 10,000 nodes."""


class _Site(NamedTuple):
    bridge: RunningBridge
    prometheus: ScrapingPrometheus
    fleet: ChangingFleet


class _Look(NamedTuple):
    """What the bridge's list showed at a time of the monotonic clock: the number of changes of each node."""

    at: float
    changes: dict[str, int]


@contextmanager
def _site(nodes: int, scrape_seconds: float) -> Iterator[_Site]:
    """Run `nodes` that change, Prometheus with their past, and a bridge that queries it."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        fleet = stack.enter_context(changing_fleet(nodes, nodes / 5))
        ray, _ = stack.enter_context(fake_ray(nodes, directory))
        bridge = f"127.0.0.1:{free_port()}"
        prometheus = stack.enter_context(ScrapingPrometheus(directory, bridge, scrape_seconds))
        prometheus.fill({f"M{number + 1}": fleet.addresses[number] for number in range(nodes)})
        options = (
            "--ray-dashboard", ray, "--monitor-port", str(fleet.port), "--log-level", "warning",
            "--status-source", "prometheus", "--prometheus-url", prometheus.url,
        )  # fmt: skip
        running = stack.enter_context(RunningBridge(directory, *options, address=bridge, descriptors=UNIT_DESCRIPTORS))
        _wait(lambda: prometheus.scraped() == nodes, "a scrape of each node")
        _wait(lambda: sum(node["workStatusReachable"] for node in running.nodes().values()) == nodes, "all lights")
        yield _Site(running, prometheus, fleet)


def _wait(condition: Callable[[], bool], what: str) -> None:
    def now_and_then() -> bool:
        time.sleep(1)  # what is waited for has to be computed as well
        return condition()

    wait_for(now_and_then, what, 90)


def _measure(nodes: int, scrape_seconds: float, rules_promise: str = "") -> list[Row]:
    with _site(nodes, scrape_seconds) as site:
        services: dict[str, Service] = {"bridge": site.bridge, "Prometheus": site.prometheus}
        looks: list[_Look] = []
        wall_begin, begin = time.time(), time.monotonic()
        before = {name: each.cpu_seconds() for name, each in services.items()}
        while not _is_done(site.prometheus, wall_begin):
            time.sleep(_LOOK_SECONDS)
            looks.append(_look(site.bridge))
        seconds = time.monotonic() - begin
        cpu = {name: 100 * (each.cpu_seconds() - before[name]) / seconds for name, each in services.items()}
        memory = {name: each.megabytes() for name, each in services.items()}
        groups = site.prometheus.rule_groups()
        missed = nodes - site.prometheus.scraped()
        reports = site.fleet.end()
    name = f"{nodes} nodes by way of Prometheus, scraped every {scrape_seconds:g} s"
    changed_at = {node: found["changed_at"] for report in reports for node, found in report.nodes.items()}
    behind = [late for look in looks for late in _behind(look, changed_at)]
    p50, p99 = (quantiles(behind, n=100, method="inclusive")[at] for at in (49, 98))
    return [
        Row(f"{name}: CPU of the bridge", cpu["bridge"], "% of a core", ""),
        Row(f"{name}: memory of the bridge", memory["bridge"], "MB", ""),
        Row(f"{name}: CPU of Prometheus", cpu["Prometheus"], "% of a core", ""),
        Row(f"{name}: memory of Prometheus", memory["Prometheus"], "MB", ""),
        Row(f"{name}: a light is behind its node by, p50", p50, "s", ""),
        Row(f"{name}: a light is behind its node by, p99", p99, "s", ""),
        *_rule_rows(name, groups, rules_promise),
        Row(f"{name}: scrapes that failed", missed, "nodes", "== 0"),
        Row(f"{name}: CPU of the fleet itself", sum(report.cpu_percent for report in reports), "% of a core", ""),
    ]


def _is_done(prometheus: ScrapingPrometheus, begin: float) -> bool:
    """Return whether it took long enough, and each group of rules was evaluated since Unix time `begin`."""
    evaluated = (group["lastEvaluation"] for group in prometheus.rule_groups())
    return time.time() > begin + _LEAST_SECONDS and all(_unix_time(at) > begin for at in evaluated)


def _unix_time(rfc3339: str) -> float:
    """Return Unix time of Prometheus' text, to the second below: it has up to nine digits of fractions, or none."""
    return datetime.fromisoformat(re.sub(r"\.\d+", "", rfc3339).replace("Z", "+00:00")).timestamp()


def _look(bridge: RunningBridge) -> _Look:
    nodes = bridge.nodes()
    return _Look(time.monotonic(), {name: node["inference"]["totalProcessed"] for name, node in nodes.items()})


def _behind(look: _Look, changed_at: Mapping[str, list[float]]) -> Iterator[float]:
    """Yield for each node how long ago the first change was that `look` does not show; 0 where it shows all."""
    for node, changes in look.changes.items():
        unseen = changed_at[node][changes : changes + 1]
        yield max(0.0, look.at - unseen[0]) if unseen else 0.0


def _rule_rows(name: str, groups: list[dict[str, Any]], promise: str) -> Iterator[Row]:
    """Yield what the evaluation of all rules takes, and how long the slowest group and rule take."""
    share = sum(100 * group["evaluationTime"] / group["interval"] for group in groups)
    yield Row(f"{name}: rules, of their time", share, "%", promise)
    rules = [rule for group in groups for rule in group["rules"]]
    for what, each in (("group of rules", groups), ("rule", rules)):
        slowest = max(each, key=lambda one: float(one["evaluationTime"]))
        yield Row(f"{name}: slowest {what}, {slowest['name']}", 1000 * slowest["evaluationTime"], "ms", "")


BENCHES: Benches = {
    "scale-1000": lambda: _measure(1000, 5, rules_promise="<= 20"),
}
LARGE: Benches = {
    "scale-5000": lambda: _measure(5000, 5),
    "scale-10000": lambda: _measure(10_000, 15),
}
