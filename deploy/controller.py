"""The actor on the head node that keeps the deployment as it was ordered, with nobody at a terminal."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any, Final

from deploy import rollout
from deploy.actors import MonitorActor, all_nodes, monitors, start_monitor, stop_monitors
from deploy.check import HEALTHY, LOST, Check
from deploy.health_checker import HealthChecker
from deploy.nodes import RayNode, living
from deploy.rollout import Decision, NodeRollout, decide
from deploy.settings import Settings
from servicekit import log

_WORKING_PAUSE: Final = 0.3
_IDLE_PAUSE: Final = 2.0
"""Seconds between two looks at the cluster, while something is under way and while nothing is."""
_log = logging.getLogger("deploy")


class Controller:
    """Brings a monitor of `settings` to every node, also to those that join later, replacing others one at a time.

    `patience` is how many seconds a monitor may take to become healthy. Works from construction on until `retire`.
    """

    def __init__(self, settings: Settings, patience: float) -> None:
        log.configure("info")
        self._settings = settings
        self._patience = patience
        self._health_checker = HealthChecker()
        self._pass = threading.Lock()
        self._wake = threading.Event()
        self._retired = False
        self._halted = ""
        self._known: dict[str, str] = {}
        self._changed: dict[str, tuple[str, float]] = {}
        self._trouble: dict[str, float] = {}
        self._report: dict[str, Any] = self._header(rollout.WORKING, [])
        threading.Thread(target=self._run, name="keeper", daemon=True).start()

    def report(self) -> dict[str, Any]:
        """Return `{"release", "version", "phase", "reason", "nodes": [{"node", "ip", "version", "health", "detail",
        "since" (Unix seconds), "current"}]}` as of the last look."""
        return self._report

    def resume(self) -> None:
        """Try again what failed."""
        with self._pass:
            self._halted = ""
            self._trouble.clear()
            self._report = self._header(rollout.WORKING, [])
        self._wake.set()

    def retire(self) -> None:
        """Start nothing any more; returns once nothing is being started."""
        with self._pass:
            self._retired = True

    def _run(self) -> None:
        while not self._retired:
            try:
                with self._pass:
                    if not self._retired:
                        self._reconcile()
            except Exception:  # noqa: BLE001 (a cluster in turmoil; the next look may go well)
                _log.exception("pass_failed")
            self._wake.clear()
            self._wake.wait(_WORKING_PAUSE if self._report["phase"] == rollout.WORKING else _IDLE_PAUSE)

    def _reconcile(self) -> None:
        nodes = living(all_nodes())
        actors = self._actors_of(nodes)
        views = self._views(nodes, actors)
        decision = decide(views, self._settings.release, self._patience, bool(self._halted))
        if decision.failed:
            self._halt(decision.failed)
        self._report = self._header(decision.phase, self._rows(views))
        self._act(decision, actors)

    def _actors_of(self, nodes: list[RayNode]) -> dict[str, MonitorActor]:
        """Return each living node's actor; ends those of nodes that are gone, and all but one of a node's."""
        chosen: dict[str, MonitorActor] = {}
        alive = {node.node_id for node in nodes}
        surplus, gone = [], []
        for actor in sorted(monitors(), key=lambda one: one.release == self._settings.release):
            if actor.node_id in chosen:
                surplus.append(chosen[actor.node_id])
            if actor.node_id in alive:
                chosen[actor.node_id] = actor
            else:
                gone.append(actor)
        stop_monitors(surplus)
        stop_monitors(gone, within=0.0)
        return chosen

    def _views(self, nodes: list[RayNode], actors: dict[str, MonitorActor]) -> list[NodeRollout]:
        now = time.monotonic()
        views = []
        for node, check in zip(nodes, self._health_checker.check_all(nodes, actors), strict=True):
            if check.health == HEALTHY:
                self._trouble.pop(node.node_id, None)
            began = self._trouble.setdefault(node.node_id, now) if check.health != HEALTHY else now
            actor = actors.get(node.node_id)
            views.append(NodeRollout(node, actor.release if actor else None, check, now - began))
        return views

    def _halt(self, failed: NodeRollout) -> None:
        if self._halted:
            return
        why = failed.check.detail or failed.check.health
        self._halted = f"{failed.node.name} ({failed.node.ip}): {why}"
        _log.error(log.event("halted", node=failed.node.name, reason=why))

    def _act(self, decision: Decision, actors: dict[str, MonitorActor]) -> None:
        for node in decision.start:
            self._start(node)
        if decision.replace:
            stop_monitors([actors[decision.replace.node_id]])
            self._start(decision.replace)

    def _start(self, node: RayNode) -> None:
        self._trouble[node.node_id] = time.monotonic()
        start_monitor(node, self._settings)
        _log.info(log.event("started", node=node.name, ip=node.ip, version=self._settings.version))

    def _header(self, phase: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "release": self._settings.release,
            "version": self._settings.version,
            "phase": phase,
            "reason": self._halted,
            "nodes": rows,
        }

    def _rows(self, views: list[NodeRollout]) -> list[dict[str, Any]]:
        rows = [
            self._row(view.node.name, view.node.ip, view.check, view.release == self._settings.release)
            for view in views
        ]
        alive = {view.node.name: view.node.ip for view in views}
        self._known |= alive
        gone = sorted(self._known.keys() - alive.keys())
        return rows + [self._row(name, self._known[name], Check(LOST), False) for name in gone]

    def _row(self, name: str, ip: str, check: Check, current: bool) -> dict[str, Any]:
        now = time.time()
        before = self._changed.get(name)
        if before is None or before[0] != check.health:
            self._changed[name] = before = (check.health, now)
        since = before[1] if check.uptime is None else now - check.uptime
        return {
            "node": name,
            "ip": ip,
            "version": check.version,
            "health": check.health,
            "detail": check.detail,
            "since": since,
            "current": current,
        }
