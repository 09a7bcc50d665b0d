"""The Node dashboard: everything about one node. The links of alerts and of lights lead here."""

from __future__ import annotations

from typing import Final

from grafana import alerts, queries
from grafana import node_queries as node
from grafana.dashboard import Dashboard, Row, address_variable, datasource_variable, node_variable
from grafana.panel_types import heatmap, lights, piechart, stat, timeline
from grafana.panels import PanelText, Query, override
from grafana.silent import REASON, reasons_in
from grafana.state_fields import ORDER
from grafana.tables import joined
from grafana.texts import ADDRESS, LIMIT, NO_NODE, Text
from grafana.timeseries import counts, state_shares, timeseries

_SOME_INPUTS: Final = "1m"
"""A step with enough inputs in it for a distribution."""

_LIGHT: Final = lights(
    PanelText(
        Text("Now", "当前状态"),
        Text(
            "No answer: the table beside says why. Idle with a question mark: the script does not report.",
            "无响应：原因见右侧表格。带问号的空闲：脚本无上报。",
        ),
    ),
    Query(node.LIGHT),
)
_STATE_AGE: Final = stat(
    PanelText(
        Text("In this state for", "已持续"),
        Text(
            "Orange or red: the script has been sending or detecting for very long and may hang; restart it.",
            "橙色或红色：发送或检测持续过久，脚本可能卡住，请重启。",
        ),
        "s",
    ),
    node.STATE_AGE,
    limit=node.STATE_LIMIT,
)
_REPORT_AGE: Final = stat(
    PanelText(
        Text("Last report", "上次上报"),
        Text(
            "Not green: the inference script no longer runs, or cannot reach its monitor. Restart it; read its log.",
            "非绿色：推理脚本未运行或无法连接监控服务。请重启脚本并查看日志。",
        ),
        "s",
    ),
    node.REPORT_AGE,
    limit=queries.REPORT_AGE_THRESHOLD,
)
_FIRING: Final = alerts.firing(
    Text(
        "Of this node, the newest first. Click an alert for what to do, or to silence it.",
        "该节点的告警，最新的在前。点击告警查看处理办法或将其静默。",
    ),
    queries.NODE_FIRING,
    node=False,
)
_LAST_ANSWER: Final = Text("Last answer", "上次响应")
_SILENT: Final = joined(
    PanelText(
        Text("Why it does not answer", "无响应的原因"),
        Text(
            "Not alive in Ray: is the board on? No answer: is the monitor running, and its port open? "
            "The last answer is looked for within a day.",
            "Ray 中不在线：检查板卡是否开机；无法读取：检查监控服务与端口。上次响应在一天之内查找。",
        ),
    ),
    [node.SILENT, node.LAST_ANSWER],
    {"Value #A": REASON, "Value #B": _LAST_ANSWER},
    [
        reasons_in(REASON),
        override("byName", _LAST_ANSWER, unit="dateTimeFromNow", noValue="–"),
        override("byName", "node", custom__hidden=True),
        override("byName", "node_ip", custom__hidden=True),
    ],
    none=NO_NODE,
)
_BOARD: Final = joined(
    PanelText(
        Text("Board", "板卡"),
        Text(
            "Where it is, and which version of the monitor runs there. Empty: Prometheus has no such target.",
            "板卡位置与监控服务版本。为空：Prometheus 没有该目标。",
        ),
    ),
    [node.TARGET, node.VERSION],
    {"node_ip": ADDRESS, "location": Text("Location", "位置"), "version": Text("Version", "版本号")},
    [override("byName", "node", custom__hidden=True)],
    none=NO_NODE,
)
_SHARES: Final = piechart(
    PanelText(
        Text("Time per state", "各状态用时"),
        Text(
            "Mostly sending: relieve the server. Mostly detecting: the board has no time left for more inputs. "
            "Exact over the whole time range, by the monitor's own clock.",
            "发送居多：减轻服务端负载；检测居多：板卡已无余力处理更多输入。为所选时间范围内的精确用时，由监控服务计时。",
        ),
        "s",
    ),
    node.state_seconds,
)
_TIMELINE: Final = timeline(
    PanelText(
        Text("States", "状态历史"),
        Text(
            "Long red: the node waits for the server, so look there. No answer: was the board off? "
            "Over more than 2 hours: the exact share of time in sending.",
            "长时间红色：节点在等待服务端，请检查服务端。无响应：请检查板卡当时是否关机。"
            "超过 2 小时的范围显示发送状态的精确时间占比。",
        ),
    ),
    Query(node.HISTORY),
)
_SHARES_OVER_TIME: Final = state_shares(
    PanelText(
        Text("Share of time per state", "各状态时间占比"),
        Text(
            "Sending that grows: the server answers slower, or more is sent. Exact, by the monitor's own clock.",
            "发送占比增大：服务端变慢或发送增多。为精确占比，由监控服务计时。",
        ),
        "percentunit",
    ),
    [Query(node.state_share(state.name), state.name) for state in ORDER[:-1]],
)
_SENDS: Final = timeseries(
    PanelText(
        Text("Sends per minute", "每分钟发送次数"),
        Text("Sends above the dashed red line raise an alert.", "发送超过红色虚线将触发告警。"),
        "short",
    ),
    [Query(node.SENDS, Text("sent", "发送"))],
    limit=Query(queries.SENDS_THRESHOLD, LIMIT),
)
_INPUTS: Final = counts(
    PanelText(
        Text("Inputs per minute", "每分钟处理数"),
        Text(
            "Falls to 0: no data reaches the script, or it hangs. "
            "Falls while inference slows: the board is overloaded.",
            "降为 0：没有数据到达脚本或脚本卡住；推理变慢时下降：板卡过载。",
        ),
        "short",
    ),
    [Query(node.PROCESSED, Text("processed", "处理"))],
)
_INFERENCE: Final = timeseries(
    PanelText(
        Text("Inference time", "推理耗时"),
        Text(
            "Rises with heat or other load on the board: compare with its temperature and GPU. "
            "p50 and p95 are over 15 minutes, as the alert's figure; the mean is over 5.",
            "板卡过热或负载高时上升：请对照温度与 GPU。p50 与 p95 为 15 分钟统计，与告警一致；平均为 5 分钟。",
        ),
        "s",
    ),
    [
        Query(node.INFERENCE_MEAN, Text("mean", "平均")),
        Query(node.INFERENCE_P50, "p50"),
        Query(node.INFERENCE_P95, "p95"),
    ],
    limit=Query(queries.INFERENCE_P95_THRESHOLD, Text("limit of p95", "p95 阈值")),
)
_DURATIONS: Final = heatmap(
    PanelText(
        Text("Inference times in detail", "推理耗时分布"),
        Text(
            "How many inferences took how long. "
            "Two bands mean two kinds of input, or a board that slows down at times.",
            "各耗时区间的推理次数。出现两条带：输入有两类，或板卡时而变慢。",
        ),
        "s",
    ),
    Query(node.INFERENCE_BUCKETS, "{{le}}"),
    _SOME_INPUTS,
)
_LOW_CONFIDENCE: Final = timeseries(
    PanelText(
        Text("Low-confidence share", "低置信度比例"),
        Text(
            "High for long: clean the lens, check the light, retrain the model.",
            "长期偏高：清洁镜头、检查光照、重新训练模型。",
        ),
        "percentunit",
    ),
    [Query(node.LOW_CONFIDENCE, Text("share", "比例"))],
    limit=Query(queries.LOW_CONFIDENCE_THRESHOLD, LIMIT),
    defaults={"max": 1},
)
_LOAD: Final = timeseries(
    PanelText(
        Text("Load of the board", "板卡负载"),
        Text(
            "Near 100 %: end what else runs on the board, or give it fewer inputs. The GPU of a Jetson is measured by "
            "its monitor; the rest comes from Ray. Empty: see the job `ray` in prometheus.yml.",
            "接近 100 %：停止板卡上的其他程序或减少输入。Jetson 的 GPU 由监控服务测量，其余来自 Ray。"
            "为空：请检查 prometheus.yml 中的 `ray` 任务。",
        ),
        "percent",
    ),
    [
        Query(node.CPU, "CPU"),
        Query(node.MEMORY, Text("memory", "内存")),
        Query(node.GPU, "GPU"),
    ],
    defaults={"max": 100},
)
_TEMPERATURE: Final = timeseries(
    PanelText(
        Text("Temperature of the board", "板卡温度"),
        Text(
            "Above about 85 °C a Jetson slows itself down: check its fan and the sun on its case. "
            "Empty: the board does not tell.",
            "超过约 85 °C 时 Jetson 会自行降频：请检查风扇与日晒。为空：板卡不提供温度。",
        ),
        "celsius",
    ),
    [Query(node.TEMPERATURE, "{{zone}}")],
)

DASHBOARD: Final = Dashboard(
    "node",
    Text("One node: state, alerts, inference, sends, load.", "单个节点：状态、告警、推理、发送与负载。"),
    [datasource_variable(), node_variable(multi=False), address_variable()],
    [
        Row(5, [(_LIGHT, 6), (_STATE_AGE, 5), (_REPORT_AGE, 5), (_SILENT, 8)]),
        Row(6, [(_FIRING, 10), (_BOARD, 7), (_SHARES, 7)]),
        Row(5, [(_TIMELINE, 24)]),
        Row(8, [(_SHARES_OVER_TIME, 12), (_LOW_CONFIDENCE, 12)]),
        Row(8, [(_SENDS, 12), (_INPUTS, 12)]),
        Row(8, [(_INFERENCE, 12), (_DURATIONS, 12)]),
        Row(8, [(_LOAD, 12), (_TEMPERATURE, 12)]),
    ],
)
