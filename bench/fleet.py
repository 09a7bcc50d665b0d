"""`python -m bench.fleet PORT COUNT HANGING`: many small monitors in one process, cheap and the same for all who ask.

Node n listens on 127.1.x.y at PORT; the last HANGING ones take a question and never answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Final

_BODY: Final = json.dumps(
    {
        "status": "detecting",
        "timestamp": "2026-01-01T00:00:00.000+00:00",
        "latest_state": {"status": "detecting", "current_task": "frame 7", "message": "", "task_info": None},
        "stats": {"total_processed": 3, "low_confidence_count": 2, "sent_to_server": 1},
        "node_id": "M",
        "stale": False,
    }
).encode()
REPLY: Final = (
    b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(_BODY)
) + _BODY


def host(number: int) -> str:
    """Return the address of node `number`, counted from 0."""
    return f"127.1.{number // 250}.{number % 250 + 1}"


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(REPLY)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass  # who asked is gone
    finally:
        writer.close()


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _main(port: int, count: int, hanging: int) -> None:
    for number in range(count):
        behaviour = _hang if number >= count - hanging else _answer
        await asyncio.start_server(behaviour, host(number), port, backlog=64)
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(*(int(argument) for argument in sys.argv[1:4])))
