"""The clocks."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from servicekit.clock import SystemClock, rfc3339


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "1970-01-01T00:00:00.000+00:00"),
        (1_795_507_200.25, "2026-11-24T08:00:00.250+00:00"),
    ],
)
def test_rfc3339_is_utc_with_milliseconds_and_an_offset(seconds: float, text: str) -> None:
    assert rfc3339(seconds) == text


def test_the_system_clock_tells_the_time_of_day_and_never_goes_back() -> None:
    clock = SystemClock()
    assert abs(clock.time() - datetime.now(timezone.utc).timestamp()) < 5
    assert clock.monotonic() <= clock.monotonic()
