"""Messages for the operator in English and Chinese, and the layout of the status table."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

LANGUAGES: Final = ("en", "zh")
_TEXTS: Final = {
    "healthy": ("healthy", "正常"),
    "starting": ("starting", "启动中"),
    "failing": ("failing", "故障"),
    "unreachable": ("unreachable", "无法访问"),
    "lost": ("node lost", "节点离线"),
    "columns": ("NODE IP VERSION PYTHON HEALTH SINCE", "节点 IP 版本 PYTHON 状态 起始时间"),
    "progress": (
        "[{done}/{all}] {node} ({ip}): {health}{detail} {version}",
        "[{done}/{all}] {node}（{ip}）：{health}{detail} {version}",
    ),
    "deployed": (
        "version {version} runs on {all} nodes (Python {python})",
        "版本 {version} 已在 {all} 个节点上运行（Python {python}）",
    ),
    "removed": (
        "removed {all} monitors; their journals stay on the nodes (--purge removes them too)",
        "已移除 {all} 个监控；日志库仍保留在各节点上（--purge 可一并删除）",
    ),
    "purged": (
        "removed {all} monitors and the journals on {nodes} nodes; nothing is left there",
        "已移除 {all} 个监控以及 {nodes} 个节点上的日志库，这些节点上没有残留",
    ),
    "not_deployed": ("no monitors are deployed on this cluster", "此集群上没有部署监控"),
    "unhealthy": (
        "{bad} of {all} nodes without a healthy monitor: {which}",
        "{all} 个节点中 {bad} 个没有正常的监控：{which}",
    ),
    "halted": (
        "the rollout stopped, the remaining nodes keep their monitors: {reason}",
        "升级已停止，其余节点的监控保持不变：{reason}",
    ),
    "silent": (
        "removed {all} monitors, but these nodes did not confirm it; run this again when they are back: {which}",
        "已移除 {all} 个监控，但以下节点没有确认，请在其恢复后再次执行：{which}",
    ),
    "slow": (
        "no progress for {seconds} s; the controller goes on: see --status",
        "{seconds} 秒内没有进展；控制器继续在后台执行，见 --status",
    ),
    "no_reply": (
        "the controller on the head node does not reply: {reason}",
        "头节点上的控制器没有应答：{reason}",
    ),
    "no_pass": (
        "the controller on the head node started and has not checked the nodes yet",
        "头节点上的控制器刚启动，尚未检查各节点",
    ),
    "old_ray": (
        "Ray {found} is too old: cmzsb-deploy works with Ray {oldest} and later",
        "Ray {found} 版本过旧：cmzsb-deploy 需要 Ray {oldest} 或更高版本",
    ),
    "no_listener": ("nothing answers at {address}: {reason}", "{address} 没有应答：{reason}"),
    "dashboard_port": (
        "{address} is a web server, such as Ray's dashboard: give Ray's own port, HEAD:6379 inside the cluster, "
        "ray://HEAD:10001 outside",
        "{address} 是网页服务（例如 Ray 的 dashboard）：请使用 Ray 自己的端口，集群内为 HEAD:6379，集群外为 ray://HEAD:10001",
    ),
    "foreign_port": (
        "another service answers at {address}: give HEAD:6379 inside the cluster, ray://HEAD:10001 outside",
        "{address} 上应答的是其他服务：集群内使用 HEAD:6379，集群外使用 ray://HEAD:10001",
    ),
    "client_port": (
        "{address} is the port of Ray's client server: give ray://{address}, or HEAD:6379 inside the cluster",
        "{address} 是 Ray 客户端服务的端口：请写作 ray://{address}，或在集群内使用 HEAD:6379",
    ),
    "head_port": (
        "{address} is the port of Ray's head: inside the cluster give it without ray://, outside ray://HEAD:10001",
        "{address} 是 Ray 头节点的端口：集群内请去掉 ray://，集群外使用 ray://HEAD:10001",
    ),
    "no_head": (
        "no Ray head accepts the connection at {address} (here: Ray {ray}, Python {python}; those of the cluster must "
        "be the same). Inside the cluster give HEAD:6379, outside ray://HEAD:10001. {reason}",
        "{address} 上没有接受连接的 Ray 头节点（本机：Ray {ray}，Python {python}，须与集群相同）。"
        "集群内使用 HEAD:6379，集群外使用 ray://HEAD:10001。{reason}",
    ),
    "no_token": (
        "Ray at {address} demands a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH",
        "{address} 的 Ray 要求令牌：请设置 RAY_AUTH_MODE=token 以及 RAY_AUTH_TOKEN 或 RAY_AUTH_TOKEN_PATH",
    ),
    "wrong_token": (
        "Ray at {address} refuses the token in RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token",
        "{address} 的 Ray 拒绝了 RAY_AUTH_TOKEN、RAY_AUTH_TOKEN_PATH 或 ~/.ray/auth_token 中的令牌",
    ),
    "token_file": (
        "the token file {path} in RAY_AUTH_TOKEN_PATH cannot be read: {reason}",
        "无法读取 RAY_AUTH_TOKEN_PATH 中的令牌文件 {path}：{reason}",
    ),
    "not_connected": ("cannot connect to Ray at {address}: {reason}", "无法连接 {address} 的 Ray：{reason}"),
}


def default_language() -> str:
    """Return `zh` when the terminal's locale is Chinese, else `en`."""
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh" if locale.startswith("zh") else "en"


def message(language: str, key: str, **values: object) -> str:
    """Return the message `key` in `language` with `values` filled in."""
    return _TEXTS[key][LANGUAGES.index(language)].format(**values)


def progress(language: str, row: Mapping[str, Any], done: int, total: int) -> str:
    """Return the line for a node whose health changed."""
    health = message(language, row["health"])
    detail = f" ({row['detail']})" if row["detail"] else ""
    values = {"node": row["node"], "ip": row["ip"], "version": row["version"], "health": health, "detail": detail}
    return message(language, "progress", done=done, all=total, **values).rstrip()


def table(language: str, rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the lines of the status table; `since` is shown in local time."""
    cells = [message(language, "columns").split()]
    cells += [
        [
            row["node"],
            row["ip"],
            row["version"] or "-",
            row.get("python") or "-",  # absent in the report of an older controller
            message(language, row["health"]) + (f" ({row['detail']})" if row["detail"] else ""),
            datetime.fromtimestamp(row["since"]).astimezone().isoformat(" ", "seconds"),
        ]
        for row in rows
    ]
    widths = [max(_width(line[column]) for line in cells) for column in range(len(cells[0]))]
    return [_line(line, widths) for line in cells]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell + " " * (widths[column] - _width(cell)) for column, cell in enumerate(cells))
    return "  ".join(padded).rstrip()


def _width(text: str) -> int:
    """Return the columns that `text` takes on a terminal: two for a Chinese character."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
