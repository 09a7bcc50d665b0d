"""Properties of the state machine under any sequence of reports, silence, clock changes and restarts."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from exporter.states import REPORTABLE
from exporter.status.resume import HELD_SECONDS, max_unsaved_seconds
from exporter.status.view import StatusView
from testkit.status_kit import Bench

states = st.sampled_from([state.name for state in REPORTABLE])
TTL = 60.0
durations = st.floats(0.0, 200.0).map(lambda seconds: round(seconds, 3))


class AnyCourse(RuleBasedStateMachine):
    """Drives a status service; simple sums of its own say what the counts must be."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(TTL)
        self.counted = 0.0
        """Seconds that passed while a monitor ran, and those that were held while none did."""
        self.running = 0.0
        """Seconds since the last start."""
        self.since_event = self.since_report = 0.0
        self.gaps: set[int] = set()
        """Ids of the transitions that are followed by a gap."""
        self.processed = self.sent = 0
        self.session_totals: dict[str, int] = {}
        self.seen = self.bench.view
        self.runs = self.seen_in_run = 0
        self.last: tuple[str, str, int, int, bool] | None = None

    @rule(state=states)
    def plain_report(self, state: str) -> None:
        self.bench.report(state)
        self.since_event = self.since_report = 0.0
        self.processed += state == "detecting"
        self.sent += state == "sending"

    @rule(state=states, session=st.sampled_from("ab"), more=st.integers(0, 3), heartbeat=st.booleans())
    def session_report(self, state: str, session: str, more: int, heartbeat: bool) -> None:
        total = self.session_totals.get(session, 0) + more
        self.session_totals[session] = total
        self.processed += more
        sequence = 0 if self.last is None else self.last[2] + 1
        self.last = (state, session, sequence, total, heartbeat)
        self.send_last()

    @precondition(lambda self: self.last is not None)
    @rule()
    def send_last_again(self) -> None:
        self.send_last()

    def send_last(self) -> None:
        assert self.last is not None
        state, session, sequence, total, heartbeat = self.last
        self.bench.report(state, session=session, sequence=sequence, totals={"processed": total}, heartbeat=heartbeat)
        self.since_report = 0.0

    @rule(seconds=durations)
    def time_passes(self, seconds: float) -> None:
        self.bench.live(seconds)
        self.counted += seconds
        self.running += seconds
        self.nothing_is_heard_for(seconds)

    def nothing_is_heard_for(self, seconds: float) -> None:
        self.since_event += seconds
        self.since_report += seconds

    @rule(seconds=st.sampled_from([-2e9, -86_400.0, -1.0, 1.0, 86_400.0, 2e9]))
    def the_clock_is_set(self, seconds: float) -> None:
        self.bench.clock.set_wall(max(0.0, self.bench.clock.time() + seconds))

    @rule(away=durations, stopped=st.booleans())
    def the_monitor_restarts(self, away: float, stopped: bool) -> None:
        before = self.recorded()
        known = len(self.bench.recorder.kept.transitions)
        self.runs += 1
        if stopped:
            self.bench.stop(away)
        else:
            self.bench.clock.pass_(away)
            self.bench.restart()
        held = self.recorded() - before
        self.running = 0.0
        most = min(away, HELD_SECONDS) if not stopped or away < HELD_SECONDS else 0.0
        assert -1e-5 <= held <= most + 1e-5
        self.counted += held
        self.nothing_is_heard_for(away)
        if len(self.bench.recorder.kept.transitions) > known:
            self.gaps.add(known + 1)

    @invariant()
    def times_in_state_sum_to_the_time_that_passed(self) -> None:
        view = self.bench.view
        assert sum(view.counters.seconds.values()) == pytest.approx(self.running, abs=1e-4)
        assert min(view.counters.seconds.values()) >= 0.0
        assert self.recorded() == pytest.approx(self.counted, abs=1e-4)

    def recorded(self) -> float:
        """Return the seconds of all transitions and of the current state, over all runs."""
        return sum(row.seconds for row in self.bench.recorder.kept.transitions) + self.bench.view.in_state

    @invariant()
    def light_goes_out_after_the_ttl_and_not_before(self) -> None:
        view = self.bench.view
        if self.since_report > TTL:
            assert (view.state.name, view.stale) == ("idle", True)
        if self.since_event < TTL - max_unsaved_seconds(TTL):
            assert not view.stale

    @invariant()
    def counts_are_those_reported(self) -> None:
        assert self.bench.totals == (self.processed, self.sent, self.sent)

    @invariant()
    def no_counter_falls_and_versions_rise(self) -> None:
        view, before = self.bench.view, self.seen
        now, then = view.counters, before.counters
        if self.runs == self.seen_in_run:
            assert all(now.seconds[name] >= then.seconds[name] - 1e-5 for name in now.seconds)
            assert all(now.entries[name] >= then.entries[name] for name in now.entries)
            assert all(one >= other for one, other in zip(now.inputs, then.inputs))
            assert now.accepted >= then.accepted
        assert all(one >= other for one, other in zip(view.totals, before.totals))
        assert all(one >= other for one, other in zip(view.totals, now.inputs))
        assert view.version >= before.version
        if shown(view) != shown(before):
            assert view.version > before.version
        self.seen, self.seen_in_run = view, self.runs

    @invariant()
    def the_history_is_a_chain_of_changes(self) -> None:
        rows = self.bench.recorder.kept.transitions
        after = [*(row.state for row in rows), self.bench.view.state.name][1:]
        assert all(row.state != state for row, state in zip(rows, after) if row.id not in self.gaps)
        ids = [row.id for row in self.bench.recorder.kept.transitions]
        assert ids == list(range(1, len(ids) + 1))


def shown(view: StatusView) -> tuple[object, ...]:
    return (view.state, view.stale, view.totals, view.latest.message, view.latest.status)


TestAnyCourse = AnyCourse.TestCase
TestAnyCourse.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
