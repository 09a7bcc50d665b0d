"""What all dashboards share: variables, links, layout and identity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from grafanalib.core import Annotations, Dashboard, DashboardLink, GridPos, Panel, Template, Templating, Time

from grafana import queries
from grafana.limits import ORANGE
from grafana.panels import DATASOURCE

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


def datasource_variable(say: Say) -> Template:
    """Return the variable that chooses the Prometheus."""
    return Template(name="datasource", type="datasource", query="prometheus", label=say("Data source", "数据源"))


def node_variable(say: Say, *, multi: bool) -> Template:
    """Return the variable that chooses nodes."""
    return Template(
        name="node",
        label=say("Node", "节点"),
        dataSource=DATASOURCE,
        query="label_values(node:cmzsb_work_state:code, node)",
        multi=multi,
        includeAll=multi,
        allValue=".*" if multi else None,
        default="All" if multi else None,
        refresh=2,
        sort=7,
    )


def build(
    kind: str, lang: str, title: str, description: str, variables: Sequence[Template], rows: Sequence[Row]
) -> Dashboard:
    """Return the dashboard `kind` in `lang`, called `title` after the product's name."""
    say = saying(lang)
    alerts = {
        "name": say("Alerts", "告警"),
        "datasource": DATASOURCE,
        "enable": True,
        "expr": queries.ALERT_ANNOTATIONS,
        "iconColor": ORANGE,
        "step": "30s",
        "titleFormat": "{{alertname}}",
        "textFormat": "{{node}}",
    }
    return Dashboard(
        title=_title(kind, lang, title),
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
        annotations=Annotations([alerts] if any(row.name == "node" for row in variables) else []),
        links=[_links(say, lang)],
        panels=lay_out(rows),
    )


def _title(kind: str, lang: str, name: str) -> str:
    # Grafana 9 tells the dashboards of a folder apart by the ASCII letters of their titles alone.
    return f"CM-ZSB {name}" if lang == "en" else f"CM-ZSB {name} ({kind}-{lang})"


def node_link(say: Say, lang: str) -> dict[str, Any]:
    """Return the link of a light to its node's dashboard; the time range stays."""
    url = f"/d/cmzsb-node-{lang}?var-node=${{__field.labels.node}}&var-datasource=${{datasource}}&${{__url_time_range}}"
    return {"title": say("Show ${__field.labels.node}", "查看 ${__field.labels.node}"), "url": url}


def cell_link(say: Say, lang: str) -> dict[str, Any]:
    """Return the link of a table's cell with a node's name to that node's dashboard; the time range stays."""
    url = f"/d/cmzsb-node-{lang}?var-node=${{__value.raw}}&var-datasource=${{datasource}}&${{__url_time_range}}"
    return {"title": say("Show ${__value.raw}", "查看 ${__value.raw}"), "url": url}


def _links(say: Say, lang: str) -> DashboardLink:
    return DashboardLink(
        title=say("Dashboards", "看板"), tags=["cmzsb", lang], asDropdown=False, includeVars=True, keepTime=True,
        type="dashboards", uri="",
    )  # fmt: skip
