"""The thread that asks the source for the nodes and tells everyone who needs to know."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from castray_bridge.snapshot.store import SnapshotStore
from castray_bridge.sources.cluster import Cluster, SourceError
from castray_bridge.sources.discovery import TargetRegistry
from castray_bridge.sources.source import Source
from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.heartbeat import Heartbeat
from servicekit.log import event

MAX_AGE: Final = 300.0
"""Seconds for which the last good list is shown while the source fails."""
LATE_SECONDS: Final = 5.0
"""So old, a turn under way is a failure: nobody knows whether the list is still right."""
_CLOSE_SECONDS: Final = 2.5
"""For a question under way: it ends after two, but for a source that keeps no budget."""

_log = logging.getLogger(__name__)


class StatusProvider(Protocol):
    """Finds out what the nodes do, and publishes it by itself: `WorkerPool` or `PrometheusStatusProvider`."""

    def set_targets(self, targets: Mapping[Address, str]) -> None:
        """Ask about exactly these from now on; another value, which says who is there, means another node."""
        ...

    def is_alive(self) -> bool:
        """Return whether all threads get on."""
        ...

    def close(self) -> None:
        """Stop asking and join all threads."""
        ...


class SourcePoller:
    """Keeps directory, asker and board at the source's latest list; `start` and `close` its thread."""

    def __init__(
        self,
        source: Source,
        target_registry: TargetRegistry,
        status_provider: StatusProvider,
        store: SnapshotStore,
        clock: Clock,
        interval: float,
    ) -> None:
        self._source = source
        self._target_registry = target_registry
        self._status_provider = status_provider
        self._store = store
        self._clock = clock
        self._interval = interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._succeeded_at: float | None = None
        self._failure: str | None = "the nodes have not been asked for yet"
        self._turn_began: float | None = None
        self.last_success: float | None = None
        """Unix time of the last good list."""
        self._heartbeat = Heartbeat(clock, pause=interval)

    @property
    def failure(self) -> str | None:
        """Why the last question failed, or how long the one under way is overdue; None when all is well."""
        began = self._turn_began
        seconds = 0.0 if began is None else self._clock.monotonic() - began
        return f"the nodes are being asked for since {seconds:.0f} s" if seconds > LATE_SECONDS else self._failure

    def start(self) -> None:
        """Begin to ask."""
        # Made here: one that is made before gunicorn forks passes for ended in the process that starts it.
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)
        self._heartbeat.beat()
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end."""
        self._stop.set()

    def close(self) -> None:
        """Stop and join the thread; waits for a question under way, but not for ever."""
        self.stop()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def refresh(self) -> None:
        """Ask once; never raises."""
        self._turn_began = self._clock.monotonic()
        failure = None
        try:
            self._take(self._source.fetch())
        except SourceError as error:
            failure = str(error)
        except Exception as error:  # noqa: BLE001 (a reply of a kind that nobody foresaw must not end the thread)
            failure = f"unexpected reply ({type(error).__name__}: {error})"
        if failure is not None and failure != self._failure:
            _log.warning(event("source_failed", reason=failure))
        self._failure = failure
        self._turn_began = None

    def is_alive(self) -> bool:
        """Return whether the thread gets on; a source that fails is no reason why it would not."""
        return self._thread is not None and self._thread.is_alive() and not self._heartbeat.is_overdue()

    def is_usable(self) -> bool:
        """Return whether there is a list that is not too old."""
        return self._succeeded_at is not None and self._clock.monotonic() - self._succeeded_at < MAX_AGE

    def _take(self, cluster: Cluster) -> None:
        addresses = self._target_registry.update(cluster)
        self._store.set_cluster(cluster, addresses)
        self._status_provider.set_targets(_occupants(cluster, addresses))
        if self._failure is not None:
            _log.info(event("source_answers", nodes=len(cluster.nodes)))
        self.last_success = self._clock.time()
        self._succeeded_at = self._clock.monotonic()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.refresh()
            self._heartbeat.beat()
            self._stop.wait(self._interval)


def _occupants(cluster: Cluster, addresses: Sequence[Address | None]) -> dict[Address, str]:
    """Return who is behind each address, whatever the order of the list."""
    found: dict[Address, list[str]] = {}
    for node, address in zip(cluster.nodes, addresses, strict=True):
        if address is not None:
            found.setdefault(address, []).append(f"{node.name} {node.node_id}")
    return {address: ", ".join(sorted(nodes)) for address, nodes in found.items()}
