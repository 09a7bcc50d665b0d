"""One function per type of panel, with every setting for which the defaults of Grafana or grafanalib are wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from exporter.states import REPORTABLE, STATES, UNKNOWN
from grafana import thresholds
from grafana.panels import (
    Json,
    Panel,
    PanelText,
    Query,
    absolute_thresholds,
    dashed_line,
    ref_of,
    state_colours,
    state_mappings,
)
from grafana.promql import limit_for
from grafana.texts import NO_ANSWER
from grafana.thresholds import GREEN, GREY

_NAME_SIZE: Final = 20
_STEPS: Final = 720
"""One every 5 s, the interval of the monitors, over an hour."""


def lights(text: PanelText, query: Query, link: Json | None = None) -> Panel:
    """One light per series: name and state as text, colour as background."""
    defaults: Json = {
        "mappings": state_mappings(),
        "color": {"mode": "thresholds"},
        "noValue": NO_ANSWER,
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
    return Panel(
        type="stat", text=text, queries=[query], defaults=defaults, options=options | _last_value(), instant=True
    )


def stat(text: PanelText, query: str, defaults: Json | None = None, *, limit: str = "") -> Panel:
    """A big figure; its colour tells how near it is to the value of the PromQL `limit`. Grey without an answer.

    It has no graph behind it: of a graph Grafana shows the last value, in green, long after its source has died.
    """
    options = {"textMode": "value", "colorMode": "value", "graphMode": "none", "justifyMode": "auto"}
    fields: Json = {"color": {"mode": "thresholds"}, "thresholds": absolute_thresholds((GREEN, 0))} | (defaults or {})
    # On a scale in percent, Grafana gives no data the colour of 0 %.
    fields["mappings"] = [*fields.get("mappings", []), _no_answer()]
    queries = [Query(query, text.title)]
    transformations: list[Json] = []
    if limit:
        queries.append(Query(limit_for(query, limit), thresholds.LEGEND))
        fields |= thresholds.of_a_scale()
        transformations.append(thresholds.scale(text.title, ref_of(1)))
    return Panel(
        type="stat",
        text=text,
        queries=queries,
        defaults=fields,
        options=options | _last_value(),
        instant=True,
        transformations=transformations,
    )


def _no_answer() -> Json:
    result = {"index": len(STATES), "text": NO_ANSWER, "color": GREY}
    return {"type": "special", "options": {"match": "null+nan", "result": result}}


def states_count(text: PanelText, query_of: Callable[[str], str]) -> Panel:
    """One figure per state in the state's colour, in the order of the states table, grey last."""
    options = {"textMode": "value_and_name", "colorMode": "background", "graphMode": "area", "justifyMode": "auto"}
    queries = [Query(query_of(state.name), state.name) for state in (*REPORTABLE, UNKNOWN)]
    return Panel(
        type="stat",
        text=text,
        queries=queries,
        defaults={"decimals": 0},
        options=options | _last_value(),
        overrides=state_colours(),
    )


def timeline(text: PanelText, query: Query, interval: str | None = None) -> Panel:
    """States over time in steps of at least `interval`, one row per series."""
    defaults = {
        "mappings": state_mappings(),
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
    return Panel(
        type="state-timeline",
        text=text,
        queries=[query],
        defaults=defaults,
        options=options,
        interval=interval,
        max_data_points=_STEPS,
    )


def timeseries(
    text: PanelText,
    queries: Sequence[Query],
    *,
    overrides: Sequence[Json] = (),
    stacked: bool = False,
    many: bool = False,
    defaults: Json | None = None,
    interval: str | None = None,
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
    return Panel(
        type="timeseries",
        text=text,
        queries=queries,
        defaults=fields,
        options=options,
        overrides=overrides,
        interval=interval,
    )


def piechart(text: PanelText, query: Query) -> Panel:
    """Shares of a whole per state."""
    options = {
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {"displayMode": "table", "placement": "right", "values": ["value", "percent"], "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(
        type="piechart",
        text=text,
        queries=[query],
        defaults={},
        options=options | _last_value(),
        overrides=state_colours(),
        instant=True,
    )


def timeseries_with_limit(text: PanelText, queries: Sequence[Query], limit: Query, **more: Any) -> Panel:
    """Lines over time under the dashed line of a limit; `more` are arguments of `timeseries`."""
    return timeseries(text, [*queries, limit], overrides=[dashed_line(limit.legend)], **more)


def heatmap(text: PanelText, query: Query, interval: str) -> Panel:
    """Counts per histogram bucket over time, in steps of at least `interval`."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5, "fill": "dark-blue"},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": text.unit},
        "tooltip": {"mode": "single", "yHistogram": False},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "filterValues": {"le": 1e-9},
        "showValue": "never",
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    return Panel(
        type="heatmap", text=text, queries=[query], defaults={}, options=options, format="heatmap", interval=interval
    )


def _last_value() -> Json:
    return {
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
