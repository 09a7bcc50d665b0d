"""The connections to the nodes of one thread: which node may keep one, and how many there are to the others."""

from __future__ import annotations

from dataclasses import dataclass
from selectors import EVENT_READ, EVENT_WRITE, BaseSelector

from castray_bridge.probes import status
from castray_bridge.probes.schedule import Schedule
from castray_bridge.probes.status import NodeStatus
from servicekit.address import Address
from servicekit.probe import Connection


@dataclass(slots=True)
class Request:
    """A request in flight, started at `started` of the monotonic clock."""

    started: float
    is_long_poll: bool


@dataclass(slots=True, eq=False)
class ProbedNode:
    """One node of a shard, with its connection and the request in flight, if any."""

    address: Address
    node_id: str
    schedule: Schedule
    last: NodeStatus = status.PENDING
    reply: tuple[bytes, NodeStatus] | None = None
    """The last good reply and what it says, because most replies are the one before."""
    has_place: bool = False
    connection: Connection | None = None
    events: int = 0
    """What the selector waits for on the connection."""
    request: Request | None = None


class Connections:
    """Opens, watches and closes connections; a node with a place may keep its own. Not thread-safe.

    `selector` has each open connection that is watched, with its node as the data.
    """

    def __init__(self, selector: BaseSelector) -> None:
        self._selector = selector
        self._max_places = 0
        self._max_plain = 0
        self._plain = 0
        self.places = 0
        """The number of nodes with a place."""

    def limit(self, places: int, plain: int) -> None:
        """Allow so many nodes with a place, and so many connections to others at a time."""
        self._max_places = places
        self._max_plain = plain

    @property
    def is_full(self) -> bool:
        """Whether there are as many connections to nodes without a place as may be."""
        return self._plain >= self._max_plain

    def take_place(self, node: ProbedNode) -> None:
        """Give `node` a place if there is one; take it back if there are too few by now."""
        if node.has_place:
            if self.places > self._max_places:
                self.leave_place(node)
        elif self.places < self._max_places:
            node.has_place = True
            self.places += 1
            self._plain -= node.connection is not None

    def leave_place(self, node: ProbedNode) -> None:
        """Take the place of `node` back, if it has one."""
        if node.has_place:
            node.has_place = False
            self.places -= 1
            self._plain += node.connection is not None

    def open(self, node: ProbedNode) -> Connection:
        """Return the node's connection, a new one if it has none. Raises `ProbeError`."""
        if node.connection is None:
            node.connection = Connection(node.address, keep_open=True)
            self._plain += not node.has_place
        return node.connection

    def close(self, node: ProbedNode) -> None:
        """Close the node's connection, if any."""
        connection, node.connection = node.connection, None
        if connection is not None:
            if node.events:
                self._selector.unregister(connection)
                node.events = 0
            connection.close()
            self._plain -= not node.has_place

    def close_unless_reusable(self, node: ProbedNode) -> None:
        """Close a kept connection that the peer has closed, or has spoken on unasked, since the last reply."""
        if node.connection is not None and not node.connection.is_reusable():
            self.close(node)

    def watch(self, node: ProbedNode, connection: Connection) -> None:
        """Let the selector wait for what the node's connection needs."""
        events = EVENT_WRITE if connection.wants_write else EVENT_READ
        if not node.events:
            self._selector.register(connection, events, node)
        elif node.events != events:
            self._selector.modify(connection, events, node)
        node.events = events
