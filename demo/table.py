"""The live table of the demo: what an operator would see, in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from exporter.states import BY_NAME, UNKNOWN

_MESSAGES: Final = 2
"""Most messages that the panel shows; more would push the table off a small terminal."""


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


def with_messages(view: Table, messages: Sequence[str]) -> Group:
    """Return the table with a panel of the newest messages below it, as a group chat would show them."""
    newest = "\n\n".join(messages[-_MESSAGES:]) or "none yet"
    title = f"messages to the group chat ({len(messages)})"
    return Group(view, Panel(Text(newest, overflow="ellipsis", no_wrap=True), title=title, title_align="left"))


def plain(shown: Iterable[Line], alerts: Iterable[dict[str, str]]) -> str:
    """Return the same as one line, for pipes and logs."""
    lights = "  ".join(f"{line.node}={line.state}{f'({line.reason})' if line.reason else ''}" for line in shown)
    firing = sorted({f"{alert['alertname']}{'/' + alert['node'] if alert.get('node') else ''}" for alert in alerts})
    return f"{lights}  alerts: {', '.join(firing) or 'none'}"


def _rate(line: Line) -> str:
    return "" if line.sends_per_minute is None else f"{line.sends_per_minute:.0f}"
