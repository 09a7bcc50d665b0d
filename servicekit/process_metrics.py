"""The `process_*` metrics, right also after the clock was set."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import ProcessCollector
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector


class ProcessMetrics(Collector):
    """Yields prometheus_client's `process_*`, e.g. `process_start_time_seconds 1764057600.0`.

    Its collector reads the time of the boot once; on a board without a battery that is before the clock is set.
    """

    def __init__(self, proc: str = "/proc") -> None:
        """`proc` is where the proc file system is."""
        self._proc = proc

    def collect(self) -> Iterable[Metric]:
        """Return the metrics by the clock as it is now."""
        return ProcessCollector(proc=self._proc, registry=None).collect()
