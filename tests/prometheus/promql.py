"""All PromQL of the project: that of the rules and that of the dashboards."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

ROOT = Path(__file__).parents[2]
RULES = sorted((ROOT / "prometheus" / "rules").glob("*.yml"))
_VARIABLES = {"$__rate_interval": "1m", "$__interval": "30s", "$__range": "1h", "$node_ip": "127.0.0.1", "$node": "M1"}


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
    """Return every query, with Grafana's variables filled in."""
    found = [Expression(rule.get("record") or rule["alert"], rule["expr"]) for _, rule in rules()]
    for path in sorted((ROOT / "grafana" / "dashboards" / "en").glob("*.json")):
        for panel in json.loads(path.read_text("utf-8"))["panels"]:
            where = f"{path.stem}: {panel['title']}"
            found += [Expression(where, _filled_in(target["expr"])) for target in panel["targets"]]
    return found


def _filled_in(text: str) -> str:
    for variable, value in _VARIABLES.items():
        text = text.replace(variable, value)
    return text
