"""The thread that lets time pass for the status."""

from __future__ import annotations

import threading
from typing import Final

from exporter.status.service import Status
from servicekit.heartbeat import Heartbeat

_TICK_SECONDS: Final = 0.5


class Ticker:
    """Calls `Status.tick` twice a second, so that the TTL expires also while no request comes."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._stop = threading.Event()
        self._heartbeat = Heartbeat(pause=_TICK_SECONDS)
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether the ticks continue: the lock of the status becomes free, nothing under it hangs."""
        return self._thread.is_alive() and not self._heartbeat.is_overdue()

    def close(self) -> None:
        """Stop and join the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_TICK_SECONDS):
            self._status.tick()
            self._heartbeat.beat()
