"""What all dashboards share: variables, links, layout and identity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from grafanalib import core

from grafana import datasource, queries
from grafana.panels import Json, Panel, as_grafanalib
from grafana.texts import NODE, Text, Words, choose, per_language
from grafana.thresholds import ORANGE

SCHEMA_VERSION: Final = 37
"""Grafana 9.4's; later ones migrate it by themselves."""
_COLUMNS: Final = 24
_BY_NUMBER: Final = 3
"""The sort order of a variable in which M2 comes before M10. Natural order (7) is lost in the schema of Grafana 13."""
_HIDDEN: Final = 2
_ALL: Final[Json] = {"selected": True, "text": ["All"], "value": ["$__all"]}
_SEVERAL: Final[Json] = {"multi": True, "includeAll": True, "allValue": ".*", "current": _ALL}
TITLES: Final = {
    "fleet": Text("Fleet", "节点总览"),
    "node": Text("Node", "单节点"),
    "health": Text("Monitoring health", "监控健康"),
    "wall": Text("Wall", "大屏"),
}
"""Every dashboard's title by its name, in the order of the links."""


ADDRESSES: Final[Mapping[str, str]] = {
    "docs_url": "https://cmzsb.example/docs",
    "alertmanager_url": "http://localhost:9093",
}
"""The addresses, by the names of their variables, that the links of alerts lead to unless others are given."""


class Row(NamedTuple):
    """Panels side by side with their widths (of 24) under a common height in grid units of 30 px."""

    height: int
    panels: Sequence[tuple[Panel, int]]


@dataclass(frozen=True)
class Dashboard:
    """One dashboard: its name in `TITLES`, the seconds between refreshes, and what is on it."""

    name: str
    description: Words
    variables: Sequence[Json]
    rows: Sequence[Row]
    refresh: int = 5


def lay_out(rows: Sequence[Row]) -> list[core.Panel]:
    """Place the panels from top left on, and number them in that order."""
    placed: list[core.Panel] = []
    top = 0
    for row in rows:
        left = 0
        for panel, width in row.panels:
            place = core.GridPos(h=row.height, w=width, x=left, y=top)
            placed.append(as_grafanalib(panel, len(placed) + 1, place))
            left += width
        if left > _COLUMNS:
            raise ValueError(f"a row of {left} columns")
        top += row.height
    return placed


def datasource_variable() -> Json:
    """Return the variable that chooses the Prometheus: to begin with this project's, whatever Grafana's default is."""
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "current": {"selected": True, "text": datasource.NAME, "value": datasource.UID},
        "label": Text("Data source", "数据源"),
        "refresh": 1,
        "hide": 0,
    }


def query_variable(name: str, query: str, **more: object) -> Json:
    """Return a variable with the values that `query` finds; evaluated again with every change of the time range."""
    found = {"name": name, "type": "query", "datasource": datasource.REFERENCE, "query": query}
    return found | {"refresh": 2, "hide": 0} | more


def node_variable(*, multi: bool) -> Json:
    """Return the variable that chooses a node; with `multi` several, and all to begin with."""
    return query_variable("node", queries.NODES, label=NODE, sort=_BY_NUMBER, **(_SEVERAL if multi else {}))


def address_variable() -> Json:
    """Return the hidden variable with the address of the chosen node: Ray's own metrics have no names."""
    return query_variable("node_ip", queries.NODE_IP, hide=_HIDDEN)


def location_variable() -> Json:
    """Return the variable that chooses locations: the label `location` of nodes in the inventory."""
    return query_variable("location", queries.LOCATIONS, label=Text("Location", "位置"), sort=1, **_SEVERAL)


def _address_variables(addresses: Mapping[str, str]) -> list[Json]:
    # Hidden: where a browser reaches the runbooks and Alertmanager.
    return [
        {
            "name": name,
            "type": "constant",
            "query": address,
            "current": {"selected": True, "text": address, "value": address},
            "hide": _HIDDEN,
        }
        for name, address in addresses.items()
    ]


def build(described: Dashboard, lang: str, addresses: Mapping[str, str] = ADDRESSES) -> core.Dashboard:
    """Return the dashboard in `lang`, `en` or `zh`, as grafanalib's object."""
    dashboard = choose(described, lang)
    choosing = any(row["name"] == "node" for row in dashboard.variables)
    return core.Dashboard(
        title=_title(dashboard.name, lang),
        description=dashboard.description,
        uid=f"cmzsb-{dashboard.name}-{lang}",
        tags=["cmzsb", lang],
        timezone="browser",
        schemaVersion=SCHEMA_VERSION,
        version=1,
        editable=True,
        refresh=f"{dashboard.refresh}s",
        time=core.Time("now-1h", "now"),
        graphTooltip=1,
        templating=core.Templating([*dashboard.variables, *_address_variables(addresses)]),
        annotations=core.Annotations([choose(_alerts(choosing=choosing), lang)]),
        links=[_link(other, lang) for other in TITLES if other != dashboard.name],
        panels=lay_out(dashboard.rows),
    )


def _title(name: str, lang: str) -> str:
    # Grafana 9 tells the dashboards of a folder apart by the ASCII letters of their titles alone.
    return f"CM-ZSB {choose(TITLES[name], lang)}" + ("" if lang == "en" else f" ({name}-{lang})")


def _alerts(*, choosing: bool) -> Json:
    return {
        "name": Text("Alerts", "告警"),
        "datasource": datasource.REFERENCE,
        "enable": True,
        "expr": queries.ALERT_ANNOTATIONS if choosing else queries.ALL_ALERT_ANNOTATIONS,
        "iconColor": ORANGE,
        "step": "30s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{node}}",
    }


def _link(name: str, lang: str) -> core.DashboardLink:
    # The chosen nodes do not go along: one node would be all that the fleet shows, and "all" is no node.
    return core.DashboardLink(
        title=choose(TITLES[name], lang),
        type="link",
        icon="dashboard",
        uri=f"/d/cmzsb-{name}-{lang}?var-datasource=${{datasource}}",
        keepTime=True,
        includeVars=False,
    )


def _link_to_node(node: str) -> Json:
    url = f"/d/cmzsb-node-{{lang}}?var-node={node}&var-datasource=${{datasource}}&${{__url_time_range}}"
    return {"title": Text(f"Show {node}", f"查看 {node}"), "url": per_language(url)}


LINK_OF_LIGHT: Final = _link_to_node("${__field.labels.node}")
"""The link of a light to its node's dashboard; the time range stays."""
LINK_OF_CELL: Final = _link_to_node("${__value.raw}")
"""The link of a table's cell with a node's name to that node's dashboard; the time range stays."""
