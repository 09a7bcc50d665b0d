"""The last hour of the nodes in view: asked once, extended by probes, corrected by the monitors."""

from __future__ import annotations

import json
from concurrent.futures import Future
from typing import Any

import pytest

from castray_bridge.probes import status
from castray_bridge.probes.recent_shares import FORGET_SECONDS, RENEW_SECONDS, RecentShares
from castray_bridge.probes.status import NodeStatus, ProbeResult
from castray_bridge.sources.discovery import Target
from servicekit.address import Address
from servicekit.clock import rfc3339
from servicekit.http_reply import ProbeError
from servicekit.shares import Shares
from testkit.clocks import ManualClock

ADDRESS = Address("10.0.0.1", 8000)
NODE = Target("M1", ADDRESS, present=True)


class FakeRequests:
    """Monitors whose replies a test gives."""

    timeout = 0.01

    def __init__(self) -> None:
        self.asked: list[tuple[Address, str, Any, Future[Any]]] = []

    def submit(self, address: Address, key: str, make_path: Any, parse: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.asked.append((address, make_path(), parse, future))
        return future

    def reply(self, clock: ManualClock, idle: float, place: int = -1) -> None:
        """Let the monitor say that it was idle for the last `idle` seconds."""
        _, _, parse, future = self.asked[place]
        shares = Shares(60, clock.time() - 3600, clock.time())
        shares.add("idle", clock.time() - idle, clock.time())
        columns = shares.columns(clock.time() - 3600)
        future.set_result(parse(json.dumps({"step": 60, "end": rfc3339(clock.time())} | columns).encode()))


class Bench:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.requests = FakeRequests()
        self.shares = RecentShares(self.clock, self.requests)  # type: ignore[arg-type] # as far as it is used

    def note(self, state: str, address: Address = ADDRESS) -> None:
        error = "timeout" if state == "unknown" else None
        self.shares.note(ProbeResult(address, NodeStatus(state, error=error), None))

    def pass_(self, seconds: int, state: str) -> None:
        """Let time pass with a result of a probe each second."""
        for _ in range(seconds):
            self.note(state)
            self.clock.pass_(1)

    def total(self) -> dict[str, float]:
        """Return the seconds per state over the hour."""
        found = self.shares.of([NODE], 60, 60)
        return {state: round(sum(column), 1) for state, column in found.get("M1", {"seconds": {}})["seconds"].items()}


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_node_is_asked_when_somebody_looks_and_its_record_is_there_once_it_has_replied(bench: Bench) -> None:
    bench.note("idle")
    assert not bench.requests.asked
    assert bench.total() == {}
    bench.requests.reply(bench.clock, idle=600)
    assert bench.total() == {"idle": 600.0}
    assert len(bench.requests.asked) == 1
    assert bench.requests.asked[0][1].endswith("&step=60")


def test_record_is_extended_by_probes_without_another_question(bench: Bench) -> None:
    bench.total()
    bench.requests.reply(bench.clock, idle=600)
    bench.total()
    bench.pass_(20, "idle")
    bench.pass_(3, "sending")
    bench.note("detecting")
    bench.clock.pass_(7)
    assert bench.total() == {"idle": 620.0, "sending": 3.0, "detecting": 7.0}
    assert len(bench.requests.asked) == 1


def test_what_is_seen_while_the_monitor_is_asked_is_not_lost(bench: Bench) -> None:
    bench.note("idle")
    bench.total()
    bench.requests.reply(bench.clock, idle=600)
    bench.pass_(5, "sending")
    assert bench.total() == {"idle": 600.0, "sending": 5.0}


def test_monitor_is_asked_again_after_a_time_without_an_answer_and_its_record_counts(bench: Bench) -> None:
    bench.total()
    bench.requests.reply(bench.clock, idle=600)
    bench.total()
    bench.pass_(30, "unknown")
    assert bench.total() == {"idle": 600.0, "unknown": 30.0}
    bench.pass_(1, "idle")
    bench.total()
    assert len(bench.requests.asked) == 2
    bench.requests.reply(bench.clock, idle=631)
    assert bench.total() == {"idle": 631.0}


def test_time_that_the_monitor_does_not_know_stays_unknown(bench: Bench) -> None:
    bench.total()
    bench.requests.reply(bench.clock, idle=60)
    bench.total()
    bench.pass_(300, "unknown")
    bench.pass_(120, "idle")
    bench.total()
    bench.requests.reply(bench.clock, idle=120)
    found = bench.total()
    assert found["idle"] == 120.0
    assert found["unknown"] >= 240.0


def test_monitor_is_asked_again_now_and_then(bench: Bench) -> None:
    bench.total()
    bench.requests.reply(bench.clock, idle=600)
    bench.total()
    bench.pass_(int(RENEW_SECONDS) - 10, "idle")
    bench.total()
    assert len(bench.requests.asked) == 1
    bench.pass_(11, "idle")
    bench.total()
    assert len(bench.requests.asked) == 2


def test_failed_question_leaves_what_was_seen(bench: Bench) -> None:
    bench.total()
    bench.requests.asked[0][3].set_exception(ProbeError("timeout"))
    bench.pass_(10, "sending")
    assert bench.total() == {"sending": 10.0}


def test_record_without_a_viewer_is_dropped(bench: Bench) -> None:
    bench.total()
    other = Target("M2", Address("10.0.0.2", 8000), present=True)
    bench.clock.pass_(FORGET_SECONDS + 1)
    bench.shares.of([other], 60, 60)
    bench.total()
    assert [asked[0].host for asked in bench.requests.asked] == ["10.0.0.1", "10.0.0.2", "10.0.0.1"]


def test_node_without_any_result_becomes_unknown(bench: Bench) -> None:
    bench.total()
    bench.requests.reply(bench.clock, idle=60)
    bench.note("idle")
    bench.total()
    bench.clock.pass_(300)
    assert bench.total() == {"idle": 120.0, "unknown": 240.0}


def test_clock_that_is_set_back_begins_a_new_record(bench: Bench) -> None:
    bench.total()
    bench.requests.reply(bench.clock, idle=3600)
    bench.note("idle")
    bench.total()
    bench.clock.set_wall(bench.clock.time() - 86_400)
    bench.note("idle")
    bench.clock.pass_(10)
    assert bench.total() == {"idle": 10.0}


def test_other_steps_are_the_monitors_own(bench: Bench) -> None:
    assert bench.shares.of([NODE], 1440, 600) == {}
    assert bench.requests.asked[0][1].endswith("&step=600")


def test_unknown_results_of_dead_nodes_do_no_harm(bench: Bench) -> None:
    bench.total()
    bench.shares.note(ProbeResult(ADDRESS, status.DEAD, None))
    bench.clock.pass_(5)
    assert bench.total() == {"unknown": 5.0}
