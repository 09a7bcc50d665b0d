"""One function per kind of panel, with every setting that Grafana's and grafanalib's defaults get wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from grafanalib.core import Panel

from exporter.states import REPORTABLE, STATES, UNKNOWN
from grafana import thresholds
from grafana.panels import (
    Json,
    PanelText,
    Query,
    absolute_thresholds,
    dashed_line,
    make,
    ref_of,
    state_colours,
    state_mappings,
)
from grafana.promql import limit_for
from grafana.thresholds import GREEN, GREY

_NAME_SIZE: Final = 20
_STEPS: Final = 720
"""One every 5 s, the interval of the monitors, over an hour."""


def lights(head: PanelText, query: Query, lang: str, link: Json | None = None) -> Panel:
    """One light per series: name and state as text, colour as background."""
    defaults: Json = {
        "mappings": state_mappings(lang),
        "color": {"mode": "thresholds"},
        "noValue": getattr(UNKNOWN, lang),
    }
    if link:
        defaults["links"] = [link]
    options: Json = {"colorMode": "background", "graphMode": "none"}
    options["textMode"] = "value_and_name" if link else "value"
    options["justifyMode"] = "center"
    # Grafana would shrink the names to two thirds of the longest text of a state. There is one size for all numbers of
    # nodes: this is the largest that cuts no name of 200 on a screen of 1700 px. On a wall, the browser zooms.
    if link:
        options["text"] = {"titleSize": _NAME_SIZE}
    return make("stat", head, [query], defaults, options | _last(), instant=True)


def stat(head: PanelText, query: str, lang: str, defaults: Json | None = None, *, limit: str = "") -> Panel:
    """A big figure; its colour tells how near it is to what the PromQL `limit` finds. Grey when nobody answers.

    It has no course behind it: of a course Grafana shows the last value, in green, long after its source has died.
    """
    options = {"textMode": "value", "colorMode": "value", "graphMode": "none", "justifyMode": "auto"}
    fields: Json = {"color": {"mode": "thresholds"}, "thresholds": absolute_thresholds((GREEN, 0))} | (defaults or {})
    # Of a scale in percent, Grafana gives no data the colour of 0 %.
    fields["mappings"] = [*fields.get("mappings", []), _nobody(lang)]
    asked = [Query(query, head.title)]
    more: Json = {}
    if limit:
        asked.append(Query(limit_for(query, limit), thresholds.LEGEND))
        fields |= thresholds.of_a_scale()
        more["transformations"] = [thresholds.scale(head.title, ref_of(1))]
    return make("stat", head, asked, fields, options | _last(), instant=True, **more)


def _nobody(lang: str) -> Json:
    result = {"index": len(STATES), "text": getattr(UNKNOWN, lang), "color": GREY}
    return {"type": "special", "options": {"match": "null+nan", "result": result}}


def states_count(head: PanelText, query_of: Callable[[str], str], lang: str) -> Panel:
    """One figure per state in the state's colour, in the order of the states table, grey last."""
    options = {"textMode": "value_and_name", "colorMode": "background", "graphMode": "area", "justifyMode": "auto"}
    asked = [Query(query_of(state.name), state.name) for state in (*REPORTABLE, UNKNOWN)]
    return make("stat", head, asked, {"decimals": 0}, options | _last(), overrides=state_colours(lang))


def timeline(head: PanelText, query: Query, lang: str, interval: str = "") -> Panel:
    """States over time in steps of at least `interval`, one row per series."""
    defaults = {
        "mappings": state_mappings(lang),
        # By thresholds, the legend would show these and not the states.
        "color": {"mode": "fixed", "fixedColor": GREY},
        "custom": {"lineWidth": 0, "fillOpacity": 85},
    }
    options = {
        "mergeValues": True,
        "showValue": "never",
        "alignValue": "left",
        "rowHeight": 0.85,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return make("state-timeline", head, [query], defaults, options, interval=interval or None, maxDataPoints=_STEPS)


def timeseries(
    head: PanelText,
    queries: Sequence[Query],
    *,
    overrides: Sequence[Json] = (),
    stacked: bool = False,
    many: bool = False,
    defaults: Json | None = None,
    interval: str = "",
) -> Panel:
    """Lines over time, in steps of at least `interval`. Of `many` the highest come first in the legend."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked else 0 if many else 8,
        "gradientMode": "none",
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisSoftMin": 0,
    }
    legend = {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"], "showLegend": True}
    options = {
        "legend": legend | ({"sortBy": "Last *", "sortDesc": True} if many else {}),
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    fields = {"custom": custom, "color": {"mode": "palette-classic"}} | (defaults or {})
    return make("timeseries", head, queries, fields, options, overrides=overrides, interval=interval or None)


def piechart(head: PanelText, query: Query, lang: str) -> Panel:
    """Shares of a whole per state."""
    options = {
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {"displayMode": "table", "placement": "right", "values": ["value", "percent"], "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return make("piechart", head, [query], {}, options | _last(), overrides=state_colours(lang), instant=True)


def timeseries_with_limit(head: PanelText, queries: Sequence[Query], limit: Query, **more: Any) -> Panel:
    """Lines over time under the dashed line of a limit; `more` are arguments of `timeseries`."""
    return timeseries(head, [*queries, limit], overrides=[dashed_line(limit.legend)], **more)


def heatmap(head: PanelText, query: Query, interval: str) -> Panel:
    """Counts per histogram bucket over time, in steps of at least `interval`."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5, "fill": "dark-blue"},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": head.unit},
        "tooltip": {"mode": "single", "yHistogram": False},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "filterValues": {"le": 1e-9},
        "showValue": "never",
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    return make("heatmap", head, [query], {}, options, format="heatmap", interval=interval)


def _last() -> Json:
    return {
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
