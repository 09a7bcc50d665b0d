"""The bridge without its HTTP server: for CastRay's own process, and for the service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector

from castray_bridge.board import Board
from castray_bridge.discovery import Directory
from castray_bridge.history import History
from castray_bridge.inventory import Expected
from castray_bridge.metrics import BridgeCollector, Counts
from castray_bridge.pool import WorkerPool
from castray_bridge.prometheus_status import PrometheusAsker
from castray_bridge.refresher import Asker, Refresher
from castray_bridge.schedule import Pace
from castray_bridge.source import Source
from castray_bridge.status import Answer
from exporter.states import IDLE
from servicekit.clock import Clock, SystemClock


class Bridge:
    """Knows every node's work status from `start()` (or entering the `with`) until `close()`.

    No global state: several may run in one process.
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
        """Begin to ask; returns at once."""
        self.refresher.start()

    def complaint(self) -> str:
        """Return which thread no longer gets on, or an empty text; silent nodes and a silent source are no reason."""
        if not self.refresher.is_alive():
            return "the refresher is stuck"
        return "" if self._asker.is_alive() else "a thread that asks the nodes has ended"

    def close(self) -> None:
        """Stop asking and join all threads."""
        self.refresher.close()
        self._asker.close()
        self.history.close()

    def nodes(self) -> list[dict[str, Any]]:
        """Return CastRay's node objects with the work status, as of now."""
        return [row.fields for row in self.board.snapshot().shown]

    def __enter__(self) -> Bridge:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _take(self, answer: Answer) -> None:
        self.board.publish(answer)
        self.counts.probe(answer)
