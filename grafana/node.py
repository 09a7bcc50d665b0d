"""The Node dashboard: everything about one node."""

from __future__ import annotations

from typing import Final

from grafanalib.core import Dashboard, Panel, Template

from grafana import queries
from grafana.dashboard import Row, build, datasource_variable, node_variable, saying
from grafana.panels import (
    DATASOURCE,
    Head,
    Query,
    curves,
    dashed_line,
    heatmap,
    lights,
    number,
    shares,
    state_colours,
    timeline,
)

_SOME_INPUTS: Final = "1m"
"""A step with enough inputs in it for a quantile."""


def dashboard(lang: str) -> Dashboard:
    """Return the dashboard in `lang`."""
    say = saying(lang)
    rows = [
        Row(5, [(_light(lang), 6), (_state_age(lang), 5), (_report_age(lang), 5), (_shares(lang), 8)]),
        Row(5, [(_timeline(lang), 24)]),
        Row(8, [(_share_curves(lang), 12), (_frequency(lang), 12)]),
        Row(8, [(_inference(lang), 12), (_durations(lang), 12)]),
        Row(8, [(_low_confidence(lang), 12), (_load(lang), 12)]),
    ]
    return build(
        "node",
        lang,
        say("Node", "单节点"),
        say("One node: state, inference, sends, load.", "单个节点：状态、推理、发送与负载。"),
        [datasource_variable(say), node_variable(say, multi=False), _node_ip()],
        rows,
    )


def _node_ip() -> Template:
    # Ray's own metrics know addresses only.
    return Template(
        name="node_ip",
        dataSource=DATASOURCE,
        query='label_values(up{job="cmzsb-monitor", node="$node"}, node_ip)',
        refresh=2,
        hide=2,
    )


def _light(lang: str) -> Panel:
    say = saying(lang)
    head = Head(say("Now", "当前状态"), say("Grey means that the monitor gives no answer.", "灰色表示监控服务无响应。"))
    return lights(head, Query(queries.NODE_LIGHT), lang)


def _state_age(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("In this state for", "已持续"),
        say(
            "Orange or red: the script has been sending or detecting for very long and may hang; restart it.",
            "橙色或红色：发送或检测持续过久，脚本可能卡住，请重启。",
        ),
        "s",
    )
    return number(head, queries.NODE_STATE_AGE, spark=False, limit=queries.NODE_STATE_LIMIT)


def _report_age(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Last report", "上次上报"),
        say(
            "Not green: the inference script no longer runs, or cannot reach its monitor. Restart it; read its log.",
            "非绿色：推理脚本未运行或无法连接监控服务。请重启脚本并查看日志。",
        ),
        "s",
    )
    return number(head, queries.NODE_REPORT_AGE, spark=False, limit=queries.REPORT_AGE_THRESHOLD)


def _shares(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Time per state", "各状态用时"),
        say(
            "Exact over the whole time range, from the monitor's own clock.",
            "所选时间范围内的精确用时，由监控服务计时。",
        ),
        "s",
    )
    return shares(head, Query(queries.NODE_STATE_SECONDS, "{{state}}"), lang)


def _timeline(lang: str) -> Panel:
    say = saying(lang)
    head = Head(say("States", "状态历史"), say("Red bars: data went to the server.", "红色：数据被发送到服务端。"))
    return timeline(head, Query(queries.NODE_HISTORY), lang)


def _share_curves(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Share of time per state", "各状态时间占比"),
        say("Red that grows: the server answers slower, or more is sent.", "红色增大：服务端变慢或发送增多。"),
        "percentunit",
    )
    query = Query(queries.NODE_STATE_SHARE, "{{state}}")
    return curves(head, [query], overrides=state_colours(lang), stacked=True, defaults={"max": 1})


def _frequency(lang: str) -> Panel:
    say = saying(lang)
    limit = say("limit", "阈值")
    head = Head(
        say("Inputs and sends per minute", "每分钟处理与发送"),
        say("Sends above the dashed line raise an alert.", "发送超过虚线将触发告警。"),
        "short",
    )
    return curves(
        head,
        [
            Query(queries.NODE_SENDS, say("sent", "发送")),
            Query(queries.NODE_PROCESSED, say("processed", "处理")),
            Query(queries.SENDS_THRESHOLD, limit),
        ],
        overrides=[dashed_line(limit)],
    )


def _inference(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Inference time", "推理耗时"),
        say(
            "Rises with heat or other load on the board: compare with its CPU and GPU.",
            "板卡过热或负载高时上升：请对照 CPU 与 GPU。",
        ),
        "s",
    )
    return curves(
        head,
        [
            Query(queries.NODE_INFERENCE_MEAN, say("mean", "平均")),
            Query(queries.node_inference_quantile(0.5), "p50"),
            Query(queries.node_inference_quantile(0.95), "p95"),
        ],
        interval=_SOME_INPUTS,
    )


def _durations(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Inference times in detail", "推理耗时分布"),
        say(
            "Two bands mean two kinds of input, or a board that slows down at times.",
            "出现两条带：输入有两类，或板卡时而变慢。",
        ),
        "s",
    )
    return heatmap(head, Query(queries.NODE_INFERENCE_BUCKETS, "{{le}}"), _SOME_INPUTS)


def _low_confidence(lang: str) -> Panel:
    say = saying(lang)
    limit = say("limit", "阈值")
    head = Head(
        say("Low-confidence share", "低置信度比例"),
        say(
            "High for long: clean the lens, check the light, retrain the model.",
            "长期偏高：清洁镜头、检查光照、重新训练模型。",
        ),
        "percentunit",
    )
    return curves(
        head,
        [Query(queries.NODE_LOW_CONFIDENCE, say("share", "比例")), Query(queries.LOW_CONFIDENCE_THRESHOLD, limit)],
        overrides=[dashed_line(limit)],
        defaults={"max": 1},
    )


def _load(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Load of the board", "板卡负载"),
        say(
            "From Ray's own metrics; empty when Prometheus does not scrape Ray.",
            "来自 Ray 自身的指标；未抓取 Ray 时为空。",
        ),
        "percent",
    )
    return curves(
        head,
        [
            Query(queries.NODE_CPU, "CPU"),
            Query(queries.NODE_MEMORY, say("memory", "内存")),
            Query(queries.NODE_GPU, "GPU"),
        ],
        defaults={"max": 100},
    )
