"""Asks one Prometheus what the nodes do: for fleets that one bridge cannot ask every second."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Final

from castray_bridge.probes import status
from castray_bridge.probes.prometheus_query import QUERY, Scraped, Scrapes
from castray_bridge.probes.status import NodeStatus, ProbeResult
from castray_bridge.sources.cluster import SourceError
from castray_bridge.sources.json_client import JsonClient
from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.heartbeat import Heartbeat
from servicekit.log import event

MAX_AGE: Final = 60.0
"""Seconds: an older sample says nothing of now. Prometheus itself would show it for five minutes."""
_CLOSE_SECONDS: Final = 2.5
"""A question under way ends sooner."""

_log = logging.getLogger(__name__)


class PrometheusStatusProvider:
    """Asks the Prometheus at `url` every `refresh` seconds and hands each node's answer to `publish`.

    Its thread begins with the first targets: what is built before a fork has none that the fork would lose.

    Reasons of failures: `not_scraped` (Prometheus has no fresh sample of the node), `no_prometheus`.
    """

    def __init__(self, url: str, refresh: float, publish: Callable[[ProbeResult], None], clock: Clock) -> None:
        self._url = f"{url.rstrip('/')}/api/v1/query"
        self._client = JsonClient("Prometheus", None, "it must be readable without a token")
        self._refresh = refresh
        self._publish = publish
        self._clock = clock
        self._targets: Mapping[Address, str] = {}
        self._last: dict[tuple[Address, str], NodeStatus] = {}
        """The answers of the last turn by address and who was there."""
        self._failure: str | None = None
        self._wake = threading.Event()
        self._stopping = False
        self._heartbeat = Heartbeat(clock, pause=refresh)
        self._thread: threading.Thread | None = None

    def set_targets(self, targets: Mapping[Address, str]) -> None:
        """Ask about exactly these from now on, at once if they are others."""
        changed = targets != self._targets
        self._targets = dict(targets)
        if changed:
            self._wake.set()
        if self._thread is None and not self._stopping:
            self._heartbeat.beat()
            self._thread = threading.Thread(target=self._run, name="prometheus-status", daemon=True)
            self._thread.start()

    def is_alive(self) -> bool:
        """Return whether the thread gets on, once there are nodes to ask about."""
        return self._thread is None or (self._thread.is_alive() and not self._heartbeat.is_overdue())

    def close(self) -> None:
        """Stop asking and join the thread. May be called twice."""
        self._stopping = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._stopping:
            self._heartbeat.beat()
            begun = self._clock.monotonic()
            self._ask(self._targets)
            self._wake.wait(max(0.0, begun + self._refresh - self._clock.monotonic()))
            self._wake.clear()

    def _ask(self, targets: Mapping[Address, str]) -> None:
        if not targets:
            return
        try:
            scrapes = Scrapes(self._client.get(self._url, query=QUERY))
        except SourceError as error:
            self._note(str(error))
            answers = {target: self._failed(target, "no_prometheus") for target in targets.items()}
        else:
            self._note(None)
            answers = {target: self._answer(target, scrapes.at(target[0])) for target in targets.items()}
        self._last = answers
        for (address, _), answer in answers.items():
            self._publish(ProbeResult(address, answer, None))

    def _answer(self, target: tuple[Address, str], scraped: Scraped | None) -> NodeStatus:
        if scraped is None or scraped.age > MAX_AGE:
            return self._failed(target, "not_scraped")
        return scraped.status

    def _failed(self, target: tuple[Address, str], reason: str) -> NodeStatus:
        return status.failed(self._last.get(target, status.PENDING), reason)

    def _note(self, failure: str | None) -> None:
        if failure != self._failure:
            if failure:
                _log.warning(event("prometheus_failed", reason=failure))
            else:
                _log.info(event("prometheus_answers"))
        self._failure = failure
