"""What a reader gets, in both languages and at every length."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.fitting import size
from notify.message import Message, Renderer
from testkit.alert_payloads import ALERTMANAGER, alert
from tests.notify.kit import notification
from tests.notify.test_plain_text import CRAFTED

ZONE = ZoneInfo("Asia/Shanghai")
NODES = [f"M{number}" for number in range(1, 24)]
DOWN, OFTEN = "CmzsbMonitorDown", "CmzsbSendingTooOften"


def render(*alerts: dict[str, Any], language: str = "en", limit: int = 2048, url: str = ALERTMANAGER) -> Message:
    return Renderer(language, ZONE).render(notification(*alerts).alerts, url, limit)


def test_one_node_what_since_when_value_and_limit_then_links() -> None:
    assert render(alert(OFTEN, "M5")).text.splitlines() == [
        "[warning] Sends too often: M5",
        "Since 2026-11-24 16:02 (UTC+8)",
        "M5 sent 14.2 inputs per minute to the server over the last 5 minutes; the limit is 10.",
        "What to do: http://10.0.0.1/docs/runbooks.md#cmzsbsendingtoooften",
        "Dashboard: http://10.0.0.1:3000/d/cmzsb-node-zh?var-node=M5",
        "Silence: http://10.0.0.1:9093/#/silences/new?filter="
        "%7Balertname%3D%22CmzsbSendingTooOften%22%2Cnode%3D%22M5%22%7D",
    ]


def test_chinese_reader_gets_chinese() -> None:
    lines = render(alert(OFTEN, "M5"), language="zh").text.splitlines()
    assert lines[:3] == [
        "【警告】发送过于频繁：M5",
        "开始时间：2026-11-24 16:02 (UTC+8)",
        "M5 最近 5 分钟平均每分钟向服务端发送 14.2 次，阈值为 10 次。",
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_23_boards_are_all_named_at_once_in_what_wecom_takes(language: str) -> None:
    message = render(*(alert(DOWN, node) for node in reversed(NODES)), language=language)
    first, names = message.text.splitlines()[:2]
    assert "23" in first
    assert names.replace("、", ", ").split(", ") == NODES
    assert size(message.text) <= 2048


def test_names_that_do_not_fit_are_counted() -> None:
    nodes = [f"node-{number:03}" for number in range(500)]
    message = render(*(alert(DOWN, node) for node in nodes))
    names = message.text.splitlines()[1].split(", ")
    shown = names[:-1]
    assert shown == nodes[: len(shown)]
    assert names[-1] == f"and {500 - len(shown)} more"
    assert len(shown) > 100
    assert size(message.text) <= 2048


def test_texts_of_many_alerts_are_the_first_few() -> None:
    lines = render(*(alert(DOWN, node) for node in NODES), limit=16_000).body.splitlines()
    assert sum(line.startswith("Prometheus has not") for line in lines) == 10
    assert "… and 13 more" in lines


def test_end_of_an_alert_tells_how_long_it_was_and_asks_for_nothing() -> None:
    message = render(alert(OFTEN, "M5", firing=False))
    assert message.severity == "resolved"
    assert message.text.splitlines() == [
        "[resolved] Sends too often: M5",
        "2026-11-24 16:02 (UTC+8) to 2026-11-24 16:14 (UTC+8), 12 min 30 s",
        "Dashboard: http://10.0.0.1:3000/d/cmzsb-node-zh?var-node=M5",
    ]


def test_nodes_that_are_well_again_are_told_beside_those_that_are_not() -> None:
    message = render(alert(DOWN, "M1"), alert(DOWN, "M2", firing=False), alert(DOWN, "M3", firing=False))
    lines = message.text.splitlines()
    assert lines[0] == "[warning] The monitor does not answer: M1"
    assert lines[1] == "Resolved: M2, M3"
    assert lines[2] == "They fired: 2026-11-24 16:02 (UTC+8) to 2026-11-24 16:14 (UTC+8), 12 min 30 s"
    assert "M2" not in "".join(lines[2:])


def test_storm_is_about_the_fleet_and_names_the_nodes_that_send() -> None:
    lines = render(alert("CmzsbSendingStorm", values=("61%", "50%", " M1 M2"))).text.splitlines()
    assert lines[0] == "[critical] Much of the fleet sends at once"
    assert "61%" in lines[2]
    assert lines[2].endswith("Sending: M1 M2.")


def test_dashboard_of_several_nodes_fills_in_none() -> None:
    text = render(alert(OFTEN, "M1"), alert(OFTEN, "M2")).text
    assert "Dashboard: http://10.0.0.1:3000/d/cmzsb-node-zh\n" in text
    assert "node%3D" not in text


def test_alert_of_another_rule_file_has_its_own_words() -> None:
    foreign = alert(OFTEN, "M5") | {
        "labels": {"alertname": "DiskFull", "instance": "10.0.0.9:9100"},
        "annotations": {"summary": "Disk is full", "description": "Only 1 % is left."},
    }
    for language, title in (("en", "[warning] Disk is full: "), ("zh", "【警告】Disk is full：")):
        lines = render(foreign, language=language).text.splitlines()
        assert lines[0] == f"{title}10.0.0.9:9100"
        assert lines[2] == "Only 1 % is left."


def test_alert_without_any_text_is_told_by_its_name() -> None:
    bare = alert(OFTEN) | {"labels": {"alertname": "DiskFull"}, "annotations": {}}
    assert render(bare, url="").text == "[warning] DiskFull\nSince 2026-11-24 16:02 (UTC+8)"


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("crafted", [*CRAFTED, "M5\n[critical] forged: M1", "x" * 5000, "\u202eM5", "‮" * 50])
def test_crafted_labels_and_annotations_stay_text_in_their_line(crafted: str, language: str) -> None:
    forged = alert(OFTEN, "M5")
    forged["labels"] |= {"node": crafted, "alertname": crafted}
    forged["annotations"] = dict.fromkeys(("summary", "description", "runbook_url", "dashboard_url"), crafted)
    ordinary = render(alert(OFTEN, "M5"), language=language)
    message = render(forged, language=language, url=f"http://{crafted}/")
    assert not set(message.text) & set("<>@[]*`~|\\&\u202e") - set(ordinary.text)
    assert len(message.text.splitlines()) <= 3
    assert size(message.text) <= 2048


@given(
    names=st.lists(st.text(min_size=1, max_size=80), min_size=1, max_size=60),
    limit=st.integers(500, 4000),
    language=st.sampled_from(["en", "zh"]),
)
def test_no_message_is_ever_longer_than_its_service_takes(names: list[str], limit: int, language: str) -> None:
    alerts = [alert_of(name, index % 3 > 0) for index, name in enumerate(names)]
    assert size(render(*alerts, limit=limit, language=language).text) <= limit


_OFTEN = {firing: alert(OFTEN, "M5", firing) for firing in (True, False)}


def alert_of(node: str, firing: bool) -> dict[str, Any]:
    made = _OFTEN[firing]
    return made | {"labels": made["labels"] | {"node": node}}
