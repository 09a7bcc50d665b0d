"""A bridge over the sample cluster that probes nothing: a test publishes the probe results."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from flask.testing import FlaskClient

from castray_bridge.bridge import Bridge
from castray_bridge.probes.status import NodeStatus, ProbeResult, parse_status
from castray_bridge.sources.inventory import Expected
from castray_bridge.web.access import Access
from castray_bridge.web.api import create_app
from castray_bridge.web.websocket import Push
from servicekit.address import Address
from testkit.clocks import ManualClock
from testkit.hostile import STATUS
from testkit.sources import StillSource, sample_cluster

M1 = Address("127.0.0.1", 8000)


def good(**changed: Any) -> NodeStatus:
    """Return the status of a monitor that answers, with members of its reply replaced."""
    return parse_status(json.dumps(STATUS | changed).encode())


class World:
    """The bridge, its clock and its source, and a client of its HTTP API."""

    def __init__(
        self, unreachable_as: str = "idle", access: Access | None = None, inventory: Iterable[Expected] = ()
    ) -> None:
        self.clock = ManualClock()
        self.source = StillSource(sample_cluster())
        self.bridge = Bridge(self.source, unreachable_as=unreachable_as, inventory=inventory, clock=self.clock)
        self.bridge._status_provider.close()
        self.bridge.poller.refresh()
        self.push = Push(self.bridge.store, self.bridge.metrics, 10)
        self.client: FlaskClient = create_app(self.bridge, self.push, access or Access()).test_client()

    def publish(self, address: Address, status: NodeStatus) -> None:
        """Publish a probe result."""
        self.bridge.store.publish(ProbeResult(address, status, 0.001))

    def get(self, path: str, **more: Any) -> Any:
        """Return the JSON at `path`."""
        return self.client.get(path, **more).get_json()

    def node(self, name: str) -> dict[str, Any]:
        """Return the object of the living node `name`."""
        nodes = self.get("/api/ray-dashboard")["data"]["nodes"]
        found: dict[str, Any] = next(node for node in nodes if node["name"] == name and node["state"] == "ALIVE")
        return found
