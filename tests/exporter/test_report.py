"""Report bodies: what is taken, what is refused, and that nothing else ever happens."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter import report as module
from exporter.report import Report, ReportError, Totals, parse_report
from exporter.states import REPORTABLE

FIELDS = sorted(set(Report.__dataclass_fields__) - {"state", "unknown_fields"} | {"status"})


def body(**fields: Any) -> bytes:
    return json.dumps({"status": "idle"} | fields).encode()


@pytest.mark.parametrize("state", REPORTABLE, ids=lambda state: state.name)
def test_a_status_alone_is_a_report(state: Any) -> None:
    assert parse_report(body(status=state.name)) == Report(state)


def test_every_field_is_taken_in() -> None:
    report = parse_report(
        body(
            status="sending",
            message="低置信度",
            current_task="frame 17",
            task_info={"camera": [1, {"x": None}]},
            timestamp="2026-11-24T08:00:00Z",
            ttl=30,
            inference_seconds=[0.25, 1],
            session="s",
            sequence=7,
            totals={"processed": 3, "sent_to_server": 1},
            heartbeat=True,
        )
    )
    assert (report.message, report.current_task, report.ttl) == ("低置信度", "frame 17", 30.0)
    assert report.task_info == {"camera": [1, {"x": None}]}
    assert report.inference_seconds == (0.25, 1.0)
    assert (report.session, report.sequence, report.totals) == ("s", 7, Totals(3, 0, 1))
    assert report.heartbeat
    increments = parse_report(body(processed=5, low_confidence=0, sent_to_server=module.INCREMENT_LIMIT))
    assert (increments.processed, increments.low_confidence) == (5, 0)


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "status"])
def test_null_says_as_little_as_leaving_the_field_out(name: str) -> None:
    assert parse_report(body(**{name: None})) == parse_report(body())


def test_fields_of_a_newer_reporter_are_named_and_otherwise_ignored() -> None:
    report = parse_report(body(zoom=3, constructor={"status": "sending"}, angle=[1]))
    assert report.unknown_fields == ("angle", "constructor", "zoom")
    assert report.state.name == "idle"


def test_field_that_javascript_takes_for_more_is_refused() -> None:
    with pytest.raises(ReportError, match="__proto__"):
        parse_report(body(__proto__={"status": "sending"}))


def test_long_text_is_cut_so_that_the_light_still_moves() -> None:
    report = parse_report(body(message="长" * 60_000, current_task="t" * 60_000))
    assert len(report.message) == module.MESSAGE_LIMIT
    assert report.current_task is not None
    assert len(report.current_task) == module.TASK_LIMIT
    assert report.message.endswith("…")


NOT_COUNTS: list[Any] = [-1, 1.0, 1.5, True, "1", [], {}]
BAD_FIELDS: dict[str, list[Any]] = {
    "status": [None, 7, True, [], {}, "", "unknown", "boom", "IDLE", "idle ", "x" * 10_000],
    "message": [1, True, [], {}],
    "current_task": [1, True, [], {}],
    "task_info": [1, "x", True, [], {"x": "y" * module.TASK_INFO_LIMIT}],
    "timestamp": [True, [], {}, "x" * 65],
    "ttl": [0, 0.9, -1, module.TTL_MAX + 1, "60", True, []],
    "processed": [*NOT_COUNTS, module.INCREMENT_LIMIT + 1],
    "low_confidence": [*NOT_COUNTS, module.INCREMENT_LIMIT + 1],
    "sent_to_server": [*NOT_COUNTS, module.INCREMENT_LIMIT + 1],
    "inference_seconds": [-0.001, 3600.1, "1", True, {}, [True], [[1]], [None], [0.1, -1], [0] * 1001],
    "session": [1, "", "x" * 65, [], True],
    "heartbeat": [0, 1, "true", [], {}],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD_FIELDS.items() for value in values])
def test_a_wrong_value_is_refused_and_its_field_named(name: str, value: Any) -> None:
    with pytest.raises(ReportError) as caught:
        parse_report(body(**{name: value}))
    assert str(caught.value).startswith(name)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"sequence": 1}, "sequence: only together with session"),
        ({"totals": {}}, "totals: only together with session"),
        ({"session": "s", "totals": {}, "processed": 1}, "processed: either"),
        ({"session": "s", "sequence": -1}, "sequence: must be an integer"),
        ({"session": "s", "sequence": 1.5}, "sequence: must be an integer"),
        ({"session": "s", "totals": []}, "totals: must be an object, not an array"),
        ({"session": "s", "totals": {"processed": -1}}, "totals.processed: must"),
        ({"session": "s", "totals": {"low_confidence": True}}, "totals.low_confidence: must"),
        ({"session": "s", "totals": {"sent_to_server": module.TOTAL_LIMIT + 1}}, "totals.sent_to_server: must"),
        ({"inference_seconds": [0.1, "x"]}, "inference_seconds[1]: must"),
    ],
)
def test_fields_that_do_not_fit_together_are_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ReportError) as caught:
        parse_report(body(**fields))
    assert str(caught.value).startswith(complaint)


@pytest.mark.parametrize(
    ("raw", "complaint"),
    [
        (b"", "invalid JSON"),
        (b"{", "invalid JSON"),
        (b"\x00", "invalid JSON"),
        (b"status=idle", "invalid JSON"),
        (b'{"status":"idle"} {}', "invalid JSON"),
        (b"null", "must be a JSON object, not null"),
        (b"[]", "must be a JSON object, not an array"),
        (b'"idle"', "must be a JSON object, not a string"),
        (b"7", "must be a JSON object, not a number"),
        (b"true", "must be a JSON object, not a boolean"),
        (b'{"status":"idle","ttl":NaN}', "NaN is not a JSON number"),
        (b'{"status":"idle","ttl":-Infinity}', "-Infinity is not a JSON number"),
        (b'{"status":"idle","task_info":{"x":Infinity}}', "Infinity is not a JSON number"),
        (b'{"status":"idle","ttl":1e999}', "number out of range: 1e999"),
        (b'{"status":"idle","processed":1' + b"0" * 400 + b"}", "number out of range"),
        (b'{"status":"idle","task_info":{"x":-1e400}}', "number out of range"),
        (b'{"status":"idle","status":"sending"}', "duplicate key 'status'"),
        (b'{"status":"idle","task_info":{"a":1,"a":1}}', "duplicate key 'a'"),
        (b'{"status":"idle","message":"\xff"}', "invalid UTF-8 at byte 28"),
        (b'{"status":"idle","message":"\xed\xa0\x80"}', "invalid UTF-8"),
        (b'{"status":"idle","message":"\\ud800"}', "lone surrogate \\ud800"),
        (b'{"status":"idle","task_info":{"\\udfff":1}}', "lone surrogate \\udfff"),
        (b'{"status":"idle","new":["\\ud83d"]}', "lone surrogate \\ud83d"),
        (b"[" * 10_000, "nested deeper than"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "nested deeper than"),
        (b'{"status":"idle","task_info":' + b'{"a":' * 40 + b"1" + b"}" * 41, "nested deeper than"),
    ],
)
def test_what_is_no_sound_json_object_is_refused(raw: bytes, complaint: str) -> None:
    with pytest.raises(ReportError) as caught:
        parse_report(raw)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
near_reports = st.fixed_dictionaries(
    {"status": st.sampled_from([state.name for state in REPORTABLE]) | json_values},
    optional={name: json_values for name in FIELDS if name != "status"} | {"new": json_values},
).map(lambda fields: json.dumps(fields).encode())


def assert_parsed_or_refused(raw: bytes) -> None:
    try:
        report = parse_report(raw)
    except ReportError as error:
        assert 0 < len(str(error)) < 300  # noqa: PT017 (both outcomes are right, each has its own check)
        return
    assert report.state.reportable
    assert all(0 <= seconds <= module.DURATION_LIMIT for seconds in report.inference_seconds)
    assert all(
        count is None or count >= 0 for count in (report.processed, report.low_confidence, report.sent_to_server)
    )
    json.dumps([report.task_info, report.message, report.timestamp], allow_nan=False, ensure_ascii=False).encode()


@given(near_reports)
def test_whatever_json_comes_it_is_a_sound_report_or_a_report_error(raw: bytes) -> None:
    assert_parsed_or_refused(raw)


@given(st.binary(max_size=300))
def test_whatever_bytes_come_they_are_a_sound_report_or_a_report_error(raw: bytes) -> None:
    assert_parsed_or_refused(raw)


@given(near_reports, st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_damaged_report_is_a_sound_report_or_a_report_error(raw: bytes, position: int, damage: bytes) -> None:
    position %= len(raw)
    assert_parsed_or_refused(raw[:position] + damage + raw[position + 1 :])
