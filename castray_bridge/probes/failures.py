"""The reasons for which a node has no work status: the one table that everything else derives from.

Probe results, the label values of `castray_bridge_probes_total`, docs/api.md, the wall and the dashboards read
`FAILURES`; to add a reason is to add a row. Importing this module loads no other of the bridge.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Failure(NamedTuple):
    """One reason: its wire name, what an operator reads, and what to do about it.

    `is_probe_result` tells whether a probe can end with it; the others hold for nodes that are not probed.
    """

    name: str
    en: str
    zh: str
    advice_en: str
    advice_zh: str
    is_probe_result: bool = True


FAILURES: Final[tuple[Failure, ...]] = (
    Failure(
        "pending", "Not probed yet", "尚未查询",
        "Wait for the first probe, a second at most", "等待首次查询，最多一秒",
        is_probe_result=False,
    ),
    Failure(
        "dead", "Left the Ray cluster", "已离开 Ray 集群",
        "Start Ray on the node, or remove the node from the inventory", "在该节点启动 Ray，或将其从清单中移除",
        is_probe_result=False,
    ),
    Failure(
        "timeout", "No answer in time", "超时无响应",
        "Check that the node is switched on and its network works", "检查节点是否开机、网络是否正常",
    ),
    Failure(
        "refused", "No monitor is running", "监控服务未运行",
        "Start the monitor: `systemctl start cm-zsb-monitor`", "启动监控服务：`systemctl start cm-zsb-monitor`",
    ),
    Failure(
        "unreachable", "Not reachable", "网络不可达",
        "Check the route and the firewall between bridge and node", "检查桥接服务与节点之间的路由和防火墙",
    ),
    Failure(
        "http_error", "The monitor answers with an error", "监控服务返回错误",
        "Read the monitor's log: `journalctl -u cm-zsb-monitor`", "查看监控服务日志：`journalctl -u cm-zsb-monitor`",
    ),
    Failure(
        "not_json", "The answer is not JSON", "响应不是 JSON",
        "Find the program on the port: `ss -ltnp`", "查找占用端口的程序：`ss -ltnp`",
    ),
    Failure(
        "bad_status", "The answer has no known status", "响应中没有已知状态",
        "Find the program on the port, or upgrade the bridge", "查找占用端口的程序，或升级桥接服务",
    ),
    Failure(
        "bad_reply", "The answer is not HTTP", "响应不是 HTTP",
        "Find the program on the port: `ss -ltnp`", "查找占用端口的程序：`ss -ltnp`",
    ),
    Failure(
        "too_large", "The answer is too large", "响应过大",
        "Find the program on the port: `ss -ltnp`", "查找占用端口的程序：`ss -ltnp`",
    ),
    Failure(
        "not_scraped", "Prometheus has no data of this node", "Prometheus 没有该节点的数据",
        "Open Prometheus' targets page", "查看 Prometheus 的 targets 页面",
    ),
    Failure(
        "no_prometheus", "Prometheus does not answer", "Prometheus 无响应",
        "Check `--prometheus-url` and Prometheus itself", "检查 `--prometheus-url` 与 Prometheus 本身",
    ),
)  # fmt: skip

BY_NAME: Final[dict[str, Failure]] = {failure.name: failure for failure in FAILURES}
PROBE_RESULTS: Final[tuple[str, ...]] = (
    "ok",
    *(failure.name for failure in FAILURES if failure.is_probe_result),
)
"""The values of the label `result` of `castray_bridge_probes_total`."""


def row_name(error: str) -> str:
    """Return the row's name for a node's `workStatusError`: `http_error` for `http_503`, else the error itself."""
    return "http_error" if error.startswith("http_") else error
