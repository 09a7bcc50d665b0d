"""The Node dashboard: everything about one node."""

from __future__ import annotations

from typing import Final

from grafana import queries
from grafana.dashboard import Dashboard, Row, datasource_variable, node_variable, query_variable
from grafana.panel_types import heatmap, lights, piechart, stat, timeline, timeseries, timeseries_with_limit
from grafana.panels import PanelText, Query, state_colours
from grafana.texts import LIMIT, Text

_HIDDEN: Final = 2
_SOME_INPUTS: Final = "1m"
"""A step with enough inputs in it for a quantile."""

_LIGHT: Final = lights(
    PanelText(
        Text("Now", "当前状态"),
        Text(
            "Grey: is the board on, and its monitor running? The lists in Monitoring health say which.",
            "灰色：检查板卡是否开机、监控服务是否运行，“监控健康”中的列表给出原因。",
        ),
    ),
    Query(queries.NODE_LIGHT),
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
    queries.NODE_STATE_AGE,
    limit=queries.NODE_STATE_LIMIT,
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
    queries.NODE_REPORT_AGE,
    limit=queries.REPORT_AGE_THRESHOLD,
)
_SHARES: Final = piechart(
    PanelText(
        Text("Time per state", "各状态用时"),
        Text(
            "Mostly red: relieve the server. Mostly blue: the board has no time left for more inputs. "
            "Exact over the whole time range, by the monitor's own clock.",
            "红色居多：减轻服务端负载；蓝色居多：板卡已无余力处理更多输入。为所选时间范围内的精确用时，由监控服务计时。",
        ),
        "s",
    ),
    Query(queries.NODE_STATE_SECONDS, "{{state}}"),
)
_TIMELINE: Final = timeline(
    PanelText(
        Text("States", "状态历史"),
        Text(
            "Long red: the node waits for the server, so look there. Grey: no answer; was the board off?",
            "长时间红色：节点在等待服务端，请检查服务端。灰色：无响应，请检查板卡当时是否关机。",
        ),
    ),
    Query(queries.NODE_HISTORY),
)
_SHARES_OVER_TIME: Final = timeseries(
    PanelText(
        Text("Share of time per state", "各状态时间占比"),
        Text("Red that grows: the server answers slower, or more is sent.", "红色增大：服务端变慢或发送增多。"),
        "percentunit",
    ),
    [Query(queries.NODE_STATE_SHARE, "{{state}}")],
    overrides=state_colours(),
    stacked=True,
    defaults={"max": 1},
)
_FREQUENCY: Final = timeseries_with_limit(
    PanelText(
        Text("Inputs and sends per minute", "每分钟处理与发送"),
        Text("Sends above the dashed line raise an alert.", "发送超过虚线将触发告警。"),
        "short",
    ),
    [
        Query(queries.NODE_SENDS, Text("sent", "发送")),
        Query(queries.NODE_PROCESSED, Text("processed", "处理")),
    ],
    Query(queries.SENDS_THRESHOLD, LIMIT),
)
_INFERENCE: Final = timeseries(
    PanelText(
        Text("Inference time", "推理耗时"),
        Text(
            "Rises with heat or other load on the board: compare with its CPU and GPU.",
            "板卡过热或负载高时上升：请对照 CPU 与 GPU。",
        ),
        "s",
    ),
    [
        Query(queries.NODE_INFERENCE_MEAN, Text("mean", "平均")),
        Query(queries.node_inference_quantile(0.5), "p50"),
        Query(queries.node_inference_quantile(0.95), "p95"),
    ],
    interval=_SOME_INPUTS,
)
_DURATIONS: Final = heatmap(
    PanelText(
        Text("Inference times in detail", "推理耗时分布"),
        Text(
            "Two bands mean two kinds of input, or a board that slows down at times.",
            "出现两条带：输入有两类，或板卡时而变慢。",
        ),
        "s",
    ),
    Query(queries.NODE_INFERENCE_BUCKETS, "{{le}}"),
    _SOME_INPUTS,
)
_LOW_CONFIDENCE: Final = timeseries_with_limit(
    PanelText(
        Text("Low-confidence share", "低置信度比例"),
        Text(
            "High for long: clean the lens, check the light, retrain the model.",
            "长期偏高：清洁镜头、检查光照、重新训练模型。",
        ),
        "percentunit",
    ),
    [Query(queries.NODE_LOW_CONFIDENCE, Text("share", "比例"))],
    Query(queries.LOW_CONFIDENCE_THRESHOLD, LIMIT),
    defaults={"max": 1},
)
_LOAD: Final = timeseries(
    PanelText(
        Text("Load of the board", "板卡负载"),
        Text(
            "Near 100 %: end what else runs on the board, or give it fewer inputs. "
            "Empty: Prometheus does not scrape Ray; see the job `ray` in prometheus.yml.",
            "接近 100 %：停止板卡上的其他程序或减少输入。"
            "为空：Prometheus 未抓取 Ray，请检查 prometheus.yml 中的 `ray` 任务。",
        ),
        "percent",
    ),
    [
        Query(queries.NODE_CPU, "CPU"),
        Query(queries.NODE_MEMORY, Text("memory", "内存")),
        Query(queries.NODE_GPU, "GPU"),
    ],
    defaults={"max": 100},
)

DASHBOARD: Final = Dashboard(
    "node",
    Text("One node: state, inference, sends, load.", "单个节点：状态、推理、发送与负载。"),
    # Ray's own metrics have addresses and no names.
    [
        datasource_variable(),
        node_variable(multi=False),
        query_variable("node_ip", queries.NODE_IP, hide=_HIDDEN),
    ],
    [
        Row(5, [(_LIGHT, 6), (_STATE_AGE, 5), (_REPORT_AGE, 5), (_SHARES, 8)]),
        Row(5, [(_TIMELINE, 24)]),
        Row(8, [(_SHARES_OVER_TIME, 12), (_FREQUENCY, 12)]),
        Row(8, [(_INFERENCE, 12), (_DURATIONS, 12)]),
        Row(8, [(_LOW_CONFIDENCE, 12), (_LOAD, 12)]),
    ],
)
