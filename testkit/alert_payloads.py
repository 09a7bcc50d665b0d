"""What Alertmanager posts, made from the rules' own annotations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from functools import cache
from typing import Any, Final

import yaml

from testkit.paths import ROOT

_RULES: Final = ROOT / "prometheus" / "rules" / "alerts.yml"
_EXPRESSION: Final = re.compile(r"\{\{ (?:with|range) .*?\{\{ end \}\}|\{\{.*?\}\}")
STARTS, ENDS = "2026-11-24T08:02:13.117Z", "2026-11-24T08:14:43.117Z"
FIRING_ENDS: Final = "0001-01-01T00:00:00Z"
ALERTMANAGER: Final = "http://10.0.0.1:9093"


def rule(name: str) -> dict[str, Any]:
    """Return a copy of the alerting rule called `name`."""
    return deepcopy(_rules()[name])


@cache
def _rules() -> dict[str, dict[str, Any]]:
    groups = yaml.safe_load(_RULES.read_text("utf-8"))["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def alert(name: str, node: str = "", firing: bool = True, values: Iterable[str] = ("14.2", "10")) -> dict[str, Any]:
    """Return an alert of the rule `name`; `values` are what its queries give, in order, in each language anew."""
    known = rule(name)
    labels = {"alertname": name, **known["labels"]} | ({"node": node} if node else {})
    return {
        "status": "firing" if firing else "resolved",
        "labels": labels,
        "annotations": {key: _filled(text, node, values) for key, text in known["annotations"].items()},
        "startsAt": STARTS,
        "endsAt": FIRING_ENDS if firing else ENDS,
        "generatorURL": "http://10.0.0.1:9090/graph",
        "fingerprint": f"{name}/{node}",
    }


def payload(*alerts: Mapping[str, Any], **fields: Any) -> dict[str, Any]:
    """Return Alertmanager's message about `alerts`, grouped by name."""
    name = alerts[0]["labels"].get("alertname", "") if alerts else ""
    firing = any(each["status"] == "firing" for each in alerts)
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "truncatedAlerts": 0,
        "status": "firing" if firing else "resolved",
        "receiver": "cmzsb-notify",
        "groupLabels": {"alertname": name},
        "commonLabels": {"alertname": name},
        "commonAnnotations": {},
        "externalURL": ALERTMANAGER,
        "alerts": list(alerts),
        **fields,
    }


def _filled(text: str, node: str, values: Iterable[str]) -> str:
    """Fill in a template as Prometheus would: labels, then values, line by line."""
    text = text.replace("{{ $labels.node }}", node)
    text = text.replace("{{ $externalLabels.docs_url }}", "http://10.0.0.1/docs")
    text = text.replace("{{ $externalLabels.grafana_url }}", "http://10.0.0.1:3000")
    return "\n".join(_with_values(line, iter(values)) for line in text.splitlines())


def _with_values(line: str, values: Iterator[str]) -> str:
    return _EXPRESSION.sub(lambda _: next(values, "?"), line)
