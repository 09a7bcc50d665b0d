"""The thread pool that probes all nodes in parallel.

Each thread owns a shard of the nodes and waits on all of its sockets at once: a node that hangs holds a descriptor
until its deadline, never a thread, and delays no other node.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.shard import Assignment
from castray_bridge.probes.status import ProbeResult
from castray_bridge.probes.worker import Worker
from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.log import event
from servicekit.sockets import allow_descriptors

NODES_PER_THREAD: Final = 1000
"""One thread asks a thousand nodes at less cost than several do, because they would wait for the interpreter's lock."""
_MAX_PLAIN: Final = 1024
"""Connections to nodes that have not answered yet, at a time: as many as the bridge itself answers well in time.

With more, a busy bridge would be late and take healthy nodes for hanging ones.
"""
_PLAIN_SHARE: Final = 4
"""One descriptor in so many is for such nodes, where there are fewer descriptors than nodes."""

_log = logging.getLogger(__name__)


class WorkerPool:
    """Probes a changing set of nodes and passes each result to `publish`, from the thread that got it.

    Its owner calls `set_targets` whenever the nodes change, and `close`, which joins all threads. Thread-safe.
    """

    def __init__(self, settings: ProbeSettings, publish: Callable[[ProbeResult], None], clock: Clock) -> None:
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._lock = threading.Lock()
        self._workers: list[Worker] = []
        self._shards: list[dict[Address, str]] = []
        self._targets: dict[Address, str] = {}
        self._descriptors = 0
        self._closed = False

    def set_targets(self, targets: Mapping[Address, str]) -> None:
        """Probe exactly these from now on; a changed value (the node's id) means that the node was replaced."""
        with self._lock:
            if self._closed or targets == self._targets:
                return
            if len(targets) != len(self._targets):
                self._descriptors = _descriptors_for(len(targets))
            self._targets = dict(targets)
            while len(self._workers) < min(self._settings.workers, -(-len(targets) // NODES_PER_THREAD)):
                self._workers.append(Worker(len(self._workers), self._settings, self._publish, self._clock))
                self._shards.append({})
            self._rebalance(targets)
            wait = self._settings.wait_for(len(targets))
            for worker, shard in zip(self._workers, self._shards, strict=True):
                worker.assign(self._assignment(shard, wait))

    def is_alive(self) -> bool:
        """Return whether the loops of all threads run."""
        with self._lock:
            return all(worker.is_alive() for worker in self._workers)

    def close(self) -> None:
        """Drop the requests in flight and join the threads. May be called twice."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()

    def _assignment(self, shard: Mapping[Address, str], wait: float) -> Assignment:
        """Return the assignment of `shard`, with its part of the descriptors."""
        nodes = max(1, len(self._targets))
        plain = min(_MAX_PLAIN, self._descriptors)
        if self._descriptors < nodes:
            plain = min(plain, max(1, self._descriptors // _PLAIN_SHARE))
            places = (self._descriptors - plain) * len(shard) // nodes
        else:
            places = len(shard)
        return Assignment(dict(shard), wait, places, max(1, plain * len(shard) // nodes))

    def _rebalance(self, targets: Mapping[Address, str]) -> None:
        """Update the shards: a known node stays in its shard, a new one goes to the smallest."""
        placed: set[Address] = set()
        for shard in self._shards:
            kept = {address: targets[address] for address in shard if address in targets}
            shard.clear()
            shard.update(kept)
            placed.update(kept)
        for address, node_id in targets.items():
            if address not in placed:
                min(self._shards, key=len)[address] = node_id


def _descriptors_for(nodes: int) -> int:
    """Return how many connections to nodes there may be at a time: one to each, but half of the descriptors at most.

    The limit of the process is raised where it may be. The other half is for viewers, and for an application that the
    bridge is a part of.
    """
    allowed = min(nodes, allow_descriptors(2 * nodes) // 2)
    if allowed < nodes:
        _log.warning(event("few_descriptors", nodes=nodes, connections=allowed, advice="raise LimitNOFILE"))
    return allowed
