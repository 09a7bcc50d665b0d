"""The actors of a deployment, known by their names in a Ray namespace of their own."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

import ray
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deploy.nodes import RayNode
from deploy.settings import Settings
from deploy.supervisor import MonitorSupervisor

NAMESPACE: Final = "cmzsb"
CONTROLLER: Final = "keeper"
_STOP_WITHIN: Final = 12.0
"""Seconds for an actor to end its monitor and say so."""
_GONE_WITHIN: Final = 10.0


class MonitorActor(NamedTuple):
    """The actor of one node; its name says which code and options it was started with, and its monitor's port."""

    node_id: str
    release: str
    port: int

    @property
    def name(self) -> str:
        return f"monitor/{self.node_id}/{self.release}/{self.port}"


def monitors() -> list[MonitorActor]:
    """Return all monitors' actors that exist: running, starting or being restarted by Ray."""
    split = [name.split("/") for name in ray.util.list_named_actors()]
    return [MonitorActor(parts[1], parts[2], int(parts[3])) for parts in split if parts[0] == "monitor"]


def all_nodes() -> list[dict[str, Any]]:
    """Return Ray's node table, dead nodes included."""
    entries: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return entries


def detached(name: str, node_id: str | None) -> dict[str, Any]:
    """Return the options of an actor that outlives its creator and takes no resources; Ray restarts it on its node."""
    pinned = NodeAffinitySchedulingStrategy(node_id, soft=False) if node_id else None
    return {
        "name": name,
        "namespace": NAMESPACE,
        "lifetime": "detached",
        "num_cpus": 0,
        "max_restarts": -1,
        "max_concurrency": 4,
        "scheduling_strategy": pinned,
    }


def start_monitor(node: RayNode, settings: Settings) -> MonitorActor:
    """Start the actor of `node`; does not wait for it. Raises `ValueError` when it exists."""
    actor = MonitorActor(node.node_id, settings.release, settings.port)
    ray.remote(MonitorSupervisor).options(**detached(actor.name, node.node_id)).remote(settings, node.name, node.ip)
    return actor


def stop_monitors(actors: Collection[MonitorActor], within: float = _STOP_WITHIN) -> list[MonitorActor]:
    """End monitors and their actors; return those that did not confirm it `within` seconds.

    Their nodes are dead or out of reach. Nothing stays there either: Ray ends the workers of a node that it has
    given up, and with them their monitors.
    """
    asked: dict[Any, tuple[MonitorActor, Any]] = {}
    for actor in actors:
        try:
            handle = ray.get_actor(actor.name, NAMESPACE)
        except ValueError:
            continue
        asked[handle.stop.remote()] = (actor, handle)
    confirmed, _ = ray.wait(list(asked), num_returns=len(asked), timeout=within) if asked else ([], [])
    silent = []
    for reference, (actor, handle) in asked.items():
        if reference not in confirmed or not _said_yes(reference):
            silent.append(actor)
        ray.kill(handle, no_restart=True)
    wait_until_gone(actor.name for actor in actors)
    return silent


def wait_until_gone(names: Iterable[str]) -> None:
    """Wait until Ray has forgotten actors that were killed, so that their names can be used again."""
    wanted = set(names)
    deadline = time.monotonic() + _GONE_WITHIN
    while wanted & set(ray.util.list_named_actors()) and time.monotonic() < deadline:
        time.sleep(0.05)


def _said_yes(reference: Any) -> bool:
    try:
        return bool(ray.get(reference, timeout=1))
    except (RayError, GetTimeoutError):
        return False
