"""All PromQL of the project: that of the rules and that of the dashboards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
_VARIABLES = {
    "$__rate_interval": "1m",
    "$__interval_ms": "30000",
    "$__interval": "30s",
    "$__range_s": "3600",
    "$__range": "1h",
    "$node_ip": "127.0.0.1",
    "$node": "M1",
    "$location": ".*",
}

_ASKED_IN_TEXT = re.compile(r'query "((?:[^"\\]|\\.)+)"')


class Expression(NamedTuple):
    """A query and where it stands."""

    where: str
    text: str


def rules() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            for rule in group["rules"]:
                yield path, rule


def alerts() -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for _, rule in rules() if "alert" in rule}


def expressions() -> list[Expression]:
    """Return every query: of rules, of alerts' texts, of panels, annotations and variables (Grafana's filled in)."""
    found = [Expression(rule.get("record") or rule["alert"], rule["expr"]) for _, rule in rules()]
    for name, alert in alerts().items():
        texts = " ".join(alert["annotations"].values())
        found += [Expression(f"text of {name}", text.replace('\\"', '"')) for text in _ASKED_IN_TEXT.findall(texts)]
    for path in sorted((ROOT / "grafana" / "dashboards" / "en").glob("*.json")):
        found += _of_dashboard(path.stem, json.loads(path.read_text("utf-8")))
    return found


def _of_dashboard(name: str, dashboard: dict[str, Any]) -> Iterator[Expression]:
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield Expression(f"{name}: {panel['title']}", _filled_in(target["expr"]))
    for annotation in dashboard["annotations"]["list"]:
        if "expr" in annotation:
            yield Expression(f"{name}: annotation {annotation['name']}", _filled_in(annotation["expr"]))
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            series, label = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"], re.DOTALL).groups()
            # Whether the series has the label is what grouping by it asks.
            yield Expression(f"{name}: variable {variable['name']}", f"group by ({label}) ({_filled_in(series)})")


def _filled_in(text: str) -> str:
    for variable, value in _VARIABLES.items():
        text = text.replace(variable, value)
    return text
