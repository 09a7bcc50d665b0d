"""Many small monitors in one process, cheap and the same for every client.

`python -m testkit.fake_fleet PORT COUNT BAD KIND`: node n listens on 127.1.x.y at PORT; the last BAD ones are
`hanging` (never answer) or `hostile` (every behaviour of `testkit.hostile` in turn). The timestamp in a reply is the
time of the reply to some hundredths of a second: by it a reader measures the age of its data.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from itertools import cycle
from pathlib import Path
from typing import Final

from servicekit.address import Address
from testkit.hostile import BEHAVIOURS, HostileServer
from testkit.net import free_port, wait_for
from testkit.process import Process, module

_STATUS: Final = {
    "status": "detecting",
    "latest_state": {"status": "detecting", "current_task": "frame 7", "message": "", "task_info": None},
    "stats": {"total_processed": 3, "low_confidence_count": 2, "sent_to_server": 1},
    "node_id": "M",
    "stale": False,
}
_RENEW_SECONDS: Final = 0.05


class _Now:
    """The reply of all healthy nodes; made anew from time to time, because that costs more than sending it."""

    def __init__(self) -> None:
        self.reply = b""
        self.renew()

    def renew(self) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        body = json.dumps({**_STATUS, "timestamp": now}).encode()
        self.reply = (
            b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
            % len(body)
        ) + body


_NOW: Final = _Now()


def host(number: int) -> str:
    """Return the address of node `number`, counted from 0."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


@contextmanager
def fleet(count: int, bad: int = 0, kind: str = "hanging") -> Iterator[list[Address]]:
    """Run `count` small monitors in a process of their own and yield their addresses; the last `bad` are `kind`."""
    hosts = [host(number) for number in range(count)]
    port = free_port(hosts[:20])
    with tempfile.TemporaryDirectory() as directory:
        log = Path(directory) / "fleet.log"
        with Process([*module("testkit.fake_fleet"), str(port), str(count), str(bad), kind], log) as process:
            wait_for(lambda: "listening" in process.output(), "the fleet", 30)
            yield [Address(one, port) for one in hosts]


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_NOW.reply)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass  # the client is gone
    finally:
        writer.close()


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _main(port: int, count: int, bad: int, kind: str) -> None:
    worst = cycle(behaviour for behaviour, _ in BEHAVIOURS.values())
    hostile = []
    for number in range(count):
        if number >= count - bad and kind == "hostile":
            hostile.append(HostileServer(next(worst), host(number), port))
        else:
            behave = _answer if number < count - bad else _hang
            await asyncio.start_server(behave, host(number), port, backlog=64)
    print("listening", flush=True)
    while True:
        await asyncio.sleep(_RENEW_SECONDS)
        _NOW.renew()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]))
