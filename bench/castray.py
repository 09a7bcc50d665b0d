"""`python -m bench.castray PORT RAY MONITOR_PORT [bridge]`: the old CastRay's API, to hold the bridge against.

One request, one fan-out: Ray is asked, then every node's monitor with a session of its own, all within the request.
Nothing is kept for the next one. With `bridge`, the lights come from a `Bridge` in this process instead, as
docs/castray.md shows; all else is the same.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

import aiohttp
import uvicorn
from fastapi import FastAPI

from castray_bridge import Bridge, RaySource

Json: TypeAlias = dict[str, Any]
Lights: TypeAlias = Callable[[Sequence[str]], Awaitable[list[Json]]]
"""Returns the fields of the work status for each of the addresses."""


async def _json(url: str, seconds: float) -> Any:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session,
            session.get(url) as reply,
        ):
            return await reply.json()
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return None


def node(entry: Json, usage: Json) -> Json:
    """Return a node's object, without its light, from its entry in Ray's list and its row of usage."""
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
    }


def light(status: Any) -> Json:
    """Return the fields of the work status from a monitor's reply, None without one."""
    return {
        "workStatus": status["status"] if status else "idle",
        "workStatusTimestamp": status["timestamp"] if status else None,
        "workStatusReachable": status is not None,
        "currentTask": status["latest_state"]["current_task"] if status else None,
    }


def asked_each_time(monitor_port: int) -> Lights:
    """Ask every node's monitor within the request, as CastRay did."""

    async def light_of(ip: str) -> Json:
        return light(await _json(f"http://{ip}:{monitor_port}/api/status", 1))

    async def lights(ips: Sequence[str]) -> list[Json]:
        return await asyncio.gather(*map(light_of, ips))

    return lights


def of_bridge(bridge: Bridge) -> Lights:
    """Take what the bridge knows; nothing is waited for."""

    async def lights(ips: Sequence[str]) -> list[Json]:
        return [bridge.work_status(ip) for ip in ips]

    return lights


def application(ray: str, lights: Lights) -> FastAPI:
    """Return the service over the Ray dashboard at `ray`."""
    app = FastAPI()

    @app.get("/api/ray-dashboard")
    async def dashboard() -> Json:
        listing, usage = await asyncio.gather(
            _json(f"{ray}/api/v0/nodes?limit=100", 5), _json(f"{ray}/nodes?view=summary", 5)
        )
        entries = listing["data"]["result"]["result"]
        usages = {row["raylet"]["nodeId"]: row for row in usage["data"]["summary"]}
        nodes = [
            node(entry, usages.get(entry["node_id"], {})) | shown
            for entry, shown in zip(entries, await lights([entry["node_ip"] for entry in entries]), strict=True)
        ]
        return {"result": True, "msg": "", "data": {"nodes": nodes, "result": listing["data"]["result"]}}

    return app


def main() -> None:
    """Serve until a signal."""
    port, ray, monitor_port, *more = sys.argv[1:]
    bridge = Bridge(RaySource(ray), monitor_port=int(monitor_port)) if more == ["bridge"] else None
    if bridge:
        bridge.start()
    lights = of_bridge(bridge) if bridge else asked_each_time(int(monitor_port))
    uvicorn.run(application(ray, lights), host="127.0.0.1", port=int(port), log_level="warning")
    if bridge:
        bridge.close()


if __name__ == "__main__":
    main()
