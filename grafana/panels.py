"""One function per kind of panel: grafanalib's panels with every setting that its defaults get wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from grafanalib.core import BarGauge, Panel, PieChartv2, Stat, StateTimeline, Table, Target, TimeSeries

from exporter.states import STATES

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
GREEN, ORANGE, RED, GREY = STATES[1].colour, "#f59e0b", STATES[3].colour, STATES[0].colour
Json: TypeAlias = dict[str, Any]


class _Heatmap(Panel):  # type: ignore[misc] # grafanalib has no types
    """The heatmap of Grafana 9 and later; grafanalib's own is the one before."""

    def to_json_data(self) -> Json:
        model: Json = self.panel_json({"type": "heatmap"})
        return model


class Query(NamedTuple):
    """PromQL and what to call its series (Grafana's `{{label}}` form)."""

    expr: str
    legend: str = "{{node}}"


class Head(NamedTuple):
    """What a panel is called, and what an operator learns or does with it."""

    title: str
    description: str
    unit: str = "none"


def state_mappings(lang: str) -> list[Json]:
    """Return the value mapping of state codes to text and colour, from the states table."""
    options = {
        str(state.code): {"index": state.code, "text": getattr(state, lang), "color": state.colour} for state in STATES
    }
    return [{"type": "value", "options": options}]


def state_colours(lang: str) -> list[Json]:
    """Return overrides that give series called after a state its text and colour."""
    return [
        override(
            "byName",
            state.name,
            displayName=getattr(state, lang),
            color={"mode": "fixed", "fixedColor": state.colour},
        )
        for state in STATES
    ]


def override(matcher: str, options: str, **properties: Any) -> Json:
    """Return a field override; `__` in a property's name stands for the dot of its id."""
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def dashed_line(name: str, colour: str = RED) -> Json:
    """Return the override that draws the series `name`, a limit, as a dashed line."""
    return override(
        "byName",
        name,
        color={"mode": "fixed", "fixedColor": colour},
        custom__lineStyle={"fill": "dash", "dash": [8, 8]},
        custom__fillOpacity=0,
        custom__lineWidth=2,
    )


def steps(*limits: tuple[str, float | None]) -> Json:
    """Return absolute thresholds: the first colour holds below the second limit."""
    return {"mode": "absolute", "steps": [{"color": colour, "value": limit} for colour, limit in limits]}


def lights(head: Head, query: Query, lang: str, link: Json | None = None) -> Panel:
    """One light per series: name and state as text, colour as background."""
    defaults: Json = {"mappings": state_mappings(lang), "color": {"mode": "thresholds"}, "noValue": STATES[0].en}
    defaults["noValue"] = getattr(STATES[0], lang)
    defaults["thresholds"] = steps((GREY, None))
    if link:
        defaults["links"] = [link]
    options = {"textMode": "value_and_name", "colorMode": "background", "graphMode": "none", "justifyMode": "center"}
    return _of(Stat, head, [query], defaults, options | _last(), instant=True)


def number(head: Head, queries: Sequence[Query], defaults: Json | None = None, *, spark: bool = True) -> Panel:
    """Big figures, one per series, with their course behind them."""
    options = {"textMode": "value_and_name" if len(queries) > 1 or spark else "value", "colorMode": "value"}
    options["graphMode"] = "area" if spark else "none"
    defaults = {"color": {"mode": "thresholds"}, "thresholds": steps((GREEN, None))} | (defaults or {})
    return _of(Stat, head, queries, defaults, options | {"justifyMode": "auto"} | _last())


def states_count(head: Head, query: Query, lang: str) -> Panel:
    """One figure per state in the state's colour."""
    options = {"textMode": "value_and_name", "colorMode": "background", "graphMode": "area", "justifyMode": "center"}
    return _of(Stat, head, [query], {}, options | _last(), overrides=state_colours(lang))


