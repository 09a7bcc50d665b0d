"""The dashboards as files: sound, and the same in both languages."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations
from typing import Any

import pytest
import yaml

from castray_bridge.__main__ import command as bridge
from castray_bridge.probes.failures import FAILURES
from exporter.states import BY_NAME, REPORTABLE, STATES, UNKNOWN, State
from grafana import health_queries
from grafana.render import DASHBOARDS
from grafana.texts import LANGUAGES
from grafana.thresholds import GREEN, GREY, ORANGE, RED
from servicekit.cli import options
from tests.grafana.files import EACH, ROOT, Json, every_panel, load, panels
from tests.grafana.shown import properties
from tests.prometheus.promql import alerts

ALLOWED = {
    "stat", "timeseries", "state-timeline", "status-history", "table", "bargauge", "heatmap", "piechart", "text",
    "alertlist",
}  # fmt: skip
DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
WITH_LIMIT = [
    ("fleet", "Sends per minute", "limit"),
    ("fleet", "Low-confidence share", "limit"),
    ("node", "Sends per minute", "limit"),
    ("node", "Low-confidence share", "limit"),
    ("node", "Inference time", "limit of p95"),
    ("health", "Duration of probes (p95)", "timeout"),
    ("health", "Slowest scrape per job", "timeout"),
]
"""Charts that draw the limit of an alert, or a timeout."""
UNITS = {
    ("fleet", "Low-confidence share"): "percentunit",
    ("fleet", "Sends per minute"): "short",
    ("node", "In this state for"): "s",
    ("node", "Last report"): "s",
    ("node", "Time per state"): "s",
    ("node", "Share of time per state"): "percentunit",
    ("node", "Sends per minute"): "short",
    ("node", "Inputs per minute"): "short",
    ("node", "Inference time"): "s",
    ("node", "Inference times in detail"): "short",
    ("node", "Low-confidence share"): "percentunit",
    ("node", "Load of the board"): "percent",
    ("node", "Temperature of the board"): "celsius",
    ("health", "Age of the bridge's data"): "s",
    ("health", "Nodes without reports"): "short",
    ("health", "Open web dashboards"): "short",
    ("health", "Failed probes of the bridge by reason"): "ops",
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
    "sends/limit": "percentunit",
    "Low": "percentunit",
    "low/limit": "percentunit",
    "Mean": "s",
    "p95": "s",
    "p95/limit": "percentunit",
    "Report": "s",
    "report/limit": "percentunit",
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
@pytest.mark.parametrize("name", ["fleet", "wall"])
def test_lights_are_one_panel_and_lead_to_their_nodes(lang: str, name: str) -> None:
    (panel,) = (panel for panel in load(lang, name)["panels"] if panel["options"].get("justifyMode") == "center")
    assert "repeat" not in panel
    assert panel["targets"][0]["instant"]
    assert panel["options"]["colorMode"] == "background"
    (link,) = panel["fieldConfig"]["defaults"]["links"]
    assert link["url"] == _url_of_node(lang, "${__field.labels.node}")


@pytest.mark.parametrize(("width", "menu"), [(1920, 300), (1700, 0)])
def test_no_name_or_state_of_200_lights_is_cut_or_too_small_to_read(width: int, menu: int) -> None:
    panel = panels("en", "fleet")["Traffic lights"]
    texts = [row["text"] for row in panel["fieldConfig"]["defaults"]["mappings"][0]["options"].values()]
    columns, padding = 20, 16
    light = (width - menu - 32) / columns - padding - 4
    of_a_letter = 0.6
    assert len("M200") * of_a_letter * panel["options"]["text"]["titleSize"] <= light
    assert light / (max(map(len, texts)) * of_a_letter) >= 9


def test_names_on_the_wall_are_as_large_as_their_lights_and_bear_the_symbol() -> None:
    panel = panels("en", "wall")["Traffic lights"]
    assert panel["options"]["textMode"] == "name"
    assert "text" not in panel["options"]
    assert panel["targets"][0]["legendFormat"] == "{{symbol}} {{node}}"


def test_wall_fits_on_a_display_of_1080_px() -> None:
    lowest = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in load("en", "wall")["panels"])
    unit, gap, controls = 30, 8, 80
    assert lowest * (unit + gap) + controls <= 1080


def _url_of_node(lang: str, node: str) -> str:
    return f"/d/cmzsb-node-{lang}?var-node={node}&var-datasource=${{datasource}}&${{__url_time_range}}"


STATE_PANELS = {
    ("fleet", "Traffic lights"), ("fleet", "States over time"), ("wall", "Traffic lights"), ("node", "Now"),
    ("node", "States"),
}  # fmt: skip
STATE_SERIES = {
    ("fleet", "Nodes per state"), ("wall", "Nodes per state"), ("node", "Time per state"),
    ("node", "Share of time per state"),
}  # fmt: skip


def text_of(state: State, lang: str) -> str:
    return f"{state.symbol} {state.en_short if lang == 'en' else state.zh}"


def in_both(name: str, title: str) -> list[tuple[str, Json]]:
    """Return the panel with the English `title`, in each language."""
    position = list(panels("en", name)).index(title)
    return [(lang, load(lang, name)["panels"][position]) for lang in LANGUAGES]


@pytest.mark.parametrize(("name", "title"), sorted(STATE_PANELS))
def test_every_code_has_symbol_text_and_shade_of_the_states_table(name: str, title: str) -> None:
    for lang, panel in in_both(name, title):
        options = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
        found = {code: (row["text"], row["color"]) for code, row in options.items()}
        assert {str(state.code): (text_of(state, lang), state.shade) for state in STATES}.items() <= found.items()
        assert found.keys() - {str(state.code) for state in STATES} == {"1.5"}


@pytest.mark.parametrize(("name", "title"), sorted(STATE_SERIES))
def test_every_series_of_a_state_has_its_symbol_text_and_shade(name: str, title: str) -> None:
    for lang, panel in in_both(name, title):
        for state in STATES:
            assert properties(panel, state.name) == {
                "displayName": text_of(state, lang),
                "color": {"mode": "fixed", "fixedColor": state.shade},
            }


def test_states_are_in_one_order_everywhere() -> None:
    wanted = [state.name for state in (*REPORTABLE, UNKNOWN)]
    for name, title in STATE_SERIES:
        shown = [target["legendFormat"] for target in panels("en", name)[title]["targets"]]
        assert shown == wanted[: len(shown)], title
        assert len(shown) >= len(REPORTABLE)
    for name, title in STATE_PANELS:
        options = panels("en", name)[title]["fieldConfig"]["defaults"]["mappings"][0]["options"]
        ordered = sorted(options.items(), key=lambda row: row[1]["index"])
        assert [code for code, _ in ordered][: len(STATES)] == [str(BY_NAME[state].code) for state in wanted]


def contrast_with_white(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) + 0.05)


def backgrounds(panel: Json) -> set[str]:
    """Return the colours on which the panel writes in white."""
    own = [row for row in panel["fieldConfig"]["overrides"] if "color-background" in str(row)]
    if panel["options"].get("colorMode") == "background":
        own = [*panel["fieldConfig"]["overrides"], panel["fieldConfig"]["defaults"]["mappings"]]
    return set(re.findall(r"#[0-9a-f]{6}", str(own)))


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_white_text_has_enough_contrast(lang: str, name: str) -> None:
    found = set().union(*(backgrounds(panel) for panel in load(lang, name)["panels"]))
    assert found or name == "health"
    assert {colour for colour in found if contrast_with_white(colour) < 4.5} == set()


@pytest.mark.parametrize("panel", [pytest.param(panel, id=name) for name, panel in every_panel()])
def test_series_are_not_of_the_colour_of_limits(panel: Json) -> None:
    if panel["type"] == "timeseries":
        assert not panel["fieldConfig"]["defaults"]["color"]["mode"].startswith("palette")
        dashed = [row for row in panel["fieldConfig"]["overrides"] if "custom.lineStyle" in str(row)]
        others = [row for row in panel["fieldConfig"]["overrides"] if row not in dashed]
        named = {word for word in ("red", "orange", RED) if word in str(others)}
        assert named == set()


@pytest.mark.parametrize("panel", [pytest.param(panel, id=name) for name, panel in every_panel()])
def test_legends_of_charts_are_below_them(panel: Json) -> None:
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["placement"] == "bottom"


@pytest.mark.parametrize("panel", [pytest.param(panel, id=name) for name, panel in every_panel()])
def test_headers_of_tables_are_not_cut_on_a_screen_of_1280_px(panel: Json) -> None:
    if panel["type"] != "table":
        return
    names = panel["transformations"][1]["options"]["renameByName"].values()
    shown = [name for name in names if not properties(panel, name).get("custom.hidden")]
    available = (1280 - 32) * panel["gridPos"]["w"] / 24 - 16
    fixed = {name: properties(panel, name).get("custom.width") for name in shown}
    free = [name for name in shown if fixed[name] is None]
    width = (available - sum(value or 0 for value in fixed.values())) / max(1, len(free))
    for name in shown:
        letters = sum(13 if ord(letter) > 0x2E80 else 7 for letter in name)
        assert letters + 20 <= (fixed[name] or width), name


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


@pytest.mark.parametrize(
    ("name", "title"),
    [("node", "In this state for"), ("node", "Last report"), ("health", "Age of the bridge's data")],
)
def test_figure_is_orange_from_half_of_its_limit_and_red_from_the_limit(name: str, title: str) -> None:
    wanted = [(GREY, None), (GREEN, 0), (ORANGE, 50), (RED, 100)]
    thresholds = panels("en", name)[title]["fieldConfig"]["defaults"]["thresholds"]
    assert thresholds["mode"] == "percentage"
    assert [(step["color"], step["value"]) for step in thresholds["steps"]] == wanted


@pytest.mark.parametrize(("name", "title", "legend"), WITH_LIMIT)
def test_limit_is_drawn_as_a_dashed_red_line(name: str, title: str, legend: str) -> None:
    panel = panels("en", name)[title]
    own = properties(panel, legend)
    assert own["custom.lineStyle"]["fill"] == "dash"
    assert own["color"]["fixedColor"] == RED
    assert legend in [target["legendFormat"] for target in panel["targets"]]


def test_limit_of_the_inference_time_is_that_of_its_alert_over_the_same_time() -> None:
    alert = alerts()["CmzsbInferenceSlow"]["expr"]
    queries = {target["legendFormat"]: target["expr"] for target in panels("en", "node")["Inference time"]["targets"]}
    assert queries["limit of p95"] in alert
    assert queries["p95"].partition("{")[0] in alert


def test_limit_of_sends_is_drawn_over_sends_alone() -> None:
    for _, panel in every_panel():
        queries = [target["expr"] for target in panel["targets"]]
        if "cmzsb:sends_per_minute:threshold" in queries:
            assert not any("processed" in query for query in queries)


def test_timeouts_are_those_of_the_configuration() -> None:
    jobs = yaml.safe_load((ROOT / "prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    own = {job["scrape_timeout"] for job in jobs if job["job_name"] in ("cmzsb-monitor", "castray-bridge")}
    assert own == {f"{health_queries.SCRAPE_TIMEOUT.removeprefix('vector(').removesuffix(')')}s"}
    (timeout,) = (row.default for row in options(bridge) if row.flag == "--timeout")
    assert f"vector({float(timeout):g})" == health_queries.PROBE_TIMEOUT


def test_counts_that_are_zero_do_not_scale_to_a_hundred() -> None:
    for title in ("Targets down per job", "Journal errors"):
        defaults = panels("en", "health")[title]["fieldConfig"]["defaults"]
        assert defaults["custom"]["axisSoftMax"] == 1
        assert defaults["decimals"] == 0


def test_journal_errors_are_bars_of_whole_numbers() -> None:
    panel = panels("en", "health")["Journal errors"]
    assert panel["fieldConfig"]["defaults"]["custom"]["drawStyle"] == "bars"
    assert panel["targets"][0]["expr"].startswith("round(")


def test_reasons_of_failed_probes_are_told_in_the_words_of_their_table() -> None:
    failures = [row for row in FAILURES if row.is_probe_result]
    for lang, panel in in_both("health", "Failed probes of the bridge by reason"):
        shown = {row.name: properties(panel, row.name)["displayName"] for row in failures}
        assert shown == {row.name: getattr(row, lang) for row in failures}
        assert all(getattr(row, f"advice_{lang}") in panel["description"] for row in failures)
        assert 'result!="ok"' in panel["targets"][0]["expr"]


def test_heatmap_labels_counts_as_counts_and_its_axis_in_seconds() -> None:
    panel = panels("en", "node")["Inference times in detail"]
    assert panel["options"]["cellValues"]["unit"] == "short"
    assert panel["fieldConfig"]["defaults"]["unit"] == "short"
    assert panel["options"]["yAxis"]["unit"] == "s"


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


@pytest.mark.parametrize(("name", "title"), [("fleet", "Nodes without an answer"), ("node", "Why it does not answer")])
def test_reason_of_silence_is_told_in_words(name: str, title: str) -> None:
    wanted = {
        "en": ["not alive in Ray", "no answer to the bridge", "no answer to Prometheus", "No node is known"],
        "zh": ["Ray 中不在线", "桥接无法读取", "Prometheus 无法读取", "没有已知节点"],
    }
    for lang, panel in in_both(name, title):
        names = panel["transformations"][1]["options"]["renameByName"]
        (mapping,) = properties(panel, names.get("Value", names.get("Value #A")))["mappings"]
        assert [row["text"] for row in mapping["options"].values()] == wanted[lang]


@pytest.mark.parametrize(("lang", "name"), EACH)
def test_empty_list_is_an_all_clear_only_where_nodes_are_known(lang: str, name: str) -> None:
    for panel in load(lang, name)["panels"]:
        if panel["type"] == "table" and panel["title"] not in ("Top senders", "发送最多的节点"):
            assert "absent(" in panel["targets"][0]["expr"] or panel["fieldConfig"]["defaults"]["noValue"] in (
                "No node is known", "没有已知节点", "Nothing answers", "均无响应",
            ), panel["title"]  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["fleet", "wall", "node"])
def test_alert_leads_to_its_runbook_and_to_a_silence_and_its_severity_is_translated(lang: str, name: str) -> None:
    (panel,) = (row for row in load(lang, name)["panels"] if "ALERTS_FOR_STATE" in str(row["targets"]))
    names = panel["transformations"][1]["options"]["renameByName"]
    runbook, silence = properties(panel, names["alertname"])["links"]
    assert runbook["url"] == "${docs_url}/runbooks.md#${__value.raw}"
    assert silence["url"].startswith('${alertmanager_url}/#/silences/new?filter={alertname="${__data.fields.filter}"')
    severities = {alert["labels"]["severity"] for alert in alerts().values()}
    (mapping,) = properties(panel, names["severity"])["mappings"]
    assert severities <= mapping["options"].keys()
    if lang == "zh":
        assert mapping["options"]["critical"]["text"] == "▲ 严重"


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
