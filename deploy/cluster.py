"""The deployment as the command sees it: reads the controller's report, replaces the controller, removes everything."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import ray
from ray.exceptions import GetTimeoutError, RayError

from deploy.actors import (
    CONTROLLER,
    NAMESPACE,
    MonitorActor,
    detached,
    monitors,
    node_table,
    stop_monitors,
    wait_until_gone,
)
from deploy.check import LOST
from deploy.connection import error_text
from deploy.controller import Controller
from deploy.journals import purge
from deploy.nodes import living_nodes, named_nodes
from deploy.settings import Settings
from deploy.text import message
from servicekit.errors import StartError

_REPLY_SECONDS: Final = 60.0
"""Time for the controller to reply; the start of its worker, also after its end, is included."""
_POLL_SECONDS: Final = 0.3


def report(
    language: str,
    monotonic: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Any] | None:
    """Return the controller's report on at least one node, None when there is no controller.

    Waits while Ray restarts the controller, and for its first pass over the nodes. Raises `StartError`.
    """
    deadline = monotonic() + _REPLY_SECONDS
    while (controller := _controller()) is not None:
        problem = message(language, "no_pass")
        try:
            reply: dict[str, Any] = ray.get(controller.report.remote(), timeout=max(0.1, deadline - monotonic()))
            if reply["nodes"]:
                return reply
        except (GetTimeoutError, RayError) as error:
            problem = message(language, "no_reply", reason=error_text(error))
        if monotonic() >= deadline:
            raise StartError(problem)
        sleep(_POLL_SECONDS)
    return None


def apply(settings: Settings, timeout: float) -> None:
    """Order `settings` for all nodes: from the present controller if it has them already, else from a new one."""
    controller = _controller()
    if controller is not None:
        if _release_of(controller) == settings.release:
            ray.get(controller.resume.remote(), timeout=_REPLY_SECONDS)
            return
        _retire(controller)
    head = next((node.node_id for node in living_nodes(node_table()) if node.is_head), None)
    ray.remote(Controller).options(**detached(CONTROLLER, head)).remote(settings, timeout)


class Removal(NamedTuple):
    """Number of removed monitors, number of nodes with removed journals, and the nodes that did not confirm it."""

    monitors: int
    purged: int
    silent: list[str]
    """Each `NAME (IP)`."""


def remove(journals: str | None) -> Removal:
    """Remove the controller and all monitors, and with `journals` the journals in that directory of each node."""
    controller = _controller()
    lost = _lost(controller) if controller is not None and journals is not None else set()
    if controller is not None:
        _retire(controller)
    entries = node_table()
    names = {node.node_id: f"{node.name} ({node.ip})" for node in named_nodes(entries)}
    found: set[MonitorActor] = set()
    silent: list[MonitorActor] = []
    # Repeated because the controller may have just started one that Ray did not list yet.
    while left := set(monitors()) - found:
        found |= left
        silent += stop_monitors(left)
    unconfirmed = {names.get(actor.node_id, actor.node_id) for actor in silent} | lost
    reached = [node for node in living_nodes(entries) if names[node.node_id] not in unconfirmed]
    kept = reached if journals is None else purge(reached, journals)
    if journals is not None:
        unconfirmed |= {names[node.node_id] for node in kept}
    return Removal(len(found), len(reached) - len(kept), sorted(unconfirmed))


def _lost(controller: Any) -> set[str]:
    """Return the nodes that had a monitor and are gone: their journals are still there."""
    try:
        rows = ray.get(controller.report.remote(), timeout=_REPLY_SECONDS)["nodes"]
    except (GetTimeoutError, RayError):
        return set()
    return {f"{row['node']} ({row['ip']})" for row in rows if row["health"] == LOST}


def _controller() -> Any:
    try:
        return ray.get_actor(CONTROLLER, NAMESPACE)
    except ValueError:
        return None


def _release_of(controller: Any) -> str | None:
    try:
        return str(ray.get(controller.report.remote(), timeout=_REPLY_SECONDS)["release"])
    except (GetTimeoutError, RayError):
        return None  # a controller that does not reply is replaced


def _retire(controller: Any) -> None:
    ray.wait([controller.retire.remote()], timeout=_REPLY_SECONDS)
    ray.kill(controller, no_restart=True)
    wait_until_gone([CONTROLLER])
