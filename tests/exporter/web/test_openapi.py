"""The OpenAPI document against the checks and the routes."""

from __future__ import annotations

import re
import subprocess
import sys

from exporter.report import WIRE_FIELDS
from exporter.web.openapi import description, report_body
from testkit.monitors import Monitor


def test_body_of_a_report_has_the_fields_that_the_check_knows() -> None:
    schema = report_body()
    assert list(schema["properties"]) == [each.key for each in WIRE_FIELDS]
    assert schema["required"] == ["status"]
    for each in WIRE_FIELDS:
        described = schema["properties"][each.key]
        assert each.kind.schema().items() <= described.items()
        assert described.get("nullable", False) is not each.is_required


def test_every_api_route_is_described_with_its_methods(monitor: Monitor) -> None:
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in monitor.app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST"}
        if rule.rule.startswith("/api/") and rule.rule != "/api/openapi.json"
    }
    paths = description()["paths"]
    assert routes == {(path, method) for path, methods in paths.items() for method in methods}


def test_document_is_served(monitor: Monitor) -> None:
    assert monitor.app.test_client().get("/api/openapi.json").get_json() == description()


def test_document_takes_no_memory_before_it_is_asked_for() -> None:
    code = "import sys, exporter.__main__; sys.exit('exporter.web.openapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
