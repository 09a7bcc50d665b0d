"""Buckets of durations."""

from __future__ import annotations

from exporter.status.histogram import BOUNDS, Histogram, cumulative


def test_duration_counts_in_the_first_bucket_that_holds_it_bounds_included() -> None:
    histogram = Histogram()
    histogram.observe([0.0, 0.005, 0.0051, 10.0, 10.1, 3600.0])
    assert histogram.counts == [2, 1, *[0] * (len(BOUNDS) - 3), 1, 2]
    assert histogram.total_seconds == 3620.1101


def test_buckets_of_prometheus_add_up_and_end_in_infinity() -> None:
    buckets = cumulative([1] * (len(BOUNDS) + 1))
    assert buckets[0] == ("0.005", 1.0)
    assert buckets[-1] == ("+Inf", len(BOUNDS) + 1.0)
    assert [count for _, count in buckets] == [float(number + 1) for number in range(len(BOUNDS) + 1)]
