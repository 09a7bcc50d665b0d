"""The fleet that changes by itself: its long poll, its connections, and its rate."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest

from servicekit.address import Address
from testkit.changing_fleet import ChangingFleet, changing_fleet
from testkit.changing_node import ChangingNode
from testkit.net import get_json, wait_for

_CHANGE = re.compile(r"M(\d+) change (\d+) at ([0-9.]+)")


@pytest.fixture(scope="module")
def fleet() -> Iterator[ChangingFleet]:
    with changing_fleet(20, 20, per_process=10) as running:
        yield running


class _Connection:
    """One that stays open as long as the node leaves it open."""

    def __init__(self, address: Address) -> None:
        self.socket = socket.create_connection(address, timeout=10)
        self._file = self.socket.makefile("rb")

    def get(self, path: str, version: str = "1.1", *headers: str) -> Any:
        lines = (f"GET {path} HTTP/{version}", "Host: node", *headers, "", "")
        self.socket.sendall("\r\n".join(lines).encode())
        self.status = self._file.readline().decode().strip()
        length = 0
        while line := self._file.readline().strip():
            name, _, value = line.partition(b": ")
            length = int(value) if name == b"Content-Length" else length
        return json.loads(self._file.read(length))

    def is_closed(self) -> bool:
        return self._file.read(1) == b""


def test_long_poll_waits_for_the_change_and_tells_when_it_was(fleet: ChangingFleet) -> None:
    node = _Connection(fleet.addresses[3])
    before = node.get("/api/status")
    after = node.get(f"/api/status?wait=10&since={before['version']}")
    now = time.monotonic()
    number, change, at = _CHANGE.fullmatch(after["latest_state"]["current_task"]).groups()  # type: ignore[union-attr]
    assert (number, int(change)) == ("4", after["version"])
    assert after["version"] == before["version"] + 1
    assert after["status"] != before["status"]
    assert 0 <= now - float(at) < 0.5


def test_long_poll_ends_without_a_change() -> None:
    with changing_fleet(1, 0) as still:
        node = _Connection(still.addresses[0])
        before = node.get("/api/status")
        begun = time.monotonic()
        assert node.get(f"/api/status?wait=0.3&since={before['version']}") == before
        assert 0.3 <= time.monotonic() - begun < 2


def test_old_version_is_answered_at_once(fleet: ChangingFleet) -> None:
    node = _Connection(fleet.addresses[5])
    begun = time.monotonic()
    wait_for(lambda: node.get("/api/status")["version"] > 0, "a change")
    begun = time.monotonic()
    node.get("/api/status?wait=20&since=0")
    assert time.monotonic() - begun < 1


def test_ninth_long_poll_is_answered_at_once() -> None:
    with changing_fleet(1, 0) as still:
        waiting = [_Connection(still.addresses[0]) for _ in range(8)]
        for each in waiting:
            each.socket.sendall(b"GET /api/status?wait=20&since=0 HTTP/1.1\r\nHost: node\r\n\r\n")
        begun = time.monotonic()

        def at_once() -> bool:
            asked = time.monotonic()
            _Connection(still.addresses[0]).get("/api/status?wait=1&since=0")
            return time.monotonic() - asked < 0.5

        wait_for(at_once, "a ninth that does not wait")
        assert time.monotonic() - begun < 8


@pytest.mark.parametrize(
    ("version", "headers", "closes"),
    [("1.0", (), True), ("1.0", ("Connection: keep-alive",), False), ("1.1", (), False),
     ("1.1", ("Connection: close",), True)],
)  # fmt: skip
def test_connection_stays_open_as_the_client_asks(
    fleet: ChangingFleet, version: str, headers: tuple[str, ...], closes: bool
) -> None:
    node = _Connection(fleet.addresses[0])
    assert node.get("/api/status", version, *headers)["node_id"] == "M1"
    if closes:
        assert node.is_closed()
    else:
        assert node.get("/api/status", version)["node_id"] == "M1"


def test_rate_is_kept_over_all_processes_and_each_tells_what_it_did() -> None:
    with changing_fleet(40, 80, per_process=20) as running:
        begun = time.monotonic()
        time.sleep(3)
        running.stop_changing()
        seconds = time.monotonic() - begun
        assert running.cpu_seconds() > 0
        told = running.end()
    assert len(told) == 2
    changes = sum(each.changes for each in told)
    assert changes == sum(len(node["changed_at"]) for each in told for node in each.nodes.values())
    assert 0.5 * 80 * seconds < changes < 1.5 * 80 * seconds + 40
    assert all(0 < each.cpu_percent < 100 and each.late_p99_ms >= 0 for each in told)


def test_nodes_keep_their_state_once_the_changes_are_stopped() -> None:
    with changing_fleet(5, 50) as running:
        url = f"http://{running.addresses[0]}/api/status"
        wait_for(lambda: get_json(url)["version"] > 1, "two changes")
        running.stop_changing()
        time.sleep(0.2)
        last = get_json(url)
        time.sleep(0.5)
        assert get_json(url) == last
        node = running.end()[0].nodes["M1"]
    assert (node["state"], len(node["changed_at"])) == (last["status"], last["version"])


def test_malformed_requests_do_not_end_it(fleet: ChangingFleet) -> None:
    for request in (b"POST / HTTP/1.1\r\n\r\n", b"GET /api/history?since=x HTTP/1.1\r\n\r\n", b"\0\r\n\r\n"):
        with socket.create_connection(fleet.addresses[0], timeout=10) as peer:
            peer.sendall(request)
            assert b" 400 " in peer.recv(4096)
    assert get_json(f"http://{fleet.addresses[0]}/api/health") == {"status": "healthy"}


def test_history_is_without_gaps_and_ends_with_the_state_of_now(fleet: ChangingFleet) -> None:
    url = f"http://{fleet.addresses[7]}"
    history = get_json(f"{url}/api/history?since={time.time() - 600:.0f}")
    assert history[-1]["status"] == get_json(f"{url}/api/status")["status"]
    assert 600 <= sum(entry["duration_seconds"] for entry in history) < 620


def test_shares_fill_each_step_and_agree_with_the_transitions() -> None:
    now = 1_795_662_030.0
    node = ChangingNode(4, now - 60)
    node.change(now - 20, 1.0)
    node.change(now - 5, 2.0)
    shares = json.loads(node.shares(now - 600, 60, now))
    whole = [sum(step) for step in zip(*shares["seconds"].values(), strict=True)]
    assert whole[:-1] == pytest.approx([60] * 10, abs=0.01)
    assert whole[-1] == pytest.approx(now % 60, abs=0.01)
    last, before = json.loads(node.history(now - 10, now))[::-1]
    assert (last["duration_seconds"], before["duration_seconds"]) == (5, 15)
    assert shares["seconds"][last["status"]][-1] >= 5
    assert shares["step"] == 60
    assert shares["begin"].endswith(":00.000+00:00")


def test_transitions_older_than_an_hour_are_forgotten() -> None:
    node = ChangingNode(0, 0.0)
    for second in range(5, 9000, 5):
        node.change(float(second), float(second))
    history = json.loads(node.history(0.0, 8999.0))
    assert 3590 <= sum(entry["duration_seconds"] for entry in history) <= 3610
