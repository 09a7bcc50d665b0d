"""The checkpoint in the journal: what earlier versions wrote is read, anything else is refused."""

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
OPTIONAL = {"written", "seconds", "entries", "bucket_counts", "duration_sum"}
"""What may be missing: the one has a default, the others were metrics and are no longer read."""


def test_checkpoint_of_the_first_version_is_read_and_unchanged_by_a_round_trip() -> None:
    checkpoint = Checkpoint.from_json(json.dumps(OF_THE_FIRST_VERSION))
    assert checkpoint.totals == Totals(7, 2, 1)
    assert checkpoint.latest == LatestReport("sending", None, "检测", {"cam": 2}, "2026-01-01T00:00:00Z")
    assert (checkpoint.silent, checkpoint.clean, checkpoint.owner) == (0.0, False, None)
    assert Checkpoint.from_json(checkpoint.to_json()) == checkpoint


def test_members_that_this_version_does_not_know_are_ignored() -> None:
    content = OF_THE_FIRST_VERSION | {"seconds": "no longer read", "newer": [1]}
    assert Checkpoint.from_json(json.dumps(content)) == Checkpoint.from_json(json.dumps(OF_THE_FIRST_VERSION))


def test_owner_is_stored_under_the_name_that_released_versions_gave_it() -> None:
    checkpoint = Checkpoint.from_json(json.dumps(OF_THE_FIRST_VERSION | {"holder": "session 7"}))
    assert checkpoint.owner == "session 7"
    assert json.loads(checkpoint.to_json())["holder"] == "session 7"


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '"x"', "{", "[" * 100_000])
def test_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # json has an error of its own, which is one
        Checkpoint.from_json(text)


@pytest.mark.parametrize("name", sorted(OF_THE_FIRST_VERSION.keys() - OPTIONAL))
def test_checkpoint_without_a_field_is_refused(name: str) -> None:
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
        ("holder", 7),
        ("silent", -1),
        ("clean", "yes"),
        ("latest", None),
        ("latest", {}),
        ("latest", {"status": 7}),
        ("latest", {"status": "idle", "task_info": []}),
        ("latest", {"status": "idle", "reporter_timestamp": float("nan")}),
    ],
)
def test_field_of_another_type_or_out_of_range_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match="not a checkpoint"):
        Checkpoint.from_json(json.dumps(OF_THE_FIRST_VERSION | {name: value}))
