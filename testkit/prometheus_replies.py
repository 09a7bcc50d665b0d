"""Replies of Prometheus' query API about one scraped monitor."""

from __future__ import annotations

from typing import Any

from servicekit.address import Address

NOW = 1_800_000_000.0


ADDRESS = Address("10.0.0.1", 8000)


def reply(*series: tuple[dict[str, str], str]) -> dict[str, Any]:
    result = [{"metric": labels, "value": [NOW, value]} for labels, value in series]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


def monitor(state: str, *, at: float = NOW, processed: str = "7", **labels: str) -> list[tuple[dict[str, str], str]]:
    labels = {"instance": "10.0.0.1:8000", "node": "M1", "node_ip": "10.0.0.1", "job": "j", **labels}
    return [
        (labels | {"__name__": "cmzsb_work_status", "state": state}, "1"),
        (labels | {"__name__": "cmzsb_status_stale"}, "0"),
        (labels | {"__name__": "cmzsb_state_age_seconds"}, "60.2"),
        (labels | {"__name__": "cmzsb_processed_total"}, processed),
        (labels | {"scraped_at": "yes"}, str(at)),
    ]
