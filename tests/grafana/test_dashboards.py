"""The dashboards as files: fresh, sound, and the same in both languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from exporter.states import STATES
from grafana.render import DASHBOARDS, LANGUAGES, files

DIRECTORY = Path(__file__).parents[2] / "grafana" / "dashboards"
ALLOWED = {
    "stat", "timeseries", "state-timeline", "status-history", "table", "bargauge", "heatmap", "piechart", "text",
    "alertlist",
}  # fmt: skip
EACH = [(lang, name) for lang in LANGUAGES for name in DASHBOARDS]


def load(lang: str, name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((DIRECTORY / lang / f"{name}.json").read_text("utf-8"))
    return loaded


def panels() -> Iterator[Any]:
    for lang, name in EACH:
        for panel in load(lang, name)["panels"]:
            yield pytest.param(panel, id=f"{lang}-{name}-{panel['id']}")


def test_committed_files_are_what_the_code_makes() -> None:
    committed = {path.relative_to(DIRECTORY): path.read_text("utf-8") for path in DIRECTORY.rglob("*.json")}
    assert committed == dict(files())


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_dashboard_has_a_stable_identity_and_an_old_schema_that_every_grafana_takes(lang: str, name: str) -> None:
    model = load(lang, name)
    assert (model["uid"], model["id"], model["schemaVersion"]) == (f"cmzsb-{name}-{lang}", None, 37)
    assert model["tags"] == ["cmzsb", lang]


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_dashboard_is_valid_for_the_typed_model_of_grafana(lang: str, name: str) -> None:
    register_default_plugins()
    parsed = Dashboard.from_json(load(lang, name))
    assert len(parsed.panels or []) == len(load(lang, name)["panels"])


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_panels_have_their_own_ids_and_places(lang: str, name: str) -> None:
    placed = load(lang, name)["panels"]
    assert len({panel["id"] for panel in placed}) == len(placed)
    for one, other in combinations([panel["gridPos"] for panel in placed], 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)


@pytest.mark.parametrize("panel", list(panels()))
def test_panel_is_complete(panel: dict[str, Any]) -> None:
    assert panel["type"] in ALLOWED
    assert len(panel["title"]) > 1
    assert len(panel["description"]) > 10
    assert panel["fieldConfig"]["defaults"]["unit"]
    for target in panel["targets"]:
        assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert target["expr"]
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_languages_differ_in_texts_only(name: str) -> None:
    english, chinese = load("en", name), load("zh", name)
    for one, other in zip(english["panels"], chinese["panels"], strict=True):
        assert (one["type"], one["gridPos"], one["id"]) == (other["type"], other["gridPos"], other["id"])
        assert [target["expr"] for target in one["targets"]] == [target["expr"] for target in other["targets"]]
        assert one["description"] != other["description"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_lights_are_one_panel_that_maps_every_code_of_the_states_table(lang: str) -> None:
    panel = next(
        panel for panel in load(lang, "fleet")["panels"] if "lights" in panel["title"] or "灯" in panel["title"]
    )
    assert "repeat" not in panel
    assert panel["options"]["reduceOptions"]["calcs"] == ["lastNotNull"]
    shown = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    wanted = {str(state.code): (getattr(state, lang), state.colour) for state in STATES}
    assert {code: (row["text"], row["color"]) for code, row in shown.items()} == wanted
    link = panel["fieldConfig"]["defaults"]["links"][0]["url"]
    assert f"/d/cmzsb-node-{lang}?" in link
    assert "${__url_time_range}" in link
