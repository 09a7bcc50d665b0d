"""One thread of the pool: probes its shard of the nodes and waits on all of its sockets at once."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable

from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.shard import Assignment, Shard
from castray_bridge.probes.status import ProbeResult
from servicekit.clock import Clock
from servicekit.heartbeat import Heartbeat


class Worker:
    """A named thread, started at once; its owner calls `assign`, and `stop` and `join` at the end."""

    def __init__(
        self, number: int, settings: ProbeSettings, publish: Callable[[ProbeResult], None], clock: Clock
    ) -> None:
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._waker = socket.socketpair()
        self._wakeup.setblocking(False)
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        self._shard = Shard(settings, publish, clock, self._selector)
        self._lock = threading.Lock()
        self._assignment: Assignment | None = None
        self._stopping = False
        self._heartbeat = Heartbeat(clock)
        self._thread = threading.Thread(target=self._run, name=f"probe-{number}", daemon=True)
        self._thread.start()

    def assign(self, assignment: Assignment) -> None:
        """Probe exactly what `assignment` says from now on."""
        with self._lock:
            self._assignment = assignment
        self._waker.send(b".")

    def is_alive(self) -> bool:
        """Return whether the thread's loop runs; nodes that do not reply do not stop it."""
        return self._thread.is_alive() and not self._heartbeat.is_overdue()

    def stop(self) -> None:
        """Tell the thread to end."""
        self._stopping = True
        self._waker.send(b".")

    def join(self) -> None:
        """Wait for the thread and free its descriptors."""
        self._thread.join()
        for end in (self._wakeup, self._waker, self._selector):
            end.close()

    def _run(self) -> None:
        while not self._stopping:
            self._heartbeat.beat()
            self._take_assignment()
            self._shard.start_due()
            for key, _ in self._selector.select(self._shard.poll_timeout()):
                if key.fileobj is self._wakeup:
                    self._wakeup.recv(4096)
                else:
                    self._shard.advance(key.data)
        self._shard.close()

    def _take_assignment(self) -> None:
        with self._lock:
            assignment, self._assignment = self._assignment, None
        if assignment is not None:
            self._shard.assign(assignment)
