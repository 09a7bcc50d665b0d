"""`python -m bench.fake_ray PORT COUNT`: Ray's dashboard with COUNT living nodes M1, M2 … of `bench.fleet`.

The replies have the fields that the bridge reads, see Ray's `/api/v0/nodes`, `/nodes?view=summary` and
`/api/cluster_status`.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.fleet import host
from testkit.net import free_port, wait_for
from testkit.process import Process, module


@contextmanager
def fake_ray(count: int, directory: Path) -> Iterator[tuple[str, Process]]:
    """Run it and yield its root and its process."""
    port = free_port()
    with Process([*module("bench.fake_ray"), str(port), str(count)], directory / "ray.log") as process:
        wait_for(lambda: "listening" in process.output(), "Ray", 30)
        yield f"http://127.0.0.1:{port}", process


def _entry(number: int) -> dict[str, Any]:
    return {
        "node_id": f"{number:056x}",
        "node_ip": host(number),
        "is_head_node": number == 0,
        "state": "ALIVE",
        "state_message": None,
        "node_name": host(number),
        "resources_total": {"CPU": 4.0, "memory": 8e9, "object_store_memory": 2e9, f"M{number + 1}": 1.0},
        "labels": {},
    }


def _usage(number: int) -> dict[str, Any]:
    return {
        "hostname": f"board{number}",
        "cpu": 12.5,
        "mem": [8_000_000_000, 6_000_000_000, 25.0, 2_000_000_000],
        "gpus": [],
        "raylet": {"nodeId": f"{number:056x}"},
    }


def _replies(count: int) -> dict[str, bytes]:
    nodes = [_entry(number) for number in range(count)]
    listing = {"total": count, "num_after_truncation": count, "num_filtered": count, "result": nodes}
    found: dict[str, Any] = {
        "/api/v0/nodes": {"result": True, "msg": "", "data": {"result": listing}},
        "/nodes": {"result": True, "msg": "", "data": {"summary": [_usage(number) for number in range(count)]}},
        "/api/cluster_status": {"result": True, "msg": "", "data": {}},
    }
    return {path: json.dumps(reply).encode() for path, reply in found.items()}


async def _main(port: int, count: int) -> None:
    replies = _replies(count)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            question = await reader.readuntil(b"\r\n\r\n")
            body = replies.get(question.split(b" ")[1].decode().partition("?")[0], b"")
            status = b"200 OK" if body else b"404 Not Found"
            head = b"HTTP/1.0 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (status, len(body))
            writer.write(head + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # who asked is gone
        finally:
            writer.close()

    await asyncio.start_server(answer, "127.0.0.1", port)
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*(int(argument) for argument in sys.argv[1:3])))
