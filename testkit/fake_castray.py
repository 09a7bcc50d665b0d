"""CastRay as its client knows it: every path with its kind of body, in one event loop that blocks.

`python -m testkit.fake_castray PORT NODES ACTOR DASHBOARD MONITORS` serves it, with so many nodes and the seconds
of `Delays`. Files and runs are kept in memory.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from dataclasses import astuple, dataclass
from itertools import count
from pathlib import Path
from typing import Annotated, Any, Final

import uvicorn
from fastapi import Body, FastAPI, Form, HTTPException, UploadFile, WebSocket, WebSocketDisconnect
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse

from testkit.fake_ray import RayNode, castray_reply
from testkit.process import module
from testkit.running import RunningProgram

MARK: Final = "CastRay's own"
"""`msg` of CastRay's own list of nodes, which has no work status."""
WS_SECONDS: Final = 0.5
_PIECE: Final = b"0123456789abcdef" * 4096
_RUN_SECONDS: Final = 1.0

Json = dict[str, Any]


@dataclass(frozen=True)
class Delays:
    """What requests wait for, in seconds. CastRay's list took 1.01 s with some nodes hanging, 11 s with a slow Ray."""

    actor: float = 0.0
    """Ray makes an actor; the event loop is blocked meanwhile."""
    dashboard: float = 0.0
    """Each of the two questions of a list to Ray's dashboard; the event loop is blocked meanwhile."""
    monitors: float = 0.0
    """The slowest monitor that a list asks; other requests go on meanwhile."""


def ray_nodes(count: int) -> list[RayNode]:
    """Return M5 at 127.0.0.1, M6 at 127.0.0.2 and so on."""
    return [RayNode(f"M{number + 4}", f"127.0.0.{number}") for number in range(1, count + 1)]


def node_list(count: int) -> Json:
    """Return CastRay's reply without work status, as CastRay gives it where no bridge is."""
    reply = castray_reply(ray_nodes(count))
    for node in reply["data"]["nodes"]:
        for key in [key for key in node if key.startswith("workStatus")]:
            del node[key]
    return reply | {"msg": MARK}


def application(nodes: int, delays: Delays) -> FastAPI:
    """Return the service."""
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    _add_nodes(app, nodes, delays)
    _add_pages(app)
    _add_transfers(app)
    _add_maintenance(app)
    return app


def _add_nodes(app: FastAPI, nodes: int, delays: Delays) -> None:
    @app.get("/api/ray-dashboard")
    async def dashboard() -> Json:
        return await _list(nodes, delays)

    @app.get("/api/nodes/unified")
    async def unified() -> Json:
        return {"success": True, "source": MARK, "nodes": (await _list(nodes, delays))["data"]["nodes"]}

    @app.post("/api/nodes")
    async def create(node: Annotated[Json, Body()]) -> Json:
        time.sleep(delays.actor)
        if "node_id" not in node:
            raise HTTPException(422, "node_id is missing")
        return {"success": True, "node_id": node["node_id"]}

    @app.websocket("/ws")
    async def cluster(socket: WebSocket) -> None:
        await socket.accept()
        sender = asyncio.create_task(_send_nodes(socket, nodes))
        try:
            while True:
                if await socket.receive_text() == "ping":
                    await socket.send_text("pong")
        except WebSocketDisconnect:
            sender.cancel()


async def _list(nodes: int, delays: Delays) -> Json:
    for _question in ("nodes", "usage"):
        time.sleep(delays.dashboard)  # not asyncio's: CastRay blocks its event loop so
    await asyncio.sleep(delays.monitors)
    return node_list(nodes)


async def _send_nodes(socket: WebSocket, nodes: int) -> None:
    while True:
        await socket.send_json({"type": "cluster_status", "source": MARK, "data": node_list(nodes)["data"]})
        await asyncio.sleep(WS_SECONDS)


def _add_pages(app: FastAPI) -> None:
    @app.get("/")
    async def index() -> Json:
        return {"service": "CastRay", "docs": "/docs"}

    @app.get("/static/{name}")
    async def static(name: str) -> HTMLResponse:
        return HTMLResponse(f"<!doctype html><title>CastRay {name}</title>")

    @app.get("/api/status")
    async def status() -> Json:
        return {"total_nodes": 0, "node_statuses": []}

    @app.get("/api/files")
    async def files() -> Json:
        return {"files": [{"name": "map.tif", "size": 7}]}

    @app.get("/api/file/read")
    async def read(path: str, size: int = 0) -> Any:
        if path == "missing":
            raise HTTPException(404, "no such file")
        if path == "damaged":
            raise RuntimeError("the reply of this fault has no CORS headers")
        if size:
            return StreamingResponse(_pieces(size), media_type="application/octet-stream")
        return PlainTextResponse(f"text of {path}")


def _pieces(size: int) -> Any:
    for start in range(0, size, len(_PIECE)):
        yield _PIECE[: size - start]


def _add_transfers(app: FastAPI) -> None:
    transfers: dict[str, Json] = {}
    numbers = count(1)

    def begin(**fields: Any) -> Json:
        transfer = {"success": True, "transfer_id": f"t{next(numbers)}", "status": "completed", **fields}
        transfers[transfer["transfer_id"]] = transfer
        return transfer

    @app.post("/api/file-transfer/upload")
    async def upload(file: UploadFile, target: Annotated[str, Form()] = "") -> Json:
        digest, size = hashlib.sha256(), 0
        while piece := await file.read(1 << 20):
            digest.update(piece)
            size += len(piece)
        return begin(filename=file.filename, target=target, size=size, sha256=digest.hexdigest())

    @app.post("/api/file-transfer/node-to-node")
    async def node_to_node(source: Annotated[str, Form()], target: Annotated[str, Form()]) -> Json:
        return begin(source=source, target=target)

    @app.get("/api/file-transfer/status/{transfer_id}")
    async def status(transfer_id: str) -> Json:
        if transfer_id not in transfers:
            raise HTTPException(404, "no such transfer")
        return transfers[transfer_id]

    @app.get("/api/file-transfer/list")
    @app.get("/api/file-transfers/status")
    async def listing() -> Json:
        return {"transfers": list(transfers.values())}

    @app.post("/api/file-transfers")
    @app.post("/api/file-transfers/manual")
    async def start(transfer: Annotated[Json, Body()]) -> Json:
        return begin(**transfer)


def _add_maintenance(app: FastAPI) -> None:
    runs: dict[str, float] = {}

    @app.post("/api/station-maintenance/detect")
    @app.post("/api/station-maintenance/detect-error-test")
    async def detect(_task: Annotated[Json, Body()]) -> Json:
        run = f"r{len(runs) + 1}"
        runs[run] = time.monotonic()
        return {"success": True, "task_id": run}

    @app.get("/api/station-maintenance/status/{run}")
    async def status(run: str) -> Json:
        if run not in runs:
            raise HTTPException(404, "no such run")
        is_over = time.monotonic() - runs[run] >= _RUN_SECONDS
        return {"task_id": run, "status": "completed" if is_over else "running"}


class RunningCastRay(RunningProgram):
    """The service as a process of its own on `port`."""

    def __init__(self, directory: Path, port: int, delays: Delays, nodes: int = 1) -> None:
        command = module("testkit.fake_castray", str(port), str(nodes), *map(str, astuple(delays)))
        super().__init__(command, port, "/api/status", directory / "castray.log")


def main() -> None:
    """Serve until a signal."""
    port, nodes, *seconds = sys.argv[1:]
    app = application(int(nodes), Delays(*map(float, seconds)))
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning")


if __name__ == "__main__":
    main()
