"""A bridge for the wall to look at: fixed replies, told by the test what to show."""

from __future__ import annotations

import json
import threading
from typing import Any, Final

from flask import Flask, Response, abort, jsonify, request
from flask_sock import Sock

from exporter.states import STATES
from servicekit.pages import blueprint
from tests.support.web import WebServer

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


class FakeBridge:
    """Serves the wall; `show` is what the next snapshot holds. A context manager."""

    def __init__(self, *nodes: dict[str, Any]) -> None:
        self._news = threading.Condition()
        self._nodes = list(nodes)
        self._version = 0
        self._running = True
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.summary: dict[str, Any] = {}
        self.failure: str | None = None
        """Why the node list is old; None while it is not."""
        self.token: str | None = None
        self.has_websocket = True
        self.server = WebServer(self._app())
        self.url = self.server.url

    def show(self, *nodes: dict[str, Any]) -> None:
        with self._news:
            self._nodes = list(nodes)
            self._version += 1
            self._news.notify_all()

    def stop(self) -> None:
        with self._news:
            self._running = False
            self._news.notify_all()
        self.server.stop()

    def start(self) -> None:
        self._running = True
        self.server.start()

    def __enter__(self) -> FakeBridge:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _app(self) -> Flask:
        app = Flask("fake_bridge", static_folder=None)
        app.register_blueprint(blueprint("castray_bridge", STATES))
        sock = Sock(app)

        @app.before_request
        def check_token() -> None:
            is_open = request.path == "/" or request.path.startswith(("/static/", "/api/health"))
            if self.token and not is_open and request.headers.get("Authorization") != f"Bearer {self.token}":
                abort(401)

        @app.get("/api/ray-dashboard")
        def dashboard() -> Response:
            return jsonify({"result": True, "msg": "ok", "data": {"nodes": self._nodes, "summary": self.summary}})

        @app.get("/api/health")
        def health() -> tuple[Response, int]:
            if self.failure is None:
                return jsonify(status="healthy"), 200
            return jsonify(status="unhealthy", reason=self.failure), 503

        @app.get("/sd/prometheus")
        def discovery() -> Response:
            return jsonify(
                [{"targets": [f"{each['nodeIp']}:8000"], "labels": {"node": each["name"]}} for each in self._nodes]
            )

        @app.get("/api/history")
        def history() -> Response:
            wanted = request.args.get("node")
            return jsonify(nodes={name: stays for name, stays in self.history.items() if wanted in (None, name)})

        @sock.route("/ws")  # type: ignore[untyped-decorator] # flask-sock has no types
        def live(socket: Any) -> None:
            self._talk(socket)

        return app

    def _talk(self, socket: Any) -> None:
        while self._running and self.has_websocket:
            with self._news:
                version = self._version
                data = {"nodes": self._nodes, "summary": self.summary}
            socket.send(json.dumps({"type": "cluster_status", "data": data}))
            with self._news:
                self._news.wait_for(lambda: not self._running or self._version != version, _HEARTBEAT_SECONDS)  # noqa: B023
