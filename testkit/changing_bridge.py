"""A bridge whose nodes change by themselves, told as deltas like the real one does."""

from __future__ import annotations

import json
import random
from typing import Any, Final

from exporter.states import REPORTABLE
from testkit.fake_bridge import FakeBridge

_MESSAGES_PER_SECOND: Final = 10


class ChangingBridge(FakeBridge):
    """Sends ten deltas a second to the wall, with `changes_per_second` changed nodes in all. A context manager."""

    def __init__(self, *nodes: dict[str, Any], changes_per_second: int, seed: int = 1) -> None:
        super().__init__(*nodes)
        self._per_message = changes_per_second // _MESSAGES_PER_SECOND
        self._chance = random.Random(seed)

    def _push(self, socket: Any) -> None:
        nodes = {each["nodeId"]: each for each in self._nodes}
        socket.send(json.dumps({"type": "cluster_status", "seq": 0, "data": {"nodes": self._nodes, "summary": {}}}))
        seq = 0
        while self.wait_past(self.version, 1 / _MESSAGES_PER_SECOND):
            seq += 1
            chosen = self._chance.sample(sorted(nodes), self._per_message)
            changed = [{"nodeId": key, "workStatus": self._chance.choice(REPORTABLE).name} for key in chosen]
            socket.send(json.dumps({"type": "cluster_delta", "seq": seq, "data": {"nodes": changed, "gone": []}}))
