"""Tables of nodes without an answer, with the reason."""

from __future__ import annotations

from typing import Final

from grafana import queries
from grafana.panels import Json, override
from grafana.tables import value_mapping
from grafana.texts import NO_NODE, Text, Words

REASON: Final = Text("Reason", "原因")
REASONS: Final[dict[str, tuple[Words, str]]] = {
    "0": (Text("it answers", "有响应"), ""),
    "1": (Text("not alive in Ray", "Ray 中不在线"), ""),
    "2": (Text("no answer to the bridge", "桥接无法读取"), ""),
    "3": (Text("no answer to Prometheus", "Prometheus 无法读取"), ""),
    str(queries.NO_NODE_KNOWN): (NO_NODE, ""),
}
"""By the codes of `queries.silent`, and 0 for a node that answers."""


def reasons_in(field: Words) -> Json:
    """Return the override that shows the codes in the column `field` as reasons, which are texts and not numbers."""
    return override("byName", field, mappings=[value_mapping(REASONS)], custom__align="left")
