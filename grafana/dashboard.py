"""What all dashboards share: variables, links, layout and identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from grafanalib.core import Annotations, Dashboard, DashboardLink, GridPos, Panel, Templating, Time

from grafana import queries
from grafana.panels import DATASOURCE, Json
from grafana.thresholds import ORANGE

Say: TypeAlias = Callable[[str, str], str]
"""Chooses between an English and a Chinese text."""

SCHEMA_VERSION: Final = 37
"""Grafana 9.4's; later ones migrate it by themselves."""
_COLUMNS: Final = 24


class Row(NamedTuple):
    """Panels side by side with their widths (of 24) under a common height in grid units of 30 px."""

    height: int
    panels: Sequence[tuple[Panel, int]]


def saying(lang: str) -> Say:
    """Return the chooser for `lang`, `en` or `zh`."""
    return lambda en, zh: zh if lang == "zh" else en


def lay_out(rows: Sequence[Row]) -> list[Panel]:
    """Place the panels from top left on, and number them in that order."""
    placed: list[Panel] = []
    top = 0
    for row in rows:
        left = 0
        for panel, width in row.panels:
            panel.gridPos = GridPos(h=row.height, w=width, x=left, y=top)
            panel.id = len(placed) + 1
            placed.append(panel)
            left += width
        if left > _COLUMNS:
            raise ValueError(f"a row of {left} columns")
        top += row.height
    return placed


def datasource_variable(say: Say) -> Json:
    """Return the variable that chooses the Prometheus."""
    return {
        "name": "datasource",
        "type": "datasource",
        "query": "prometheus",
        "label": say("Data source", "数据源"),
        "refresh": 1,
        "hide": 0,
    }


def query_variable(name: str, query: str, **more: object) -> Json:
    """Return a variable with the values that `query` finds; asked again with every change of the time range."""
    return {"name": name, "type": "query", "datasource": DATASOURCE, "query": query, "refresh": 2, "hide": 0} | more


def node_variable(say: Say, *, multi: bool) -> Json:
    """Return the variable that chooses a node; with `multi` several, and all to begin with."""
    several: Json = {
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }
    in_natural_order = 7
    return query_variable(
        "node", queries.NODES, label=say("Node", "节点"), sort=in_natural_order, **(several if multi else {})
    )


def build(kind: str, lang: str, description: str, variables: Sequence[Json], rows: Sequence[Row]) -> Dashboard:
    """Return the dashboard `kind` in `lang`."""
    say = saying(lang)
    return Dashboard(
        title=_title(kind, lang, _titles(say)[kind]),
        description=description,
        uid=f"cmzsb-{kind}-{lang}",
        tags=["cmzsb", lang],
        timezone="browser",
        schemaVersion=SCHEMA_VERSION,
        version=1,
        editable=True,
        refresh="5s" if kind != "health" else "30s",
        time=Time("now-1h", "now"),
        graphTooltip=1,
        templating=Templating(list(variables)),
        annotations=Annotations([_alerts(say, choosing=any(row["name"] == "node" for row in variables))]),
        links=[_link(other, lang, title) for other, title in _titles(say).items() if other != kind],
        panels=lay_out(rows),
    )


def _titles(say: Say) -> dict[str, str]:
    return {
        "fleet": say("Fleet", "节点总览"),
        "node": say("Node", "单节点"),
        "health": say("Monitoring health", "监控健康"),
    }


def _title(kind: str, lang: str, name: str) -> str:
    # Grafana 9 tells the dashboards of a folder apart by the ASCII letters of their titles alone.
    return f"CM-ZSB {name}" if lang == "en" else f"CM-ZSB {name} ({kind}-{lang})"


def _alerts(say: Say, *, choosing: bool) -> Json:
    return {
        "name": say("Alerts", "告警"),
        "datasource": DATASOURCE,
        "enable": True,
        "expr": queries.ALERT_ANNOTATIONS if choosing else queries.ALL_ALERT_ANNOTATIONS,
        "iconColor": ORANGE,
        "step": "30s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{node}}",
    }


def _link(kind: str, lang: str, title: str) -> DashboardLink:
    # The chosen nodes do not go along: one node would be all that the fleet shows, and "all" is no node.
    url = f"/d/cmzsb-{kind}-{lang}?var-datasource=${{datasource}}"
    return DashboardLink(title=title, type="link", icon="dashboard", uri=url, keepTime=True, includeVars=False)


def node_link(say: Say, lang: str) -> Json:
    """Return the link of a light to its node's dashboard; the time range stays."""
    return _link_to_node(say, lang, "${__field.labels.node}")


def cell_link(say: Say, lang: str) -> Json:
    """Return the link of a table's cell with a node's name to that node's dashboard; the time range stays."""
    return _link_to_node(say, lang, "${__value.raw}")


def _link_to_node(say: Say, lang: str, node: str) -> Json:
    url = f"/d/cmzsb-node-{lang}?var-node={node}&var-datasource=${{datasource}}&${{__url_time_range}}"
    return {"title": say(f"Show {node}", f"查看 {node}"), "url": url}
