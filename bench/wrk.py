"""Load by `wrk`, an HTTP load generator in C that is never the bottleneck."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from testkit.binaries import advice, find

_REVALIDATE: Final = Path(__file__).with_name("revalidate.lua")
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


class Load(NamedTuple):
    """The result of a run of wrk."""

    per_second: float
    p99_ms: float
    failed: int
    """Requests without a reply in time, or with another status than 2xx."""


def load(url: str, connections: int, seconds: float, cpu: int | None = None, revalidate: bool = False) -> Load:
    """Load `url` over so many connections at once; `cpu` is the core to stay on. Raises `RuntimeError` without wrk.

    `revalidate`: send the last `ETag` as `If-None-Match`, as a browser does.
    """
    program = find("wrk")
    if program is None:
        raise RuntimeError(advice("wrk"))
    command = [program, "-t1", f"-c{connections}", f"-d{seconds:g}s", "--timeout", "5s", "--latency"]
    command += [*(["-s", str(_REVALIDATE)] if revalidate else []), url]
    if cpu is not None:
        command = ["taskset", "-c", str(cpu), *command]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    lost = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    failed = (int(errors[1]) if errors else 0) + (sum(map(int, lost.groups())) if lost else 0)
    return Load(_found(r"Requests/sec:\s+([0-9.]+)", said), _latency(said), failed)


def _found(pattern: str, said: str) -> float:
    match = re.search(pattern, said)
    if match is None:
        raise RuntimeError(f"wrk said: {said}")
    return float(match[1])


def _latency(said: str) -> float:
    match = re.search(r"99%\s+([0-9.]+)(us|ms|s|m)\b", said)
    if match is None:
        raise RuntimeError(f"wrk said: {said}")
    return float(match[1]) * _MILLISECONDS[match[2]]
