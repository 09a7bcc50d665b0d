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
"""Colours of figures and lines, on the background of a panel."""
GREY_SHADE, GREEN_SHADE, ORANGE_SHADE, RED_SHADE = UNKNOWN.shade, IDLE.shade, "#b45309", SENDING.shade
"""The same as the background of white text, with a contrast of at least 4.5 : 1."""
NEAR, REACHED = 0.5, 1.0
"""Share of a limit from which a figure is orange, and red."""
LEGEND: Final = "limit"


def of_shares() -> Json:
    """Return the field options of a cell with a share of a limit: its background tells how near the limit is."""
    coloured = steps((GREEN_SHADE, 0), (ORANGE_SHADE, NEAR), (RED_SHADE, REACHED), lowest=GREY_SHADE)
    return {"unit": "percentunit", "decimals": 0, "min": 0, "thresholds": {"mode": "absolute", "steps": coloured}}


def of_a_scale() -> Json:
    """Return the field options of a figure whose scale ends at its limit; see `scale`."""
    coloured = steps((GREEN, 0), (ORANGE, NEAR * 100), (RED, REACHED * 100))
    return {"min": 0, "thresholds": {"mode": "percentage", "steps": coloured}}


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


def steps(*coloured: tuple[str, float], lowest: str = GREY) -> list[Json]:
    """Return threshold steps: each colour holds from its value on, and `lowest` below the first and for no data."""
    return [{"color": colour, "value": value} for colour, value in ((lowest, None), *coloured)]
