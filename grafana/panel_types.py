"""One function per type of panel, with every setting for which the defaults of Grafana or grafanalib are wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from grafana import state_fields, thresholds
from grafana.panels import Json, Panel, PanelText, Query, absolute_thresholds, ref_of
from grafana.promql import limit_for
from grafana.texts import NO_ANSWER, NO_NODE, Words
from grafana.thresholds import GREEN, GREY

_NAME_SIZE: Final = 14
"""Pixels. With it, no name of three digits is cut among 200 lights on a screen of 1920 px beside Grafana's menu."""
_STEPS: Final = 720
"""One every 5 s, the interval of the monitors, over an hour."""


def lights(text: PanelText, query: Query, link: Json | None = None, *, names_only: bool = False) -> Panel:
    """One light per series: its state as text, the state's shade as background.

    With a `link`, each light has its name too. `names_only` makes the name as large as the light: the series' names
    must then carry the symbol of the state.
    """
    options: Json = {"colorMode": "background", "graphMode": "none", "justifyMode": "center"}
    defaults: Json = {"mappings": state_fields.mappings(), "color": {"mode": "thresholds"}}
    if link:
        defaults |= {"links": [link], "noValue": NO_NODE}
        options |= {"textMode": "name"} if names_only else {"textMode": "value_and_name"}
        # Grafana would shrink the names to two thirds of the state's text. One size serves all numbers of nodes.
        options |= {} if names_only else {"text": {"titleSize": _NAME_SIZE}}
    else:
        defaults |= {"noValue": NO_ANSWER}
        options |= {"textMode": "value"}
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
    result = {"index": len(state_fields.ORDER), "text": NO_ANSWER, "color": GREY}
    return {"type": "special", "options": {"match": "null+nan", "result": result}}


def _per_state(query_of: Callable[[str], str]) -> list[Query]:
    return [Query(query_of(state.name), state.name) for state in state_fields.ORDER]


def states_count(text: PanelText, query_of: Callable[[str], str]) -> Panel:
    """One figure per state on the state's shade; `query_of` gives no value while no node is known."""
    options = {"textMode": "value_and_name", "colorMode": "background", "graphMode": "none", "justifyMode": "auto"}
    return Panel(
        type="stat",
        text=text,
        queries=_per_state(query_of),
        defaults={"decimals": 0, "noValue": NO_NODE},
        options=options | _last_value(),
        overrides=state_fields.colours(),
        instant=True,
    )


def timeline(text: PanelText, query: Query, *, interval: str | None = None, none: Words = NO_NODE) -> Panel:
    """States over time, or shares of time, in steps of at least `interval`, one row per series."""
    defaults = {
        "mappings": [*state_fields.mappings(), *state_fields.share_mappings()],
        # By thresholds, the legend would show these and not the states.
        "color": {"mode": "fixed", "fixedColor": GREY},
        "custom": {"lineWidth": 0, "fillOpacity": 90},
        "noValue": none,
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


def piechart(text: PanelText, query_of: Callable[[str], str]) -> Panel:
    """Shares of a whole per state."""
    options = {
        "pieType": "donut",
        "displayLabels": ["percent"],
        "legend": {"displayMode": "table", "placement": "right", "values": ["value"], "showLegend": True},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    return Panel(
        type="piechart",
        text=text,
        queries=_per_state(query_of)[:-1],
        defaults={},
        options=options | _last_value(),
        overrides=state_fields.colours(),
        instant=True,
    )


def heatmap(text: PanelText, query: Query, interval: str) -> Panel:
    """Counts per histogram bucket over time, in steps of at least `interval`; the unit is that of the buckets."""
    options = {
        "calculate": False,
        "cellGap": 1,
        "cellValues": {"unit": "short", "decimals": 0},
        "color": {"mode": "scheme", "scheme": "Blues", "steps": 64, "exponent": 0.5, "fill": "dark-blue"},
        "yAxis": {"axisPlacement": "left", "reverse": False, "unit": text.unit},
        "tooltip": {"mode": "single", "yHistogram": False},
        "legend": {"show": True},
        "rowsFrame": {"layout": "auto"},
        "filterValues": {"le": 1e-9},
        "showValue": "never",
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    # The field's own unit is that of the counts: Grafana labels the colours with it.
    defaults = {"unit": "short", "decimals": 0}
    return Panel(
        type="heatmap",
        text=text,
        queries=[query],
        defaults=defaults,
        options=options,
        format="heatmap",
        interval=interval,
    )


def _last_value() -> Json:
    return {
        "orientation": "auto",
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    }
