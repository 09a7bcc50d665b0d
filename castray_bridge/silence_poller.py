"""The poller of Alertmanager's silences: it marks the nodes that are silenced."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Final

from castray_bridge.sources.cluster import Cluster, Node, SourceError
from castray_bridge.sources.json_client import JsonClient
from castray_bridge.sources.silences import Silence, parse, silenced_until
from servicekit.clock import Clock, rfc3339
from servicekit.log import event

INTERVAL: Final = 15.0
"""Seconds between two requests."""
MAX_AGE: Final = 180.0
"""Seconds for which the last known silences count while Alertmanager does not reply."""
_CLOSE_SECONDS: Final = 2.5

_log = logging.getLogger(__name__)


class SilencePoller:
    """Keeps the silences of the Alertmanager at `url` in a thread of its own, within a budget of its own.

    Without a `url` there is no thread, and no node is silenced. Thread-safe.
    """

    def __init__(self, url: str | None, clock: Clock, interval: float = INTERVAL) -> None:
        self._url = f"{url.rstrip('/')}/api/v2/silences" if url else None
        self._client = JsonClient("Alertmanager")
        self._clock = clock
        self._interval = interval
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None
        self._read: tuple[list[Silence], float] = ([], 0.0)
        """The last known silences, and when they were read, in monotonic seconds."""
        self.is_up: bool | None = None if url is None else False
        """Whether the last request succeeded; None without an Alertmanager."""

    def start(self) -> None:
        """Start the thread, if there is an Alertmanager."""
        if self._url is not None:
            self._thread = threading.Thread(target=self._run, name="silences", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop and join the thread; a request in flight is aborted. May be called twice."""
        self._stop.set()
        self._client.abort()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def marked(self, cluster: Cluster) -> Cluster:
        """Return `cluster` with `silencedUntil` (RFC 3339) in the fields of the nodes that are silenced."""
        silences, read_at = self._read
        if not silences or self._clock.monotonic() - read_at > MAX_AGE:
            return cluster
        now = self._clock.time()
        return replace(
            cluster, nodes=tuple(_marked(node, silenced_until(silences, node, now)) for node in cluster.nodes)
        )

    def refresh(self) -> None:
        """Fetch the silences once; never raises."""
        failure = None
        try:
            self._read = parse(self._client.get(str(self._url))), self._clock.monotonic()
        except SourceError as error:
            failure = str(error)
        except Exception as error:  # noqa: BLE001 (an unforeseen reply must not end the thread)
            failure = f"Alertmanager: unexpected reply ({type(error).__name__})"
        if failure is not None and self._failure is None and not self._stop.is_set():
            _log.warning(event("alertmanager_failed", reason=failure))
        if failure is None and self._failure is not None:
            _log.info(event("alertmanager_answers"))
        self._failure, self.is_up = failure, failure is None

    def _run(self) -> None:
        while not self._stop.is_set():
            self.refresh()
            self._stop.wait(self._interval)


def _marked(node: Node, ends: float | None) -> Node:
    return node if ends is None else replace(node, fields=node.fields | {"silencedUntil": rfc3339(ends)})
