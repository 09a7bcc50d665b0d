"""Tables in the dashboards as files: headers, links, reasons, alerts."""

from __future__ import annotations

import pytest

from grafana.texts import LANGUAGES
from tests.grafana.files import EACH, Json, every_panel, in_both, load, panels, url_of_node
from tests.grafana.shown import properties
from tests.prometheus.promql import alerts

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
    buttons = 12 + (22 if panel["fieldConfig"]["defaults"]["custom"]["filterable"] else 0)
    sorted_by = {order["displayName"] for order in panel["options"]["sortBy"]}
    for name in shown:
        letters = sum(13 if ord(letter) > 0x2E80 else 7 for letter in name)
        assert letters + buttons + (20 if name in sorted_by else 0) <= (fixed[name] or width), name


@pytest.mark.parametrize("lang", LANGUAGES)
def test_names_of_nodes_in_tables_lead_to_their_dashboards(lang: str) -> None:
    tables = [panel for name in ("fleet", "health") for panel in load(lang, name)["panels"] if panel["type"] == "table"]
    of_nodes = [panel for panel in tables if "node" in panel["transformations"][1]["options"]["renameByName"]]
    assert len(of_nodes) == 7
    for panel in of_nodes:
        (link,) = properties(panel, panel["transformations"][1]["options"]["renameByName"]["node"])["links"]
        assert link["url"] == url_of_node(lang, "${__value.raw}")


def test_columns_of_the_senders_have_their_units_and_most_sends_come_first() -> None:
    panel = panels("en", "fleet")["Top senders"]
    assert {title: properties(panel, title)["unit"] for title in COLUMN_UNITS} == COLUMN_UNITS
    assert panel["options"]["sortBy"] == [{"displayName": "Sends (1 h)", "desc": True}]


@pytest.mark.parametrize(("name", "title"), [("fleet", "Nodes without an answer"), ("node", "Why it does not answer")])
def test_reason_of_silence_is_told_in_words(name: str, title: str) -> None:
    wanted = {
        "en": [
            "it answers",
            "not alive in Ray",
            "no answer to the bridge",
            "no answer to Prometheus",
            "No node is known",
        ],
        "zh": ["有响应", "Ray 中不在线", "桥接无法读取", "Prometheus 无法读取", "没有已知节点"],
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
                "cmzsb-notify is not scraped", "未抓取 cmzsb-notify",
            ), panel["title"]  # fmt: skip


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["fleet", "wall", "node"])
def test_alert_leads_to_its_runbook_and_to_a_silence_and_its_severity_is_translated(lang: str, name: str) -> None:
    (panel,) = (row for row in load(lang, name)["panels"] if "ALERTS_FOR_STATE" in str(row["targets"]))
    names = panel["transformations"][1]["options"]["renameByName"]
    runbook, silence = properties(panel, names["alertname"])["links"]
    assert runbook["url"] == "${docs_url}/runbooks.md#${__value.raw}"
    assert silence["url"].startswith('${alertmanager_url}/#/silences/new?filter={alertname="${__data.fields.filter}"')
    severities = {alert["labels"]["severity"] for name, alert in alerts().items() if name != "Watchdog"}
    (mapping,) = properties(panel, names["severity"])["mappings"]
    assert severities <= mapping["options"].keys()
    if lang == "zh":
        assert mapping["options"]["critical"]["text"] == "▲ 严重"
