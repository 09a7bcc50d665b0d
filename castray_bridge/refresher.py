"""The poller of the source of nodes: it passes each new list to registry, snapshot store and status provider."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
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
"""A request in flight for longer, and longer than the source's budget, counts as a failure."""
_DEFAULT_BUDGET: Final = 2.0
"""Of a source that does not tell its own."""
_CLOSE_SECONDS: Final = 2.5
"""For a request in flight to a source that cannot be aborted."""

_log = logging.getLogger(__name__)


class StatusProvider(Protocol):
    """Finds out the nodes' work statuses and publishes them: `WorkerPool` or `PrometheusStatusProvider`."""

    def set_targets(self, targets: Mapping[Address, str]) -> None:
        """Report on exactly these from now on; a changed value (the node's id) means that the node was replaced."""
        ...

    def is_alive(self) -> bool:
        """Return whether the loops of all threads run."""
        ...

    def close(self) -> None:
        """Stop and join all threads."""
        ...


class SourcePoller:
    """Keeps registry, status provider and snapshot store at the source's latest list.

    `start` starts its thread, `close` ends it.
    """

    def __init__(
        self,
        source: Source,
        target_registry: TargetRegistry,
        status_provider: StatusProvider,
        store: SnapshotStore,
        clock: Clock,
        interval: float,
        after_refresh: Callable[[], None] = lambda: None,
        marked: Callable[[Cluster], Cluster] = lambda cluster: cluster,
    ) -> None:
        """`after_refresh` is called in the poller's thread after each good list; `marked` adds to what viewers see."""
        self._marked = marked
        self._after_refresh = after_refresh
        self._source = source
        self._budget: float = getattr(source, "budget", _DEFAULT_BUDGET)
        self._target_registry = target_registry
        self._status_provider = status_provider
        self._store = store
        self._clock = clock
        self._interval = interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._succeeded_at: float | None = None
        self._failure: str | None = "the source of nodes has not replied yet"
        self._fetch_began: float | None = None
        self.last_success: float | None = None
        """Unix time of the last good list."""
        self._heartbeat = Heartbeat(clock, pause=interval + 2 * self._budget)

    @property
    def failure(self) -> str | None:
        """Why the last request failed, or for how long the one in flight is overdue; None without a failure."""
        began = self._fetch_began
        seconds = 0.0 if began is None else self._clock.monotonic() - began
        is_late = seconds > max(LATE_SECONDS, self._budget + 1)
        return f"the source of nodes has not replied for {seconds:.0f} s" if is_late else self._failure

    def start(self) -> None:
        """Start the thread."""
        # Created here: a thread created before gunicorn's fork counts as ended in the process that starts it.
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)
        self._heartbeat.beat()
        self._thread.start()

    def stop(self) -> None:
        """Tell the thread to end, and abort its request if the source can."""
        self._stop.set()
        abort = getattr(self._source, "abort", None)
        if abort is not None:
            abort()

    def close(self) -> None:
        """Stop and join the thread; waits for a request in flight, but not for ever."""
        self.stop()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def refresh(self) -> None:
        """Fetch the list once; never raises."""
        self._fetch_began = self._clock.monotonic()
        failure = None
        try:
            self._take(self._source.fetch())
        except SourceError as error:
            failure = str(error)
        except Exception as error:  # noqa: BLE001 (an unforeseen reply must not end the thread)
            failure = f"unexpected reply ({type(error).__name__}: {error})"
        if failure is not None and failure != self._failure and not self._stop.is_set():
            _log.warning(event("source_failed", reason=failure))
        self._failure = failure
        self._fetch_began = None

    def is_alive(self) -> bool:
        """Return whether the thread's loop runs; a source that fails does not stop it."""
        return self._thread is not None and self._thread.is_alive() and not self._heartbeat.is_overdue()

    def is_usable(self) -> bool:
        """Return whether there is a list that is not too old."""
        return self._succeeded_at is not None and self._clock.monotonic() - self._succeeded_at < MAX_AGE

    def _take(self, cluster: Cluster) -> None:
        addresses = self._target_registry.update(cluster)
        self._store.set_cluster(self._marked(self._target_registry.labelled(cluster)), addresses)
        self._status_provider.set_targets(_node_ids(cluster, addresses))
        if self._failure is not None:
            _log.info(event("source_answers", nodes=len(cluster.nodes)))
        self.last_success = self._clock.time()
        self._succeeded_at = self._clock.monotonic()
        self._after_refresh()

    def _run(self) -> None:
        while not self._stop.is_set():
            begun = self._clock.monotonic()
            self.refresh()
            self._heartbeat.beat()
            # A slow source rests for as long as it took, so that it is never busy with the bridge alone.
            self._stop.wait(max(self._interval, min(self._clock.monotonic() - begun, self._budget)))


def _node_ids(cluster: Cluster, addresses: Sequence[Address | None]) -> dict[Address, str]:
    """Return the names and ids of the nodes at each address, independent of the list's order."""
    found: dict[Address, list[str]] = {}
    for node, address in zip(cluster.nodes, addresses, strict=True):
        if address is not None:
            found.setdefault(address, []).append(f"{node.name} {node.node_id}")
    return {address: ", ".join(sorted(nodes)) for address, nodes in found.items()}
