"""The bridge as a library: what it gives out belongs to the caller, and nothing of it is left after its end."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil
import pytest

import castray_bridge
from castray_bridge import Bridge, Cluster, RaySource
from testkit.bridge_world import M1, World, good
from testkit.hostile import GOOD, serving, silent
from testkit.net import wait_for
from testkit.sources import StillSource, node

FIELDS = {
    "workStatus", "workStatusTimestamp", "workStatusReachable", "workStatusError", "workStatusStale", "currentTask",
    "inference", "monitorName", "nameConflict",
}  # fmt: skip


def threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith(("probe-", "refresher", "history"))}


def test_what_an_application_needs_is_exported() -> None:
    assert all(hasattr(castray_bridge, name) for name in castray_bridge.__all__)
    assert {"Bridge", "Cluster", "Expected", "ProbeSettings", "RaySource", "SourceError"} <= set(castray_bridge.__all__)


@pytest.mark.parametrize("name", ["127.0.0.1", "M1"])
def test_work_status_of_a_node_is_found_by_address_and_by_name(name: str) -> None:
    world = World()
    world.publish(M1, good())
    found = world.bridge.work_status(name)
    assert found.keys() == FIELDS
    assert {key: world.node("M1")[key] for key in FIELDS} == found


def test_work_status_of_twins_is_that_of_the_living_one_unless_the_dead_one_is_named() -> None:
    world = World()
    alive, dead = sorted((row.node for row in world.bridge.store.snapshot().rows if row.node.name == "M3"),
                         key=lambda twin: not twin.alive)  # fmt: skip
    world.publish(M1._replace(host=alive.ip), good(status="sending"))
    for name in ("M3", alive.ip, alive.node_id):
        assert world.bridge.work_status(name)["workStatus"] == "sending"
    assert world.bridge.work_status(dead.node_id)["workStatusError"] == "dead"


@pytest.mark.parametrize("shown", ["idle", "unknown"])
def test_node_that_is_not_listed_is_pending(shown: str) -> None:
    found = World(unreachable_as=shown).bridge.work_status("10.9.9.9")
    assert (found["workStatus"], found["workStatusReachable"], found["workStatusError"]) == (shown, False, "pending")


def test_caller_may_change_the_returned_nodes() -> None:
    world = World()
    world.publish(M1, good())
    before = world.get("/api/ray-dashboard")["data"]["nodes"]
    for found in world.bridge.nodes():
        found["workStatus"] = "mine"
        found["inference"]["totalProcessed"] = -1
        found["resources"].clear()
    world.bridge.work_status("M1")["inference"].clear()
    assert world.bridge.nodes() == before == world.get("/api/ray-dashboard")["data"]["nodes"]


def test_bridge_is_started_once() -> None:
    bridge = Bridge(StillSource(Cluster()))
    with bridge, pytest.raises(RuntimeError, match="create a new one"):
        bridge.start()
    with pytest.raises(RuntimeError, match="create a new one"):
        bridge.start()
    bridge.close()
    unused = Bridge(StillSource(Cluster()))
    unused.close()
    with pytest.raises(RuntimeError, match="create a new one"):
        unused.start()


def descriptors(port: int) -> tuple[int, int, int]:
    """Return this process' connections to `port`, its socket pairs, and what it waits on sockets with."""
    process = psutil.Process()
    to_port = sum(bool(one.raddr) and one.raddr.port == port for one in process.net_connections("tcp"))
    return to_port, len(process.net_connections("unix")), sum("eventpoll" in target for target in open_files())


def open_files() -> Iterator[str]:
    for number in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # another thread was faster
            yield os.readlink(f"/proc/self/fd/{number}")


def test_close_leaves_no_thread_and_no_descriptor() -> None:
    with serving(GOOD) as one, serving(silent, "127.0.0.2", one.address.port) as other:
        port, before = one.address.port, (threads(), descriptors(one.address.port))
        for _ in range(2):
            source = StillSource(Cluster((node("M1", "127.0.0.1"), node("M2", "127.0.0.2"))))
            with Bridge(source, monitor_port=port) as bridge:
                wait_for(lambda bridge=bridge: bridge.work_status("M1")["workStatusReachable"], "M1", 5)
                wait_for(lambda: other.requests, "the question that hangs")
                assert descriptors(port) > before[1]
                bridge.history.of(bridge.target_registry.targets(), 60)
            other.requests.clear()
            assert (threads(), descriptors(port)) == before


def test_close_does_not_wait_for_a_source_that_hangs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        bridge = Bridge(RaySource(f"http://127.0.0.1:{mute.getsockname()[1]}"))
        bridge.start()
        mute.settimeout(5)
        peer, _ = mute.accept()
        begun = time.monotonic()
        with peer:
            bridge.close()
        assert time.monotonic() - begun < 3
    assert threads() == set()
