"""The `process_*` metrics, read from a proc file system that the test writes."""

from __future__ import annotations

from pathlib import Path

from prometheus_client import CollectorRegistry

from servicekit.process_metrics import ProcessMetrics


def test_start_time_follows_the_clock_that_is_corrected_after_the_boot(tmp_path: Path) -> None:
    (tmp_path / "self" / "fd").mkdir(parents=True)
    (tmp_path / "self" / "stat").write_text(f"1 (python) S {' '.join('0' for _ in range(18))} 500 0 0\n")
    registry = CollectorRegistry()
    registry.register(ProcessMetrics(str(tmp_path)))
    for boot in (1000, 1_764_000_000):
        (tmp_path / "stat").write_bytes(b"cpu 1 2 3\nbtime %d\n" % boot)
        started = registry.get_sample_value("process_start_time_seconds")
        assert started is not None
        assert boot < started < boot + 60


def test_metrics_are_those_of_this_process() -> None:
    registry = CollectorRegistry()
    registry.register(ProcessMetrics())
    assert (registry.get_sample_value("process_resident_memory_bytes") or 0) > 1_000_000
