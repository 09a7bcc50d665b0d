"""Checks all nodes in parallel: the monitors' replies and the status of their supervisors."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, NamedTuple

import ray
from ray.exceptions import RayError

from deploy.actors import NAMESPACE, MonitorActor
from deploy.check import Check, HealthReply, judge, read_health
from deploy.nodes import RayNode
from servicekit.http_reply import ProbeError

_TIMEOUT: Final = 1.5
"""Seconds for one monitor's reply and for the supervisors' status, which are requested at the same time."""
_THREADS: Final = 32


class _Call(NamedTuple):
    """A call of `MonitorSupervisor.status` under way.

    It holds the actor's handle, because up to Ray 2.47 a call fails with "Lost reference to actor" without it.
    """

    handle: Any
    reference: Any


class HealthChecker:
    """Probes monitors and calls their supervisors; has at most one call per supervisor under way.

    Not thread-safe. A call that is not answered in time is not repeated: its result counts in a later check.
    """

    def __init__(self) -> None:
        self._calls: dict[MonitorActor, _Call] = {}
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="health-check")

    def check_all(self, nodes: Sequence[RayNode], actors: Mapping[str, MonitorActor]) -> list[Check]:
        """Return the health of the monitor of each of `nodes`; `actors` maps a node's id to its actor."""
        deadline = time.monotonic() + _TIMEOUT
        self._call_supervisors(set(actors.values()))
        replies = list(self._pool.map(_probe, nodes, [actors.get(node.node_id) for node in nodes]))
        statuses = self._collect(max(0.0, deadline - time.monotonic()))
        return [judge(replies[index], statuses.get(node.node_id)) for index, node in enumerate(nodes)]

    def _call_supervisors(self, actors: set[MonitorActor]) -> None:
        self._calls = {actor: call for actor, call in self._calls.items() if actor in actors}
        for actor in actors - self._calls.keys():
            try:
                handle = ray.get_actor(actor.name, NAMESPACE)
            except ValueError:  # the actor is gone since it was listed
                continue
            self._calls[actor] = _Call(handle, handle.status.remote())

    def _collect(self, within: float) -> dict[str, Mapping[str, Any]]:
        """Return the statuses that arrive `within` seconds, by node id."""
        by_reference = {call.reference: actor for actor, call in self._calls.items()}
        if not by_reference:
            return {}
        ready, _ = ray.wait(list(by_reference), num_returns=len(by_reference), timeout=within)
        statuses = {}
        for reference in ready:
            actor = by_reference[reference]
            del self._calls[actor]
            try:
                statuses[actor.node_id] = ray.get(reference)
            except RayError:  # the actor's worker ended; Ray starts another
                continue
        return statuses


def _probe(node: RayNode, actor: MonitorActor | None) -> HealthReply:
    if actor is None:
        return HealthReply("refused")
    try:
        return read_health(node.ip, actor.port, _TIMEOUT)
    except ProbeError as error:
        return HealthReply(error.reason)
