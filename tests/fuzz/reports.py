"""Bodies of reports, from almost right to rubbish."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from exporter.report import Report
from exporter.states import STATES
from tests.fuzz.cases import ANYTHING, NUMBERS, TEXT

_NAMES = sorted(Report.__dataclass_fields__)
_STATES = st.sampled_from([state.name for state in STATES])
_PLAUSIBLE: dict[str, st.SearchStrategy[Any]] = {
    "message": st.text(max_size=50),
    "current_task": st.text(max_size=50),
    "task_info": st.dictionaries(st.text(max_size=5), ANYTHING, max_size=3),
    "ttl": st.floats(1, 60),
    "processed": st.integers(0, 3),
    "low_confidence": st.integers(0, 3),
    "sent_to_server": st.integers(0, 3),
    "inference_seconds": st.floats(0, 5) | st.lists(st.floats(0, 5), max_size=3),
    "heartbeat": st.booleans(),
    "session": st.sampled_from(["a", "b"]),
    "sequence": st.integers(0, 9),
    "totals": st.fixed_dictionaries({}, optional={"processed": st.integers(0, 9), "sent_to_server": st.integers(0, 9)}),
}
_RIGHT = st.fixed_dictionaries({"status": _STATES}, optional=_PLAUSIBLE)
_ODD = st.dictionaries(st.sampled_from([*_NAMES, "status", "__proto__", "constructor"]) | TEXT, ANYTHING, max_size=5)


def _written(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def _spoilt(pair: tuple[bytes, int, bytes]) -> bytes:
    body, where, piece = pair
    at = where % (len(body) + 1)
    return body[:at] + piece + body[at + len(piece) :]


_values = st.one_of(
    _RIGHT,
    st.builds(lambda right, odd: {**right, **odd}, _RIGHT, _ODD),
    _ODD,
    ANYTHING,
    st.builds(lambda state, number: {"status": state, "ttl": number, "processed": number}, _STATES, NUMBERS),
)
_deep = st.integers(1, 10_000).map(
    lambda depth: b'{"status":"idle","task_info":' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)
)
_twice = st.tuples(_STATES, _STATES).map(lambda two: '{{"status":"{}","status":"{}"}}'.format(*two).encode())
_text = _values.map(_written)

BODIES: st.SearchStrategy[bytes] = st.one_of(
    _text,
    _text,
    st.tuples(_text, st.integers(0, 500), st.binary(min_size=1, max_size=4)).map(_spoilt),
    st.binary(max_size=60),
    _deep,
    _twice,
    st.integers(60_000, 70_000).map(lambda size: b'{"status":"idle","message":"' + b"x" * size + b'"}'),
)
