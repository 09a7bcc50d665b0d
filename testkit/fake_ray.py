"""A dashboard of Ray whose nodes and moods a test chooses, as a server that can be stopped and started."""

from __future__ import annotations

import threading
from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

from flask import Flask, jsonify, request

from testkit.samples import sample
from testkit.web import WebServer


class RayNode(NamedTuple):
    """One entry of Ray's list."""

    name: str
    ip: str
    alive: bool = True
    node_id: str = ""


Mood = Callable[[], Any]


class FakeRay(WebServer):
    """Answers Ray's three questions about `nodes`, and CastRay's; `mood` set, it gives the answer to all instead."""

    def __init__(self, *nodes: RayNode) -> None:
        self.nodes = list(nodes)
        self.mood: Mood | None = None
        self.token: str | None = None
        self.ended = threading.Event()
        self.questions = 0
        app = Flask("ray")
        app.before_request(self._moody)
        for path, reply in (
            ("/api/v0/nodes", lambda: jsonify(node_list(self.nodes))),
            ("/nodes", lambda: jsonify(result=True, msg="", data={"summary": []})),
            ("/api/cluster_status", lambda: jsonify(sample("ray_cluster_status"))),
            ("/api/ray-dashboard", lambda: jsonify(castray_reply(self.nodes))),
        ):
            app.add_url_rule(path, path, reply)
        super().__init__(app)

    def stop(self) -> None:
        self.ended.set()
        super().stop()
        self.ended.clear()

    def _moody(self) -> Any:
        self.questions += request.path in ("/api/v0/nodes", "/api/ray-dashboard")
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return "Unauthorized", 401
        return self.mood() if self.mood else None


def node_list(nodes: list[RayNode]) -> dict[str, Any]:
    """Return the reply of `/api/v0/nodes`: a real one's entries under other names and addresses."""
    template = sample("ray_api_v0_nodes")
    entries = []
    for node in nodes:
        entry = deepcopy(template["data"]["result"]["result"][0])
        entry["node_id"] = node.node_id or f"{node.name:0>56}"
        entry["node_ip"] = node.ip
        entry["state"] = "ALIVE" if node.alive else "DEAD"
        entry["labels"] = {"cmzsb.node": node.name}
        entry["is_head_node"] = node is nodes[0]
        entries.append(entry)
    template["data"]["result"] |= {"result": entries, "total": len(entries), "num_after_truncation": len(entries)}
    return template  # type: ignore[no-any-return] # a sample is any JSON


def castray_reply(nodes: list[RayNode]) -> dict[str, Any]:
    """Return the reply of a CastRay: a real one's objects under other names and addresses."""
    template: dict[str, Any] = sample("castray_ray_dashboard")
    template["data"]["nodes"] = [
        template["data"]["nodes"][0]
        | {"nodeId": node.node_id or f"{node.name:0>56}", "nodeIp": node.ip, "name": node.name}
        | {"state": "ALIVE" if node.alive else "DEAD"}
        for node in nodes
    ]
    return template