def timeline(head: Head, query: Query, lang: str) -> Panel:
    """States over time, one row per series, also those that lasted less than a pixel."""
    defaults = {
        "mappings": state_mappings(lang),
        "color": {"mode": "thresholds"},
        "thresholds": steps((GREY, None)),
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
    return _of(StateTimeline, head, [query], defaults, options, interval="$interval", maxDataPoints=600)


def curves(
    head: Head,
    queries: Sequence[Query],
    *,
    overrides: Sequence[Json] = (),
    stacked: bool = False,
    defaults: Json | None = None,
) -> Panel:
    """Lines over time."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 60 if stacked else 8,
        "gradientMode": "none",
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "axisSoftMin": 0,
    }
    options = {
        "legend": {"displayMode": "table", "placement": "right", "calcs": ["lastNotNull", "max"], "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    fields = {"custom": custom, "color": {"mode": "palette-classic"}} | (defaults or {})
    return _of(TimeSeries, head, queries, fields, options, overrides=overrides)


def table(
    head: Head,
    columns: Sequence[Query],
    *,
    names: Mapping[str, str],
    overrides: Sequence[Json] = (),
    sort_by: str = "",
) -> Panel:
    """Instant values joined by `node`; `names` maps field names to column titles in order, others are hidden."""
    order = {name: position for position, name in enumerate(names)}
    hidden = {"Time": True, "__name__": True, "job": True, "instance": True}
    transformations: list[Json] = [{"id": "merge", "options": {}}]
    transformations.append(
        {
            "id": "organize",
            "options": {"excludeByName": hidden, "indexByName": order, "renameByName": dict(names)},
        }
    )
    options: Json = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"], "fields": ""},
    }
    options["sortBy"] = [{"displayName": sort_by, "desc": True}] if sort_by else []
    custom = {"align": "auto", "filterable": True}
    return _of(
        Table,
        head,
        columns,
        {"custom": custom, "color": {"mode": "thresholds"}, "thresholds": steps((GREEN, None))},
        options,
        overrides=overrides,
        instant=True,
        format="table",
        transformations=transformations,
    )


def bars(head: Head, query: Query, defaults: Json | None = None) -> Panel:
    """The latest value of each series as a bar."""
    options = {"displayMode": "gradient", "orientation": "horizontal", "showUnfilled": True} | _last()
    return _of(BarGauge, head, [query], {"min": 0, "color": {"mode": "thresholds"}} | (defaults or {}), options)


def shares(head: Head, query: Query, lang: str) -> Panel:
    """Shares of a whole per state."""
    options = {
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {"displayMode": "table", "placement": "right", "values": ["value", "percent"], "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return _of(PieChartv2, head, [query], {}, options | _last(), overrides=state_colours(lang), instant=True)


def heatmap(head: Head, query: Query) -> Panel:
    """Counts per histogram bucket over time."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5, "fill": "dark-blue"},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": head.unit},
        "tooltip": {"show": True, "yHistogram": False},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "filterValues": {"le": 1e-9},
        "showValue": "never",
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    return _of(_Heatmap, head, [query], {}, options, format="heatmap")


_DEFAULTS: Final = {"thresholds": steps((GREEN, None)), "mappings": []}


def _last() -> Json:
    return {
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }


def _of(
    kind: type[Panel],
    head: Head,
    queries: Iterable[Query],
    defaults: Json,
    options: Json,
    *,
    overrides: Sequence[Json] = (),
    instant: bool = False,
    format: str = "time_series",  # noqa: A002 (Grafana's own word)
    **more: Any,
) -> Panel:
    targets = [
        Target(
            expr=query.expr,
            legendFormat=query.legend,
            refId="ABCDEFGHIJ"[position],
            instant=instant,
            format=format,
            datasource=DATASOURCE,
        )
        for position, query in enumerate(queries)
    ]
    return kind(
        title=head.title,
        description=head.description,
        dataSource=DATASOURCE,
        targets=targets,
        extraJson={
            "fieldConfig": {"defaults": _DEFAULTS | {"unit": head.unit} | defaults, "overrides": list(overrides)},
            "options": options,
        },
        **more,
    )
