"""The operator's side: connects to Ray, and finds, replaces and takes away the keeper."""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import ray
from ray.exceptions import GetTimeoutError, RayError

from deploy.actors import (
    CONTROLLER,
    NAMESPACE,
    MonitorActor,
    all_nodes,
    detached,
    monitors,
    stop_monitors,
    wait_until_gone,
)
from deploy.check import LOST
from deploy.controller import Controller
from deploy.journals import purge
from deploy.nodes import listed, living
from deploy.settings import Settings
from servicekit.cli import listen_address
from servicekit.errors import StartError
from servicekit.text import one_line

CLIENT: Final = "ray://"
"""Start of an address that is to be reached through Ray's client server, from outside the cluster."""
_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_server_port_wait_time_s": "1",  # tries; by default Ray makes so many that they take ten minutes
}
_CONNECT_WITHIN: Final = 3.0
_ANSWER_WITHIN: Final = 60.0
"""Seconds for the keeper to answer; starting its worker is included."""


@contextmanager
def connected(address: str, bundle: Path | None = None) -> Iterator[None]:
    """Be connected to the cluster at `address`, carrying `bundle` to its nodes. Raises `StartError`."""
    _check_that_something_listens(address)
    for variable, value in _ENVIRONMENT.items():
        os.environ.setdefault(variable, value)
    runtime_env = {"working_dir": str(bundle)} if bundle else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ray.init(
                address,
                namespace=NAMESPACE,
                runtime_env=runtime_env,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
    except Exception as error:  # noqa: BLE001 (Ray raises whatever it likes here; the operator gets its words)
        raise StartError(f"cannot connect to Ray at {address}: {_first_line(error)}") from None
    try:
        yield
    except RayError as error:
        raise StartError(f"Ray: {_first_line(error)}") from None
    finally:
        ray.shutdown()


def report() -> dict[str, Any] | None:
    """Return the keeper's report, None when there is no keeper. Raises `StartError` when it gives no answer."""
    controller = _controller()
    if controller is None:
        return None
    try:
        answer: dict[str, Any] = ray.get(controller.report.remote(), timeout=_ANSWER_WITHIN)
    except (GetTimeoutError, RayError) as error:
        raise StartError(f"the keeper on the head node does not answer: {_first_line(error)}") from None
    return answer


def order(settings: Settings, patience: float) -> None:
    """Have `settings` everywhere from now on: by the keeper that is there, or by a new one."""
    controller = _controller()
    if controller is not None:
        if _release_of(controller) == settings.release:
            ray.get(controller.resume.remote(), timeout=_ANSWER_WITHIN)
            return
        _dismiss(controller)
    head = next((node.node_id for node in living(all_nodes()) if node.is_head), None)
    ray.remote(Controller).options(**detached(CONTROLLER, head)).remote(settings, patience)


class Removal(NamedTuple):
    """How many monitors were taken away, on how many nodes the journals, and the nodes that did not confirm it."""

    monitors: int
    purged: int
    silent: list[str]
    """Each `NAME (IP)`."""


def remove(journals: str | None) -> Removal:
    """Take everything away, the journals in the directory `journals` of each node too if one is given."""
    controller = _controller()
    lost = _lost(controller) if controller is not None and journals is not None else set()
    if controller is not None:
        _dismiss(controller)
    entries = all_nodes()
    names = {node.node_id: f"{node.name} ({node.ip})" for node in listed(entries)}
    found: set[MonitorActor] = set()
    silent: list[MonitorActor] = []
    # Again, for what the keeper had just begun to start.
    while left := set(monitors()) - found:
        found |= left
        silent += stop_monitors(left)
    unconfirmed = {names.get(actor.node_id, actor.node_id) for actor in silent} | lost
    reached = [node for node in living(entries) if names[node.node_id] not in unconfirmed]
    kept = reached if journals is None else purge(reached, journals)
    if journals is not None:
        unconfirmed |= {names[node.node_id] for node in kept}
    return Removal(len(found), len(reached) - len(kept), sorted(unconfirmed))


def _lost(controller: Any) -> set[str]:
    """Return the nodes that had a monitor and are gone: whatever they kept, they still have."""
    try:
        rows = ray.get(controller.report.remote(), timeout=_ANSWER_WITHIN)["nodes"]
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
        return str(ray.get(controller.report.remote(), timeout=_ANSWER_WITHIN)["release"])
    except (GetTimeoutError, RayError):
        return None  # one that does not answer is replaced


def _dismiss(controller: Any) -> None:
    ray.wait([controller.retire.remote()], timeout=_ANSWER_WITHIN)
    ray.kill(controller, no_restart=True)
    wait_until_gone([CONTROLLER])


def _check_that_something_listens(address: str) -> None:
    try:
        socket.create_connection(listen_address(address.removeprefix(CLIENT)), _CONNECT_WITHIN).close()
    except OSError as error:
        raise StartError(f"nothing answers at {address}: {error.strerror or error}") from None


def _first_line(error: BaseException) -> str:
    return one_line(next(iter(str(error).strip().splitlines()), type(error).__name__), 300)
