"""The committed dashboards, read back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from grafana.render import DASHBOARDS
from grafana.texts import LANGUAGES

ROOT = Path(__file__).parents[2]
DIRECTORY = ROOT / "grafana" / "dashboards"
EACH = [(lang, name) for lang in LANGUAGES for name in DASHBOARDS]
Json = dict[str, Any]


def load(lang: str, name: str) -> Json:
    """Return a dashboard."""
    loaded: Json = json.loads((DIRECTORY / lang / f"{name}.json").read_text("utf-8"))
    return loaded


def panels(lang: str, name: str) -> dict[str, Json]:
    """Return the panels of a dashboard by title, in order."""
    return {panel["title"]: panel for panel in load(lang, name)["panels"]}


def every_panel() -> Iterator[tuple[str, Json]]:
    """Yield `language-dashboard-id` and panel."""
    for lang, name in EACH:
        for panel in load(lang, name)["panels"]:
            yield f"{lang}-{name}-{panel['id']}", panel


def in_both(name: str, title: str) -> list[tuple[str, Json]]:
    """Return the panel with the English `title`, in each language."""
    position = list(panels("en", name)).index(title)
    return [(lang, load(lang, name)["panels"][position]) for lang in LANGUAGES]


def url_of_node(lang: str, node: str) -> str:
    """Return where a link to the variable `node` leads."""
    return f"/d/cmzsb-node-{lang}?var-node={node}&var-datasource=${{datasource}}&${{__url_time_range}}"
