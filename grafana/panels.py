"""One function per kind of panel: grafanalib's panels with every setting that its defaults get wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from grafanalib.core import Panel

from exporter.states import REPORTABLE, STATES, UNKNOWN
from grafana import limits
from grafana.limits import GREEN, GREY, RED
from grafana.promql import limit_for

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
Json: TypeAlias = dict[str, Any]
_NO_LONGER_KNOWN: Final = {"editable", "error"}


class _Plain(Panel):  # type: ignore[misc] # grafanalib has no types
    """A panel with the options that it is given and no others.

    grafanalib's own kinds add options of old Grafanas, which newer ones migrate: a bar of the mean, red from 80 on.
    """

    kind = ""

    def to_json_data(self) -> Json:
        model: Json = self.panel_json({"type": self.kind})
        return {name: value for name, value in model.items() if name not in _NO_LONGER_KNOWN}


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


def ref_of(position: int) -> str:
    """Return what Grafana calls the query at `position`."""
    return "ABCDEFGHIJKLMNOP"[position]


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


def thresholds(*coloured: tuple[str, float]) -> Json:
    """Return absolute thresholds: each colour holds from its value on, and grey below and for no data."""
    return {"mode": "absolute", "steps": limits.steps(*coloured)}


def lights(head: Head, query: Query, lang: str, link: Json | None = None) -> Panel:
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


def number(head: Head, query: str, lang: str, defaults: Json | None = None, *, limit: str = "") -> Panel:
    """A big figure; its colour tells how near it is to what the PromQL `limit` finds. Grey when nobody answers.

    It has no course behind it: of a course Grafana shows the last value, in green, long after its source has died.
    """
    options = {"textMode": "value", "colorMode": "value", "graphMode": "none", "justifyMode": "auto"}
    fields: Json = {"color": {"mode": "thresholds"}, "thresholds": thresholds((GREEN, 0))} | (defaults or {})
    # Of a scale in percent, Grafana gives no data the colour of 0 %.
    fields["mappings"] = [*fields.get("mappings", []), _nobody(lang)]
    asked = [Query(query, head.title)]
    more: Json = {}
    if limit:
        asked.append(Query(limit_for(query, limit), limits.LEGEND))
        fields |= limits.of_a_scale()
        more["transformations"] = [limits.scale(head.title, ref_of(1))]
    return make("stat", head, asked, fields, options | _last(), instant=True, **more)


def _nobody(lang: str) -> Json:
    result = {"index": len(STATES), "text": getattr(UNKNOWN, lang), "color": GREY}
    return {"type": "special", "options": {"match": "null+nan", "result": result}}


def states_count(head: Head, query_of: Callable[[str], str], lang: str) -> Panel:
    """One figure per state in the state's colour, in the order of the states table, grey last."""
    options = {"textMode": "value_and_name", "colorMode": "background", "graphMode": "area", "justifyMode": "auto"}
    asked = [Query(query_of(state.name), state.name) for state in (*REPORTABLE, UNKNOWN)]
    return make("stat", head, asked, {"decimals": 0}, options | _last(), overrides=state_colours(lang))


def timeline(head: Head, query: Query, lang: str, interval: str = "") -> Panel:
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


def curves(
    head: Head,
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


def shares(head: Head, query: Query, lang: str) -> Panel:
    """Shares of a whole per state."""
    options = {
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {"displayMode": "table", "placement": "right", "values": ["value", "percent"], "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return make("piechart", head, [query], {}, options | _last(), overrides=state_colours(lang), instant=True)


def heatmap(head: Head, query: Query, interval: str) -> Panel:
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


_NAME_SIZE: Final = 20
_STEPS: Final = 720
"""One every 5 s, the interval of the monitors, over an hour."""
_DEFAULTS: Final = {"thresholds": thresholds(), "mappings": []}


def _last() -> Json:
    return {
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }


def make(
    kind: str,
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
    """Return a panel of `kind`, Grafana's name of it; `more` are grafanalib's own arguments."""
    # grafanalib's targets are those of all data sources in one, Graphite's and Elasticsearch's too.
    targets: list[Json] = [
        {
            "datasource": DATASOURCE,
            "expr": query.expr,
            "format": format,
            "instant": instant,
            "range": not instant,
            "legendFormat": query.legend,
            "refId": ref_of(position),
        }
        for position, query in enumerate(queries)
    ]
    panel: Panel = _Plain(
        title=head.title,
        description=head.description,
        dataSource=DATASOURCE,
        targets=targets,
        extraJson={
            "fieldConfig": {"defaults": _DEFAULTS | {"unit": head.unit} | defaults, "overrides": list(overrides)},
            "options": options,
        },
        # grafanalib's 100 would hide what is shorter than half a minute; without a number it is the panel's width.
        **{"maxDataPoints": None} | more,
    )
    panel.kind = kind
    return panel
