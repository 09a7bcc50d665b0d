"""One address: which alerts it gets, how they are written for it, one message at a time and none twice."""

from __future__ import annotations

import threading
from typing import Final, NamedTuple

from notify.alert import Alert
from notify.failures import DeliveryError
from notify.ledger import Ledger
from notify.message import Renderer
from notify.metrics import Metrics
from notify.transport import Transport
from servicekit.clock import Clock

_STUCK_SECONDS: Final = 300.0
"""A message takes seconds; one that is under way for so long never ends."""


class Parcel(NamedTuple):
    """Alerts of one name and group, to be told in one message. `alertmanager_url` is where they can be silenced."""

    group: str
    name: str
    alerts: tuple[Alert, ...]
    alertmanager_url: str

    @property
    def content(self) -> list[tuple[str, bool, float]]:
        """What makes this another message than the one before; texts and values do not, as they change all the time."""
        return sorted({(alert.fingerprint, alert.firing, alert.starts) for alert in self.alerts})


class Address(NamedTuple):
    """One line of the address file. `identity` is a digest of the line's text, wherever in the file it stands."""

    line: int
    severities: frozenset[str]
    language: str
    transport: Transport
    identity: str

    def __str__(self) -> str:
        return f"line {self.line} ({self.transport.service})"


class Channel:
    """The way to one address. Thread-safe."""

    def __init__(self, address: Address, renderer: Renderer, ledger: Ledger, metrics: Metrics, clock: Clock) -> None:
        self.address = address
        self.last_error: DeliveryError | None = None
        """Why the last message was not delivered, set by the dispatcher; None after one that was."""
        self._renderer = renderer
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock
        self._lock = threading.Lock()
        self._busy_since: float | None = None

    def wants(self, alert: Alert) -> bool:
        """Return whether the alert is for this address."""
        return alert.severity in self.address.severities

    def ledger_key(self, group: str, name: str) -> tuple[str, str, str]:
        """Return the ledger's key of what this address was told of the alerts `name` of a group."""
        return self.address.identity, group, name

    def deliver(self, parcel: Parcel, deadline: float) -> None:
        """Send the message about `parcel` unless the address has it already; do not begin after `deadline`.

        Raises `DeliveryError`. `deadline` is a time of the monotonic clock.
        """
        if not self._lock.acquire(timeout=max(0.0, deadline - self._clock.monotonic())):
            raise DeliveryError("timeout")
        try:
            self._busy_since = self._clock.monotonic()
            if self._busy_since >= deadline:
                raise DeliveryError("timeout")
            self._deliver(parcel)
        finally:
            self._busy_since = None
            self._lock.release()

    def test(self) -> None:
        """Send the message that tries the address. Raises `DeliveryError`."""
        self.address.transport.send(self._renderer.test())

    def is_stuck(self) -> bool:
        """Return whether a message is under way that will never end."""
        since = self._busy_since
        return since is not None and self._clock.monotonic() - since > _STUCK_SECONDS

    def _deliver(self, parcel: Parcel) -> None:
        transport, key = self.address.transport, self.ledger_key(parcel.group, parcel.name)
        if transport.is_ping:
            transport.send(self._renderer.test())
        elif self._ledger.has(key, parcel.content):
            self._metrics.count_repeat(transport.service)
            return
        else:
            transport.send(self._renderer.render(parcel.alerts, parcel.alertmanager_url, transport.limit))
            self._ledger.record(key, parcel.content)
        self.last_error = None
        self._metrics.count_sent(transport.service)
