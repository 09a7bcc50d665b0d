"""A bridge for the wall to look at: fixed replies, told by the test what to show."""

from __future__ import annotations

import json
from itertools import count
from typing import Any, Final

from flask import Flask, Response, jsonify, request
from flask_sock import Sock

from castray_bridge.web import wall
from castray_bridge.web.access import BEARER_PROTOCOL, DELTA_PROTOCOL, Access, guard
from testkit.web import LiveServer

_HEARTBEAT_SECONDS: Final = 1.0


def node(name: str, work_status: str = "idle", **fields: Any) -> dict[str, Any]:
    """Return a node object as the bridge sends it; `fields` replace its own."""
    defaults = {
        "id": name[-8:],
        "name": name,
        "fullName": f"{name} (10.0.0.1)",
        "nodeIp": "10.0.0.1",
        "nodeId": f"id-of-{name}",
        "state": "ALIVE",
        "isHeadNode": False,
        "cpu": 20.4,
        "memory": 31.0,
        "gpu": 0,
        "usageKnown": True,
        "tasks": [],
        "status": "active",
        "stateMessage": None,
        "connectionType": "wireless",
        "workStatus": work_status,
        "workStatusTimestamp": None,
        "workStatusReachable": True,
        "workStatusError": None,
        "workStatusStale": False,
        "currentTask": None,
        "inference": {"totalProcessed": 120, "lowConfidence": 12, "sentToServer": 7},
        "resources": {"totalCpu": 6.0, "totalMemory": 7.4, "totalGpu": 1.0, "objectStore": 0.1},
    }
    # One address each: two living nodes never share one.
    address = "10.0." + ".".join(str(byte) for byte in sum(name.encode()).to_bytes(2, "big"))
    return defaults | {"nodeIp": address} | fields


def unreachable(name: str, reason: str) -> dict[str, Any]:
    """Return the object of a node whose monitor gave no answer, as it is with the default options."""
    return node(name, workStatusReachable=False, workStatusError=reason)


class FakeBridge(LiveServer):
    """Serves the wall; `show` is what the next snapshot holds. A context manager."""

    def __init__(
        self,
        *nodes: dict[str, Any],
        token: str | None = None,
        has_deltas: bool = True,
        alertmanager_url: str | None = None,
    ) -> None:
        """`has_deltas=False` is a bridge of before the subprotocol: browsers end a connection that offers it."""
        self._nodes = list(nodes)
        self._protocols = [DELTA_PROTOCOL, BEARER_PROTOCOL] if has_deltas else [BEARER_PROTOCOL]
        self.history: dict[str, Any] = {}
        """What `/api/history` replies, by the nodes' names: shares per minute, or transitions as old bridges do.

        A function is called for each request, because the last minute lasts until then.
        """
        self.histories_asked: list[list[str]] = []
        """The names in each request for histories."""
        self.summary: dict[str, Any] = {}
        self.failure: str | None = None
        """Why the node list is old; None while it is not."""
        self.has_websocket = True
        super().__init__(self._app(token, alertmanager_url))

    def show(self, *nodes: dict[str, Any]) -> None:
        self._nodes = list(nodes)
        self.tell()

    def _app(self, token: str | None, alertmanager_url: str | None) -> Flask:
        app = Flask("fake_bridge", static_folder=None)
        app.config["SOCK_SERVER_OPTIONS"] = {"subprotocols": self._protocols}
        guard(app, Access(token=token))
        app.register_blueprint(wall.blueprint(alertmanager_url))
        sock = Sock(app)

        @app.get("/api/ray-dashboard")
        def dashboard() -> Response:
            return jsonify({"result": True, "msg": "ok", "data": {"nodes": self._nodes, "summary": self.summary}})

        @app.get("/api/health")
        def health() -> tuple[Response, int]:
            if self.failure is None:
                return jsonify(status="healthy"), 200
            return jsonify(status="unhealthy", reason=self.failure), 503

        @app.get("/sd/prometheus")
        def discovery() -> tuple[Response, int]:
            if self.failure is not None:
                return jsonify(error=self.failure), 503
            return jsonify(
                [{"targets": [f"{each['nodeIp']}:8000"], "labels": {"node": each["name"]}} for each in self._nodes]
            ), 200

        @app.get("/api/history")
        def history() -> Response:
            wanted = request.args.getlist("node")
            self.histories_asked.append(wanted)
            found = {name: hour for name, hour in self.history.items() if name in wanted}
            return jsonify(nodes={name: hour() if callable(hour) else hour for name, hour in found.items()})

        @sock.route("/ws")  # type: ignore[untyped-decorator] # flask-sock has no types
        def live(socket: Any) -> None:
            self._push(socket)

        return app

    def _push(self, socket: Any) -> None:
        for seq in count():
            if not self.has_websocket:
                break
            version = self.version
            data = {"nodes": self._nodes, "summary": self.summary}
            socket.send(json.dumps({"type": "cluster_status", "seq": seq, "data": data}))
            if not self.wait_past(version, _HEARTBEAT_SECONDS):
                break
