"""One thread of the pool: asks its share of the nodes, waiting on all of its sockets at once."""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from castray_bridge import status
from castray_bridge.http_reply import ProbeError
from castray_bridge.probe import Address, Exchange
from castray_bridge.schedule import Pace, Schedule
from castray_bridge.status import Answer, NodeStatus
from servicekit.clock import Clock

_MAX_OPEN: Final = 64
"""Questions under way at once in one thread: bounds the descriptors that hanging nodes can take."""
_IDLE_WAIT: Final = 5.0
STUCK_SECONDS: Final = 20.0
"""One turn of a thread ends much sooner, whatever the nodes do."""


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


class Worker:
    """A named thread; whoever makes it calls `assign`, and `stop` and `join` at the end."""

    def __init__(self, number: int, pace: Pace, publish: Callable[[Answer], None], clock: Clock) -> None:
        self._pace = pace
        self._publish = publish
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._bell, self._ringer = socket.socketpair()
        self._bell.setblocking(False)
        self._selector.register(self._bell, selectors.EVENT_READ)
        self._lock = threading.Lock()
        self._order: tuple[dict[Address, str], float] | None = None
        self._stopping = False
        self._targets: dict[Address, _Target] = {}
        self._open = 0
        self._turned_at = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"probe-{number}", daemon=True)
        self._thread.start()

    def assign(self, targets: Mapping[Address, str], wait: float) -> None:
        """Ask exactly `targets` (address: node id) from now on, with long polls of `wait` seconds (0: none)."""
        with self._lock:
            self._order = (dict(targets), wait)
        self._ringer.send(b".")

    def is_alive(self) -> bool:
        """Return whether the thread gets on; nodes that do not answer are no reason why it would not."""
        return self._thread.is_alive() and self._clock.monotonic() - self._turned_at < STUCK_SECONDS

    def stop(self) -> None:
        """Tell the thread to end."""
        self._stopping = True
        self._ringer.send(b".")

    def join(self) -> None:
        """Wait for the thread and free what it held."""
        self._thread.join()
        for end in (self._bell, self._ringer, self._selector):
            end.close()

    def _run(self) -> None:
        while not self._stopping:
            self._turned_at = self._clock.monotonic()
            self._follow_order()
            self._ask_due()
            for key, _ in self._selector.select(self._patience()):
                if key.fileobj is self._bell:
                    self._bell.recv(4096)
                else:
                    self._advance(key.data)
            self._expire()
        for address in list(self._targets):
            self._drop(address)

    def _follow_order(self) -> None:
        with self._lock:
            order, self._order = self._order, None
        if order is None:
            return
        wanted, wait = order
        now = self._clock.monotonic()
        for address in self._targets.keys() - wanted.keys():
            self._drop(address)
            del self._targets[address]
        for address, node_id in wanted.items():
            target = self._targets.get(address)
            if target is None:
                self._targets[address] = _Target(node_id, Schedule(self._pace.refresh, wait, now))
                continue
            target.schedule.long_poll(wait)
            if target.node_id != node_id:
                target.node_id, target.last = node_id, status.PENDING
                target.schedule.rejoined(now)

    def _ask_due(self) -> None:
        now = self._clock.monotonic()
        for address, target in self._targets.items():
            if self._open >= _MAX_OPEN:
                return
            if target.question is None and target.schedule.due <= now:
                self._ask(address, target, now)

    def _ask(self, address: Address, target: _Target, now: float) -> None:
        path = target.schedule.start(now)
        try:
            exchange = Exchange(address, path)
        except ProbeError as error:
            self._conclude(address, target, status.failed(target.last, error.reason), 0.0, connected=False)
            return
        target.question = _Question(exchange, now, now + self._pace.timeout, "?" in path)
        self._open += 1
        self._selector.register(exchange, selectors.EVENT_WRITE, address)

    def _advance(self, address: Address) -> None:
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
            self._selector.modify(question.exchange, selectors.EVENT_READ, address)

    def _expire(self) -> None:
        if not self._open:
            return
        now = self._clock.monotonic()
        for address, target in self._targets.items():
            if target.question is not None and target.question.deadline <= now:
                self._finish(address, target, status.failed(target.last, "timeout"))

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
        self._publish(Answer(address, answer, seconds))

    def _drop(self, address: Address) -> None:
        target = self._targets[address]
        if target.question is not None:
            self._selector.unregister(target.question.exchange)
            target.question.exchange.close()
            target.question = None
            self._open -= 1

    def _patience(self) -> float:
        """Return the seconds until something is due: a question, or the end of one under way."""
        moments = [
            target.schedule.due if target.question is None else target.question.deadline
            for target in self._targets.values()
        ]
        if not moments:
            return _IDLE_WAIT
        return min(max(0.0, min(moments) - self._clock.monotonic()), _IDLE_WAIT)
