"""The form of the status on disk: what an earlier version wrote is read, and nothing that is not a status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exporter.report import Totals
from exporter.status.checkpoint import Checkpoint, LatestReport

OF_THE_FIRST_VERSION: dict[str, Any] = {
    "run": 3,
    "version": 1_800_000_000_000,
    "state": "sending",
    "entered": 1_800_000_000.0,
    "in_state": 2,
    "stale": False,
    "ttl": 60.0,
    "last_report": 1_800_000_001.5,
    "totals": [7, 2, 1],
    "seconds": {"idle": 5.0, "detecting": 0.0, "sending": 2.0},
    "entries": {"idle": 1, "detecting": 0, "sending": 2},
    "bucket_counts": [0, 1],
    "duration_sum": 0.01,
    "transition_id": 4,
    "alert_id": 1,
    "latest": {
        "status": "sending",
        "timestamp": 1_800_000_000.0,
        "current_task": None,
        "message": "检测",
        "task_info": {"cam": 2},
        "reporter_timestamp": "2026-01-01T00:00:00Z",
        "run": 3,
    },
    "written": 1_800_000_002.0,
}


def test_snapshot_of_the_first_version_is_read_and_comes_back_the_same() -> None:
    checkpoint = Checkpoint.from_json(json.dumps(OF_THE_FIRST_VERSION))
    assert checkpoint.totals == Totals(7, 2, 1)
    assert checkpoint.latest == LatestReport("sending", None, "检测", {"cam": 2}, "2026-01-01T00:00:00Z")
    assert (checkpoint.silent, checkpoint.clean, checkpoint.accepted, checkpoint.rejected) == (0.0, False, 0, 0)
    assert Checkpoint.from_json(checkpoint.to_json()) == checkpoint


def test_states_that_a_map_has_more_or_less_do_no_harm() -> None:
    content = OF_THE_FIRST_VERSION | {"seconds": {"flying": 1.0}, "entries": {}}
    assert Checkpoint.from_json(json.dumps(content)).seconds == {"flying": 1.0}


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '"x"', "{", "[" * 100_000])
def test_text_that_is_no_snapshot_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # json has an error of its own, which is one
        Checkpoint.from_json(text)


@pytest.mark.parametrize("name", sorted(OF_THE_FIRST_VERSION.keys() - {"written"}))
def test_snapshot_without_a_field_is_refused(name: str) -> None:
    content = {key: value for key, value in OF_THE_FIRST_VERSION.items() if key != name}
    with pytest.raises(ValueError, match=name):
        Checkpoint.from_json(json.dumps(content))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "flying"),
        ("state", "unknown"),
        ("state", ["idle"]),
        ("version", "7"),
        ("version", -1),
        ("run", True),
        ("run", 1.5),
        ("alert_id", None),
        ("entered", 1e300),
        ("entered", float("nan")),
        ("written", float("inf")),
        ("in_state", -1.0),
        ("stale", 0),
        ("ttl", "60"),
        ("last_report", "yesterday"),
        ("totals", [1, 2, "3"]),
        ("totals", [1, 2, 3, 4]),
        ("totals", {"processed": 1}),
        ("seconds", {"idle": None}),
        ("entries", {"idle": 0.5}),
        ("bucket_counts", 7),
        ("holder", 7),
        ("silent", -1),
        ("clean", "yes"),
        ("accepted", 0.5),
        ("latest", None),
        ("latest", {}),
        ("latest", {"status": 7}),
        ("latest", {"status": "idle", "task_info": []}),
        ("latest", {"status": "idle", "reporter_timestamp": float("nan")}),
    ],
)
def test_field_of_another_type_or_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match="not a snapshot"):
        Checkpoint.from_json(json.dumps(OF_THE_FIRST_VERSION | {name: value}))
