"""Lines over time: of few named series, of the shares of a whole, and of many nodes under one limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from grafana import state_fields
from grafana.panels import Json, Panel, PanelText, Query, dashed_line, named_colours, override
from grafana.texts import LIMIT, Text, Words
from grafana.thresholds import RED

_MEDIAN: Final = Text("median of all", "全部节点中位数")
_MEDIAN_COLOUR: Final = "#9ca3af"
_SHARE_STEP: Final = "30s"
"""Some scrapes long: a share needs several of them."""
MANY_STEP: Final = "15s"
"""The interval of the rules whose figures are drawn."""


def timeseries(
    text: PanelText,
    queries: Sequence[Query],
    *,
    limit: Query | None = None,
    names: Sequence[Words] = (),
    texts: Mapping[str, Words] | None = None,
    defaults: Json | None = None,
    interval: str | None = None,
) -> Panel:
    """Lines of few series, in steps of at least `interval`, under the dashed line of a limit where there is one.

    The series have the colours of the palette, in the order of `names`: by default, the names in the queries' legends.
    `texts` are what a legend shows for a series' name.
    """
    overrides = named_colours(*(names or [query.legend for query in queries]))
    overrides += [override("byName", name, displayName=shown) for name, shown in (texts or {}).items()]
    return _chart(text, [*queries, *_with(limit)], [*overrides, *_drawn(limit)], {}, defaults or {}, interval)


def counts(text: PanelText, queries: Sequence[Query], names: Sequence[Words] = (), *, none: Words = "") -> Panel:
    """Lines of whole numbers; an axis of zeros ends at 1. `none` stands for no data."""
    defaults: Json = {"decimals": 0} | ({"noValue": none} if none else {})
    overrides = named_colours(*(names or [query.legend for query in queries]))
    return _chart(text, queries, overrides, {"axisSoftMax": 1}, defaults)


def events(text: PanelText, query: Query, *, none: Words, interval: str) -> Panel:
    """Bars of how often something rare happened in each step of `interval`. `none` stands for no data."""
    custom = {"axisSoftMax": 1, "drawStyle": "bars", "fillOpacity": 80, "showPoints": "never"}
    defaults = {"decimals": 0, "noValue": none}
    return _chart(text, [query], [], custom, defaults, interval)


def state_shares(text: PanelText, queries: Sequence[Query]) -> Panel:
    """Shares of time per state, one upon another to 100 %; the series are named after the states."""
    custom = {"fillOpacity": 80, "stacking": {"mode": "normal", "group": "A"}}
    return _chart(text, queries, state_fields.colours(), custom, {"max": 1}, _SHARE_STEP)


def many(text: PanelText, query: str, median: str, limit: str, *, defaults: Json | None = None) -> Panel:
    """Lines of some of many nodes beside the median of all of them, under the dashed line of a limit."""
    lines = [Query(query), Query(median, _MEDIAN), Query(limit, LIMIT)]
    overrides = [dashed_line(_MEDIAN, _MEDIAN_COLOUR), dashed_line(LIMIT, RED)]
    return _chart(text, lines, overrides, {"fillOpacity": 0}, defaults or {}, MANY_STEP)


def _with(limit: Query | None) -> list[Query]:
    return [limit] if limit else []


def _drawn(limit: Query | None) -> list[Json]:
    return [dashed_line(limit.legend, RED)] if limit else []


def _chart(
    text: PanelText,
    queries: Sequence[Query],
    overrides: Sequence[Json],
    custom: Json,
    defaults: Json,
    interval: str | None = None,
) -> Panel:
    drawn: Json = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 8,
        "gradientMode": "none",
        "showPoints": "auto",
        "spanNulls": False,
        "stacking": {"mode": "none", "group": "A"},
        "axisSoftMin": 0,
    }
    options = {
        # Below the chart: at the side it takes half of the width on a screen of 1280 px.
        "legend": {"displayMode": "list", "placement": "bottom", "calcs": ["lastNotNull"], "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    # By value, from blue to purple: Grafana's palettes by series have a red like that of the limits.
    fields = {"custom": drawn | custom, "color": {"mode": "continuous-BlPu"}} | defaults
    return Panel(
        type="timeseries",
        text=text,
        queries=queries,
        defaults=fields,
        options=options,
        overrides=overrides,
        interval=interval,
    )
