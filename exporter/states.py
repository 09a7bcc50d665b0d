"""The work states of a node: the one table that everything else derives from.

Validation, metrics, merging, PromQL, colours, pages and tests read `STATES`; adding a state is adding a row.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class State(NamedTuple):
    """One work state: its wire name, numeric code in PromQL, operator texts, symbol and colours (CSS hex).

    `colour` is that of a lamp and of lines; `shade` stands under white text, with a contrast of at least 4.5 : 1. The
    shades differ in lightness, so that they stay apart for a person who does not see red and green.
    """

    name: str
    code: int
    en: str
    en_short: str
    zh: str
    zh_short: str
    symbol: str
    colour_name: str
    colour: str
    shade: str
    reportable: bool


STATES: Final[tuple[State, ...]] = (
    State(
        "unknown", 0, "No answer", "No answer", "无响应", "无响应", "✕", "grey", "#6b7280", "#30363f", reportable=False
    ),
    State("idle", 1, "Idle", "Idle", "空闲", "空闲", "●", "green", "#10b981", "#14532d", reportable=True),
    State(
        "detecting", 2, "Detecting", "Detecting", "检测中", "检测中", "◆", "blue", "#3b82f6", "#2250cf", reportable=True
    ),
    State(
        "sending",
        3,
        "Server-side detection",
        "Sending",
        "服务端检测中",
        "发送中",
        "▲",
        "red",
        "#ef4444",
        "#dc2626",
        reportable=True,
    ),
)

BY_NAME: Final[dict[str, State]] = {state.name: state for state in STATES}
UNKNOWN: Final = BY_NAME["unknown"]
IDLE: Final = BY_NAME["idle"]
DETECTING: Final = BY_NAME["detecting"]
SENDING: Final = BY_NAME["sending"]
REPORTABLE: Final[tuple[State, ...]] = tuple(state for state in STATES if state.reportable)
