"""How panels show states: symbol, text and shade from the states table, in one order everywhere."""

from __future__ import annotations

from typing import Final

from exporter.states import IDLE, REPORTABLE, SENDING, UNKNOWN, State
from grafana.panels import Json, override
from grafana.texts import Text

ORDER: Final = (*REPORTABLE, UNKNOWN)
"""The order of states in every panel: that of the table, with "no answer" at the end."""
IDLE_WITHOUT_REPORTS: Final = IDLE.code + 0.5
"""The value of a light that is idle only because the script does not report."""
SHARES_FROM: Final = 10
"""A share of time is shown as this number plus the share, so that it is no state's code."""
_SHARES: Final = ((0.0005, "#14532d"), (0.05, "#80560c"), (0.2, "#b8651b"), (0.5, "#f26b4f"), (1.0, "#ffb3a3"))
"""Upper edges of the shares that have a colour each: the larger the share, the lighter."""


def value_text(state: State) -> Text:
    """Return the symbol and the short text of `state`."""
    return Text(f"{state.symbol} {state.en_short}", f"{state.symbol} {state.zh_short}")


def mappings() -> list[Json]:
    """Return the value mapping of the codes of lights to symbol, text and shade."""
    options = {
        str(state.code): {"index": index, "text": value_text(state), "color": state.shade}
        for index, state in enumerate(ORDER)
    }
    uncertain = Text(f"{IDLE.symbol} {IDLE.en_short}?", f"{IDLE.symbol} {IDLE.zh_short}？")
    options[str(IDLE_WITHOUT_REPORTS)] = {"index": len(ORDER), "text": uncertain, "color": IDLE.shade}
    return [{"type": "value", "options": options}]


def share_mappings() -> list[Json]:
    """Return the mappings of shares of time in sending, for a timeline of a long time."""
    found: list[Json] = []
    lower = 0.0
    for upper, colour in _SHARES:
        percent = f"{upper:.0%}"
        text = Text(f"{SENDING.symbol} ≤ {percent} of the time", f"{SENDING.symbol} 时间占比 ≤ {percent}")
        if not found:
            text = Text("no sending", "无发送")
        result = {"index": len(ORDER) + 1 + len(found), "text": text, "color": colour}
        options = {"from": SHARES_FROM + lower, "to": SHARES_FROM + upper, "result": result}
        found.append({"type": "range", "options": options})
        lower = upper
    return found


def colours() -> list[Json]:
    """Return overrides that give series named after a state its symbol, text and shade."""
    return [
        override(
            "byName",
            state.name,
            displayName=value_text(state),
            color={"mode": "fixed", "fixedColor": state.shade},
        )
        for state in ORDER
    ]
