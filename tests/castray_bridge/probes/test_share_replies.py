"""Monitors' replies with time per state and step, sound, old, shifted and malformed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castray_bridge.probes.share_replies import parse_shares
from servicekit.clock import rfc3339
from servicekit.http_reply import ProbeError

T = 1_800_000_000.0


def reply(end: float = T + 90, begin: float = T, **seconds: Any) -> dict[str, Any]:
    return {"step": 60, "begin": rfc3339(begin), "end": rfc3339(end), "seconds": seconds}


def read(found: Any, received_at: float = T + 90) -> dict[str, list[float]]:
    seconds: dict[str, list[float]] = parse_shares(json.dumps(found).encode(), 60, T, received_at).columns(T)["seconds"]
    return seconds


def test_reply_of_a_node_with_the_same_clock_is_taken_as_it_is() -> None:
    assert read(reply(idle=[60, 29], sending=[0, 1])) == {"idle": [60.0, 29.0], "sending": [0.0, 1.0]}


def test_node_whose_clock_is_wrong_is_shown_by_the_bridges_clock() -> None:
    shown = read(reply(idle=[60, 30], begin=T - 30, end=T + 60), received_at=T + 90)
    assert shown == {"idle": [60.0, 30.0]}


def test_transitions_of_an_older_monitor_are_converted() -> None:
    transitions = [
        {"timestamp": rfc3339(T - 10), "status": "idle", "duration_seconds": 70.0},
        {"timestamp": rfc3339(T + 60), "status": "sending", "duration_seconds": 30.0},
        {"timestamp": "yesterday", "status": "idle", "duration_seconds": 1},
    ]
    assert read(transitions) == {"idle": [60.0, 0.0], "sending": [0.0, 30.0]}
    assert read([]) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        7, None, "idle", {}, reply() | {"step": 61}, reply() | {"seconds": []}, reply() | {"begin": "yesterday"},
        reply() | {"end": 7}, reply() | {"end": "2026-01-01T00:00:00"}, reply(boom=[1]), reply(idle=7),
        reply(idle=["60"]), reply(idle=[-1]), reply(idle=[61]), reply(idle=[True]), reply(idle=[None]),
    ],
)  # fmt: skip
def test_malformed_reply_is_a_failure(wrong: Any) -> None:
    with pytest.raises(ProbeError, match="bad_reply"):
        read(wrong)


@pytest.mark.parametrize("text", [b"<html>", b"", b'{"step":60', b'{"seconds":{"idle":[NaN]}}'])
def test_reply_that_is_not_json_is_a_failure(text: bytes) -> None:
    with pytest.raises(ProbeError, match="not_json"):
        parse_shares(text, 60, T, T)


def test_more_steps_than_there_is_time_are_left_out() -> None:
    assert read(reply(idle=[60] * 10_000)) == {"idle": [60.0, 30.0]}


_scalars = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5)
_values = st.recursive(_scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=8)


@given(
    st.fixed_dictionaries(
        {
            "step": st.just(60) | _values,
            "begin": st.just(rfc3339(T)) | st.datetimes().map(str) | _values,
            "end": st.just(rfc3339(T + 90)) | _values,
            "seconds": st.dictionaries(st.sampled_from(["idle", "sending", "x"]), _values, max_size=3),
        }
    )
)
def test_no_reply_does_more_than_fail(found: dict[str, Any]) -> None:
    try:
        shown = read(found)
    except ProbeError:
        return
    assert all(0 <= value <= 60.1 for column in shown.values() for value in column)
