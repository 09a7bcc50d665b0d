"""Delivers each notification to all of its addresses at once, within one time limit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, wait

from notify.alert import WATCHDOG, Notification
from notify.channel import Channel, Parcel
from notify.failures import DeliveryError
from notify.ledger import Ledger
from notify.metrics import Metrics
from servicekit.clock import Clock
from servicekit.log import RateLimit, event

_log = logging.getLogger(__name__)


class Dispatcher:
    """Tells notifications to `channels`; each delivery has `timeout` seconds. Thread-safe.

    What is not over by then counts as failed and is not waited for; if the service takes it later, it is not repeated.
    """

    def __init__(
        self, channels: Sequence[Channel], ledger: Ledger, metrics: Metrics, clock: Clock, timeout: float
    ) -> None:
        self._channels = channels
        self._ledger = ledger
        self._metrics = metrics
        self._clock = clock
        self._timeout = timeout
        self._limit = RateLimit(burst=20, period=60.0)

    def dispatch(self, notification: Notification) -> list[str]:
        """Deliver, wait, and return what failed, e.g. `line 3 (wecombot): rejected (93000)`."""
        deadline = self._clock.monotonic() + self._timeout
        attempts = {}
        for channel in self._channels:
            parcels = list(_parcels(channel, notification))
            if parcels:
                attempts[_start(channel, parcels, deadline)] = channel
        wait(attempts, timeout=self._timeout)
        failures = [failure for attempt, channel in attempts.items() for failure in self._result(attempt, channel)]
        if not failures:
            names = {alert.name for alert in notification.alerts}
            told = attempts.values()
            self._ledger.finish(channel.ledger_key(notification.group, name) for channel in told for name in names)
        return failures

    def failure(self) -> str:
        """Return which addresses did not take their last message; `""` when there is none."""
        failed = [channel for channel in self._channels if channel.last_error]
        return "; ".join(f"{channel.address}: {channel.last_error}" for channel in failed)

    def liveness_error(self) -> str:
        """Return which address hangs for ever; `""` when there is none."""
        return next((f"{channel.address} hangs" for channel in self._channels if channel.is_stuck()), "")

    def _result(self, attempt: Future[None], channel: Channel) -> Iterator[str]:
        error = attempt.exception() if attempt.done() else DeliveryError("timeout")
        if error is None:
            return
        # Anything else is a fault of a plugin; its text may hold the address.
        known = error if isinstance(error, DeliveryError) else DeliveryError("failed")
        channel.last_error = known
        self._metrics.count_failed(channel.address.transport.service, known.reason)
        held_back = self._limit.admit()
        if held_back is not None:
            fault = "" if known is error else type(error).__name__
            _log.warning(event("not_delivered", to=channel.address, reason=known, fault=fault, held_back=held_back))
        yield f"{channel.address}: {known}"


def _parcels(channel: Channel, notification: Notification) -> Iterator[Parcel]:
    """Yield what `channel` is to be told, one message per kind of alert."""
    wanted = [
        alert for alert in notification.alerts if channel.wants(alert) and (alert.firing or alert.severity != WATCHDOG)
    ]
    for name in dict.fromkeys(alert.name for alert in wanted):
        alerts = tuple(alert for alert in wanted if alert.name == name)
        yield Parcel(notification.group, name, alerts, notification.alertmanager_url)


def _start(channel: Channel, parcels: Sequence[Parcel], deadline: float) -> Future[None]:
    """Deliver `parcels` in order in a thread of its own; the first failure ends it."""
    attempt: Future[None] = Future()

    def run() -> None:
        try:
            for parcel in parcels:
                channel.deliver(parcel, deadline)
        except Exception as error:  # noqa: BLE001 (plugins of apprise may raise anything; it is the attempt's result)
            attempt.set_exception(error)
        else:
            attempt.set_result(None)

    threading.Thread(target=run, name=f"delivery-{channel.address.line}", daemon=True).start()
    return attempt
