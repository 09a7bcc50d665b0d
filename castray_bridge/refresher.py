"""The thread that asks the source for the nodes and tells everyone who needs to know."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Final, Protocol

from castray_bridge.board import Board
from castray_bridge.cluster import SourceError
from castray_bridge.discovery import Directory
from castray_bridge.probe import Address
from castray_bridge.source import Source
from servicekit.clock import Clock
from servicekit.log import event

MAX_AGE: Final = 300.0
"""Seconds for which the last good list is shown while the source fails."""
STUCK_SECONDS: Final = 20.0
"""One turn ends much sooner, whatever the source does."""

_log = logging.getLogger(__name__)


class Asker(Protocol):
    """Finds out what the nodes do, and publishes it by itself: `WorkerPool` or `PrometheusAsker`."""

    def set_targets(self, targets: Mapping[Address, str]) -> None:
        """Ask about exactly these from now on; the values are the nodes' ids."""
        ...

    def is_alive(self) -> bool:
        """Return whether all threads get on."""
        ...

    def close(self) -> None:
        """Stop asking and join all threads."""
        ...


class Refresher:
    """Keeps directory, asker and board at the source's latest list; `start` and `close` its thread."""

    def __init__(
        self, source: Source, directory: Directory, asker: Asker, board: Board, clock: Clock, interval: float
    ) -> None:
        self._source = source
        self._directory = directory
        self._asker = asker
        self._board = board
        self._clock = clock
        self._interval = interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._succeeded_at: float | None = None
        self.failure: str | None = "the nodes have not been asked for yet"
        """Why the last question failed; None when it did not."""
        self.last_success: float | None = None
        """Unix time of the last good list."""
        self._turned_at = clock.monotonic()

    def start(self) -> None:
        """Begin to ask."""
        # Made here: one that is made before gunicorn forks passes for ended in the process that starts it.
        self._thread = threading.Thread(target=self._run, name="refresher", daemon=True)
        self._turned_at = self._clock.monotonic()
        self._thread.start()

    def close(self) -> None:
        """Stop and join the thread; waits for a question under way."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def refresh(self) -> None:
        """Ask once; never raises."""
        try:
            cluster = self._source.fetch()
        except SourceError as error:
            self._fail(str(error))
            return
        except Exception as error:  # noqa: BLE001 (a reply of a kind that nobody foresaw must not end the thread)
            self._fail(f"unexpected reply ({type(error).__name__}: {error})")
            return
        addresses = self._directory.update(cluster)
        self._board.set_cluster(cluster, addresses)
        self._asker.set_targets({address: node_id for node_id, address in addresses.items()})
        if self.failure is not None:
            _log.info(event("source_answers", nodes=len(cluster.nodes)))
        self.failure = None
        self.last_success = self._clock.time()
        self._succeeded_at = self._clock.monotonic()

    def is_alive(self) -> bool:
        """Return whether the thread gets on; a source that fails is no reason why it would not."""
        recent = self._clock.monotonic() - self._turned_at < self._interval + STUCK_SECONDS
        return recent and self._thread is not None and self._thread.is_alive()

    def is_usable(self) -> bool:
        """Return whether there is a list that is not too old."""
        return self._succeeded_at is not None and self._clock.monotonic() - self._succeeded_at < MAX_AGE

    def _fail(self, reason: str) -> None:
        if reason != self.failure:
            _log.warning(event("source_failed", reason=reason))
        self.failure = reason

    def _run(self) -> None:
        while not self._stop.is_set():
            self.refresh()
            self._turned_at = self._clock.monotonic()
            self._stop.wait(self._interval)
