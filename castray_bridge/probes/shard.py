"""The nodes that one thread probes, and its requests in flight; neither waits nor knows of threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector
from typing import Final

from castray_bridge.probes import status
from castray_bridge.probes.schedule import ProbeSettings, Schedule
from castray_bridge.probes.status import NodeStatus, ProbeResult
from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.http_reply import ProbeError
from servicekit.probe import Exchange

_MAX_IN_FLIGHT: Final = 64
"""Requests in flight in one thread: bounds the descriptors that hanging nodes can hold."""
_IDLE_WAIT: Final = 5.0


@dataclass(slots=True)
class _ProbedNode:
    node_id: str
    schedule: Schedule
    last: NodeStatus = status.PENDING
    request: _Request | None = None


@dataclass(slots=True)
class _Request:
    exchange: Exchange
    started: float
    deadline: float
    is_long_poll: bool


class Shard:
    """The caller waits on `selector` and calls `advance` with the data registered for the socket that is ready."""

    def __init__(
        self, settings: ProbeSettings, publish: Callable[[ProbeResult], None], clock: Clock, selector: BaseSelector
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._selector = selector
        self._nodes: dict[Address, _ProbedNode] = {}
        self._in_flight = 0

    def assign(self, wanted: Mapping[Address, str], wait: float) -> None:
        """Probe exactly `wanted` (address: node id) from now on, with long polls of `wait` seconds (0: none)."""
        now = self._clock.monotonic()
        for address in self._nodes.keys() - wanted.keys():
            self._drop(address)
            del self._nodes[address]
        for address, node_id in wanted.items():
            node = self._nodes.get(address)
            if node is None:
                self._nodes[address] = _ProbedNode(node_id, Schedule(self._settings.refresh, wait, now))
                continue
            node.schedule.long_poll(wait)
            if node.node_id != node_id:
                node.node_id, node.last = node_id, status.PENDING
                node.schedule.rejoined(now)

    def start_due(self) -> None:
        """Start the probes that are due, as far as descriptors are left."""
        now = self._clock.monotonic()
        for address, node in self._nodes.items():
            if self._in_flight >= _MAX_IN_FLIGHT:
                return
            if node.request is None and node.schedule.due <= now:
                self._start(address, node, now)

    def advance(self, address: Address) -> None:
        """Continue the request to `address`, whose socket is ready."""
        node = self._nodes[address]
        request = node.request
        if request is None:
            return
        was_writing = request.exchange.wants_write
        try:
            body = request.exchange.advance()
            result = None if body is None else status.parse_status(body)
        except ProbeError as error:
            result = status.failed(node.last, error.reason)
        if result is not None:
            self._finish(address, node, result)
        elif was_writing and not request.exchange.wants_write:
            self._selector.modify(request.exchange, EVENT_READ, address)

    def expire(self) -> None:
        """End the requests whose deadline has passed."""
        if not self._in_flight:
            return
        now = self._clock.monotonic()
        for address, node in self._nodes.items():
            if node.request is not None and node.request.deadline <= now:
                self._finish(address, node, status.failed(node.last, "timeout"))

    def poll_timeout(self) -> float:
        """Return the seconds until the next deadline, or the next due probe if there is a descriptor for it."""
        is_full = self._in_flight >= _MAX_IN_FLIGHT
        instants = [
            node.schedule.due if node.request is None else node.request.deadline
            for node in self._nodes.values()
            if node.request is not None or not is_full
        ]
        if not instants:
            return _IDLE_WAIT
        return min(max(0.0, min(instants) - self._clock.monotonic()), _IDLE_WAIT)

    def close(self) -> None:
        """Drop all requests."""
        for address in list(self._nodes):
            self._drop(address)

    def _start(self, address: Address, node: _ProbedNode, now: float) -> None:
        path = node.schedule.start(now)
        try:
            exchange = Exchange(address, path)
        except ProbeError as error:
            self._conclude(address, node, status.failed(node.last, error.reason), 0.0, connected=False)
            return
        node.request = _Request(exchange, now, now + self._settings.timeout, "?" in path)
        self._in_flight += 1
        self._selector.register(exchange, EVENT_WRITE, address)

    def _finish(self, address: Address, node: _ProbedNode, result: NodeStatus) -> None:
        request = node.request
        if request is None:
            return
        connected = request.exchange.connected
        self._drop(address)
        seconds = None if request.is_long_poll else self._clock.monotonic() - request.started
        self._conclude(address, node, result, seconds, connected=connected)

    def _conclude(
        self, address: Address, node: _ProbedNode, result: NodeStatus, seconds: float | None, *, connected: bool
    ) -> None:
        node.last = result
        if result.reachable:
            node.schedule.succeeded(result.version, self._clock.monotonic())
        else:
            node.schedule.failed(connected)
        self._publish(ProbeResult(address, result, seconds))

    def _drop(self, address: Address) -> None:
        node = self._nodes[address]
        if node.request is not None:
            self._selector.unregister(node.request.exchange)
            node.request.exchange.close()
            node.request = None
            self._in_flight -= 1
