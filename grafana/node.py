"""The Node dashboard: everything about one node."""

from __future__ import annotations

from typing import Final

from grafanalib.core import Dashboard, Panel

from grafana import queries
from grafana.dashboard import Row, build, datasource_variable, node_variable, query_variable, saying
from grafana.panel_types import heatmap, lights, piechart, stat, timeline, timeseries, timeseries_with_limit
from grafana.panels import PanelText, Query, state_colours

_HIDDEN: Final = 2
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
        say("One node: state, inference, sends, load.", "单个节点：状态、推理、发送与负载。"),
        # Ray's own metrics know addresses only.
        [
            datasource_variable(say),
            node_variable(say, multi=False),
            query_variable("node_ip", queries.NODE_IP, hide=_HIDDEN),
        ],
        rows,
    )


def _light(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Now", "当前状态"),
        say(
            "Grey: is the board on, and its monitor running? The lists in Monitoring health say which.",
            "灰色：检查板卡是否开机、监控服务是否运行，“监控健康”中的列表给出原因。",
        ),
    )
    return lights(head, Query(queries.NODE_LIGHT), lang)


def _state_age(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("In this state for", "已持续"),
        say(
            "Orange or red: the script has been sending or detecting for very long and may hang; restart it.",
            "橙色或红色：发送或检测持续过久，脚本可能卡住，请重启。",
        ),
        "s",
    )
    return stat(head, queries.NODE_STATE_AGE, lang, limit=queries.NODE_STATE_LIMIT)


def _report_age(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Last report", "上次上报"),
        say(
            "Not green: the inference script no longer runs, or cannot reach its monitor. Restart it; read its log.",
            "非绿色：推理脚本未运行或无法连接监控服务。请重启脚本并查看日志。",
        ),
        "s",
    )
    return stat(head, queries.NODE_REPORT_AGE, lang, limit=queries.REPORT_AGE_THRESHOLD)


def _shares(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Time per state", "各状态用时"),
        say(
            "Mostly red: relieve the server. Mostly blue: the board has no time left for more inputs. "
            "Exact over the whole time range, by the monitor's own clock.",
            "红色居多：减轻服务端负载；蓝色居多：板卡已无余力处理更多输入。为所选时间范围内的精确用时，由监控服务计时。",
        ),
        "s",
    )
    return piechart(head, Query(queries.NODE_STATE_SECONDS, "{{state}}"), lang)


def _timeline(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("States", "状态历史"),
        say(
            "Long red: the node waits for the server, so look there. Grey: nobody answered; was the board off?",
            "长时间红色：节点在等待服务端，请检查服务端。灰色：无响应，请检查板卡当时是否关机。",
        ),
    )
    return timeline(head, Query(queries.NODE_HISTORY), lang)


def _share_curves(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Share of time per state", "各状态时间占比"),
        say("Red that grows: the server answers slower, or more is sent.", "红色增大：服务端变慢或发送增多。"),
        "percentunit",
    )
    query = Query(queries.NODE_STATE_SHARE, "{{state}}")
    return timeseries(head, [query], overrides=state_colours(lang), stacked=True, defaults={"max": 1})


def _frequency(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Inputs and sends per minute", "每分钟处理与发送"),
        say("Sends above the dashed line raise an alert.", "发送超过虚线将触发告警。"),
        "short",
    )
    counted = [Query(queries.NODE_SENDS, say("sent", "发送")), Query(queries.NODE_PROCESSED, say("processed", "处理"))]
    return timeseries_with_limit(head, counted, Query(queries.SENDS_THRESHOLD, say("limit", "阈值")))


def _inference(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Inference time", "推理耗时"),
        say(
            "Rises with heat or other load on the board: compare with its CPU and GPU.",
            "板卡过热或负载高时上升：请对照 CPU 与 GPU。",
        ),
        "s",
    )
    return timeseries(
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
    head = PanelText(
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
    head = PanelText(
        say("Low-confidence share", "低置信度比例"),
        say(
            "High for long: clean the lens, check the light, retrain the model.",
            "长期偏高：清洁镜头、检查光照、重新训练模型。",
        ),
        "percentunit",
    )
    limit = Query(queries.LOW_CONFIDENCE_THRESHOLD, say("limit", "阈值"))
    share = Query(queries.NODE_LOW_CONFIDENCE, say("share", "比例"))
    return timeseries_with_limit(head, [share], limit, defaults={"max": 1})


def _load(lang: str) -> Panel:
    say = saying(lang)
    head = PanelText(
        say("Load of the board", "板卡负载"),
        say(
            "Near 100 %: end what else runs on the board, or give it fewer inputs. "
            "Empty: Prometheus does not scrape Ray; see the job `ray` in prometheus.yml.",
            "接近 100 %：停止板卡上的其他程序或减少输入。"
            "为空：Prometheus 未抓取 Ray，请检查 prometheus.yml 中的 `ray` 任务。",
        ),
        "percent",
    )
    return timeseries(
        head,
        [
            Query(queries.NODE_CPU, "CPU"),
            Query(queries.NODE_MEMORY, say("memory", "内存")),
            Query(queries.NODE_GPU, "GPU"),
        ],
        defaults={"max": 100},
    )
