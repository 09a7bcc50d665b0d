"""`GET /api/history`: the transitions of nodes, or with `step` their time per state in steps."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue

from castray_bridge.bridge import Bridge
from castray_bridge.sources.discovery import Target
from servicekit.shares import LONGEST_STEP, SHORTEST_STEP

MAX_MINUTES: Final = 24 * 60
MAX_NODES: Final = 100
"""Nodes in one request for steps; a wall asks for those in view."""


def blueprint(bridge: Bridge) -> Blueprint:
    """Return the endpoint; it waits for monitors, for one budget at most."""
    api = Blueprint("history", __name__)

    @api.before_request
    def check_age() -> None:
        require_list(bridge)

    @api.get("/api/history")
    def history() -> ResponseReturnValue:
        minutes = _integer("minutes", 60, 1, MAX_MINUTES)
        if "step" not in request.args:
            return jsonify(nodes=bridge.history.of(_chosen(bridge, request.args.getlist("node")), minutes))
        step = _integer("step", SHORTEST_STEP, SHORTEST_STEP, LONGEST_STEP)
        if step % SHORTEST_STEP:
            abort(400, f"step: must be a multiple of {SHORTEST_STEP}, in seconds")
        names = request.args.getlist("node")
        if len(names) > MAX_NODES:
            abort(400, f"node: at most {MAX_NODES} in one request")
        return jsonify(step=step, minutes=minutes, nodes=bridge.shares.of(_chosen(bridge, names), minutes, step))

    return api


def require_list(bridge: Bridge) -> None:
    """Answer 503 while there is no usable list of nodes."""
    if not bridge.poller.is_usable():
        abort(503, f"there is no usable list of nodes: {bridge.poller.failure}")


def _chosen(bridge: Bridge, names: list[str]) -> list[Target]:
    """Return the living nodes that have one of `names`, all of them without names."""
    nodes = [node for node in bridge.target_registry.targets() if node.present and (not names or node.name in names)]
    if names and not nodes:
        abort(404, "no living node has this name")
    return nodes


def _integer(name: str, otherwise: int, least: int, most: int) -> int:
    text = request.args.get(name, str(otherwise))
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        abort(400, f"{name}: must be an integer from {least} to {most}")
    return int(text)
