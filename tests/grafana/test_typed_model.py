"""The dashboards against the typed model of Grafana 11.6."""

from __future__ import annotations

import copy
import json
import sys
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.grafana.files import EACH, Json, load

KNOWN_TO_GRAFANA_ALONE = {
    "id": "null: Grafana numbers the dashboards itself",
    "annotations.list.step": "of Prometheus' annotations, which the model has for no kind of data source",
    "annotations.list.titleFormat": "the same",
    "annotations.list.textFormat": "the same",
    "timepicker.time_options": "still read by 9.4 to 10",
}
"""What the model does not know, and why it is there."""


def unknown(original: Any, typed: Any, path: str = "") -> Iterator[str]:
    """Yield where `original` has what `typed`, its way through the model, has not."""
    if isinstance(original, dict) and isinstance(typed, dict):
        for key, value in original.items():
            inner = f"{path}.{key}".lstrip(".")
            yield from unknown(value, typed[key], inner) if key in typed else [inner]
    elif isinstance(original, list) and isinstance(typed, list) and len(original) == len(typed):
        for one, other in zip(original, typed, strict=True):
            yield from unknown(one, other, path)
    elif original != typed:
        yield f"{path}: {original!r} became {typed!r}"


def mistyped(value: Any, wanted: Any, path: str = "") -> list[str]:
    """Return where a value is not of the type that the model declares."""
    kind, arguments = typing.get_origin(wanted) or wanted, typing.get_args(wanted)
    if kind is typing.Union:
        found = [mistyped(value, one, path) for one in arguments]
        return [] if [] in found else found[0]
    if kind is list and isinstance(value, list):
        return [fault for item in value for fault in mistyped(item, arguments[0], path)]
    choices = arguments if kind is typing.Literal else None
    if isinstance(kind, type) and issubclass(kind, Enum):
        choices = tuple(member.value for member in kind)
    if value not in choices if choices is not None else not _fits(value, kind):
        return [f"{path}: {value!r} is no {wanted}"]
    return members(value, path)


def _fits(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind in (bool, object)
    if hasattr(kind, "from_json") and isinstance(value, dict):
        return True  # the model leaves some parts as they are
    return isinstance(value, int | float) if kind is float else isinstance(value, kind)


def members(value: Any, path: str) -> list[str]:
    """Return what `mistyped` finds in the attributes of an object of the model."""
    if not hasattr(value, "to_json"):
        return []
    declared = typing.get_type_hints(type(value), vars(sys.modules[type(value).__module__]))
    checked = (mistyped(getattr(value, name), wanted, f"{path}.{name}") for name, wanted in declared.items())
    return [fault for found in checked for fault in found]


def faults(dashboard: Json) -> set[str]:
    """Return what the typed model says against a dashboard."""
    register_default_plugins()
    parsed = Dashboard.from_json(copy.deepcopy(dashboard))
    typed = json.loads(json.dumps(parsed, cls=JSONEncoder))
    return {*unknown(dashboard, typed), *members(parsed, "dashboard")}


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_dashboard_is_valid_for_the_typed_model_of_grafana(lang: str, name: str) -> None:
    assert faults(load(lang, name)) - KNOWN_TO_GRAFANA_ALONE.keys() == set()


def test_every_exception_is_still_needed() -> None:
    found = set().union(*(faults(load(lang, name)) for lang, name in EACH))
    assert found >= KNOWN_TO_GRAFANA_ALONE.keys()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("schemaVersion",), "x"),
        (("rows",), []),
        (("panels", 0, "fieldConfig", "defaults", "unit"), 5),
        (("panels", 1, "fieldConfig", "defaults", "color", "mode"), 5),
        (("panels", 0, "options", "graphMode"), "nonsense"),
        (("panels", 0, "targets", 0, "query"), "up"),
        (("panels", 0, "targets", 0, "instant"), "yes"),
        (("panels", 0, "title"), None),
        (("panels", 0, "gridPos", "w"), "24"),
        (("templating", "list", 0, "type"), "nonsense"),
        (("links", 0, "keepTime"), "yes"),
    ],
)
def test_model_sees_what_is_wrong(path: tuple[str | int, ...], value: Any) -> None:
    broken = load("en", "fleet")
    place: Any = broken
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    assert faults(broken) - KNOWN_TO_GRAFANA_ALONE.keys()
