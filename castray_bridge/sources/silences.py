"""Alertmanager's silences: which of them silence a node.

Format of the list: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml (`gettableSilences`)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import re2

from castray_bridge.sources.cluster import Node
from castray_bridge.sources.json_access import items, rows, text

_NODE: Final = "node"
_LATEST: Final = 253_402_300_799.0
"""Seconds; the end of the year 9999, beyond which no time can be written in RFC 3339."""
_DECIMALS: Final = re.compile(r"\.[0-9]+")
_QUIET: Final = re2.Options()
_QUIET.log_errors = False  # else RE2 itself writes to standard error


class Matcher(NamedTuple):
    """One condition on a label; `matches` takes the label's value, empty where there is no such label."""

    label: str
    matches: Callable[[str], bool]


class Silence(NamedTuple):
    """An active silence: it ends at `ends`, in Unix seconds."""

    matchers: tuple[Matcher, ...]
    ends: float

    def covers(self, labels: Mapping[str, str]) -> bool:
        """Return whether every alert with these labels is silenced."""
        return all(matcher.matches(labels.get(matcher.label, "")) for matcher in self.matchers)


def parse(reply: Any) -> list[Silence]:
    """Return the active silences of nodes in Alertmanager's reply. Raises `ValueError` if it is not a list.

    A silence without a matcher on the label `node` is left out: it silences a kind of alert, not a node. An entry that
    is not as documented is left out too, because a node must not seem silenced by what Alertmanager did not mean.
    """
    if not isinstance(reply, list):
        raise ValueError("not a list of silences")
    found = (_silence(entry) for entry in rows(reply) if text(entry, "status", "state") == "active")
    return [silence for silence in found if silence is not None]


def silenced_until(silences: Iterable[Silence], node: Node, now: float) -> float | None:
    """Return when the last of the silences of `node` ends, in Unix seconds; None if it is not silenced at `now`.

    The labels are those that Prometheus gives to the target of the node, so that a silence of one alert of the node,
    which has a matcher on `alertname`, is not one of the node.
    """
    given = node.fields.get("inventoryLabels", {})
    labels = {**given, _NODE: node.name, "node_ip": node.ip}
    return max((each.ends for each in silences if each.ends > now and each.covers(labels)), default=None)


def _silence(entry: dict[str, Any]) -> Silence | None:
    try:
        # Python 3.10 reads neither `Z` nor every number of decimals.
        ends = datetime.fromisoformat(_DECIMALS.sub("", text(entry, "endsAt")).replace("Z", "+00:00")).timestamp()
        matchers = tuple(map(_matcher, items(entry.get("matchers"))))
    except (ValueError, OverflowError, re2.error):
        return None
    return Silence(matchers, min(ends, _LATEST)) if any(matcher.label == _NODE for matcher in matchers) else None


def _matcher(entry: Any) -> Matcher:
    """Return a matcher. Raises `ValueError` or `re2.error`; `isEqual` is missing before Alertmanager 0.22."""
    if not isinstance(entry, dict) or not isinstance(entry.get("value"), str):
        raise ValueError("not a matcher")
    wanted, is_equal = entry["value"], entry.get("isEqual", True) is not False
    if entry.get("isRegex") is not True:
        return Matcher(text(entry, "name"), lambda value: (value == wanted) is is_equal)
    # Python's own `re` has other syntax than Go's, and patterns that hold the whole process for minutes.
    pattern = re2.compile(wanted, _QUIET)
    return Matcher(text(entry, "name"), lambda value: (pattern.fullmatch(value) is not None) is is_equal)
