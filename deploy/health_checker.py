"""Looks at every node at once: what the monitors answer and what their actors say."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import ray
from ray.exceptions import RayError

from deploy.actors import NAMESPACE, MonitorActor
from deploy.check import Check, HealthReply, judge, read_health
from deploy.nodes import RayNode
from servicekit.http_reply import ProbeError

_TIMEOUT: Final = 1.5
"""Seconds for one monitor's answer, and for the actors' answers, which are asked at the same time."""
_AT_ONCE: Final = 32


class HealthChecker:
    """Asks monitors and their actors; keeps one question per actor open, however long that takes."""

    def __init__(self) -> None:
        self._open: dict[MonitorActor, Any] = {}
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sight")

    def check_all(self, nodes: Sequence[RayNode], actors: Mapping[str, MonitorActor]) -> list[Check]:
        """Return how the monitor of each of `nodes` is; `actors` has the actor of a node's id."""
        deadline = time.monotonic() + _TIMEOUT
        self._ask_hosts(set(actors.values()))
        answers = list(self._pool.map(_ask_monitor, nodes, [actors.get(node.node_id) for node in nodes]))
        hosts = self._collect(max(0.0, deadline - time.monotonic()))
        return [judge(answer, hosts.get(node.node_id)) for node, answer in zip(nodes, answers, strict=True)]

    def _ask_hosts(self, actors: set[MonitorActor]) -> None:
        self._open = {actor: reference for actor, reference in self._open.items() if actor in actors}
        for actor in actors - self._open.keys():
            reference = _status_of(actor)
            if reference is not None:
                self._open[actor] = reference

    def _collect(self, within: float) -> dict[str, Mapping[str, Any]]:
        by_reference = {reference: actor for actor, reference in self._open.items()}
        if not by_reference:
            return {}
        ready, _ = ray.wait(list(by_reference), num_returns=len(by_reference), timeout=within)
        said = {}
        for reference in ready:
            actor = by_reference[reference]
            del self._open[actor]
            try:
                said[actor.node_id] = ray.get(reference)
            except RayError:  # its worker ended; Ray is starting another
                continue
        return said


def _status_of(actor: MonitorActor) -> Any:
    """Ask an actor for its status; None when it is gone since it was listed."""
    try:
        return ray.get_actor(actor.name, NAMESPACE).status.remote()
    except (ValueError, RayError):
        return None


def _ask_monitor(node: RayNode, actor: MonitorActor | None) -> HealthReply:
    if actor is None:
        return HealthReply("refused")
    try:
        return read_health(node.ip, actor.port, _TIMEOUT)
    except ProbeError as error:
        return HealthReply(error.reason)
