"""`python -m bench.baseline_broadcast PORT RAY MONITOR_PORT`: what one would write with asyncio and websockets.

Ray's list is asked each second and its figures of use every five, each node each second over connections that stay
open; after a change the whole list goes to every client of `/ws`, ten times a second at most. Nothing else is done: no
time limit for a whole reply, no back-off, no check of what a node sends, no token, no metric.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from http import HTTPStatus
from typing import Any, Final

import aiohttp
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.http11 import Request, Response

from bench.castray import light, node

_POLL_SECONDS: Final = 1.0
_USAGE_ROUNDS: Final = 5
_PUSH_SECONDS: Final = 0.1

Reply = dict[str, Any]


class _Broadcaster:
    def __init__(self, ray: str, monitor_port: int, session: aiohttp.ClientSession) -> None:
        self._ray = ray
        self._monitor_port = monitor_port
        self._session = session
        self._entries: list[Reply] = []
        self._usage: dict[str, Reply] = {}
        self._replies: dict[str, Reply | None] = {}
        self._has_changed = True
        self.clients: set[ServerConnection] = set()

    @property
    def is_ready(self) -> bool:
        """Whether every node was asked once."""
        return bool(self._entries) and len(self._replies) >= len(self._entries)

    def message(self) -> str:
        """Return the whole list."""
        nodes = [
            node(entry, self._usage.get(entry["node_id"], {})) | light(self._replies.get(entry["node_ip"]))
            for entry in self._entries
        ]
        return json.dumps({"type": "cluster_status", "data": {"nodes": nodes}})

    async def poll(self) -> None:
        """Ask Ray and all nodes each second."""
        rounds = 0
        while True:
            begun = time.monotonic()
            listing = await self._json(f"{self._ray}/api/v0/nodes?limit=10000")
            if rounds % _USAGE_ROUNDS == 0:
                usage = await self._json(f"{self._ray}/nodes?view=summary")
                self._usage = {row["raylet"]["nodeId"]: row for row in usage["data"]["summary"]} if usage else {}
                self._has_changed = True
            self._entries = listing["data"]["result"]["result"] if listing else self._entries
            await asyncio.gather(*(self._ask(entry["node_ip"]) for entry in self._entries))
            rounds += 1
            await asyncio.sleep(max(0.0, begun + _POLL_SECONDS - time.monotonic()))

    async def push(self) -> None:
        """Send the list to every client after a change."""
        while True:
            await asyncio.sleep(_PUSH_SECONDS)
            if self._has_changed and self.clients:
                self._has_changed = False
                broadcast(self.clients, self.message())

    async def _ask(self, ip: str) -> None:
        reply = await self._json(f"http://{ip}:{self._monitor_port}/api/status")
        if reply != self._replies.get(ip):
            self._has_changed = True
        self._replies[ip] = reply

    async def _json(self, url: str) -> Any:
        try:
            async with self._session.get(url) as reply:
                return await reply.json()
        except (aiohttp.ClientError, asyncio.TimeoutError):
            return None


async def _main(port: int, ray: str, monitor_port: int) -> None:
    timeout, connector = aiohttp.ClientTimeout(total=5), aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        broadcaster = _Broadcaster(ray, monitor_port, session)

        def answer(connection: ServerConnection, request: Request) -> Response | None:
            if request.path == "/ws":
                return None
            ready = HTTPStatus.OK if broadcaster.is_ready else HTTPStatus.SERVICE_UNAVAILABLE
            return connection.respond(ready, "")

        async def attend(client: ServerConnection) -> None:
            await client.send(broadcaster.message())
            broadcaster.clients.add(client)
            try:
                await client.wait_closed()
            finally:
                broadcaster.clients.discard(client)

        async with serve(attend, "127.0.0.1", port, process_request=answer, max_size=None):
            await asyncio.gather(broadcaster.poll(), broadcaster.push())


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
