"""The status machine, with time moved by hand."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.records import Batch, Stored
from exporter.report import Report
from exporter.states import BY_NAME, DETECTING, IDLE, REPORTABLE, SENDING
from exporter.status import Status
from exporter.totals import Totals
from exporter.view import View
from exporter.watch import LogObserver
from tests.exporter.clocks import ManualClock


class MemoryRecorder:
    """Keeps what a journal would write."""

    def __init__(self) -> None:
        self.kept = Batch()

    def append(self, batch: Batch) -> int:
        self.kept.absorb(batch)
        return 0

    def wait(self, ticket: int) -> None:
        """Be on disk already."""

    def stored(self) -> Stored:
        return Stored(self.kept.snapshot, tuple(self.kept.sessions.values()))


class Machine:
    """A status with its clock and what it recorded."""

    def __init__(self, stored: Stored | None = None, clock: ManualClock | None = None) -> None:
        self.clock = clock or ManualClock()
        self.recorder = MemoryRecorder()
        self.status = Status(
            clock=self.clock, recorder=self.recorder, observer=LogObserver(), ttl=60.0, stored=stored or Stored()
        )

    def report(self, name: str, **fields: Any) -> View:
        self.status.apply(Report(BY_NAME[name], **fields))
        return self.status.view()

    def restarted(self, after: float = 0.0) -> Machine:
        self.clock.pass_(after)
        return Machine(self.recorder.stored(), self.clock)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.mark.parametrize(
    ("reports", "totals"),
    [
        ([("detecting", {})], (1, 0, 0)),
        ([("sending", {})], (0, 1, 1)),
        ([("sending", {}), ("sending", {})], (0, 2, 2)),
        ([("idle", {})], (0, 0, 0)),
        ([("sending", {"sent_to_server": 5})], (0, 1, 5)),
        ([("sending", {"sent_to_server": 0, "low_confidence": 0})], (0, 0, 0)),
        ([("detecting", {"processed": 7, "low_confidence": 2})], (7, 2, 0)),
    ],
)
def test_bare_reports_count_and_explicit_counts_override(
    machine: Machine, reports: list[tuple[str, dict[str, Any]]], totals: tuple[int, int, int]
) -> None:
    for name, fields in reports:
        machine.report(name, **fields)
    assert machine.status.view().totals == totals


def test_each_event_of_sending_adds_one_alert(machine: Machine) -> None:
    machine.report("sending", message="a")
    machine.report("sending", message="b")
    assert [alert.message for alert in machine.recorder.kept.alerts] == ["a", "b"]


def test_entries_count_changes_only(machine: Machine) -> None:
    for name in ("sending", "sending", "idle", "sending"):
        machine.report(name)
    assert machine.status.view().entries == {"idle": 1, "detecting": 0, "sending": 2}


def test_silence_past_the_ttl_falls_back_to_idle_at_that_very_moment(machine: Machine) -> None:
    machine.report("sending")
    machine.clock.pass_(59)
    assert machine.status.view().state is SENDING
    machine.clock.pass_(100)
    view = machine.status.view()
    assert (view.state, view.stale) == (IDLE, True)
    assert view.seconds["sending"] == pytest.approx(60)
    assert view.in_state == pytest.approx(99)


def test_reports_own_ttl_holds_until_the_next_report(machine: Machine) -> None:
    machine.report("sending", ttl=5.0)
    machine.clock.pass_(6)
    assert machine.status.view().stale
    assert not machine.report("sending").stale


def test_cumulative_totals_can_be_sent_again_without_counting_twice(machine: Machine) -> None:
    for sequence, totals in ((1, Totals(3, 1, 1)), (1, Totals(3, 1, 1)), (2, Totals(5, 1, 2)), (1, Totals(3, 1, 1))):
        machine.report("sending", session="s", sequence=sequence, totals=totals)
    assert machine.status.view().totals == (5, 1, 2)
    again = machine.restarted()
    again.report("sending", session="s", sequence=3, totals=Totals(6, 1, 2))
    assert again.status.view().totals == (6, 1, 2)


def test_repeated_report_refreshes_and_changes_nothing_else(machine: Machine) -> None:
    machine.report("sending", session="s", sequence=2, totals=Totals(1, 1, 1), inference_seconds=(0.5,))
    machine.report("idle", session="s", sequence=3, totals=Totals(1, 1, 1))
    machine.clock.pass_(50)
    before = machine.status.view()
    after = machine.report("sending", session="s", sequence=2, totals=Totals(1, 1, 1), inference_seconds=(0.5,))
    assert (after.state, after.bucket_counts, after.version) == (IDLE, before.bucket_counts, before.version)
    machine.clock.pass_(50)
    assert not machine.status.view().stale


def test_version_rises_with_what_is_seen_and_never_repeats_after_a_restart(machine: Machine) -> None:
    versions = [machine.report(name).version for name in ("sending", "idle", "detecting")]
    assert versions == sorted(set(versions))
    again = machine.restarted()
    assert again.status.view().version > versions[-1]
    once_more = Machine(again.recorder.stored(), again.clock)
    assert once_more.status.view().version > again.status.view().version


def test_heartbeat_is_no_news(machine: Machine) -> None:
    version = machine.report("detecting", session="s", sequence=1, totals=Totals(1, 0, 0)).version
    assert machine.report("detecting", session="s", sequence=2, totals=Totals(1, 0, 0)).version == version


@pytest.mark.parametrize("years", [-30, 30])
def test_wall_clock_that_jumps_by_years_breaks_no_duration(machine: Machine, years: int) -> None:
    machine.report("sending")
    machine.clock.pass_(10)
    machine.clock.set_wall(machine.clock.time() + years * 31_557_600)
    machine.clock.pass_(10)
    view = machine.status.view()
    assert view.state is SENDING
    assert view.in_state == pytest.approx(20)
    assert machine.clock.time() - view.entered == pytest.approx(20)
    machine.clock.pass_(41)
    assert machine.status.view().stale


def test_restart_goes_on_with_totals_seconds_and_state(machine: Machine) -> None:
    machine.report("detecting")
    machine.clock.pass_(10)
    machine.status.checkpoint()
    again = machine.restarted(after=2)
    view = again.status.view()
    assert view.state is DETECTING
    assert view.totals == (1, 0, 0)
    assert view.seconds["detecting"] >= 10


def test_restart_after_a_long_time_does_not_keep_the_old_light(machine: Machine) -> None:
    machine.report("sending")
    assert machine.restarted(after=3600).status.view().state is IDLE


_STEPS = st.lists(
    st.tuples(st.sampled_from([state.name for state in REPORTABLE]), st.floats(0, 200), st.floats(1, 100)), max_size=30
)


@given(_STEPS)
def test_times_in_state_sum_to_the_time_that_passed_and_counters_never_fall(
    steps: list[tuple[str, float, float]],
) -> None:
    machine = Machine()
    begun = machine.clock.monotonic()
    last = machine.status.view()
    for name, pause, ttl in steps:
        machine.report(name, ttl=ttl)
        machine.clock.pass_(pause)
        view = machine.status.view()
        assert sum(view.seconds.values()) == pytest.approx(machine.clock.monotonic() - begun)
        assert all(view.seconds[state] >= last.seconds[state] - 1e-6 for state in view.seconds)
        assert all(view.entries[state] >= last.entries[state] for state in view.entries)
        assert all(now >= before for now, before in zip(view.totals, last.totals, strict=True))
        last = view
