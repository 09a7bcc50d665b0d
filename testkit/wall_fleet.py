"""A fleet as a wall display has it: mostly idle or detecting, some sending, a few that need attention."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import Any, Final

from exporter.states import DETECTING, IDLE, SENDING
from testkit.fake_bridge import node, unreachable
from testkit.fake_history import shares

_HOST_NAMES: Final = ("校园北区-图书馆-相机-{:03}", "jetson-orin-nano-{:04}", "南门岗亭{}", "EDGE_{:05}")
_ROOMS: Final = ("A1", "A2", "B1", "B2", "C1")


def wall_fleet(count: int, seed: int = 1) -> list[dict[str, Any]]:
    """Return `count` nodes, M1 and so on; one in 25 has the name of a host that nobody named."""
    chance = random.Random(seed)
    return [_node(number, chance) for number in range(1, count + 1)]


def _node(number: int, chance: random.Random) -> dict[str, Any]:
    name = chance.choice(_HOST_NAMES).format(number) if chance.random() < 0.04 else f"M{number}"
    fields = _fields(number, chance)
    if chance.random() < 0.012:
        return unreachable(name, chance.choice(("timeout", "refused", "unreachable"))) | fields
    state = chance.choices((IDLE, DETECTING, SENDING), (48, 47, 5))[0].name
    if chance.random() < 0.01:
        fields |= {"workStatusStale": True}
        state = IDLE.name
    if chance.random() < 0.004:
        fields |= {"nameConflict": "mismatch", "monitorName": "ubuntu"}
    if state == DETECTING.name:
        fields |= {"currentTask": f"frame {chance.randrange(100, 9000)}"}
    return node(name, state) | fields


def _fields(number: int, chance: random.Random) -> dict[str, Any]:
    now = datetime.now(timezone.utc)
    fields: dict[str, Any] = {
        "nodeIp": f"10.20.{number // 250}.{number % 250 + 1}",
        "nodeId": f"id-{number}",
        "cpu": chance.uniform(5, 98),
        "memory": chance.uniform(20, 80),
        "gpu": chance.uniform(0, 95),
        "gpuKnown": True,
        "workStatusTimestamp": (now - timedelta(seconds=chance.expovariate(1 / 120))).isoformat(),
        "inference": {"totalProcessed": chance.randrange(50_000), "lowConfidence": 812, "sentToServer": 395},
        "inventoryLabels": {"room": chance.choice(_ROOMS)},
    }
    if chance.random() < 0.01:
        fields |= {"silencedUntil": (now + timedelta(hours=2)).isoformat()}
    return fields


def wall_history(fleet: list[dict[str, Any]], seed: int = 1) -> dict[str, Any]:
    """Return the last hour of each node that answers, as the bridge has it."""
    chance = random.Random(seed)
    return {each["name"]: _hour(chance) for each in fleet if each["workStatusReachable"]}


def _hour(chance: random.Random) -> dict[str, Any]:
    """Return an hour of some work, with one stretch of much more of it."""
    busy = range(start := chance.randrange(50), start + chance.randrange(5, 15))
    rows: list[dict[str, float]] = []
    for minute in range(60):
        sending = chance.uniform(0, 6) + (chance.uniform(10, 40) if minute in busy else 0)
        detecting = (60 - sending) * chance.uniform(0.3, 0.7)
        rows.append({"idle": 60 - sending - detecting, "detecting": detecting, "sending": sending})
    return shares(rows)
