"""The nodes that one thread probes, and its requests in flight; neither waits nor knows of threads."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice
from selectors import BaseSelector
from typing import Final

from castray_bridge.probes import status
from castray_bridge.probes.connections import Connections, ProbedNode, Request
from castray_bridge.probes.schedule import STATUS_PATH, ProbeSettings, Schedule
from castray_bridge.probes.status import NodeStatus, ProbeResult
from castray_bridge.probes.timers import Timers
from servicekit.address import Address
from servicekit.clock import Clock
from servicekit.http_reply import ProbeError

_MAX_STARTS: Final = 64
"""Probes started in a row, before replies are read again."""
_IDLE_WAIT: Final = 5.0


@dataclass(frozen=True)
class Assignment:
    """What a shard probes: node ids by address, and the length of a long poll in seconds."""

    targets: Mapping[Address, str]
    wait: float
    places: int
    """How many nodes may hold a connection between questions, and in a long poll."""
    plain: int
    """How many connections there may be to other nodes at a time."""


class Shard:
    """The caller waits on `selector` and calls `advance` with the data registered for the socket that is ready.

    A healthy node gets a place, as far as there are: it keeps its connection, and is asked by long polls. Of the
    other nodes, which may hang, only so many are asked at a time. But for `assign`, no call costs more with more nodes.
    """

    def __init__(
        self, settings: ProbeSettings, publish: Callable[[ProbeResult], None], clock: Clock, selector: BaseSelector
    ) -> None:
        self._settings = settings
        self._publish = publish
        self._clock = clock
        self._connections = Connections(selector)
        self._assigned = Assignment({}, 0.0, 0, 0)
        self._nodes: dict[Address, ProbedNode] = {}
        self._timers: Timers[ProbedNode] = Timers()
        """When each node is probed next; while a request is in flight, its deadline."""
        self._queue: deque[ProbedNode] = deque()
        """Nodes that are due and have no place, while as many of them are asked as may be."""

    def assign(self, assignment: Assignment) -> None:
        """Probe exactly what `assignment` says from now on."""
        now = self._clock.monotonic()
        self._assigned = assignment
        self._connections.limit(assignment.places, assignment.plain)
        for address in self._nodes.keys() - assignment.targets.keys():
            self._remove(self._nodes.pop(address))
        for address, node_id in assignment.targets.items():
            node = self._nodes.get(address)
            if node is None:
                node = self._nodes[address] = ProbedNode(address, node_id, Schedule(self._settings.refresh, 0.0, now))
                self._timers.set(node, now)
            elif node.node_id != node_id:
                self._replace(node, node_id, now)
            if node.has_place:
                node.schedule.long_poll(assignment.wait)

    def start_due(self) -> None:
        """Start the probes that are due, as far as they may be, and end those whose deadline has passed."""
        now = self._clock.monotonic()
        for node in islice(self._timers.due(now), _MAX_STARTS):
            if node.request is not None:
                self._expire(node, node.request)
            elif node.has_place:
                self._connections.close_unless_reusable(node)
                self._start(node, now)
            else:
                self._queue.append(node)
        while self._queue and not self._connections.is_full:
            node = self._queue.popleft()
            if self._nodes.get(node.address) is node and node.request is None:
                self._start(node, now)

    def advance(self, node: ProbedNode) -> None:
        """Continue with `node`, whose socket is ready."""
        connection = node.connection
        if connection is None:
            return
        if node.request is None:  # the peer has closed the connection, or speaks unasked
            self._connections.close(node)
            return
        try:
            body = connection.advance()
            result = None if body is None else _read(node, body)
        except ProbeError as error:
            if error.reason == "bad_reply" and connection.is_stale:
                self._request_again(node, node.request)
                return
            result = status.failed(node.last, error.reason)
        if result is None:
            self._connections.watch(node, connection)
        else:
            self._finish(node, result)

    def poll_timeout(self) -> float:
        """Return the seconds until the next deadline or due probe; a probe without a descriptor waits for another."""
        instant = self._timers.next()
        if instant is None:
            return _IDLE_WAIT
        return min(max(0.0, instant - self._clock.monotonic()), _IDLE_WAIT)

    def close(self) -> None:
        """Drop all requests and connections."""
        for node in self._nodes.values():
            self._connections.close(node)

    def _expire(self, node: ProbedNode, request: Request) -> None:
        """End a request whose deadline has passed. A reply that has come counts, because this thread may be late."""
        if node.connection is not None and not node.connection.wants_write:
            self.advance(node)
        if node.request is request:
            self._finish(node, status.failed(node.last, "timeout"))

    def _start(self, node: ProbedNode, now: float) -> None:
        path = node.schedule.start(now)
        is_long_poll = path != STATUS_PATH
        node.request = Request(now, is_long_poll)
        self._timers.set(node, now + self._settings.budget(self._assigned.wait if is_long_poll else 0.0))
        self._send(node, path)

    def _request_again(self, node: ProbedNode, request: Request) -> None:
        """Repeat the request within its deadline: the peer has closed the kept connection meanwhile.

        Without a long poll, because the peer may have been restarted and count its versions anew.
        """
        request.started, request.is_long_poll = self._clock.monotonic(), False
        self._connections.close(node)
        self._send(node, STATUS_PATH)

    def _send(self, node: ProbedNode, path: str) -> None:
        try:
            connection = self._connections.open(node)
            connection.send(path)
        except ProbeError as error:
            self._finish(node, status.failed(node.last, error.reason))
        else:
            self._connections.watch(node, connection)

    def _finish(self, node: ProbedNode, result: NodeStatus) -> None:
        """End the request in flight with `result`; publish that, and plan or start the next one."""
        request, node.request = node.request, None
        if request is None:
            return
        now = self._clock.monotonic()
        node.last = result
        if result.reachable:
            self._connections.take_place(node)
            node.schedule.long_poll(self._assigned.wait if node.has_place else 0.0)
            node.schedule.succeeded(result.version, now)
        else:
            node.schedule.failed(connected=node.connection is not None and node.connection.connected)
            self._connections.leave_place(node)
        if not node.has_place or node.connection is None or not node.connection.leaves_open:
            self._connections.close(node)
        self._publish(ProbeResult(node.address, result, None if request.is_long_poll else now - request.started))
        if node.has_place and node.schedule.due <= now:
            self._start(node, now)
        else:
            self._timers.set(node, node.schedule.due)

    def _replace(self, node: ProbedNode, node_id: str, now: float) -> None:
        """Take `node` for another node at the same address, and probe that at once."""
        self._connections.close(node)
        node.node_id, node.last, node.request = node_id, status.PENDING, None
        node.schedule.rejoined(now)
        self._timers.set(node, now)

    def _remove(self, node: ProbedNode) -> None:
        self._connections.close(node)
        self._connections.leave_place(node)
        self._timers.cancel(node)


def _read(node: ProbedNode, body: bytes) -> NodeStatus:
    """Return the status in a reply of `node`. Raises `ProbeError`."""
    if node.reply is None or node.reply[0] != body:
        node.reply = body, status.parse_status(body)
    return node.reply[1]
