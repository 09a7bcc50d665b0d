"""The nodes that one thread asks, and its questions under way; it neither waits nor knows of threads."""

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

_MAX_OPEN: Final = 64
"""Questions under way at once in one thread: bounds the descriptors that hanging nodes can take."""
_IDLE_WAIT: Final = 5.0


@dataclass(slots=True)
class _Target:
    node_id: str
    schedule: Schedule
    last: NodeStatus = status.PENDING
    question: _Question | None = None


@dataclass(slots=True)
class _Question:
    exchange: Exchange
    started: float
    deadline: float
    is_long_poll: bool


class Shard:
    """Whoever waits on `selector` calls `advance` with what is registered for the socket that is ready."""

    def __init__(
        self, settings: ProbeSettings, publish: Callable[[ProbeResult], None], clock: Clock, selector: BaseSelector
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._selector = selector
        self._targets: dict[Address, _Target] = {}
        self._open = 0

    def assign(self, wanted: Mapping[Address, str], wait: float) -> None:
        """Ask exactly `wanted` (address: node id) from now on, with long polls of `wait` seconds (0: none)."""
        now = self._clock.monotonic()
        for address in self._targets.keys() - wanted.keys():
            self._drop(address)
            del self._targets[address]
        for address, node_id in wanted.items():
            target = self._targets.get(address)
            if target is None:
                self._targets[address] = _Target(node_id, Schedule(self._settings.refresh, wait, now))
                continue
            target.schedule.long_poll(wait)
            if target.node_id != node_id:
                target.node_id, target.last = node_id, status.PENDING
                target.schedule.rejoined(now)

    def ask_due(self) -> None:
        """Ask whom it is time for, as far as the descriptors go."""
        now = self._clock.monotonic()
        for address, target in self._targets.items():
            if self._open >= _MAX_OPEN:
                return
            if target.question is None and target.schedule.due <= now:
                self._ask(address, target, now)

    def advance(self, address: Address) -> None:
        """Get on with the question to `address`, whose socket is ready."""
        target = self._targets[address]
        question = target.question
        if question is None:
            return
        was_writing = question.exchange.wants_write
        try:
            body = question.exchange.advance()
            answer = None if body is None else status.parse(body)
        except ProbeError as error:
            answer = status.failed(target.last, error.reason)
        if answer is not None:
            self._finish(address, target, answer)
        elif was_writing and not question.exchange.wants_write:
            self._selector.modify(question.exchange, EVENT_READ, address)

    def expire(self) -> None:
        """End the questions whose time is up."""
        if not self._open:
            return
        now = self._clock.monotonic()
        for address, target in self._targets.items():
            if target.question is not None and target.question.deadline <= now:
                self._finish(address, target, status.failed(target.last, "timeout"))

    def poll_timeout(self) -> float:
        """Return the seconds until something is due: the end of a question, or a new one if there is room for it."""
        is_full = self._open >= _MAX_OPEN
        moments = [
            target.schedule.due if target.question is None else target.question.deadline
            for target in self._targets.values()
            if target.question is not None or not is_full
        ]
        if not moments:
            return _IDLE_WAIT
        return min(max(0.0, min(moments) - self._clock.monotonic()), _IDLE_WAIT)

    def close(self) -> None:
        """Drop all questions."""
        for address in list(self._targets):
            self._drop(address)

    def _ask(self, address: Address, target: _Target, now: float) -> None:
        path = target.schedule.start(now)
        try:
            exchange = Exchange(address, path)
        except ProbeError as error:
            self._conclude(address, target, status.failed(target.last, error.reason), 0.0, connected=False)
            return
        target.question = _Question(exchange, now, now + self._settings.timeout, "?" in path)
        self._open += 1
        self._selector.register(exchange, EVENT_WRITE, address)

    def _finish(self, address: Address, target: _Target, answer: NodeStatus) -> None:
        question = target.question
        if question is None:
            return
        connected = question.exchange.connected
        self._drop(address)
        seconds = None if question.is_long_poll else self._clock.monotonic() - question.started
        self._conclude(address, target, answer, seconds, connected=connected)

    def _conclude(
        self, address: Address, target: _Target, answer: NodeStatus, seconds: float | None, *, connected: bool
    ) -> None:
        target.last = answer
        if answer.reachable:
            target.schedule.succeeded(answer.version, self._clock.monotonic())
        else:
            target.schedule.failed(connected)
        self._publish(ProbeResult(address, answer, seconds))

    def _drop(self, address: Address) -> None:
        target = self._targets[address]
        if target.question is not None:
            self._selector.unregister(target.question.exchange)
            target.question.exchange.close()
            target.question = None
            self._open -= 1
