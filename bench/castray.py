"""`python -m bench.castray PORT RAY MONITOR_PORT`: the API as the old CastRay gave it, to hold the bridge against.

One request, one fan-out: Ray is asked, then every node's monitor with a session of its own, all within the request.
Nothing is kept for the next one.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import aiohttp
import uvicorn
from fastapi import FastAPI


async def _json(url: str, seconds: float) -> Any:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session,
            session.get(url) as reply,
        ):
            return await reply.json()
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return None


def node(entry: dict[str, Any], usage: dict[str, Any], status: Any) -> dict[str, Any]:
    """Return a node's object from its entry in Ray's list, its row of usage, and its monitor's reply or None."""
    total, _, percent, used = usage.get("mem") or (0, 0, 0.0, 0)
    return {
        "id": entry["node_id"][-8:],
        "nodeId": entry["node_id"],
        "nodeIp": entry["node_ip"],
        "name": entry["node_name"],
        "fullName": f"{entry['node_name']} ({entry['node_ip']})",
        "state": entry["state"],
        "stateMessage": entry["state_message"],
        "isHeadNode": entry["is_head_node"],
        "cpu": usage.get("cpu", 0),
        "memory": percent,
        "gpu": 0,
        "tasks": [],
        "connectionType": "",
        "resources": {
            "totalCpu": entry["resources_total"].get("CPU", 0),
            "totalMemory": total / 2**30,
            "usedMemory": used / 2**30,
            "totalGpu": 0,
            "objectStore": entry["resources_total"].get("object_store_memory", 0) / 2**30,
        },
        "workStatus": status["status"] if status else "idle",
        "workStatusTimestamp": status["timestamp"] if status else None,
        "workStatusReachable": status is not None,
        "currentTask": status["latest_state"]["current_task"] if status else None,
    }


def application(ray: str, monitor_port: int) -> FastAPI:
    """Return the service over the Ray dashboard at `ray`."""
    app = FastAPI()

    @app.get("/api/ray-dashboard")
    async def dashboard() -> dict[str, Any]:
        listing, usage = await asyncio.gather(
            _json(f"{ray}/api/v0/nodes?limit=100", 5), _json(f"{ray}/nodes?view=summary", 5)
        )
        entries = listing["data"]["result"]["result"]
        usages = {row["raylet"]["nodeId"]: row for row in usage["data"]["summary"]}
        answers = await asyncio.gather(
            *(_json(f"http://{entry['node_ip']}:{monitor_port}/api/status", 1) for entry in entries)
        )
        nodes = [
            node(entry, usages.get(entry["node_id"], {}), answer)
            for entry, answer in zip(entries, answers, strict=True)
        ]
        return {"result": True, "msg": "", "data": {"nodes": nodes, "result": listing["data"]["result"]}}

    return app


if __name__ == "__main__":
    uvicorn.run(
        application(sys.argv[2], int(sys.argv[3])), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning"
    )
