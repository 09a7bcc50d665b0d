"""The Fleet dashboard: what every node does now, and did in the last hour."""

from __future__ import annotations

from typing import Final

from exporter.states import REPORTABLE
from grafana import queries
from grafana.dashboard import LINK_OF_CELL, LINK_OF_LIGHT, Dashboard, Row, datasource_variable, node_variable
from grafana.panel_types import lights, states_count, timeline, timeseries_with_limit
from grafana.panels import Json, PanelText, Query, override
from grafana.promql import per_node
from grafana.tables import COLOURED, Column, LimitColumn, figures, listing
from grafana.texts import ADDRESS, LIMIT, NODE, Text
from grafana.thresholds import ORANGE, RED

_INTERVAL: Final[Json] = {
    "name": "interval",
    "type": "interval",
    "query": "5s,15s,30s,1m,5m",
    "label": Text("Interval", "间隔"),
    "current": {"selected": True, "text": "5s", "value": "5s"},
    "hide": 0,
}
_COUNTS: Final = states_count(
    PanelText(
        Text("Nodes per state", "各状态节点数"),
        Text(
            "Many red at once: look at the server first. Any grey: see Monitoring health. "
            "Of all nodes, whichever are chosen above.",
            "红色过多先查服务端；出现灰色请看“监控健康”。始终统计全部节点。",
        ),
    ),
    queries.state_count,
)
_LIGHTS: Final = lights(
    PanelText(
        Text("Traffic lights", "状态指示灯"),
        Text(
            "Green idle, blue detecting, red sending to the server, grey no answer. Click a light for its node.",
            f"绿、蓝、红依次为{'、'.join(state.zh for state in REPORTABLE)}，灰色为无响应。点击指示灯查看该节点。",
        ),
    ),
    Query(queries.LIGHTS),
    LINK_OF_LIGHT,
)
_TIMELINE: Final = timeline(
    PanelText(
        Text("States over time", "状态历史"),
        Text(
            "One row per node. Long red: the node waits for the server. Grey: no answer. "
            f"Of more than {queries.MOST_ROWS} nodes: those without an answer and those that sent most; "
            "choose others above.",
            "每行一个节点。长时间红色说明在等待服务端，灰色为无响应。"
            f"超过 {queries.MOST_ROWS} 个节点时仅显示无响应及发送最多的节点，其余请在上方选择。",
        ),
    ),
    Query(queries.FLEET_HISTORY),
    "$interval",
)
_SENDS: Final = timeseries_with_limit(
    PanelText(
        Text("Sends per minute", "每分钟发送次数"),
        Text(
            "A node that stays above the dashed line raises an alert: check its camera, light and model.",
            "持续超过虚线将触发告警：请检查该节点的摄像头、光照与模型。",
        ),
        "short",
    ),
    [Query(queries.SENDS_PER_MINUTE)],
    Query(queries.SENDS_THRESHOLD, LIMIT),
    many=True,
)
_LOW_CONFIDENCE: Final = timeseries_with_limit(
    PanelText(
        Text("Low-confidence share", "低置信度比例"),
        Text(
            "A node that rises alone sees something new or is dirty; all together: the model is out of date.",
            "单个节点上升说明场景变化或镜头脏污；全部上升说明模型过时。",
        ),
        "percentunit",
    ),
    [Query(queries.LOW_CONFIDENCE)],
    Query(queries.LOW_CONFIDENCE_THRESHOLD, LIMIT),
    many=True,
    defaults={"max": 1},
)

