"""The Fleet dashboard: what is wrong, what every node does now, and did in the last hour."""

from __future__ import annotations

from typing import Final

from grafana import alerts, queries
from grafana import fleet_queries as fleet
from grafana.dashboard import (
    LINK_OF_CELL,
    LINK_OF_LIGHT,
    Dashboard,
    Row,
    datasource_variable,
    location_variable,
    node_variable,
)
from grafana.panel_types import lights, states_count, timeline
from grafana.panels import Json, PanelText, Query, override
from grafana.promql import per_node
from grafana.silent import REASON, reasons_in
from grafana.tables import Column, LimitColumn, figures, listing
from grafana.texts import ADDRESS, NODE, Text
from grafana.timeseries import many

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
            "Many sending at once: look at the server first. Any without an answer: the list below says why. "
            "Of all nodes of the location, whichever are chosen above.",
            "发送过多先查服务端；有无响应的节点请看下方列表中的原因。始终统计所选位置的全部节点。",
        ),
    ),
    queries.state_count,
)
_FIRING: Final = alerts.firing(
    Text(
        "The newest first. Click an alert for what to do, or to silence it. Those silenced in Alertmanager are here "
        "too, and those of the whole fleet whichever nodes are chosen above.",
        "最新的在前。点击告警查看处理办法或将其静默。已在 Alertmanager 中静默的告警同样列出；"
        "全局告警不受上方节点选择影响。",
    ),
    queries.FIRING,
)
_SILENT: Final = listing(
    PanelText(
        Text("Nodes without an answer", "无响应的节点"),
        Text(
            "Not alive in Ray: is the board on? No answer: is the monitor running there, and its port open? "
            "No node is known: is the data source above the right one, and does Prometheus reach the bridge? "
            "Of all nodes of the location, whichever are chosen above.",
            "Ray 中不在线：检查板卡是否开机；无法读取：检查该节点监控服务与端口。"
            "没有已知节点：检查上方所选数据源，以及 Prometheus 能否访问桥接服务。始终列出所选位置的全部节点。",
        ),
    ),
    queries.SILENT,
    {"node": NODE, "node_ip": ADDRESS, "Value": REASON},
    [override("byName", NODE, links=[LINK_OF_CELL], noValue="–"), reasons_in(REASON)],
    none=Text("All nodes answer", "所有节点均有响应"),
)
_LIGHTS: Final = lights(
    PanelText(
        Text("Traffic lights", "状态指示灯"),
        Text(
            "Click a light for its node. Idle with a question mark: the script does not report, so the light shows "
            "idle because nothing contradicts it.",
            "点击指示灯查看该节点。带问号的空闲：脚本无上报，指示灯显示空闲仅因没有相反的数据。",
        ),
    ),
    Query(queries.LIGHTS),
    LINK_OF_LIGHT,
)
_TIMELINE: Final = timeline(
    PanelText(
        Text("States over time", "状态历史"),
        Text(
            "One row per node. Long red: the node waits for the server. "
            "Over more than 2 hours: the exact share of time in sending, because single sendings no longer show. "
            f"Of more than {fleet.MOST_ROWS} nodes: those without an answer and those that sent most; "
            "choose others above.",
            "每行一个节点。长时间红色说明在等待服务端。"
            "超过 2 小时的范围显示发送状态的精确时间占比，因为单次发送已无法分辨。"
            f"超过 {fleet.MOST_ROWS} 个节点时仅显示无响应及发送最多的节点，其余请在上方选择。",
        ),
    ),
    Query(fleet.HISTORY),
    interval="$interval",
)
_SENDS: Final = many(
    PanelText(
        Text("Sends per minute", "每分钟发送次数"),
        Text(
            "A node that stays above the dashed red line raises an alert: check its camera, light and model. "
            f"The {fleet.MOST_LINES} highest nodes of the time range, and all that are over the limit now.",
            "持续超过红色虚线将触发告警：请检查该节点的摄像头、光照与模型。"
            f"显示时间范围内最高的 {fleet.MOST_LINES} 个节点，以及当前超过阈值的全部节点。",
        ),
        "short",
    ),
    fleet.HIGHEST_SENDS,
    fleet.MEDIAN_SENDS,
    queries.SENDS_THRESHOLD,
)
_LOW_CONFIDENCE: Final = many(
    PanelText(
        Text("Low-confidence share", "低置信度比例"),
        Text(
            "A node that rises alone sees something new or is dirty; the median rises: the model is out of date. "
            f"The {fleet.MOST_LINES} highest nodes of the time range, and all that are over the limit now.",
            "单个节点上升说明场景变化或镜头脏污；中位数上升说明模型过时。"
            f"显示时间范围内最高的 {fleet.MOST_LINES} 个节点，以及当前超过阈值的全部节点。",
        ),
        "percentunit",
    ),
    fleet.HIGHEST_LOW_CONFIDENCE,
    fleet.MEDIAN_LOW_CONFIDENCE,
    queries.LOW_CONFIDENCE_THRESHOLD,
    defaults={"max": 1},
)

