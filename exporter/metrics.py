"""The monitor's metrics: read from the status at every scrape, so that there is no second copy.

Counters begin at 0 with the process. The totals over all runs are gauges, `cmzsb_lifetime_*`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from exporter.board import NOTHING, Reading
from exporter.report import Totals
from exporter.states import REPORTABLE
from exporter.status.histogram import cumulative
from exporter.status.view import StatusView
from servicekit.process_metrics import ProcessMetrics
from servicekit.version import __version__


@dataclass
class Errors:
    """Unforeseen exceptions in request handlers."""

    http: int = 0

    def count_http(self) -> None:
        """Count one."""
        self.http += 1


@dataclass(eq=False)
class StatusCollector(Collector):
    """Yields `cmzsb_*`, all with the label `node`, e.g. `cmzsb_work_status{node="M5",state="sending"} 1`."""

    node: str
    view: Callable[[], StatusView]
    journal_errors: Callable[[], int]
    errors: Errors = field(default_factory=Errors)
    board: Callable[[], Reading] = lambda: NOTHING

    def describe(self) -> list[Metric]:
        """Return nothing: registration must not read the status."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Yield all families, as of one instant."""
        view = self.view()
        yield from self._states(view)
        yield from self._counts(view)
        yield from self._totals(view.totals)
        yield self._durations(view)
        yield from self._reporting(view)
        yield from self._board(self.board())
        build = GaugeMetricFamily("cmzsb_build_info", "Version of the monitor.", labels=("node", "version"))
        build.add_metric((self.node, __version__), 1)
        yield build

    def _states(self, view: StatusView) -> Iterator[Metric]:
        labels = ("node", "state")
        status = GaugeMetricFamily(
            "cmzsb_work_status", "1 for the state that the node is in, 0 for the others.", labels=labels
        )
        seconds = CounterMetricFamily("cmzsb_state_seconds", "Seconds spent in the state.", labels=labels)
        entries = CounterMetricFamily(
            "cmzsb_state_entries", "How often the state was entered from another one.", labels=labels
        )
        for state in REPORTABLE:
            status.add_metric((self.node, state.name), float(state is view.state))
            seconds.add_metric((self.node, state.name), view.counters.seconds[state.name])
            entries.add_metric((self.node, state.name), view.counters.entries[state.name])
        age = GaugeMetricFamily(
            "cmzsb_state_age_seconds", "Seconds since the current state was entered.", labels=("node",)
        )
        age.add_metric((self.node,), view.in_state)
        yield from (status, seconds, entries, age)

    def _counts(self, view: StatusView) -> Iterator[Metric]:
        inputs = view.counters.inputs
        for name, help_text, value in (
            ("processed", "Inputs that the inference script looked at.", inputs.processed),
            ("low_confidence", "Inputs whose result had a low confidence.", inputs.low_confidence),
            ("sent_to_server", "Inputs sent to the server for a second look.", inputs.sent_to_server),
            (
                "journal_errors",
                "Writes and reads of the journal that failed, and files that were damaged, removed or replaced.",
                self.journal_errors(),
            ),
            ("http_errors", "Requests that ended in an unforeseen exception.", self.errors.http),
        ):
            family = CounterMetricFamily(f"cmzsb_{name}", help_text, labels=("node",))
            family.add_metric((self.node,), value)
            yield family

    def _totals(self, totals: Totals) -> Iterator[Metric]:
        """Yield gauges, because a journal that is restored sets them back, which is no start of a counter."""
        for name, help_text, value in (
            ("processed", "Inputs that the inference script looked at, over all runs.", totals.processed),
            ("low_confidence", "Inputs with a low confidence, over all runs.", totals.low_confidence),
            ("sent_to_server", "Inputs sent to the server, over all runs.", totals.sent_to_server),
        ):
            family = GaugeMetricFamily(f"cmzsb_lifetime_{name}", help_text, labels=("node",))
            family.add_metric((self.node,), value)
            yield family

    def _durations(self, view: StatusView) -> Metric:
        family = HistogramMetricFamily(
            "cmzsb_inference_duration_seconds", "Time that the model took for one input.", labels=("node",)
        )
        family.add_metric((self.node,), cumulative(view.counters.bucket_counts), view.counters.duration_sum)
        return family

    def _reporting(self, view: StatusView) -> Iterator[Metric]:
        last = GaugeMetricFamily(
            "cmzsb_last_report_timestamp_seconds", "Unix time of the last accepted report.", labels=("node",)
        )
        if view.last_report is not None:
            last.add_metric((self.node,), view.last_report)
        stale = GaugeMetricFamily(
            "cmzsb_status_stale", "1 when no report came in time and the state fell back to idle.", labels=("node",)
        )
        stale.add_metric((self.node,), float(view.stale))
        reports = CounterMetricFamily("cmzsb_reports", "Reports, accepted and rejected.", labels=("node", "result"))
        reports.add_metric((self.node, "accepted"), view.counters.accepted)
        reports.add_metric((self.node, "rejected"), view.counters.rejected)
        yield from (last, stale, reports)

    def _board(self, reading: Reading) -> Iterator[Metric]:
        gpu = GaugeMetricFamily(
            "cmzsb_gpu_utilization_ratio", "Load of the board's integrated GPU, 0 to 1.", labels=("node",)
        )
        if reading.gpu_ratio is not None:
            gpu.add_metric((self.node,), reading.gpu_ratio)
        temperature = GaugeMetricFamily(
            "cmzsb_temperature_celsius", "Temperature of the board's thermal zone.", labels=("node", "zone")
        )
        for zone, celsius in reading.celsius:
            temperature.add_metric((self.node, zone), celsius)
        yield from (gpu, temperature)


def registry(collector: StatusCollector) -> CollectorRegistry:
    """Return a registry with `collector` and `process_*`."""
    result = CollectorRegistry()
    result.register(collector)
    result.register(ProcessMetrics())
    return result
