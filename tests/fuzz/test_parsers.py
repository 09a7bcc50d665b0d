"""The parsers of what strangers send: reports to the monitor, replies to the bridge."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from castray_bridge.probes import status
from exporter.report import ReportError, parse_report
from exporter.states import REPORTABLE
from servicekit.http_reply import BODY_LIMIT, HEAD_LIMIT, ProbeError, ReplyReader
from tests.fuzz.cases import ANYTHING, TEXT, cases
from tests.fuzz.reports import BODIES

REASONS = {"not_json", "bad_status", "bad_reply", "too_large"}


@cases(0.25)
@given(BODIES)
def test_body_is_a_sound_report_or_one_error(body: bytes) -> None:
    try:
        report = parse_report(body)
    except ReportError:
        return
    assert report.state in REPORTABLE
    # Whatever is taken in can be given out to every reader again.
    json.dumps([report.message, report.task_info, report.timestamp], allow_nan=False, ensure_ascii=False).encode()


_HEADS = st.one_of(
    st.sampled_from([b"HTTP/1.0 200 OK", b"HTTP/1.1 200 OK", b"HTTP/1.0 503 no", b"HTTP/2 200", b"HTTP/1.0 2000", b""]),
    st.binary(max_size=20),
)
_HEADERS = st.one_of(
    st.integers(-5, 30).map(lambda length: b"Content-Length: %d" % length),
    st.sampled_from(
        [b"content-LENGTH:3", b"Content-Length: 99999999999999999999", b"Transfer-Encoding: chunked",
         b"Content-Length: +3", b"Content-Length:\t3", b"X: " + b"a" * HEAD_LIMIT, b"Content-Length: \xb2"]
    ),
    st.binary(max_size=10),
)  # fmt: skip
_REPLIES = st.builds(
    lambda head, headers, body: b"\r\n".join([head, *headers]) + b"\r\n\r\n" + body,
    _HEADS,
    st.lists(_HEADERS, max_size=3),
    st.binary(max_size=30) | st.integers(BODY_LIMIT - 2, BODY_LIMIT + 2).map(lambda size: b"x" * size),
) | st.binary(max_size=100)


def outcome(pieces: list[bytes]) -> bytes | str:
    """Return what the reader makes of a reply that arrives in `pieces`: its body, or the reason."""
    reader = ReplyReader()
    try:
        for piece in [*(piece for piece in pieces if piece), b""]:
            body = reader.feed(piece)
            if body is not None:
                return body
    except ProbeError as error:
        return error.reason
    raise AssertionError("the end of the connection was no end")


@cases(0.2)
@given(_REPLIES, st.lists(st.integers(0, 200), max_size=4))
def test_reply_is_a_bounded_body_or_a_reason_however_it_arrives(reply: bytes, cuts: list[int]) -> None:
    whole = outcome([reply])
    edges = [0, *sorted(cuts), len(reply)]
    assert outcome([reply[a:b] for a, b in pairwise(edges)]) == whole
    if isinstance(whole, bytes):
        assert len(whole) <= BODY_LIMIT
    else:
        assert whole in REASONS or (whole.startswith("http_") and len(whole) == 8)


_STATUS_FIELDS = st.sampled_from(["timestamp", "latest_state", "stats", "stale", "version"]) | TEXT
_STATUSES = st.builds(
    lambda name, rest: json.dumps({"status": name, **rest}).encode(),
    st.sampled_from(["idle", "detecting", "sending", "unknown", "boom", 7, None]),
    st.dictionaries(_STATUS_FIELDS, ANYTHING, max_size=5),
)


def reading(body: bytes) -> status.NodeStatus | str:
    try:
        return status.parse_status(body)
    except ProbeError as error:
        return error.reason


@cases(0.1)
@given(_STATUSES | BODIES)
def test_status_of_a_node_is_sound_or_a_reason(body: bytes) -> None:
    found: Any = reading(body)
    if isinstance(found, str):
        assert found in {"not_json", "bad_status"}
        return
    assert found.state in {state.name for state in REPORTABLE}
    assert min(found.processed, found.low_confidence, found.sent_to_server) >= 0
    shown = f"{found.current_task}{found.timestamp or ''}"
    assert len(shown.encode()) < 4000
    assert shown.isprintable()
