"""The actor on the head node that keeps the deployment in its ordered state without a terminal."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, Protocol

from deploy import actors as ray_actors
from deploy import rollout
from deploy.actors import MonitorActor
from deploy.check import HEALTHY, Check
from deploy.health_checker import HealthChecker
from deploy.nodes import RayNode, living_nodes
from deploy.report import Reporter
from deploy.rollout import Decision, NodeRollout, decide
from deploy.settings import Settings
from servicekit import log
from servicekit.clock import Clock, SystemClock

_WORKING_SECONDS: Final = 0.3
_IDLE_SECONDS: Final = 2.0
"""Pauses between two passes over the cluster: while the rollout goes on, and while there is nothing to do."""
_log = logging.getLogger("deploy")


class Fleet(Protocol):
    """The monitors' actors in Ray, as `deploy.actors` gives them."""

    def node_table(self) -> list[dict[str, Any]]: ...
    def monitors(self) -> list[MonitorActor]: ...
    def start_monitor(self, node: RayNode, settings: Settings) -> None: ...
    def stop_monitors(self, actors: Collection[MonitorActor], within: float = ...) -> list[MonitorActor]: ...


class Checker(Protocol):
    """What `HealthChecker` does."""

    def check_all(self, nodes: Sequence[RayNode], actors: Mapping[str, MonitorActor]) -> list[Check]: ...


class Controller:
    """Brings a monitor of `settings` to every node, also to later ones, and replaces those of other releases.

    `timeout`: seconds that a monitor may take to become healthy. Works in a thread of its own from construction on
    until `retire`. A new release calls these methods on a controller of an older one: none may change its name.
    """

    def __init__(
        self,
        settings: Settings,
        timeout: float,
        fleet: Fleet = ray_actors,
        checker: Checker | None = None,
        clock: Clock | None = None,
    ) -> None:
        log.configure("info")
        self._settings = settings
        self._timeout = timeout
        self._fleet = fleet
        self._checker = checker or HealthChecker()
        self._clock = clock or SystemClock()
        self._reporter = Reporter(settings.release, self._clock)
        self._reconciling = threading.Lock()
        self._wake = threading.Event()
        self._retired = False
        self._halted = ""
        self._trouble: dict[str, float] = {}
        self._report: dict[str, Any] = self._new_report(rollout.WORKING, [])
        threading.Thread(target=self._run, name="controller", daemon=True).start()

    def report(self) -> dict[str, Any]:
        """Return `{"release", "version", "phase", "reason", "nodes": [row]}` as of the last pass.

        `nodes` is empty before the first pass; a row is described in `Reporter.rows`.
        """
        return self._report

    def resume(self) -> None:
        """Go on with a rollout that stopped."""
        with self._reconciling:
            self._halted = ""
            self._trouble.clear()
            self._report = self._new_report(rollout.WORKING, [])
        self._wake.set()

    def retire(self) -> None:
        """Start no further monitors; returns once no start is under way."""
        with self._reconciling:
            self._retired = True
        self._wake.set()

    def _run(self) -> None:
        while not self._retired:
            try:
                with self._reconciling:
                    if not self._retired:
                        self._reconcile()
            except Exception:  # noqa: BLE001 (Ray raises many kinds while nodes come and go; the next pass may succeed)
                _log.exception("reconcile_failed")
            self._wake.wait(_WORKING_SECONDS if self._report["phase"] == rollout.WORKING else _IDLE_SECONDS)
            self._wake.clear()

    def _reconcile(self) -> None:
        nodes = living_nodes(self._fleet.node_table())
        actors = self._actors_of(nodes)
        rollouts = self._rollouts(nodes, actors)
        decision = decide(rollouts, self._settings.release, self._timeout, bool(self._halted))
        if decision.failed:
            self._halt(decision.failed)
        self._report = self._new_report(decision.phase, self._reporter.rows(rollouts))
        self._act(decision, actors)

    def _actors_of(self, nodes: list[RayNode]) -> dict[str, MonitorActor]:
        """Return each living node's actor; ends those of nodes that are gone, and all but one on each node."""
        chosen: dict[str, MonitorActor] = {}
        alive = {node.node_id for node in nodes}
        surplus, gone = [], []
        for actor in sorted(self._fleet.monitors(), key=lambda one: one.release == self._settings.release):
            if actor.node_id in chosen:
                surplus.append(chosen[actor.node_id])
            if actor.node_id in alive:
                chosen[actor.node_id] = actor
            else:
                gone.append(actor)
        self._fleet.stop_monitors(surplus)
        self._fleet.stop_monitors(gone, within=0.0)
        return chosen

    def _rollouts(self, nodes: list[RayNode], actors: dict[str, MonitorActor]) -> list[NodeRollout]:
        now = self._clock.monotonic()
        checks = self._checker.check_all(nodes, actors)
        rollouts = []
        for index, node in enumerate(nodes):
            check = checks[index]
            if check.health == HEALTHY:
                self._trouble.pop(node.node_id, None)
            began = self._trouble.setdefault(node.node_id, now) if check.health != HEALTHY else now
            actor = actors.get(node.node_id)
            rollouts.append(NodeRollout(node, actor.release if actor else None, check, now - began))
        return rollouts

    def _halt(self, failed: NodeRollout) -> None:
        if self._halted:
            return
        reason = failed.check.detail or failed.check.health
        self._halted = f"{failed.node.name} ({failed.node.ip}): {reason}"
        _log.error(log.event("halted", node=failed.node.name, reason=reason))

    def _act(self, decision: Decision, actors: dict[str, MonitorActor]) -> None:
        for node in decision.start:
            self._start(node)
        if decision.replace:
            self._fleet.stop_monitors([actors[decision.replace.node_id]])
            self._start(decision.replace)

    def _start(self, node: RayNode) -> None:
        self._trouble[node.node_id] = self._clock.monotonic()
        self._fleet.start_monitor(node, self._settings)
        _log.info(log.event("started", node=node.name, ip=node.ip, version=self._settings.version))

    def _new_report(self, phase: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "release": self._settings.release,
            "version": self._settings.version,
            "phase": phase,
            "reason": self._halted,
            "nodes": rows,
        }
