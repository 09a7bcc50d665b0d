"""The service's own metrics; every series exists from the start."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector

from notify.failures import REASONS
from servicekit.clock import Clock
from servicekit.version import __version__


class Metrics:
    """Counts deliveries by service: `cmzsb_notify_sent_total{service="wecombot"} 3`. Thread-safe."""

    def __init__(self, registry: CollectorRegistry, services: Iterable[str], clock: Clock) -> None:
        self._clock = clock
        self._sent = Counter("cmzsb_notify_sent", "Messages that a service took.", ["service"], registry=registry)
        self._failed = Counter(
            "cmzsb_notify_failed", "Attempts that failed, by reason.", ["service", "reason"], registry=registry
        )
        self._repeats = Counter(
            "cmzsb_notify_repeats",
            "Messages held back because the address has them already.",
            ["service"],
            registry=registry,
        )
        self._last_success = Gauge(
            "cmzsb_notify_last_success_timestamp_seconds",
            "Unix time of the last message that a service took; 0 before the first.",
            ["service"],
            registry=registry,
        )
        self.rejected = Counter(
            "cmzsb_notify_rejected_requests", "Requests that are no message of Alertmanager.", registry=registry
        )
        self.http_errors = Counter(
            "cmzsb_notify_http_errors", "Requests that ended in an unforeseen exception.", registry=registry
        )
        Gauge("cmzsb_notify_build_info", "Version of cmzsb-notify.", ["version"], registry=registry).labels(
            __version__
        ).set(1)
        for service in services:
            for family in (self._sent, self._repeats, self._last_success):
                family.labels(service)
            for reason in REASONS:
                self._failed.labels(service, reason.name)
        ProcessCollector(registry=registry)

    def count_sent(self, service: str) -> None:
        """Count a message that was delivered now."""
        self._sent.labels(service).inc()
        self._last_success.labels(service).set(self._clock.time())

    def count_failed(self, service: str, reason: str) -> None:
        """Count a failed attempt."""
        self._failed.labels(service, reason).inc()

    def count_repeat(self, service: str) -> None:
        """Count a message that was not sent again."""
        self._repeats.labels(service).inc()
