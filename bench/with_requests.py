"""`python -m bench.with_requests SECONDS HOST:PORT…`: `requests.get(timeout=1)` to each node at once.

Gives up after so many seconds. Prints one JSON object: `longest`, how long the longest request took (seconds, at most
those), and `megabytes`, the greatest memory of the process.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from typing import Final

import requests

_MEMORY_LIMIT: Final = 6 * 1024**3
"""Bytes; a reply without end would take all that the machine has."""


def _probe(address: str, took: list[float]) -> None:
    begun = time.monotonic()
    try:
        requests.get(f"http://{address}/api/status", timeout=1, allow_redirects=False)
    except (requests.RequestException, MemoryError):
        pass  # only its duration is measured
    finally:
        took.append(time.monotonic() - begun)


def _main(seconds: float, addresses: list[str]) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_LIMIT, _MEMORY_LIMIT))
    took: list[float] = []
    threads = [threading.Thread(target=_probe, args=(address, took), daemon=True) for address in addresses]
    until = time.monotonic() + seconds
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    longest = seconds if len(took) < len(addresses) else max(took)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps({"longest": longest, "megabytes": megabytes}), flush=True)
    os._exit(0)  # some of the threads never end


if __name__ == "__main__":
    _main(float(sys.argv[1]), sys.argv[2:])