_MOST_SENDS: Final = Text("Sends (1 h)", "发送(1h)")
_PER_MINUTE, _LOW = per_node(fleet.SENDS_PER_MINUTE), per_node(fleet.LOW_CONFIDENCE)
_P95, _AGE = per_node(fleet.INFERENCE_P95), per_node(fleet.REPORT_AGE)
_SENDERS: Final = figures(
    PanelText(
        Text("Top senders", "发送最多的节点"),
        Text(
            "Start at the top: these nodes load the server most. Columns with “/limit”: the share of an alert's limit "
            "that the figure before has reached. Low: low-confidence share. Mean, p95: inference time. "
            "Report: time since the last one.",
            "从上往下查看：这些节点给服务端带来的负载最大。“/阈值”列为其左侧数值占告警阈值的比例。"
            "低置信：低置信度比例；平均、p95：推理耗时；上报：距上次上报的时间。",
        ),
    ),
    NODE,
    [
        Column(_MOST_SENDS, fleet.SENDS_LAST_HOUR, decimals=0),
        Column(Text("Sends/min", "每分钟"), _PER_MINUTE, decimals=1),
        LimitColumn(Text("sends/limit", "发送/阈值"), _PER_MINUTE, queries.SENDS_THRESHOLD),
        Column(Text("Low", "低置信"), _LOW, "percentunit", 0),
        LimitColumn(Text("low/limit", "置信/阈值"), _LOW, queries.LOW_CONFIDENCE_THRESHOLD),
        Column(Text("Mean", "平均"), per_node(fleet.INFERENCE_MEAN), "s"),
        Column("p95", _P95, "s"),
        LimitColumn(Text("p95/limit", "p95/阈值"), _P95, queries.INFERENCE_P95_THRESHOLD),
        Column(Text("Report", "上报"), _AGE, "s", 0),
        LimitColumn(Text("report/limit", "上报/阈值"), _AGE, queries.REPORT_AGE_THRESHOLD),
    ],
    _MOST_SENDS,
    LINK_OF_CELL,
)

DASHBOARD: Final = Dashboard(
    "fleet",
    Text("What is wrong, what every node does now, and did in the last hour.", "异常、各节点当前与最近一小时的状态。"),
    [datasource_variable(), location_variable(), node_variable(multi=True), _INTERVAL],
    [
        Row(4, [(_COUNTS, 24)]),
        Row(7, [(_FIRING, 14), (_SILENT, 10)]),
        Row(14, [(_LIGHTS, 24)]),
        Row(13, [(_TIMELINE, 24)]),
        Row(10, [(_SENDS, 12), (_LOW_CONFIDENCE, 12)]),
        Row(11, [(_SENDERS, 24)]),
    ],
)
