"""The thread pool that asks all nodes in parallel.

Each thread owns a share of the nodes and waits on all of its sockets at once, so that a node that hangs costs a
descriptor until its deadline, never a thread, and delays nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from castray_bridge.probe import Address
from castray_bridge.status import NodeStatus
from servicekit.clock import Clock

_MAX_OPEN_PER_THREAD: Final = 64
_IDLE_WAIT: Final = 5.0


class Answer(NamedTuple):
    """What a question brought: the node's new status, and how long it took in seconds."""

    address: Address
    status: NodeStatus
    seconds: float


@dataclass(frozen=True)
class Pace:
    """How nodes are asked: whole budget of a question, polling distance (both seconds), number of threads."""

    timeout: float = 1.0
    refresh: float = 1.0
    workers: int = 64

    def wait_for(self, nodes: int) -> float:
        """Return the length of a long poll with that many nodes; 0 when there are too many for it."""
        return self.timeout / 2 if nodes <= self.workers else 0.0


class WorkerPool:
    """Asks a changing set of nodes and hands each answer to `publish`, from the thread that got it.

    Built by its user, who calls `set_targets` whenever the nodes change, and `close`, which joins all threads.
    """

    def __init__(self, pace: Pace, publish: Callable[[Answer], None], clock: Clock) -> None:
        self._pace = pace
        self._publish = publish
        self._clock = clock
        self._workers: list[_Worker] = []
        self._lock = threading.Lock()
        self._closed = False

    def set_targets(self, targets: Mapping[Address, str]) -> None:
        """Ask exactly these from now on; a changed value (the node's id) means that the node was replaced."""
        with self._lock:
            if self._closed:
                return
            while len(self._workers) < min(self._pace.workers, len(targets)):
                worker = _Worker(len(self._workers), self._pace, self._publish, self._clock)
                self._workers.append(worker)
            wait = self._pace.wait_for(len(targets))
            for index, worker in enumerate(self._workers):
                worker.assign(self._share(index, targets), wait)

    def ask_all_now(self) -> None:
        """Make every node due at once, whatever its schedule says."""
        with self._lock:
            for worker in self._workers:
                worker.ask_now()

    def close(self) -> None:
        """Stop asking, drop open questions and join the threads. May be called twice."""
        with self._lock:
            self._closed = True
            workers, self._workers = self._workers, []
        for worker in workers:
            worker.stop()
        for worker in workers:
            worker.join()

    def _share(self, index: int, targets: Mapping[Address, str]) -> dict[Address, str]:
        owned = self._workers[index].targets
        shares = len(self._workers)
        ordered = sorted(targets)
        del owned
        return {address: targets[address] for address in ordered[index::shares]}
