"""The names of Ray's own metrics. Those that a board without a GPU exposes are proven in tests/e2e."""

from __future__ import annotations

from ray.dashboard.modules.reporter.reporter_agent import METRICS_GAUGES

from tests.prometheus.lint import FOREIGN


def test_ray_has_every_gauge_that_the_dashboards_read() -> None:
    read = {name.removeprefix("ray_") for name in FOREIGN if name.startswith("ray_")}
    assert read
    assert read <= METRICS_GAUGES.keys()
