"""`python -m bench.baseline_aiohttp PORT COUNT SECONDS`: probes a fleet as the old CastRay did, once a second.

Prints one JSON object: `oldest`, the greatest age that a node's data had when the next round ended (seconds), and
`cpu`, in percent of a core.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from datetime import datetime, timezone
from typing import Any

import aiohttp

from testkit.fake_fleet import host


async def _probe(url: str) -> Any:
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session,
            session.get(f"{url}/api/status") as reply,
        ):
            return await reply.json()
    except (aiohttp.ClientError, asyncio.TimeoutError):
        return None  # CastRay took that for idle


async def _main(port: int, count: int, seconds: float) -> None:
    urls = [f"http://{host(number)}:{port}" for number in range(count)]
    shown: list[float] = []
    oldest, begun, used = 0.0, time.monotonic(), time.process_time()
    while time.monotonic() - begun < seconds:
        replies = [reply for reply in await asyncio.gather(*map(_probe, urls)) if reply]
        now = datetime.now(timezone.utc).timestamp()
        # Until this round ended, the replies of the one before were shown.
        oldest = max([oldest, *(now - at for at in shown)])
        shown = [datetime.fromisoformat(reply["timestamp"]).timestamp() for reply in replies]
        await asyncio.sleep(1)
    share = 100 * (time.process_time() - used) / (time.monotonic() - begun)
    print(json.dumps({"oldest": oldest, "cpu": share}))


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
