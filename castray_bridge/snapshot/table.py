"""The rows of all nodes, one per entry of the source's list; only what changed is made again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from castray_bridge.probes.status import DEAD, NO_ADDRESS, PENDING, NodeStatus
from castray_bridge.snapshot import merge
from castray_bridge.snapshot.json_text import to_json
from castray_bridge.snapshot.names import name_conflicts
from castray_bridge.sources.cluster import Node
from exporter.states import STATES
from servicekit.address import Address


@dataclass(frozen=True, slots=True)
class Row:
    """One node as viewers see it: its object, and that as JSON text in UTF-8."""

    node: Node
    status: NodeStatus
    name_conflict: str | None
    fields: dict[str, Any]
    json: bytes


class NodeTable:
    """Keeps the rows, and the number of living nodes per state. Not thread-safe."""

    def __init__(self, unreachable_as: str) -> None:
        self._unreachable_as = unreachable_as
        self._nodes: tuple[Node, ...] = ()
        self._addresses: tuple[Address | None, ...] = ()
        self._rows: list[Row] = []
        self._places: dict[Address, list[int]] = {}
        """The places in the list of the nodes at each probed address."""
        self._statuses: dict[Address, NodeStatus] = {}
        self._states: Counter[str] = Counter()
        self._outdated: set[int] = set()
        """The places of the rows whose status has changed."""
        self.node_ids: tuple[str, ...] | None = ()
        """`nodeId` of each row, the same object while they are the same; None where they do not name the nodes."""

    def set_nodes(self, nodes: tuple[Node, ...], addresses: Sequence[Address | None]) -> None:
        """Take over a list of nodes; `addresses` are those of their monitors, None for a node that is not probed."""
        names_before = self._names_by_address()
        self._nodes, self._addresses = nodes, tuple(addresses)
        self._places = {}
        for place, address in enumerate(addresses):
            if address is not None:
                self._places.setdefault(address, []).append(place)
        names = self._names_by_address()
        self._statuses = {
            address: status
            for address, status in self._statuses.items()
            # The status at an address belongs to the node that was there.
            if not names_before.get(address, set()).isdisjoint(names.get(address, ()))
        }
        self._make_all()

    def set_status(self, address: Address, status: NodeStatus) -> bool:
        """Take over a probe result; return whether it changes a row."""
        places = self._places.get(address)
        if places is None or self._statuses.get(address) == status:
            return False
        self._statuses[address] = status
        self._outdated.update(places)
        return True

    def rows(self) -> tuple[Row, ...]:
        """Return all rows; only those with a new status are made again."""
        outdated = sorted(self._outdated)
        self._outdated = set()
        before = [self._rows[place] for place in outdated]
        statuses = [self._status(place) for place in outdated]
        if any(old.status.monitor_name != new.monitor_name for old, new in zip(before, statuses, strict=True)):
            self._make_all()  # another monitor's name may begin or end a conflict of any node
            return tuple(self._rows)
        for place, old, status in zip(outdated, before, statuses, strict=True):
            self._rows[place] = self._row(old.node, status, old.name_conflict)
            if old.node.alive:
                self._states[old.status.state] -= 1
                self._states[status.state] += 1
        return tuple(self._rows)

    def state_counts(self) -> dict[str, int]:
        """Return the number of living nodes per state, as of the last `rows`.

        An unreachable node counts as `unknown`, whatever its `workStatus` says.
        """
        return {state.name: self._states[state.name] for state in STATES}

    def _make_all(self) -> None:
        self._outdated = set()
        before = {(row.node.node_id, row.node.name, row.node.ip): row for row in self._rows}
        statuses = [self._status(place) for place in range(len(self._nodes))]
        self._rows = [
            self._row(node, status, conflict, before.get((node.node_id, node.name, node.ip)))
            for node, status, conflict in zip(self._nodes, statuses, name_conflicts(self._nodes, statuses), strict=True)
        ]
        self._states = Counter(row.status.state for row in self._rows if row.node.alive)
        node_ids = _node_ids(self._rows)
        if node_ids != self.node_ids:
            self.node_ids = node_ids

    def _row(self, node: Node, status: NodeStatus, conflict: str | None, before: Row | None = None) -> Row:
        if before is not None and (before.node, before.status, before.name_conflict) == (node, status, conflict):
            return before
        fields = merge.node_object(node, status, self._unreachable_as, conflict)
        return Row(node, status, conflict, fields, to_json(fields))

    def _status(self, place: int) -> NodeStatus:
        if not self._nodes[place].alive:
            return DEAD
        address = self._addresses[place]
        return NO_ADDRESS if address is None else self._statuses.get(address, PENDING)

    def _names_by_address(self) -> dict[Address, set[str]]:
        return {address: {self._nodes[place].name for place in places} for address, places in self._places.items()}


def _node_ids(rows: Iterable[Row]) -> tuple[str, ...] | None:
    """Return `nodeId` of each row; None when one is missing, no text, or not the only one."""
    found = [row.fields.get("nodeId") for row in rows]
    named = tuple(node_id for node_id in found if isinstance(node_id, str) and node_id)
    return named if len(named) == len(found) == len(set(named)) else None
