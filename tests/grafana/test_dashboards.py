"""The dashboards as files: sound, and the same in both languages."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from typing import Any

import pytest

from exporter.states import STATES, UNKNOWN
from grafana.render import DASHBOARDS
from grafana.texts import LANGUAGES
from grafana.thresholds import GREEN, GREY, ORANGE, RED
from tests.grafana.files import EACH, ROOT, Json, every_panel, load, panels
from tests.grafana.shown import properties

ALLOWED = {
    "stat", "timeseries", "state-timeline", "status-history", "table", "bargauge", "heatmap", "piechart", "text",
    "alertlist",
}  # fmt: skip
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WITH_LIMIT = [
    ("fleet", "Sends per minute"),
    ("fleet", "Low-confidence share"),
    ("node", "Inputs and sends per minute"),
    ("node", "Low-confidence share"),
]
"""Charts that draw the limit of an alert."""
UNITS = {
    ("fleet", "Low-confidence share"): "percentunit",
    ("fleet", "Sends per minute"): "short",
    ("node", "In this state for"): "s",
    ("node", "Last report"): "s",
    ("node", "Time per state"): "s",
    ("node", "Share of time per state"): "percentunit",
    ("node", "Inputs and sends per minute"): "short",
    ("node", "Inference time"): "s",
    ("node", "Inference times in detail"): "s",
    ("node", "Low-confidence share"): "percentunit",
    ("node", "Load of the board"): "percent",
    ("health", "Age of the bridge's data"): "s",
    ("health", "Nodes without reports"): "short",
    ("health", "Open web dashboards"): "short",
    ("health", "Probes of the bridge by result"): "ops",
    ("health", "Duration of probes (p95)"): "s",
    ("health", "Slowest scrape per job"): "s",
    ("health", "Targets down per job"): "short",
    ("health", "Reports per second"): "ops",
    ("health", "Journal errors"): "short",
}
"""All others show texts, or plain numbers."""
COLUMN_UNITS = {
    "Sends (1 h)": "none",
    "Sends/min": "none",
    "Low confidence": "percentunit",
    "Mean inference": "s",
    "p95 inference": "s",
    "Last report": "s",
    "of limit: sends": "percentunit",
    "of limit: low conf.": "percentunit",
    "of limit: p95": "percentunit",
    "of limit: report": "percentunit",
}


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


@pytest.mark.parametrize("lang", LANGUAGES)
def test_lights_are_one_panel_that_maps_every_code_of_the_states_table(lang: str) -> None:
    panel = load(lang, "fleet")["panels"][1]
    assert "repeat" not in panel
    assert panel["targets"][0]["instant"]
    assert panel["options"]["textMode"] == "value_and_name"
    assert panel["options"]["colorMode"] == "background"
    assert panel["options"]["text"]["titleSize"] == 20
    (link,) = panel["fieldConfig"]["defaults"]["links"]
    assert link["url"] == _url_of_node(lang, "${__field.labels.node}")


def _url_of_node(lang: str, node: str) -> str:
    return f"/d/cmzsb-node-{lang}?var-node={node}&var-datasource=${{datasource}}&${{__url_time_range}}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_whatever_shows_states_maps_every_code_to_its_text_and_colour(lang: str) -> None:
    wanted = {str(state.code): (getattr(state, lang), state.colour) for state in STATES}
    showing = [load(lang, "fleet")["panels"][1], load(lang, "fleet")["panels"][2]]
    showing += [load(lang, "node")["panels"][0], load(lang, "node")["panels"][4]]
    for panel in showing:
        (mapping,) = panel["fieldConfig"]["defaults"]["mappings"]
        assert {code: (row["text"], row["color"]) for code, row in mapping["options"].items()} == wanted
    for panel in (load(lang, "node")["panels"][3], load(lang, "node")["panels"][5], load(lang, "fleet")["panels"][0]):
        for state in STATES:
            own = properties(panel, state.name)
            assert own == {
                "displayName": getattr(state, lang),
                "color": {"mode": "fixed", "fixedColor": state.colour},
            }


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_of_nodes_in_tables_lead_to_their_dashboards(lang: str) -> None:
    tables = [panel for name in ("fleet", "health") for panel in load(lang, name)["panels"] if panel["type"] == "table"]
    of_nodes = [panel for panel in tables if "version" not in panel["transformations"][1]["options"]["renameByName"]]
    assert len(of_nodes) == 6
    for panel in of_nodes:
        (link,) = properties(panel, panel["transformations"][1]["options"]["renameByName"]["node"])["links"]
        assert link["url"] == _url_of_node(lang, "${__value.raw}")


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_no_data_is_grey_and_never_green(lang: str, name: str) -> None:
    for panel in load(lang, name)["panels"]:
        assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"][0] == {"color": GREY, "value": None}
        if panel["type"] == "stat" and len(panel["targets"]) < len(STATES):
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


@pytest.mark.parametrize(
    ("name", "title"),
    [("node", "In this state for"), ("node", "Last report"), ("health", "Age of the bridge's data")],
)
def test_figure_is_orange_from_half_of_its_limit_and_red_from_the_limit(name: str, title: str) -> None:
    wanted = [(GREY, None), (GREEN, 0), (ORANGE, 50), (RED, 100)]
    thresholds = panels("en", name)[title]["fieldConfig"]["defaults"]["thresholds"]
    assert thresholds["mode"] == "percentage"
    assert [(step["color"], step["value"]) for step in thresholds["steps"]] == wanted


@pytest.mark.parametrize(("name", "title"), WITH_LIMIT)
def test_limit_is_drawn_as_a_dashed_line(name: str, title: str) -> None:
    own = properties(panels("en", name)[title], "limit")
    assert own["custom.lineStyle"]["fill"] == "dash"
    assert own["color"]["fixedColor"] == RED


@pytest.mark.parametrize("name", DASHBOARDS)
def test_figures_have_their_units(name: str) -> None:
    for title, panel in panels("en", name).items():
        assert panel["fieldConfig"]["defaults"]["unit"] == UNITS.get((name, title), "none"), title


def test_columns_of_the_senders_have_their_units_and_most_sends_come_first() -> None:
    panel = panels("en", "fleet")["Top senders"]
    assert {title: properties(panel, title)["unit"] for title in COLUMN_UNITS} == COLUMN_UNITS
    assert panel["options"]["sortBy"] == [{"displayName": "Sends (1 h)", "desc": True}]


def test_timelines_have_a_step_per_scrape_and_the_fleet_lets_it_be_chosen() -> None:
    fleet, node = panels("en", "fleet")["States over time"], panels("en", "node")["States"]
    assert (fleet["interval"], fleet["maxDataPoints"], node["maxDataPoints"]) == ("$interval", 720, 720)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_reason_of_silence_is_told_in_words(lang: str) -> None:
    panel = load(lang, "fleet")["panels"][6]
    (mapping,) = properties(panel, panel["transformations"][1]["options"]["renameByName"]["Value"])["mappings"]
    texts = {code: row["text"] for code, row in mapping["options"].items()}
    wanted = {
        "en": {"1": "not alive in Ray", "2": "no answer to the bridge", "3": "no answer to Prometheus"},
        "zh": {"1": "Ray 中不在线", "2": "桥接无法读取", "3": "Prometheus 无法读取"},
    }
    assert texts == wanted[lang]


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_alerts_are_marked_and_can_be_switched_off(lang: str, name: str) -> None:
    (alerts,) = load(lang, name)["annotations"]["list"]
    assert alerts["enable"]
    assert "hide" not in alerts
    assert alerts["datasource"] == DATASOURCE
    assert (alerts["titleFormat"], alerts["textFormat"]) == ("{{alertname}}", "{{node}}")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_variables_choose_source_nodes_and_step(lang: str) -> None:
    chosen = {name: {row["name"]: row for row in load(lang, name)["templating"]["list"]} for name in DASHBOARDS}
    assert {name: list(rows) for name, rows in chosen.items()} == {
        "fleet": ["datasource", "node", "interval"],
        "node": ["datasource", "node", "node_ip"],
        "health": ["datasource"],
    }
    fleet, node = chosen["fleet"]["node"], chosen["node"]["node"]
    assert (fleet["multi"], fleet["includeAll"], fleet["allValue"]) == (True, True, ".*")
    assert fleet["current"]["value"] == ["$__all"]
    assert {"multi", "includeAll"}.isdisjoint(node)
    assert chosen["node"]["node_ip"]["hide"] == 2
    interval = chosen["fleet"]["interval"]
    assert (interval["type"], interval["current"]["value"]) == ("interval", "5s")
    assert "5s" in interval["query"].split(",")


@pytest.mark.parametrize("name", DASHBOARDS)
def test_every_panel_is_in_the_documentation(name: str) -> None:
    text = (ROOT / "docs" / "dashboards.md").read_text("utf-8")
    section = text.partition(f"(`cmzsb-{name}-en`")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    named = {title for row in rows for title in re.split(r", (?=[A-Z])", row)}
    assert set(panels("en", name)) == named - {"panel"} - {"---"}
