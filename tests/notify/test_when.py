"""Moments and durations as messages show them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from notify.when import duration, moment
from notify.wording import EN, ZH


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Asia/Shanghai", "2026-11-24 16:00 (UTC+8)"),
        ("UTC", "2026-11-24 08:00 (UTC+0)"),
        ("Asia/Kolkata", "2026-11-24 13:30 (UTC+5:30)"),
        ("America/New_York", "2026-11-24 03:00 (UTC-5)"),
    ],
)
def test_moment_is_local_and_says_how_far_from_utc(zone: str, shown: str) -> None:
    assert moment(1795507200.9, ZoneInfo(zone)) == shown


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "0 s", "0 秒"),
        (-5, "0 s", "0 秒"),
        (59.6, "1 min", "1 分钟"),
        (750, "12 min 30 s", "12 分钟 30 秒"),
        (3600, "1 h", "1 小时"),
        (90_061, "1 d 1 h", "1 天 1 小时"),
    ],
)
def test_duration_has_its_two_largest_units(seconds: float, en: str, zh: str) -> None:
    assert (duration(seconds, EN), duration(seconds, ZH)) == (en, zh)
