"""The live table of the demo: what an operator would see, in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from rich.table import Table
from rich.text import Text

from exporter.states import BY_NAME, UNKNOWN


class Line(NamedTuple):
    """One node as shown."""

    node: str
    address: str
    state: str
    reason: str
    task: str
    sends_per_minute: float | None


def lines(nodes: Iterable[dict[str, Any]], sends: dict[str, float]) -> list[Line]:
    """Return one line per living node, from CastRay's node objects and the sends per minute by name."""
    return [
        Line(
            node["name"],
            node["nodeIp"],
            node["workStatus"] if node["workStatusReachable"] else UNKNOWN.name,
            node["workStatusError"] or ("stale" if node["workStatusStale"] else ""),
            node["currentTask"] or "",
            sends.get(node["name"]),
        )
        for node in sorted(nodes, key=lambda node: str(node["name"]))
        if node["state"] == "ALIVE"
    ]


def table(shown: Iterable[Line], alerts: Iterable[dict[str, str]], note: str) -> Table:
    """Return the table for a terminal."""
    view = Table(title="CM-ZSB", caption=note)
    for title in ("node", "address", "light", "task", "sends/min", "alerts"):
        view.add_column(title)
    firing = list(alerts)
    for line in shown:
        state = BY_NAME[line.state]
        light = Text(f"● {state.en}" + (f" ({line.reason})" if line.reason else ""), style=state.colour)
        own = ", ".join(sorted(alert["alertname"] for alert in firing if alert.get("node") == line.node))
        view.add_row(line.node, line.address, light, line.task, _rate(line), Text(own, style="red"))
    for name in sorted({alert["alertname"] for alert in firing if not alert.get("node")}):
        view.add_row("fleet", "", "", "", "", Text(name, style="red"))
    return view


def plain(shown: Iterable[Line], alerts: Iterable[dict[str, str]]) -> str:
    """Return the same as one line, for pipes and logs."""
    lights = "  ".join(f"{line.node}={line.state}{f'({line.reason})' if line.reason else ''}" for line in shown)
    firing = sorted({f"{alert['alertname']}{'/' + alert['node'] if alert.get('node') else ''}" for alert in alerts})
    return f"{lights}  alerts: {', '.join(firing) or 'none'}"


def _rate(line: Line) -> str:
    return "" if line.sends_per_minute is None else f"{line.sends_per_minute:.0f}"
