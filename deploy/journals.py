"""Removes the monitors' journals from the nodes after the monitors have ended."""

from __future__ import annotations

import fcntl
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from deploy.nodes import RayNode
from deploy.settings import state_path

_PURGE_SECONDS: Final = 20.0
"""Time for all nodes; the start of a worker on each is included."""
_LOCK: Final = "journal.lock"


def purge(nodes: Sequence[RayNode], state_dir: str) -> list[RayNode]:
    """Remove the journals below `state_dir` on `nodes`; return the nodes that did not confirm it in time."""
    tasks = {}
    for node in nodes:
        pinned = NodeAffinitySchedulingStrategy(node.node_id, soft=False)
        task = ray.remote(remove_journal).options(num_cpus=0, max_retries=0, scheduling_strategy=pinned)
        tasks[task.remote(state_dir, node.name)] = node
    ready, _ = ray.wait(list(tasks), num_returns=len(tasks), timeout=_PURGE_SECONDS) if tasks else ([], [])
    return [node for reference, node in tasks.items() if reference not in ready or not _is_done(reference)]


def remove_journal(state_dir: str, node: str) -> bool:
    """Remove the journal on this machine, and its directory if nothing else is in it.

    Return False, and remove nothing, while a monitor uses the journal.
    """
    directory = state_path(state_dir, node)
    if not directory.is_dir():
        return True
    if not _is_free(directory / _LOCK):
        return False
    for path in (*directory.glob("journal.sqlite3*"), directory / _LOCK):
        path.unlink(missing_ok=True)
    if not any(directory.iterdir()):
        directory.rmdir()
    return True


def _is_free(lock: Path) -> bool:
    if not lock.exists():
        return True
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def _is_done(reference: object) -> bool:
    try:
        return bool(ray.get(reference, timeout=1))  # type: ignore[call-overload]
    except RayError:
        return False
