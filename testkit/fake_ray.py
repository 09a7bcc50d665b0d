"""A dashboard of Ray, and a CastRay, with chosen nodes: in this process with moods, or in one of its own.

`python -m testkit.fake_ray PORT COUNT SIZE` serves COUNT living nodes M1, M2 … of `testkit.fake_fleet`, cheaply; the
summary of usage has only what the bridge reads (SIZE `small`), or all of Ray's own 14 KB a node (`real`), whose figures
are others each time.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import cycle
from pathlib import Path
from typing import Any, Final, NamedTuple

from flask import Flask, Response, jsonify, request
from werkzeug.serving import make_server

from testkit.fake_fleet import host
from testkit.net import free_port, wait_for
from testkit.process import Process, module
from testkit.samples import sample
from testkit.web import SilentHandler, WebServer


class RayNode(NamedTuple):
    """One entry of Ray's list."""

    name: str
    ip: str
    alive: bool = True
    node_id: str = ""

    @property
    def full_id(self) -> str:
        return self.node_id or f"{self.name:0>56}"


_TURNS: Final = 3
"""Bodies with different figures: Ray's change with each reply."""

Mood = Callable[[], Any]


class FakeRay(WebServer):
    """Replies to the three requests to Ray about `nodes`, and to that to CastRay.

    `mood`, when set, makes every reply instead; it may wait for `ended`. `token`, when set, is demanded. `requests`
    counts the requests for the list of nodes.
    """

    def __init__(self, *nodes: RayNode) -> None:
        self.nodes = list(nodes)
        self.mood: Mood | None = None
        self.token: str | None = None
        self.ended = threading.Event()
        self.requests = 0
        app = Flask("ray")
        app.before_request(self._moody)
        for path, reply in REPLIES.items():
            app.add_url_rule(path, path, lambda reply=reply: jsonify(reply(self.nodes)))
        super().__init__(app)

    def stop(self) -> None:
        self.ended.set()
        super().stop()
        self.ended.clear()

    def _moody(self) -> Any:
        self.requests += request.path in ("/api/v0/nodes", "/api/ray-dashboard")
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return "Unauthorized", 401
        return self.mood() if self.mood else None


def node_list(nodes: list[RayNode]) -> dict[str, Any]:
    """Return the reply of `/api/v0/nodes`: a real entry under other names and addresses."""
    template: dict[str, Any] = sample("ray_api_v0_nodes")
    entries = []
    for node in nodes:
        entry = deepcopy(template["data"]["result"]["result"][0])
        entry["node_id"] = node.full_id
        entry["node_ip"] = node.ip
        entry["state"] = "ALIVE" if node.alive else "DEAD"
        entry["labels"] = {"cmzsb.node": node.name}
        entry["is_head_node"] = node is nodes[0]
        entries.append(entry)
    template["data"]["result"] |= {"result": entries, "total": len(entries), "num_after_truncation": len(entries)}
    return template


def usage(nodes: list[RayNode]) -> dict[str, Any]:
    """Return the reply of `/nodes?view=summary` with the fields that the bridge reads."""
    gib = 1024**3
    rows = [
        {
            "hostname": f"board-{node.name}",
            "cpu": 12.5,
            "mem": [8 * gib, 6 * gib, 25.0, 2 * gib],
            "gpus": [],
            "raylet": {"nodeId": node.full_id},
        }
        for node in nodes
        if node.alive
    ]
    return {"result": True, "msg": "", "data": {"summary": rows}}


def castray_reply(nodes: list[RayNode]) -> dict[str, Any]:
    """Return the reply of a CastRay: a real object under other names and addresses."""
    template: dict[str, Any] = sample("castray_ray_dashboard")
    template["data"]["nodes"] = [
        template["data"]["nodes"][0]
        | {"nodeId": node.full_id, "nodeIp": node.ip, "name": node.name}
        | {"state": "ALIVE" if node.alive else "DEAD"}
        for node in nodes
    ]
    return template


REPLIES: Final[dict[str, Callable[[list[RayNode]], dict[str, Any]]]] = {
    "/api/v0/nodes": node_list,
    "/nodes": usage,
    "/api/cluster_status": lambda _: sample("ray_cluster_status"),
    "/api/ray-dashboard": castray_reply,
}
"""The reply of each path of the two dashboards."""


def real_usage(nodes: list[RayNode], turn: int) -> bytes:
    """Return the body of `/nodes?view=summary` as large as Ray's own; each `turn` has other figures."""
    row: dict[str, Any] = sample("ray/2.60.0/ray_nodes_summary")["data"]["summary"][0]
    row["hostname"], row["ip"], row["cpu"], row["mem"][2] = "@host@", "@ip@", 1111.5, 2222.5
    # Ray's dashboard puts spaces after commas, and an id stands in a row more than once.
    template = json.dumps(row).replace(row["raylet"]["nodeId"], "@id@")
    rows = (
        template.replace("@host@", f"board-{node.name}")
        .replace("@ip@", node.ip)
        .replace("@id@", node.full_id)
        .replace("1111.5", f"{(7 * number + 13 * turn) % 1000 / 10}")
        .replace("2222.5", f"{(3 * number + turn) % 1000 / 10}")
        for number, node in enumerate(nodes)
    )
    return f'{{"result": true, "msg": "", "data": {{"summary": [{", ".join(rows)}]}}}}'.encode()


@contextmanager
def fake_ray(count: int, directory: Path, size: str = "small") -> Iterator[tuple[str, Process]]:
    """Run a dashboard of `count` nodes in a process of its own; yield its root URL and the process."""
    port = free_port()
    with Process([*module("testkit.fake_ray"), str(port), str(count), size], directory / "ray.log") as process:
        wait_for(lambda: "listening" in process.output(), "Ray", 60)
        yield f"http://127.0.0.1:{port}", process


def _serve(port: int, count: int, size: str) -> None:
    nodes = [RayNode(f"M{number + 1}", host(number)) for number in range(count)]
    bodies = {path: [json.dumps(reply(nodes)).encode()] for path, reply in REPLIES.items()}
    if size == "real":
        bodies["/nodes"] = [real_usage(nodes, turn) for turn in range(_TURNS)]
    app = Flask("ray")
    for path, turns in bodies.items():
        # Made once: a thousand nodes are a megabyte, or 14.
        replies = cycle(turns)
        app.add_url_rule(path, path, lambda replies=replies: Response(next(replies), content_type="application/json"))
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=SilentHandler)
    print("listening", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    _serve(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
