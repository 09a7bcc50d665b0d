"""The thread pool that asks all nodes in parallel.

Each thread owns a share of the nodes and waits on all of its sockets at once, so that a node that hangs costs a
descriptor until its deadline, never a thread, and delays nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Final

from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.status import ProbeResult
from castray_bridge.probes.worker import Worker
from servicekit.address import Address
from servicekit.clock import Clock

NODES_PER_THREAD: Final = 8
"""Fewer nodes per thread than this is slower: the threads then wait for each other's turn in the interpreter."""


class WorkerPool:
    """Asks a changing set of nodes and hands each answer to `publish`, from the thread that got it.

    Built by its user, who calls `set_targets` whenever the nodes change, and `close`, which joins all threads.
    """

    def __init__(self, settings: ProbeSettings, publish: Callable[[ProbeResult], None], clock: Clock) -> None:
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._lock = threading.Lock()
        self._workers: list[Worker] = []
        self._shards: list[dict[Address, str]] = []
        self._closed = False

    def set_targets(self, targets: Mapping[Address, str]) -> None:
        """Ask exactly these from now on; a changed value (the node's id) means that the node was replaced."""
        with self._lock:
            if self._closed:
                return
            while len(self._workers) < min(self._settings.workers, -(-len(targets) // NODES_PER_THREAD)):
                self._workers.append(Worker(len(self._workers), self._settings, self._publish, self._clock))
                self._shards.append({})
            self._rebalance(targets)
            wait = self._settings.wait_for(len(targets))
            for worker, share in zip(self._workers, self._shards, strict=True):
                worker.assign(share, wait)

    def is_alive(self) -> bool:
        """Return whether all threads get on."""
        with self._lock:
            return all(worker.is_alive() for worker in self._workers)

    def close(self) -> None:
        """Stop asking, drop open questions and join the threads. May be called twice."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()

    def _rebalance(self, targets: Mapping[Address, str]) -> None:
        """Update the shares: a node stays where it is, a new one goes to the thread with the fewest."""
        placed: set[Address] = set()
        for share in self._shards:
            kept = {address: targets[address] for address in share if address in targets}
            share.clear()
            share.update(kept)
            placed.update(kept)
        for address, node_id in targets.items():
            if address not in placed:
                min(self._shards, key=len)[address] = node_id
