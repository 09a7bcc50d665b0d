"""The work status in a monitor's reply."""

from __future__ import annotations

import json
from typing import Any

import pytest

from castray_bridge.probes.status import NodeStatus, failed, parse_status
from exporter.states import REPORTABLE
from servicekit.http_reply import ProbeError
from testkit.hostile import STATUS


def parsed(**changed: Any) -> NodeStatus:
    return parse_status(json.dumps(STATUS | changed).encode())


def test_all_fields_of_a_reply_are_read() -> None:
    assert parsed(version=7) == NodeStatus(
        "detecting",
        timestamp="2026-01-01T00:00:00.000+00:00",
        current_task="frame 7",
        processed=3,
        low_confidence=2,
        sent_to_server=1,
        version=7,
    )


@pytest.mark.parametrize("state", [state.name for state in REPORTABLE])
def test_status_alone_is_enough(state: str) -> None:
    assert parse_status(json.dumps({"status": state}).encode()) == NodeStatus(state)


@pytest.mark.parametrize("status", ["unknown", "boom", 7, None, [], {}, True])
def test_other_status_is_bad(status: Any) -> None:
    with pytest.raises(ProbeError, match="bad_status"):
        parsed(status=status)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"status": "idle", "a": NaN}', b"\xff"])
def test_other_content_is_not_json(body: bytes) -> None:
    with pytest.raises(ProbeError, match="not_json"):
        parse_status(body)


@pytest.mark.parametrize(
    "changed",
    [{"version": True}, {"version": "7"}, {"latest_state": []}, {"stats": 7}, {"stats": {"total_processed": -1}},
     {"timestamp": 7}, {"latest_state": {"current_task": 7}}, {"stale": "yes"}],
)  # fmt: skip
def test_member_of_another_type_reads_as_missing(changed: dict[str, Any]) -> None:
    (key,) = changed
    assert parsed(**changed) == parse_status(
        json.dumps({name: value for name, value in STATUS.items() if name != key}).encode()
    )


def test_stale_status_has_no_task() -> None:
    assert parsed(stale=True).current_task == ""


def test_text_is_one_printable_line_of_bounded_length() -> None:
    task = parsed(latest_state={"current_task": "a\nb" + "\u202e" + "x" * 10_000}).current_task
    assert task.isprintable()
    assert len(task) == 200


def test_failure_keeps_the_totals_and_nothing_else() -> None:
    found = failed(parsed(version=7), "timeout")
    assert (found.state, found.error, found.reachable) == ("unknown", "timeout", False)
    assert (found.timestamp, found.current_task) == (None, "")
    assert (found.processed, found.low_confidence, found.sent_to_server) == (3, 2, 1)
