"""The table of firing alerts: each leads to its runbook, to a new silence, and to its node."""

from __future__ import annotations

from typing import Final

from exporter.states import DETECTING
from grafana import queries
from grafana.dashboard import LINK_OF_CELL
from grafana.panels import Json, Panel, PanelText, override
from grafana.tables import COLOURED, listing, value_mapping
from grafana.texts import NO_NODE, NODE, Text, Words
from grafana.thresholds import ORANGE_SHADE, RED_SHADE

_SEVERITY, _ALERT, _SINCE = Text("Severity", "级别"), Text("Alert", "告警"), Text("Since", "开始于")
_SEVERITIES: Final = {
    "critical": (Text("▲ critical", "▲ 严重"), RED_SHADE),
    "warning": (Text("◆ warning", "◆ 警告"), ORANGE_SHADE),
    "info": (Text("● info", "● 提示"), DETECTING.shade),
}
_LINKS: Final[list[Json]] = [
    {
        "title": Text("What to do", "处理办法"),
        "url": "${docs_url}/runbooks.md#${__value.raw}",
        "targetBlank": True,
    },
    {
        "title": Text("Silence it", "静默此告警"),
        "url": '${alertmanager_url}/#/silences/new?filter={alertname="${__data.fields.filter}"}',
        "targetBlank": True,
    },
]


def firing(description: Text, query: str, *, node: bool = True) -> Panel:
    """Return the table of the alerts that `query` finds, the newest first; without the column `node` if so wished."""
    names: dict[str, Words] = {
        "severity": _SEVERITY,
        "alertname": _ALERT,
        "node": NODE,
        "Value": _SINCE,
        "filter": "filter",
    }
    return listing(
        PanelText(Text("Firing alerts", "当前告警"), description),
        query,
        names,
        [
            override("byName", _SEVERITY, mappings=[value_mapping(_SEVERITIES)], custom__width=110, **COLOURED),
            override("byName", _ALERT, mappings=[value_mapping({queries.NO_NODE_ALERT: (NO_NODE, "")})], links=_LINKS),
            override("byName", NODE, links=[LINK_OF_CELL], custom__width=120, noValue="–", custom__hidden=not node),
            override("byName", _SINCE, unit="dateTimeFromNow", custom__width=140),
            override("byName", "filter", custom__hidden=True),
        ],
        none=Text("No alert is firing", "当前无告警"),
        sort_by=_SINCE,
    )
