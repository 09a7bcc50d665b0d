"""Times in query parameters: everything that RFC 3339 allows, on every Python."""

from __future__ import annotations

import pytest
from werkzeug.exceptions import BadRequest

from exporter.web.query import instant


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("-1.5", -1.5),
        ("1e9", 1e9),
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01t00:00:01.5z", 1.5),
        ("1970-01-01T01:00:00.1234567+01:00", 0.1234567),
        ("1970-01-01T01:00:00 01:00", 0.0),  # a "+" that was not percent-encoded
        ("1969-12-31T19:00:00-05:00", 0.0),
        ("2016-12-31T23:59:60Z", 1483228800.0),
        ("0001-01-01T00:00:00+23:59", -62135683140.0),
    ],
)
def test_time_is_read(text: str, seconds: float) -> None:
    assert instant({"since": text}, "since", otherwise=7.0) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "nan", "inf", "2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "2026-01-01T00:00:61Z",
     "2026-01-01T00:00:00+24:00", "\u0662026-01-01T00:00:00Z", "0000-01-01T00:00:00Z"],
)  # fmt: skip
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        instant({"since": text}, "since", otherwise=7.0)
    assert str(refusal.value.description).startswith("since: ")


def test_without_a_time_there_is_another() -> None:
    assert instant({}, "since", otherwise=7.0) == 7.0
