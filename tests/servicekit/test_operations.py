"""Health and metrics of a service."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from servicekit import operations
from servicekit.version import __version__
from testkit.clocks import ManualClock


class Service:
    """An application with the shared routes, whose failure a test sets."""

    def __init__(self) -> None:
        self.failure: str | None = None
        self.clock = ManualClock()
        registry = CollectorRegistry()
        Gauge("answer", "Of everything.", registry=registry).set(42)
        app = operations.create_flask("service")
        app.register_blueprint(operations.blueprint("检测", self.clock, lambda: self.failure, registry))
        self.client = app.test_client()


def test_healthy_service_says_since_when_it_runs() -> None:
    service = Service()
    service.clock.pass_(1.5)
    response = service.client.get("/api/health")
    assert response.status_code == 200
    assert response.json == {"status": "healthy", "service": "检测", "version": __version__, "uptime_seconds": 1.5}


def test_failing_service_answers_503_with_the_reason() -> None:
    service = Service()
    service.failure = "the disk is full"
    response = service.client.get("/api/health")
    assert response.status_code == 503
    assert response.json is not None
    assert (response.json["status"], response.json["reason"]) == ("unhealthy", "the disk is full")


def test_json_keeps_chinese_and_the_order_of_members() -> None:
    text = Service().client.get("/api/health").get_data(as_text=True)
    assert "检测" in text
    assert text.index("status") < text.index("service") < text.index("version")


def test_metrics_come_in_the_format_that_the_client_accepts() -> None:
    client = Service().client
    plain = client.get("/metrics")
    assert plain.content_type.startswith("text/plain")
    assert "answer 42.0" in plain.get_data(as_text=True)
    openmetrics = client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert openmetrics.content_type.startswith("application/openmetrics-text")
    assert openmetrics.get_data(as_text=True).endswith("# EOF\n")
