"""Alerts, addresses and channels for the tests of this package."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry

from notify.alert import Notification, parse
from notify.channel import Address, Channel
from notify.dispatcher import Dispatcher
from notify.failures import DeliveryError
from notify.ledger import Ledger
from notify.message import Message, Renderer
from notify.metrics import Metrics
from notify.transport import Transport
from testkit.alert_payloads import alert, payload
from testkit.clocks import ManualClock


def notification(*alerts: Mapping[str, Any]) -> Notification:
    return parse(json.dumps(payload(*(alerts or (alert("CmzsbSendingTooOften", "M5"),)))).encode())


class Recorder:
    """A service that keeps what it is sent, or fails with `error`."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.error: Exception | None = None
        self.before: Callable[[], None] = lambda: None

    def __call__(self, message: Message) -> None:
        self.before()
        if self.error:
            raise self.error
        self.messages.append(message)

    def reject(self, code: int = 93000) -> None:
        self.error = DeliveryError("rejected", code)


class Office:
    """A dispatcher with one recorder per address; `severities` of each in order."""

    def __init__(self, *severities: str, timeout: float = 5.0) -> None:
        self.clock = ManualClock()
        self.registry = CollectorRegistry()
        self.recorders = [Recorder() for _ in severities]
        ledger = Ledger(self.clock)
        self.metrics = Metrics(self.registry, ["fake"], self.clock)
        self.channels = [
            Channel(
                Address(line, frozenset(given.split(",")), "en", Transport("fake", 2048, recorder), f"id-{line}"),
                Renderer("en", None), ledger, self.metrics, self.clock,
            )
            for line, (given, recorder) in enumerate(zip(severities, self.recorders, strict=True), start=1)
        ]  # fmt: skip
        self.dispatcher = Dispatcher(self.channels, ledger, self.metrics, self.clock, timeout)

    def sample(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)
