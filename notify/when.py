"""Moments and durations as messages show them."""

from __future__ import annotations

from datetime import datetime, tzinfo

from notify.wording import Wording


def moment(seconds: float, zone: tzinfo | None) -> str:
    """Return a Unix time in `zone` (None: the machine's own), to the minute and with the offset from UTC."""
    local = datetime.fromtimestamp(seconds, zone).astimezone(zone)
    offset = local.strftime("%z")
    minutes = "" if offset[3:5] == "00" else f":{offset[3:5]}"
    return f"{local:%Y-%m-%d %H:%M} (UTC{int(offset[:3]):+d}{minutes})"


def duration(seconds: float, words: Wording) -> str:
    """Return a duration in its two largest units."""
    left = max(0, round(seconds))
    parts: list[str] = []
    for length, text in words.units:
        if left >= length and len(parts) < 2:
            parts.append(text.format(left // length))
            left %= length
    return " ".join(parts) or words.units[-1][1].format(0)
