"""The log lines of the status machine, and the thread that lets time pass for it."""

from __future__ import annotations

import logging
import threading
from typing import Final

from exporter.states import State
from exporter.status.service import Status
from exporter.status.view import StatusView
from servicekit.heartbeat import Heartbeat
from servicekit.log import event

_TICK_SECONDS: Final = 0.5
_log = logging.getLogger(__name__)


class LogObserver:
    """Writes one line per change of state."""

    def state_changed(self, before: State, after: State, view: StatusView) -> None:
        """Log that the node changed from `before` to `after`."""
        reason = "no_report" if view.stale else "report"
        _log.info(event("state_changed", before=before.name, after=after.name, reason=reason, version=view.version))

    def clock_set(self, seconds: float) -> None:
        """Log that the wall clock was set."""
        _log.warning(event("clock_set", seconds=round(seconds, 3)))


class Ticker:
    """Calls `Status.tick` twice a second, so that a silent reporter is noticed also when nobody asks."""

    def __init__(self, status: Status) -> None:
        self._status = status
        self._stop = threading.Event()
        self._heartbeat = Heartbeat(pause=_TICK_SECONDS)
        self._thread = threading.Thread(target=self._run, name="ticker", daemon=True)
        self._thread.start()

    def is_alive(self) -> bool:
        """Return whether time still passes for the status: its lock can be had, nothing in it hangs."""
        return self._thread.is_alive() and not self._heartbeat.is_overdue()

    def close(self) -> None:
        """Stop and join the thread."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_TICK_SECONDS):
            self._status.tick()
            self._heartbeat.beat()