_MOST_SENDS: Final = Text("Sends (1 h)", "发送次数（1 小时）")
_PER_MINUTE, _LOW = per_node(queries.SENDS_PER_MINUTE), per_node(queries.LOW_CONFIDENCE)
_P95, _AGE = per_node(queries.INFERENCE_P95), per_node(queries.REPORT_AGE)
_SENDERS: Final = figures(
    PanelText(
        Text("Top senders", "发送最多的节点"),
        Text(
            "Start at the top: these nodes load the server most. Red: an alert's limit is reached; orange: half of it.",
            "从上往下查看：这些节点给服务端带来的负载最大。红色为已达告警阈值，橙色为已过一半。",
        ),
    ),
    NODE,
    [
        Column(_MOST_SENDS, queries.SENDS_LAST_HOUR, decimals=0),
        Column(Text("Sends/min", "每分钟发送"), _PER_MINUTE, decimals=1),
        LimitColumn(Text("of limit: sends", "占阈值：发送"), _PER_MINUTE, queries.SENDS_THRESHOLD),
        Column(Text("Low confidence", "低置信度"), _LOW, "percentunit", 0),
        LimitColumn(Text("of limit: low conf.", "占阈值：置信度"), _LOW, queries.LOW_CONFIDENCE_THRESHOLD),
        Column(Text("Mean inference", "平均推理"), per_node(queries.INFERENCE_MEAN), "s"),
        Column(Text("p95 inference", "p95 推理"), _P95, "s"),
        LimitColumn(Text("of limit: p95", "占阈值：p95"), _P95, queries.INFERENCE_P95_THRESHOLD),
        Column(Text("Last report", "上次上报"), _AGE, "s", 0),
        LimitColumn(Text("of limit: report", "占阈值：上报"), _AGE, queries.REPORT_AGE_THRESHOLD),
    ],
    _MOST_SENDS,
    LINK_OF_CELL,
)

_SEVERITY, _SINCE = Text("Severity", "级别"), Text("Since", "开始于")
_SEVERITY_COLOURS: Final = {"critical": RED, "warning": ORANGE, "info": REPORTABLE[1].colour}
_SEVERITY_MAPPING: Final = {
    name: {"index": index, "color": colour} for index, (name, colour) in enumerate(_SEVERITY_COLOURS.items())
}
_FIRING: Final = listing(
    PanelText(
        Text("Firing alerts", "当前告警"),
        Text(
            "The newest first. What to do stands under the alert's name in the runbooks. Those silenced in "
            "Alertmanager are here too, and those of the whole fleet whichever nodes are chosen above.",
            "最新的在前。处理办法见处置手册中同名章节。"
            "已在 Alertmanager 中静默的告警同样列出；全局告警不受上方节点选择影响。",
        ),
    ),
    queries.FIRING,
    {"severity": _SEVERITY, "alertname": Text("Alert", "告警"), "node": NODE, "Value": _SINCE},
    [
        override(
            "byName",
            _SEVERITY,
            mappings=[{"type": "value", "options": _SEVERITY_MAPPING}],
            custom__width=110,
            **COLOURED,
        ),
        override("byName", NODE, links=[LINK_OF_CELL], custom__width=140, noValue="–"),
        override("byName", _SINCE, unit="dateTimeFromNow", custom__width=170),
    ],
    none=Text("No alert is firing", "当前无告警"),
    sort_by=_SINCE,
)

_REASON: Final = Text("Reason", "原因")
_REASONS: Final = (
    Text("not alive in Ray", "Ray 中不在线"),
    Text("no answer to the bridge", "桥接无法读取"),
    Text("no answer to Prometheus", "Prometheus 无法读取"),
)
"""By the codes of `queries.SILENT`, from 1 on."""
_SILENT: Final = listing(
    PanelText(
        Text("Nodes without an answer", "无响应的节点"),
        Text(
            "Not alive in Ray: is the board on? No answer: is the monitor running there, and its port open? "
            "Of all nodes, whichever are chosen above.",
            "Ray 中不在线：检查板卡是否开机；无法读取：检查该节点监控服务与端口。始终列出全部节点。",
        ),
    ),
    queries.SILENT,
    {"node": NODE, "node_ip": ADDRESS, "Value": _REASON},
    [
        override("byName", NODE, links=[LINK_OF_CELL]),
        override(
            "byName",
            _REASON,
            mappings=[
                {
                    "type": "value",
                    "options": {str(code): {"index": code, "text": text} for code, text in enumerate(_REASONS, 1)},
                }
            ],
        ),
    ],
    none=Text("All nodes answer", "所有节点均有响应"),
)

DASHBOARD: Final = Dashboard(
    "fleet",
    Text("What every node does now and did in the last hour.", "每个节点当前与最近一小时的工作状态。"),
    [datasource_variable(), node_variable(multi=True), _INTERVAL],
    [
        Row(4, [(_COUNTS, 24)]),
        Row(14, [(_LIGHTS, 24)]),
        Row(13, [(_TIMELINE, 24)]),
        Row(9, [(_SENDS, 12), (_LOW_CONFIDENCE, 12)]),
        Row(8, [(_FIRING, 14), (_SILENT, 10)]),
        Row(11, [(_SENDERS, 24)]),
    ],
)
