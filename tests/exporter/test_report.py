"""The body of a report: what is taken, and what is refused with a reason."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.report import MESSAGE_LIMIT, Report, ReportError, parse
from exporter.states import REPORTABLE, SENDING
from exporter.totals import Totals


def body(**fields: Any) -> bytes:
    return json.dumps({"status": "sending"} | fields).encode()


@pytest.mark.parametrize("state", REPORTABLE, ids=lambda state: state.name)
def test_status_alone_is_a_report(state: Any) -> None:
    assert parse(json.dumps({"status": state.name}).encode()) == Report(state)


def test_everything_that_can_be_said_is_taken() -> None:
    report = parse(
        body(message="雾", current_task="frame 7", task_info={"a": [1]}, timestamp="2026-01-01T00:00:00Z", ttl=30)
        [:-1] + b', "session": "s", "sequence": 4, "totals": {"processed": 9}, "inference_seconds": [0.1, 2]}'
    )  # fmt: skip
    assert (report.state, report.message, report.current_task, report.ttl) == (SENDING, "雾", "frame 7", 30.0)
    assert (report.session, report.sequence, report.totals) == ("s", 4, Totals(9, 0, 0))
    assert report.inference_seconds == (0.1, 2.0)


def test_fields_of_a_newer_reporter_are_named_and_ignored() -> None:
    assert parse(body(colour="red", zoom=2)).unknown_fields == ("colour", "zoom")


def test_long_text_is_cut_so_that_the_light_still_moves() -> None:
    assert len(parse(body(message="x" * 60_000)).message) == MESSAGE_LIMIT


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "JSON"),
        (b"[]", "an array"),
        (b"null", "null"),
        (b"{}", "status: required; one of idle, detecting, sending"),
        (b'{"status": "unknown"}', "is not one of idle, detecting, sending"),
        (b'{"status": "\\u0000<img>"}', "is not one of"),
        (b'{"status": 7}', "status: a number"),
        (b'{"status": "idle", "status": "sending"}', "duplicate key"),
        (b'{"status": "idle", "message": "\\ud800"}', "lone surrogate"),
        (b'{"status": "idle", "message": "\xff"}', "UTF-8"),
        (b'{"status": "idle", "ttl": NaN}', "NaN"),
        (b'{"status": "idle", "ttl": Infinity}', "Infinity"),
        (b'{"status": "idle", "ttl": 1e999}', "out of range"),
        (b'{"status": "idle", "processed": 1' + b"0" * 400 + b"}", "out of range"),
        (b'{"status": "idle", "task_info": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested deeper"),
        (body(ttl=0.1), "ttl"),
        (body(ttl=True), "ttl"),
        (body(ttl="60"), "ttl"),
        (body(processed=-1), "processed: must be an integer from 0"),
        (body(processed=1.5), "processed"),
        (body(sent_to_server=10**9), "sent_to_server"),
        (body(inference_seconds=-0.1), "inference_seconds: must be"),
        (body(inference_seconds=[0.1, "x"]), r"inference_seconds[1]"),
        (body(inference_seconds=[0.1] * 1001), "more than 1000"),
        (body(message=7), "message: must be a string"),
        (body(task_info=[]), "task_info: must be an object"),
        (body(task_info={"a": "x" * 20_000}), "larger than"),
        (body(timestamp=[]), "timestamp"),
        (body(session=""), "session"),
        (body(session="x" * 65), "session"),
        (body(totals={"processed": 1}), "totals: only together with session"),
        (body(sequence=1), "sequence: only together with session"),
        (body(session="s", totals={"processed": "1"}), "totals.processed"),
        (body(session="s", totals={"processed": 1}, processed=1), "not both"),
    ],
)
def test_bad_body_is_refused_with_what_and_where(raw: bytes, said: str) -> None:
    with pytest.raises(ReportError) as refusal:
        parse(raw)
    assert said in str(refusal.value)


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=8), children, max_size=4),
    max_leaves=12,
)
_NAMES = st.sampled_from(
    ["status", "message", "current_task", "task_info", "timestamp", "ttl", "processed", "session", "sequence", "totals",
     "inference_seconds", "x"]
)  # fmt: skip


@given(st.dictionaries(_NAMES, _VALUES | st.sampled_from(["idle", "sending"]), max_size=8))
def test_any_object_is_a_report_or_refused(fields: dict[str, Any]) -> None:
    try:
        report = parse(json.dumps(fields).encode())
    except ReportError:
        return
    json.dumps(report.task_info, allow_nan=False)
    assert report.state in REPORTABLE


@given(st.binary(max_size=200))
def test_any_bytes_are_a_report_or_refused(raw: bytes) -> None:
    with contextlib.suppress(ReportError):
        parse(raw)
