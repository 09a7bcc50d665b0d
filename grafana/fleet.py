"""The Fleet dashboard: what every node does now, and did in the last hour."""

from __future__ import annotations

from grafanalib.core import Dashboard, Panel, Template

from exporter.states import REPORTABLE
from grafana import queries
from grafana.dashboard import Row, build, datasource_variable, node_link, node_variable, saying
from grafana.panels import (
    GREEN,
    ORANGE,
    RED,
    Head,
    Query,
    curves,
    dashed_line,
    lights,
    override,
    states_count,
    steps,
    table,
    timeline,
)


def dashboard(lang: str) -> Dashboard:
    """Return the dashboard in `lang`."""
    say = saying(lang)
    rows = [
        Row(4, [(_counts(lang), 24)]),
        Row(10, [(_lights(lang), 24)]),
        Row(11, [(_timeline(lang), 24)]),
        Row(9, [(_sends(lang), 14), (_low_confidence(lang), 10)]),
        Row(10, [(_senders(lang), 15), (_firing(lang), 9)]),
    ]
    return build(
        "fleet",
        lang,
        say("CM-ZSB Fleet", "CM-ZSB 节点总览"),
        say("What every node does now and did in the last hour.", "每个节点当前与最近一小时的工作状态。"),
        [datasource_variable(say), node_variable(say, multi=True), _interval(lang)],
        rows,
    )


def _interval(lang: str) -> Template:
    say = saying(lang)
    return Template(
        name="interval", type="interval", query="15s,30s,1m,5m", default="15s", label=say("Interval", "间隔"), hide=0
    )


def _counts(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Nodes per state", "各状态节点数"),
        say(
            "Many red at once: look at the server first. Any grey: see Monitoring health.",
            "红色过多先查服务端；出现灰色请看“监控健康”。",
        ),
    )
    return states_count(head, Query(queries.STATE_COUNTS, "{{state}}"), lang)


def _lights(lang: str) -> Panel:
    say = saying(lang)
    colours = "、".join(f"{state.zh}" for state in REPORTABLE)
    head = Head(
        say("Traffic lights", "状态指示灯"),
        say(
            "Green idle, blue detecting, red sending to the server, grey no answer. Click a light for its node.",
            f"绿、蓝、红依次为{colours}，灰色为无响应。点击指示灯查看该节点。",
        ),
    )
    return lights(head, Query(queries.LIGHTS), lang, node_link(say, lang))


def _timeline(lang: str) -> Panel:
    say = saying(lang)
    head = Head(
        say("Last hour", "最近一小时"),
        say(
            "One row per node. Long red: the node waits for the server. Grey: nobody answered.",
            "每行一个节点。长时间红色说明在等待服务端，灰色为无响应。",
        ),
    )
    return timeline(head, Query(queries.FLEET_HISTORY), lang)


def _sends(lang: str) -> Panel:
    say = saying(lang)
    limit = say("limit", "阈值")
    head = Head(
        say("Sends per minute", "每分钟发送次数"),
        say(
            "Above the dashed line an alert follows after two minutes: check camera, light and model of that node.",
            "超过虚线两分钟后触发告警：请检查该节点的摄像头、光照与模型。",
        ),
        "short",
    )
    return curves(
        head,
        [Query(queries.SENDS_PER_MINUTE), Query(queries.SENDS_THRESHOLD, limit)],
        overrides=[dashed_line(limit)],
    )


def _low_confidence(lang: str) -> Panel:
    say = saying(lang)
    limit = say("limit", "阈值")
    head = Head(
        say("Low-confidence share", "低置信度比例"),
        say(
            "A node that rises alone sees something new or is dirty; all together: the model is out of date.",
            "单个节点上升说明场景变化或镜头脏污；全部上升说明模型过时。",
        ),
        "percentunit",
    )
    return curves(
        head,
        [Query(queries.LOW_CONFIDENCE), Query(queries.LOW_CONFIDENCE_THRESHOLD, limit)],
        overrides=[dashed_line(limit)],
        defaults={"max": 1},
    )


def _senders(lang: str) -> Panel:
    say = saying(lang)
    sends, per_minute = say("Sends (1 h)", "发送次数（1 小时）"), say("Sends/min", "每分钟发送")
    low, age = say("Low confidence", "低置信度"), say("Last report", "上次上报")
    mean, p95 = say("Mean inference", "平均推理"), say("p95 inference", "p95 推理")
    names = {
        "node": say("Node", "节点"),
        "Value #A": sends,
        "Value #B": per_minute,
        "Value #C": low,
        "Value #D": mean,
        "Value #E": p95,
        "Value #F": age,
    }
    coloured = {"custom__displayMode": "color-background", "custom__cellOptions": {"type": "color-background"}}
    return table(
        Head(
            say("Top senders", "发送最多的节点"),
            say(
                "Start at the top: these nodes load the server most.", "从上往下查看：这些节点给服务端带来的负载最大。"
            ),
        ),
        [
            Query(expr)
            for expr in (
                queries.SENDS_LAST_HOUR,
                queries.SENDS_PER_MINUTE,
                queries.LOW_CONFIDENCE,
                queries.INFERENCE_MEAN,
                queries.INFERENCE_P95,
                queries.REPORT_AGE,
            )
        ],
        names=names,
        sort_by=sends,
        overrides=[
            override("byName", sends, decimals=0),
            override(
                "byName", per_minute, decimals=1, thresholds=steps((GREEN, None), (ORANGE, 5), (RED, 10)), **coloured
            ),
            override(
                "byName",
                low,
                unit="percentunit",
                thresholds=steps((GREEN, None), (ORANGE, 0.3), (RED, 0.5)),
                **coloured,
            ),
            *(override("byName", name, unit="s") for name in (mean, p95, age)),
        ],
    )


def _firing(lang: str) -> Panel:
    say = saying(lang)
    return table(
        Head(
            say("Firing alerts", "当前告警"),
            say("Each alert's runbook says what to do.", "处理办法见各告警的处置手册。"),
        ),
        [Query(queries.FIRING)],
        names={"alertname": say("Alert", "告警"), "node": say("Node", "节点"), "severity": say("Severity", "级别")},
        overrides=[override("byName", "Value", custom__hidden=True)],
    )
