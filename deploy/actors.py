"""Ray actors of a deployment: their names, their options, how they are started and stopped."""

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
"""Ray name of the controller. It never changes, so that any release finds and retires that of any other release."""
_STOP_SECONDS: Final = 12.0
"""Time for a supervisor to end its monitor and to confirm it."""
_FORGET_SECONDS: Final = 10.0


class MonitorActor(NamedTuple):
    """The supervisor's actor on one node; its name holds the release with which it was started and the port."""

    node_id: str
    release: str
    port: int

    @property
    def name(self) -> str:
        return f"monitor/{self.node_id}/{self.release}/{self.port}"


def monitors() -> list[MonitorActor]:
    """Return the actors of all monitors: running, starting or being restarted by Ray."""
    split = [name.split("/") for name in ray.util.list_named_actors()]
    return [MonitorActor(parts[1], parts[2], int(parts[3])) for parts in split if parts[0] == "monitor"]


def node_table() -> list[dict[str, Any]]:
    """Return Ray's node table, dead nodes included."""
    entries: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return entries


def detached(name: str, node_id: str | None) -> dict[str, Any]:
    """Return the options of an actor that outlives its creator, takes no resources and is restarted on its node."""
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


def start_monitor(node: RayNode, settings: Settings) -> None:
    """Start the actor of `node` without waiting for it. Raises `ValueError` when it exists."""
    name = MonitorActor(node.node_id, settings.release, settings.port).name
    ray.remote(MonitorSupervisor).options(**detached(name, node.node_id)).remote(settings, node.name, node.ip)


def stop_monitors(actors: Collection[MonitorActor], within: float = _STOP_SECONDS) -> list[MonitorActor]:
    """End monitors and their actors; return those that did not confirm it `within` seconds.

    The nodes of those are dead or unreachable. Nothing stays there either: Ray ends the workers of a node that it
    declares dead, and with them their monitors.
    """
    requested: dict[Any, tuple[MonitorActor, Any]] = {}
    for actor in actors:
        try:
            handle = ray.get_actor(actor.name, NAMESPACE)
        except ValueError:
            continue
        requested[handle.stop.remote()] = (actor, handle)
    ready, _ = ray.wait(list(requested), num_returns=len(requested), timeout=within) if requested else ([], [])
    silent = []
    for reference, (actor, handle) in requested.items():
        if reference not in ready or not _is_confirmed(reference):
            silent.append(actor)
        ray.kill(handle, no_restart=True)
    wait_until_gone(actor.name for actor in actors)
    return silent


def wait_until_gone(names: Iterable[str]) -> None:
    """Wait until Ray has forgotten killed actors, because only then their names can be used again."""
    wanted = set(names)
    deadline = time.monotonic() + _FORGET_SECONDS
    while wanted & set(ray.util.list_named_actors()) and time.monotonic() < deadline:
        time.sleep(0.05)


def _is_confirmed(reference: Any) -> bool:
    try:
        return bool(ray.get(reference, timeout=1))
    except (RayError, GetTimeoutError):
        return False
