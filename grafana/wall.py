"""The Wall dashboard: counts, lights and firing alerts on one display of 1920 × 1080, without zoom or scrolling."""

from __future__ import annotations

from typing import Final

from grafana import alerts, queries
from grafana.dashboard import LINK_OF_LIGHT, Dashboard, Row, datasource_variable, location_variable
from grafana.panel_types import lights, states_count
from grafana.panels import PanelText, Query
from grafana.texts import Text

_COUNTS: Final = states_count(
    PanelText(
        Text("Nodes per state", "各状态节点数"),
        Text("The symbols and shades of the lights, and how many there are.", "指示灯的符号与颜色，以及各自的数量。"),
    ),
    queries.state_count,
)
_LIGHTS: Final = lights(
    PanelText(
        Text("Traffic lights", "状态指示灯"),
        Text(
            "Symbol, shade and name of every node; the row above names the symbols. "
            "A question mark: the script does not report.",
            "每个节点的符号、颜色与名称，符号含义见上方。问号表示脚本无上报。",
        ),
    ),
    Query(queries.WALL_LIGHTS, "{{symbol}} {{node}}"),
    LINK_OF_LIGHT,
    names_only=True,
)
_FIRING: Final = alerts.firing(
    Text(
        "The newest first, those silenced in Alertmanager too. Click an alert for what to do, or to silence it.",
        "最新的在前，包括已在 Alertmanager 中静默的告警。点击告警查看处理办法或将其静默。",
    ),
    queries.ALL_FIRING,
)

DASHBOARD: Final = Dashboard(
    "wall",
    Text("For a display: every node at a glance.", "用于大屏：所有节点一目了然。"),
    [datasource_variable(), location_variable()],
    [
        Row(3, [(_COUNTS, 24)]),
        Row(16, [(_LIGHTS, 24)]),
        Row(7, [(_FIRING, 24)]),
    ],
)
