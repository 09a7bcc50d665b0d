"""Silences as Alertmanager's API lists them."""

from __future__ import annotations

from typing import Any

from servicekit.clock import rfc3339


def matcher(name: str, value: str, is_regex: bool = False, is_equal: bool = True) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": is_regex, "isEqual": is_equal}


def silence(*matchers: dict[str, Any], ends: float, state: str | None = "active") -> dict[str, Any]:
    """Return one entry of `GET /api/v2/silences`; `ends` is Unix time."""
    return {
        "id": "d8a64b0e-0000-4000-8000-000000000000",
        "status": {"state": state},
        "updatedAt": "2026-11-24T08:00:00.000Z",
        "comment": "maintenance",
        "createdBy": "operator",
        "startsAt": "2026-11-24T08:00:00.000Z",
        "endsAt": rfc3339(ends),
        "matchers": list(matchers),
    }
