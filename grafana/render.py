"""Dashboards as files: the same input gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from grafanalib import core
from grafanalib._gen import DashboardEncoder

from grafana import fleet, health, node, wall
from grafana.dashboard import ADDRESSES, Dashboard, build
from grafana.texts import LANGUAGES

_OBSOLETE: Final = {"__inputs", "hideControls", "rows", "sharedCrosshair", "style"}
"""Fields of Grafana before 5.0, of which grafanalib still writes the defaults."""
DASHBOARDS: Final[dict[str, Dashboard]] = {
    dashboard.name: dashboard for dashboard in (fleet.DASHBOARD, node.DASHBOARD, health.DASHBOARD, wall.DASHBOARD)
}


def as_json(dashboard: core.Dashboard) -> dict[str, Any]:
    """Return the dashboard as Grafana's JSON model, without the empty and obsolete fields that grafanalib adds."""
    model = json.loads(json.dumps(dashboard, cls=DashboardEncoder))
    model = {name: value for name, value in model.items() if name not in _OBSOLETE}
    slim: dict[str, Any] = _without_nulls(model)
    return {"id": None} | slim


def models(
    languages: tuple[str, ...] = LANGUAGES, addresses: Mapping[str, str] = ADDRESSES
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield every dashboard's relative path as a file, and its model; its links lead to `addresses`."""
    for lang in languages:
        for name, dashboard in DASHBOARDS.items():
            yield Path(lang) / f"{name}.json", as_json(build(dashboard, lang, addresses))


def files(
    languages: tuple[str, ...] = LANGUAGES, addresses: Mapping[str, str] = ADDRESSES
) -> Iterator[tuple[Path, str]]:
    """Yield every file's relative path and text."""
    for path, model in models(languages, addresses):
        yield path, json.dumps(model, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def write(
    directory: Path, languages: tuple[str, ...] = LANGUAGES, addresses: Mapping[str, str] = ADDRESSES
) -> list[Path]:
    """Write the files below `directory` and return their paths. Raises `OSError`."""
    written = []
    for path, text in files(languages, addresses):
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, "utf-8")
        written.append(target)
    return written


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        # The lowest step of thresholds is null, which means "from minus infinity".
        return {name: _without_nulls(item) for name, item in value.items() if item is not None or name == "value"}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value
