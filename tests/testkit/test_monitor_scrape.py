"""The scrape of a fleet's monitor has the series of a real one."""

from __future__ import annotations

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from testkit.changing_node import ChangingNode
from testkit.monitor_scrape import STATES
from testkit.monitors import running_monitor

_SERIES = re.compile(r"^((?:cmzsb|process)_\w+)(?:\{(.*)\})? ", re.MULTILINE)


def series(text: str) -> set[tuple[str, frozenset[str]]]:
    """Return names and labels, whatever the node's name and version are."""
    found = (
        (name, frozenset(re.sub(r'(node|version)="[^"]*"', r'\1=""', labels).split(",")))
        for name, labels in _SERIES.findall(text)
    )
    return {each for each in found if not each[0].startswith(("cmzsb_gpu", "cmzsb_temperature"))}


def test_it_has_the_series_of_a_real_monitor(tmp_path: Path) -> None:
    with running_monitor(tmp_path) as monitor:
        client = monitor.app.test_client()
        client.post("/api/update_status", json={"status": "detecting", "inference_seconds": 0.1})
        real = client.get("/metrics").get_data(as_text=True)
    assert series(ChangingNode(0, 1000.0).metrics(1001.0).decode()) == series(real)


def test_counts_and_seconds_go_on_from_change_to_change() -> None:
    node = ChangingNode(4, 1000.0)
    first = node.state
    for number in range(1, 10):
        node.change(1000.0 + 7 * number, 0.0)
    found = {
        (sample.name, sample.labels.get("state", "")): sample.value
        for family in text_string_to_metric_families(node.metrics(1070.0).decode())
        for sample in family.samples
        if sample.labels.get("node") == "M5"
    }
    assert found["cmzsb_processed_total", ""] == found["cmzsb_inference_duration_seconds_count", ""] == 9
    assert found["cmzsb_sent_to_server_total", ""] == 3
    assert [found["cmzsb_work_status", state] for state in STATES] == [state == node.state for state in STATES]
    assert sum(found["cmzsb_state_seconds_total", state] for state in STATES) == 70
    assert found["cmzsb_state_seconds_total", first] >= 7
    assert found["cmzsb_state_age_seconds", ""] == 7
