"""The dashboards as files: sound, and the same in both languages."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
import yaml

from exporter.states import UNKNOWN
from grafana.render import DASHBOARDS
from grafana.thresholds import GREY
from tests.grafana.files import EACH, ROOT, Json, every_panel, load, panels

ALLOWED = {
    "stat", "timeseries", "state-timeline", "status-history", "table", "bargauge", "heatmap", "piechart", "text",
    "alertlist",
}  # fmt: skip
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_dashboard_has_a_stable_identity_and_an_old_schema_that_every_grafana_takes(lang: str, name: str) -> None:
    model = load(lang, name)
    assert (model["uid"], model["id"], model["schemaVersion"]) == (f"cmzsb-{name}-{lang}", None, 37)
    assert model["tags"] == ["cmzsb", lang]


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_panels_have_their_own_ids_and_places(lang: str, name: str) -> None:
    placed = load(lang, name)["panels"]
    assert [panel["id"] for panel in placed] == list(range(1, len(placed) + 1))
    for one, other in combinations([panel["gridPos"] for panel in placed], 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)


@pytest.mark.parametrize("panel", [pytest.param(panel, id=name) for name, panel in every_panel()])
def test_panel_is_complete(panel: Json) -> None:
    assert panel["type"] in ALLOWED
    assert len(panel["title"]) > 1
    assert len(panel["description"]) > 10
    for target in panel["targets"]:
        assert target["datasource"] == DATASOURCE
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references)


@pytest.mark.parametrize("name", DASHBOARDS)
def test_languages_differ_in_texts_only(name: str) -> None:
    def without_texts(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: without_texts(item) for key, item in value.items()}
        if isinstance(value, list):
            return [without_texts(item) for item in value]
        return value if isinstance(value, int | float) else ""

    english, chinese = load("en", name), load("zh", name)
    for one, other in zip(english["panels"], chinese["panels"], strict=True):
        assert (one["type"], one["gridPos"], one["id"]) == (other["type"], other["gridPos"], other["id"])
        assert [target["expr"] for target in one["targets"]] == [target["expr"] for target in other["targets"]]
        assert one["description"] != other["description"]
        assert Counter(map(str, _numbers(one))) == Counter(map(str, _numbers(other)))
    assert without_texts(english["templating"]) == without_texts(chinese["templating"])


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [stat for item in value.values() for stat in _numbers(item)]
    if isinstance(value, list):
        return [stat for item in value for stat in _numbers(item)]
    return [value] if isinstance(value, int | float) else []


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_dashboards_link_to_each_other_and_take_the_time_but_no_node_along(lang: str, name: str) -> None:
    links = load(lang, name)["links"]
    others = [other for other in DASHBOARDS if other != name]
    assert [link["url"] for link in links] == [
        f"/d/cmzsb-{other}-{lang}?var-datasource=${{datasource}}" for other in others
    ]
    for link, other in zip(links, others, strict=True):
        assert (link["type"], link["keepTime"], link["includeVars"]) == ("link", True, False)
        assert link["title"] in load(lang, other)["title"]


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_no_data_is_grey_and_never_green(lang: str, name: str) -> None:
    for panel in load(lang, name)["panels"]:
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0] == {"color": GREY, "value": None}
        if panel["type"] == "stat":
            assert all(target["instant"] for target in panel["targets"]), "the last value of a dead source would stay"


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_figure_without_data_says_so_in_grey_and_never_shows_its_limit_instead(lang: str, name: str) -> None:
    wanted = {"text": getattr(UNKNOWN, lang), "color": GREY}
    figures = [panel for panel in load(lang, name)["panels"] if panel["options"].get("textMode") == "value"]
    for panel in (panel for panel in figures if panel["options"]["colorMode"] == "value"):
        (nothing,) = (row for row in panel["fieldConfig"]["defaults"]["mappings"] if row["type"] == "special")
        assert nothing["options"]["match"] == "null+nan"
        assert nothing["options"]["result"].items() >= wanted.items()
        value, *limit = (target["expr"] for target in panel["targets"])
        assert all(text.endswith(f" and on () ({value})") for text in limit)


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_alerts_are_marked_and_can_be_switched_off(lang: str, name: str) -> None:
    (alerts,) = load(lang, name)["annotations"]["list"]
    assert alerts["enable"]
    assert "hide" not in alerts
    assert alerts["datasource"] == DATASOURCE
    assert (alerts["titleFormat"], alerts["textFormat"]) == ("{{alertname}}", "{{node}}")


ADDRESSES = ["docs_url", "alertmanager_url"]
VARIABLES = {
    "fleet": ["datasource", "location", "node", "interval", *ADDRESSES],
    "node": ["datasource", "node", "node_ip", *ADDRESSES],
    "health": ["datasource", *ADDRESSES],
    "wall": ["datasource", "location", *ADDRESSES],
}


def variables(lang: str, name: str) -> dict[str, Json]:
    return {row["name"]: row for row in load(lang, name)["templating"]["list"]}


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_variables_choose_source_place_nodes_and_step(lang: str, name: str) -> None:
    chosen = variables(lang, name)
    assert list(chosen) == VARIABLES[name]
    for several in chosen.keys() & {"location"} | ({"node"} if name == "fleet" else set()):
        found = chosen[several]
        assert (found["multi"], found["includeAll"], found["allValue"]) == (True, True, ".*")
        assert found["current"]["value"] == ["$__all"]
    assert all(chosen[name]["hide"] == 2 for name in chosen.keys() & {"node_ip", *ADDRESSES})


def test_one_node_is_chosen_on_its_dashboard_and_the_step_on_that_of_the_fleet() -> None:
    assert {"multi", "includeAll"}.isdisjoint(variables("en", "node")["node"])
    interval = variables("en", "fleet")["interval"]
    assert (interval["type"], interval["current"]["value"]) == ("interval", "5s")
    assert "5s" in interval["query"].split(",")


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_dashboard_opens_on_the_data_source_of_this_project(lang: str, name: str) -> None:
    provisioned = yaml.safe_load((ROOT / "grafana/provisioning/datasources/prometheus.yml").read_text("utf-8"))
    (source,) = provisioned["datasources"]
    current = variables(lang, name)["datasource"]["current"]
    assert (current["value"], current["text"]) == (source["uid"], source["name"])


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_order_of_a_variable_is_one_that_the_new_schema_of_grafana_knows(lang: str, name: str) -> None:
    known_to_grafana_13 = range(5)
    assert all(row.get("sort", 0) in known_to_grafana_13 for row in variables(lang, name).values())
    if "node" in variables(lang, name):
        by_number = 3
        assert variables(lang, name)["node"]["sort"] == by_number


def test_addresses_are_those_of_prometheus_own_configuration() -> None:
    config = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text("utf-8"))
    addresses = {name: variables("en", "fleet")[name]["query"] for name in ADDRESSES}
    assert addresses["docs_url"] == config["global"]["external_labels"]["docs_url"]
    (target,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert addresses["alertmanager_url"].rpartition(":")[2] == target.rpartition(":")[2]


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_marks_of_alerts_end_at_six_hours(lang: str, name: str) -> None:
    (alerts,) = load(lang, name)["annotations"]["list"]
    assert alerts["expr"].endswith("and on () vector($__range_s) <= 21600")


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_panel_is_in_the_documentation(name: str) -> None:
    text = (ROOT / "docs" / "dashboards.md").read_text("utf-8")
    section = text.partition(f"(`cmzsb-{name}-en`")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    named = {title for row in rows for title in re.split(r", (?=[A-Z])", row)}
    assert set(panels("en", name)) == named - {"panel"} - {"---"}
