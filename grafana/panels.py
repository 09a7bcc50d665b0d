"""What every panel is made of: its texts, queries, field options and overrides, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias

from grafanalib import core

from grafana import datasource, thresholds
from grafana.texts import Words

Json: TypeAlias = dict[str, Any]
PALETTE: Final = ("blue", "purple", "yellow", "light-blue", "light-purple", "light-yellow")
"""Colours of series, in Grafana's names: none is the red of limits, or the green and orange of what is near them."""
_OBSOLETE: Final = {"editable", "error"}


class Query(NamedTuple):
    """PromQL and the name of its series in the legend (Grafana's `{{label}}` form)."""

    expr: str
    legend: Words = "{{node}}"


class PanelText(NamedTuple):
    """The title of a panel, what an operator learns from it or does with it, and Grafana's id of the unit."""

    title: Words
    description: Words
    unit: str = "none"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One panel. `type`, `defaults`, `options`, `overrides` and `transformations` are in Grafana's words.

    Instant queries are evaluated at the end of the time range alone. Steps of a range are at least `interval` apart,
    and there are at most `max_data_points`: without these, as many as the panel is wide in pixels.
    """

    type: str
    text: PanelText
    queries: Sequence[Query]
    defaults: Json
    options: Json
    overrides: Sequence[Json] = ()
    instant: bool = False
    format: str = "time_series"
    interval: str | None = None
    max_data_points: int | None = None
    transformations: Sequence[Json] = ()


class _PlainPanel(core.Panel):  # type: ignore[misc] # grafanalib has no types
    """A grafanalib panel with the options that it is given and no others.

    grafanalib's own panels add options of old Grafanas, which newer ones migrate: a bar of the mean, red from 80 on.
    """

    type = ""

    def to_json_data(self) -> Json:
        model: Json = self.panel_json({"type": self.type})
        return {name: value for name, value in model.items() if name not in _OBSOLETE}


def as_grafanalib(panel: Panel, number: int, place: core.GridPos) -> core.Panel:
    """Return `panel`, in one language, as grafanalib's object with the id `number` at `place`."""
    fields = _DEFAULTS | {"unit": panel.text.unit} | panel.defaults
    made = _PlainPanel(
        id=number,
        gridPos=place,
        title=panel.text.title,
        description=panel.text.description,
        dataSource=datasource.REFERENCE,
        targets=[_target(panel, position) for position in range(len(panel.queries))],
        interval=panel.interval,
        # grafanalib's 100 would hide states that are shorter than half a minute.
        maxDataPoints=panel.max_data_points,
        transformations=list(panel.transformations),
        extraJson={
            "fieldConfig": {"defaults": fields, "overrides": list(panel.overrides)},
            "options": panel.options,
        },
    )
    made.type = panel.type
    return made


def _target(panel: Panel, position: int) -> Json:
    # grafanalib's targets have the fields of all data sources at once, Graphite's and Elasticsearch's too.
    query = panel.queries[position]
    return {
        "datasource": datasource.REFERENCE,
        "expr": query.expr,
        "format": panel.format,
        "instant": panel.instant,
        "range": not panel.instant,
        "legendFormat": query.legend,
        "refId": ref_of(position),
    }


def override(matcher: str, options: Words, **properties: Any) -> Json:
    """Return a field override; `__` in a property's name stands for the dot of its id."""
    return {
        "matcher": {"id": matcher, "options": options},
        "properties": [{"id": key.replace("__", "."), "value": value} for key, value in properties.items()],
    }


def ref_of(position: int) -> str:
    """Return Grafana's name of the query at `position`."""
    return "ABCDEFGHIJKLMNOP"[position]


def fixed_colour(colour: str) -> Json:
    """Return the field option that draws a series in `colour`."""
    return {"mode": "fixed", "fixedColor": colour}


def dashed_line(name: Words, colour: str) -> Json:
    """Return the override that draws the series `name`, which is not measured on one node, as a dashed line."""
    return override(
        "byName",
        name,
        color=fixed_colour(colour),
        custom__lineStyle={"fill": "dash", "dash": [8, 8]},
        custom__fillOpacity=0,
        custom__lineWidth=2,
    )


def named_colours(*names: Words) -> list[Json]:
    """Return overrides that give the series `names` the colours of the palette, in order."""
    return [override("byName", name, color=fixed_colour(colour)) for name, colour in zip(names, PALETTE, strict=False)]


def absolute_thresholds(*coloured: tuple[str, float]) -> Json:
    """Return absolute thresholds: each colour holds from its value on, and grey below and for no data."""
    return {"mode": "absolute", "steps": thresholds.steps(*coloured)}


_DEFAULTS: Final = {"thresholds": absolute_thresholds(), "mappings": []}
