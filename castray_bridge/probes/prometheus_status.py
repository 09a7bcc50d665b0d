"""Status provider for fleets that one bridge cannot probe every second: it queries one Prometheus."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from castray_bridge.probes import status
from castray_bridge.probes.prometheus_query import QUERY, Scraped, Scrapes, decode
from castray_bridge.probes.status import NodeStatus, ProbeResult
from castray_bridge.sources.cluster import SourceError
from castray_bridge.sources.json_client import JsonClient
from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.heartbeat import Heartbeat
from servicekit.log import event

MAX_AGE: Final = 60.0
"""Seconds after which a sample no longer counts. Prometheus itself shows it for five minutes."""
_BUDGET: Final = 10.0
"""Seconds for one query: for 10,000 nodes a busy Prometheus takes some."""
_REST: Final = 2.0
"""Least pause after a query, as a multiple of its duration: Prometheus has to scrape and to evaluate rules, too."""
_LONGEST_REST: Final = 5.0
"""Seconds that the pause is prolonged to at most: a Prometheus that hung is queried again soon."""
_CLOSE_SECONDS: Final = 2.5
"""A query in flight is aborted and ends sooner."""
_EXPLANATIONS: Final = {401: "demands a token (401): it must be readable without a token"}

_log = logging.getLogger(__name__)


class PrometheusStatusProvider:
    """Queries the Prometheus at `url` every `refresh` seconds and passes each node's result to `publish`.

    Less often where queries take long: it rests for twice as long as a query took, or 5 s.

    Its thread starts with the first targets, because a thread that was started before a fork does not survive it.

    Reasons of failure: `not_scraped` (no recent sample of the node), `no_prometheus`.
    """

    def __init__(self, url: str, refresh: float, publish: Callable[[ProbeResult], None], clock: Clock) -> None:
        self._url = f"{url.rstrip('/')}/api/v1/query"
        self._client = JsonClient("Prometheus", budget=_BUDGET, explanations=_EXPLANATIONS)
        self._refresh = refresh
        self._publish = publish
        self._clock = clock
        self._targets: Mapping[Address, str] = {}
        self._last: dict[tuple[Address, str], NodeStatus] = {}
        """The statuses of the last query by address and node id."""
        self._failure: str | None = None
        self._wakeup = threading.Event()
        self._stopping = False
        self._heartbeat = Heartbeat(clock, pause=refresh)
        self._thread: threading.Thread | None = None

    def set_targets(self, targets: Mapping[Address, str]) -> None:
        """Report on exactly these from now on, at once if they changed."""
        changed = targets != self._targets
        self._targets = dict(targets)
        if changed:
            self._wakeup.set()
        if self._thread is None and not self._stopping:
            self._heartbeat.beat()
            self._thread = threading.Thread(target=self._run, name="prometheus-status", daemon=True)
            self._thread.start()

    def is_alive(self) -> bool:
        """Return whether the thread's loop runs, once there are targets."""
        return self._thread is None or (self._thread.is_alive() and not self._heartbeat.is_overdue())

    def close(self) -> None:
        """Stop the queries and join the thread. May be called twice."""
        self._stopping = True
        self._wakeup.set()
        self._client.abort()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._stopping:
            self._heartbeat.beat()
            begun = self._clock.monotonic()
            self._query(self._targets)
            took = self._clock.monotonic() - begun
            self._wakeup.wait(max(self._refresh - took, min(_REST * took, _LONGEST_REST)))
            self._wakeup.clear()

    def _query(self, targets: Mapping[Address, str]) -> None:
        if not targets:
            return
        try:
            scrapes = Scrapes(self._client.get(self._url, decode=decode, query=QUERY))
        except SourceError as error:
            if self._stopping:
                return  # it was aborted
            self._log_change(str(error))
            results = {target: self._failed(target, "no_prometheus") for target in targets.items()}
        else:
            self._log_change(None)
            results = {target: self._result(target, scrapes.at(target[0])) for target in targets.items()}
        self._last = results
        for (address, _), result in results.items():
            self._publish(ProbeResult(address, result, None))

    def _result(self, target: tuple[Address, str], scraped: Scraped | None) -> NodeStatus:
        if scraped is None or scraped.age > MAX_AGE:
            return self._failed(target, "not_scraped")
        return scraped.status

    def _failed(self, target: tuple[Address, str], reason: str) -> NodeStatus:
        return status.failed(self._last.get(target, status.PENDING), reason)

    def _log_change(self, failure: str | None) -> None:
        if failure != self._failure:
            if failure:
                _log.warning(event("prometheus_failed", reason=failure))
            else:
                _log.info(event("prometheus_answers"))
        self._failure = failure
