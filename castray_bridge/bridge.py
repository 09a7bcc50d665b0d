"""The bridge without its HTTP server: for CastRay's own process, and for the service."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector

from castray_bridge.metrics import BridgeCollector, Counts
from castray_bridge.probes.history import History
from castray_bridge.probes.pool import WorkerPool
from castray_bridge.probes.prometheus_status import PrometheusAsker
from castray_bridge.probes.schedule import Pace
from castray_bridge.probes.status import PENDING, Answer, NodeStatus
from castray_bridge.refresher import Asker, Refresher
from castray_bridge.snapshot import merge, render
from castray_bridge.snapshot.store import Board, Snapshot, once
from castray_bridge.sources.cluster import Node
from castray_bridge.sources.discovery import Directory
from castray_bridge.sources.inventory import Expected
from castray_bridge.sources.source import Source
from exporter.states import IDLE
from servicekit.clock import Clock, SystemClock


class Bridge:
    """Knows every node's work status from `start()` (or entering the `with`) until `close()`.

    No global state: several may run in one process. Thread-safe. To be started in the process that uses it, since
    threads do not survive a fork.
    """

    def __init__(
        self,
        source: Source,
        *,
        monitor_port: int = 8000,
        pace: Pace | None = None,
        unreachable_as: str = IDLE.name,
        inventory: Iterable[Expected] = (),
        prometheus_url: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`prometheus_url`: ask the Prometheus there what the nodes do, instead of every node's monitor."""
        clock = clock or SystemClock()
        pace = pace or Pace()
        self._unreachable_as = unreachable_as
        self._is_used = False
        self.clock = clock
        self.registry = CollectorRegistry()
        self.counts = Counts(self.registry)
        self.board = Board(clock, unreachable_as)
        self.directory = Directory(clock, monitor_port, inventory)
        self.history = History(clock, pace.timeout)
        self._asker: Asker = (
            PrometheusAsker(prometheus_url, pace.refresh, self._take, clock)
            if prometheus_url
            else WorkerPool(pace, self._take, clock)
        )
        self.refresher = Refresher(source, self.directory, self._asker, self.board, clock, pace.refresh)
        ProcessCollector(registry=self.registry)
        self.registry.register(BridgeCollector(self.board, self.directory, self.refresher, self.counts))

    def start(self) -> None:
        """Begin to ask; returns at once. Raises `RuntimeError` the second time, and after `close()`."""
        if self._is_used:
            raise RuntimeError("this bridge was started or closed before: make a new one")
        self._is_used = True
        self.refresher.start()

    def complaint(self) -> str:
        """Return which thread no longer gets on, or an empty text; silent nodes and a silent source are no reason."""
        if not self.refresher.is_alive():
            return "the refresher is stuck"
        return "" if self._asker.is_alive() else "a thread that asks the nodes is stuck or has ended"

    def close(self) -> None:
        """Stop asking and join all threads, within the seconds that a question may take. May be called twice."""
        self._is_used = True
        self.refresher.stop()  # both may have a question under way: they wait for its end at the same time
        self._asker.close()
        self.refresher.close()
        self.history.close()

    def nodes(self) -> list[dict[str, Any]]:
        """Return CastRay's node objects with the work status, as of now; the caller may change them."""
        found: list[dict[str, Any]] = json.loads(render.nodes(self.board.snapshot()))
        return found

    def work_status(self, node: str) -> dict[str, Any]:
        """Return the fields about the work of one node, named by its address, Ray's id or name, as of now.

        These are `workStatus`, `workStatusTimestamp`, `workStatusReachable`, `workStatusError`, `workStatusStale`,
        `currentTask` and `inference`, for adding to a node object of the caller's own. A node that the source does
        not list (yet) has the error `pending`.
        """
        fields = merge.node_object(
            Node(node, node, node, True, {}),
            _by_any_name(self.board.snapshot()).get(node, PENDING),
            self._unreachable_as,
        )
        del fields["tasks"]
        return fields

    def __enter__(self) -> Bridge:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, answer: Answer) -> None:
        self.board.publish(answer)
        self.counts.probe(answer)


@once
def _by_any_name(snapshot: Snapshot) -> dict[str, NodeStatus]:
    """Return the statuses by name, address and id of each node; of twins the living one's."""
    rows = sorted(snapshot.shown, key=lambda row: row.node.alive)
    return {key: row.status for row in rows for key in (row.node.name, row.node.ip, row.node.node_id)}
