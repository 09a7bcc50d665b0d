"""`python -m bench.viewers URL COUNT`: so many WebSocket clients that read everything, in a process of their own.

At SIGTERM it prints, for each client, every state of the first node and when it was first seen (monotonic seconds).
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time

import aiohttp


async def _watch(url: str, session: aiohttp.ClientSession, connected: asyncio.Semaphore) -> list[tuple[str, float]]:
    seen: list[tuple[str, float]] = []
    decoder = json.JSONDecoder()
    try:
        async with session.ws_connect(f"{url}/ws", max_msg_size=0) as client:
            async for message in client:
                # The first node's object only: reading the whole 256 times would be what takes the time.
                text: str = message.data
                state = decoder.raw_decode(text, text.index("[") + 1)[0]["workStatus"]
                if not seen:
                    connected.release()
                if not seen or seen[-1][0] != state:
                    seen.append((state, time.monotonic()))
    except asyncio.CancelledError:
        pass
    return seen


async def _main(url: str, count: int) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    connected = asyncio.Semaphore(0)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        tasks = [asyncio.create_task(_watch(url, session, connected)) for _ in range(count)]
        for _ in range(count):
            await connected.acquire()
        print("connected", flush=True)
        await stop.wait()
        for task in tasks:
            task.cancel()
        print(json.dumps(await asyncio.gather(*tasks)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
