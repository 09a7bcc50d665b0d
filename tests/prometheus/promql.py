"""All PromQL of the project, and what stands in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import promql_parser
import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
_VARIABLES = {"$__rate_interval": "1m", "$__interval": "30s", "$__range": "1h", "$node_ip": "127.0.0.1", "$node": "M1"}


class Expression(NamedTuple):
    """A query and where it stands."""

    where: str
    text: str

    def parsed(self) -> Any:
        text = self.text
        for variable, value in _VARIABLES.items():
            text = text.replace(variable, value)
        return promql_parser.parse(text)


def rules() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text("utf-8"))["groups"]:
            for rule in group["rules"]:
                yield path, rule


def expressions() -> list[Expression]:
    found = [Expression(rule.get("record") or rule["alert"], rule["expr"]) for _, rule in rules()]
    for path in sorted((ROOT / "grafana" / "dashboards" / "en").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            found += [Expression(f"{path.stem}: {panel['title']}", target["expr"]) for target in panel["targets"]]
    return found


def selectors(text: str) -> set[str]:
    """Return the names of the series that a query reads."""
    without_strings = re.sub(r'"[^"]*"', '""', text)
    without_labels = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", without_strings)
    without_matchers = re.sub(r"\{[^}]*\}", "", without_labels)
    return set(
        re.findall(
            r"(?:(?:node|fleet|cmzsb):[\w:]+|\b(?:cmzsb|castray_bridge|ray)_\w+|\bup\b|\bALERTS\b)", without_matchers
        )
    )
