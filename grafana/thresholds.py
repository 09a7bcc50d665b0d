"""Colours by the limits of the alerts. No limit is written here: panels query the recorded series of `thresholds.yml`.

A number changed in `thresholds.yml` therefore changes the colours with the next refresh, as it changes the alerts. A
single figure's scale ends at its limit, and its colours are shares of that scale. Grafana 9 has one such scale per
panel, so a table has a column of its own for each limit, with the share of it that Prometheus has computed.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from exporter.states import IDLE, SENDING, UNKNOWN
from grafana.texts import Words

Json: TypeAlias = dict[str, Any]
GREY, GREEN, ORANGE, RED = UNKNOWN.colour, IDLE.colour, "#f59e0b", SENDING.colour
NEAR, REACHED = 0.5, 1.0
"""Share of a limit from which a figure is orange, and red."""
LEGEND: Final = "limit"


def of_shares() -> Json:
    """Return the field options of a figure that is a share of its limit."""
    return {"unit": "percentunit", "decimals": 0, "min": 0, "thresholds": {"mode": "absolute", "steps": _steps(1)}}


def of_a_scale() -> Json:
    """Return the field options of a figure whose scale ends at its limit; see `scale`."""
    return {"min": 0, "thresholds": {"mode": "percentage", "steps": _steps(100)}}


def scale(field: Words, limit_ref: str) -> Json:
    """Return the transformation that ends the scale of `field` at the value of query `limit_ref`, named LEGEND."""
    return {
        "id": "configFromData",
        "options": {
            "configRefId": limit_ref,
            "mappings": [{"fieldName": LEGEND, "handlerKey": "max", "reducerId": "lastNotNull"}],
            "applyTo": {"id": "byName", "options": field},
        },
    }


def steps(*coloured: tuple[str, float]) -> list[Json]:
    """Return threshold steps: each colour holds from its value on. Below the first, and for no data, it is grey."""
    return [{"color": colour, "value": value} for colour, value in ((GREY, None), *coloured)]


def _steps(whole: int) -> list[Json]:
    return steps((GREEN, 0), (ORANGE, NEAR * whole), (RED, REACHED * whole))
