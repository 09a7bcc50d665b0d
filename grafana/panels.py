"""What all panels are made of: queries, texts, colours and overrides."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from grafanalib.core import Panel

from exporter.states import STATES
from grafana import thresholds
from grafana.thresholds import RED

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


class PanelText(NamedTuple):
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


def absolute_thresholds(*coloured: tuple[str, float]) -> Json:
    """Return absolute thresholds: each colour holds from its value on, and grey below and for no data."""
    return {"mode": "absolute", "steps": thresholds.steps(*coloured)}


_DEFAULTS: Final = {"thresholds": absolute_thresholds(), "mappings": []}


def make(
    kind: str,
    head: PanelText,
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
