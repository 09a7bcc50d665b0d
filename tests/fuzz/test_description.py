"""The monitor held to its own OpenAPI description, with what schemathesis makes of that."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from exporter.web.openapi import description
from testkit.running import RunningMonitor
from tests.fuzz.cases import CASES

pytestmark = pytest.mark.timeout(0)  # `make fuzz` may ask for any number of cases

SCHEMA = schemathesis.openapi.from_dict(description())
OPERATIONS = [(path, method.upper()) for path, item in description()["paths"].items() for method in item]


@pytest.fixture(scope="module")
def monitor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningMonitor]:
    with RunningMonitor(tmp_path_factory.mktemp("monitor"), "--log-level", "error") as running:
        yield running


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_as_described(path: str, method: str, monitor: RunningMonitor) -> None:
    # OpenAPI 3.0 cannot say which fields of a report go together, so what it allows may be refused.
    excluded = [positive_data_acceptance] if method == "POST" else []

    @settings(
        max_examples=max(1, int(CASES * 0.15 / len(OPERATIONS))),
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(GenerationMode).flatmap(SCHEMA[path][method].as_strategy))
    def check(case: Any) -> None:
        if case.query and "wait" in case.query:
            case.query["since"] = 0  # a version that is long past: the answer comes at once
        case.call_and_validate(base_url=monitor.url, excluded_checks=excluded)

    check()


def test_the_description_served_is_the_one_tested(monitor: RunningMonitor) -> None:
    assert monitor.get("/api/openapi.json").json() == description()
