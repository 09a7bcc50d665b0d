"""Which silences of Alertmanager silence a node."""

from __future__ import annotations

from typing import Any

import pytest

from castray_bridge.sources.silences import parse, silenced_until
from servicekit.clock import rfc3339
from testkit.silences import matcher, silence
from testkit.sources import node

NOW = 1_790_000_000.0
ENDS = 1_800_000_000.0
ONE = [matcher("node", "M7")]


def ends_of(
    *entries: Any, name: str = "M7", ip: str = "10.0.0.7", labels: dict[str, str] | None = None
) -> float | None:
    fields = {"inventoryLabels": labels} if labels is not None else {}
    return silenced_until(parse(list(entries)), node(name, ip, **fields), NOW)


@pytest.mark.parametrize(
    "matchers",
    [
        ONE,
        [matcher("node", "M[0-9]", is_regex=True)],
        [matcher("node", ".*", is_regex=True)],
        [matcher("node", "M1|M7", is_regex=True)],
        [matcher("node", r"\pL7\z", is_regex=True)],  # Go's syntax, not Python's
        [matcher("node", "M1", is_equal=False)],
        [matcher("node", "M[1-6]", is_regex=True, is_equal=False)],
        [*ONE, matcher("node_ip", "10.0.0.7")],
        [*ONE, matcher("building", "west")],
        [*ONE, matcher("alertname", "Watchdog", is_equal=False)],
        [*ONE, matcher("no_such_label", "")],
    ],
)
def test_node_is_silenced_when_all_matchers_match_its_labels(matchers: list[dict[str, Any]]) -> None:
    assert ends_of(silence(*matchers, ends=ENDS), labels={"building": "west"}) == ENDS


@pytest.mark.parametrize(
    "matchers",
    [
        [matcher("node", "M70")],
        [matcher("node", "M", is_regex=True)],  # anchored: not a part of the name
        [matcher("node", "7|M", is_regex=True)],
        [matcher("node", "M7", is_equal=False)],
        [matcher("node", ".*7", is_regex=True, is_equal=False)],
        [*ONE, matcher("building", "east")],
        [*ONE, matcher("node_ip", "10.0.0.8")],
    ],
)
def test_node_is_not_silenced_when_one_matcher_does_not_match(matchers: list[dict[str, Any]]) -> None:
    assert ends_of(silence(*matchers, ends=ENDS), labels={"building": "west"}) is None


def test_silence_of_one_alert_of_the_node_is_none_of_the_node() -> None:
    assert ends_of(silence(*ONE, matcher("alertname", "CmzsbSendingTooOften"), ends=ENDS)) is None


@pytest.mark.parametrize("matchers", [[matcher("alertname", ".*", is_regex=True)], [matcher("building", "west")], []])
def test_silence_that_does_not_name_the_node_is_none_of_the_node(matchers: list[dict[str, Any]]) -> None:
    assert ends_of(silence(*matchers, ends=ENDS), labels={"building": "west", "alertname": ""}) is None


def test_the_last_end_of_several_silences_counts() -> None:
    assert ends_of(silence(*ONE, ends=NOW + 5), silence(*ONE, ends=NOW + 9), silence(*ONE, ends=NOW + 7)) == NOW + 9


@pytest.mark.parametrize("state", ["pending", "expired", "", None])
def test_only_active_silences_count(state: str | None) -> None:
    assert ends_of(silence(*ONE, ends=ENDS, state=state)) is None


def test_silence_whose_end_has_passed_counts_no_longer() -> None:
    assert ends_of(silence(*ONE, ends=NOW - 1)) is None
    assert ends_of(silence(*ONE, ends=NOW + 1)) == NOW + 1


def test_inventory_cannot_rename_the_node() -> None:
    assert ends_of(silence(*ONE, ends=ENDS), name="M8", labels={"node": "M7"}) is None


def test_missing_is_equal_of_an_old_alertmanager_means_equal() -> None:
    entry = silence(*ONE, ends=ENDS)
    del entry["matchers"][0]["isEqual"]
    assert ends_of(entry) == ENDS


@pytest.mark.parametrize(
    "end", ["2026-11-24T08:00:00Z", "2026-11-24T08:00:00.123456789Z", "2026-11-24T16:00:00.5+08:00"]
)
def test_every_form_of_a_time_is_read(end: str) -> None:
    assert ends_of(silence(*ONE, ends=ENDS) | {"endsAt": end}) == 1_795_507_200.0


@pytest.mark.parametrize(
    "change",
    [
        {"endsAt": "soon"},
        {"endsAt": None},
        {"matchers": None},
        {"matchers": "node=M7"},
        {"matchers": [*ONE, 1]},
        {"matchers": [*ONE, {"name": "node_ip", "value": None}]},
        {"matchers": [*ONE, matcher("node", "(", is_regex=True)]},
        {"status": "active"},
        {"status": None},
    ],
)
def test_entry_that_is_not_as_documented_silences_nothing_and_hides_no_other(change: dict[str, Any]) -> None:
    assert ends_of(silence(*ONE, ends=ENDS) | change) is None
    assert ends_of(None, silence(*ONE, ends=ENDS) | change, silence(*ONE, ends=NOW + 1)) == NOW + 1


@pytest.mark.parametrize("reply", [{}, None, "x", {"data": []}])
def test_reply_that_is_not_a_list_is_an_error(reply: Any) -> None:
    with pytest.raises(ValueError, match="not a list"):
        parse(reply)


@pytest.mark.timeout(5)
def test_pattern_that_would_take_for_ever_with_backtracking_does_not() -> None:
    hostile = silence(matcher("node", "(a+)+(b+)+c", is_regex=True), ends=ENDS)
    assert ends_of(*[hostile] * 100, name="a" * 62 + "!") is None


def test_bad_pattern_writes_nothing_to_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    parse([silence(matcher("node", "(", is_regex=True), ends=ENDS)])
    assert capfd.readouterr().err == ""


def test_end_after_the_last_year_that_can_be_written_is_that_year() -> None:
    end = ends_of(silence(*ONE, ends=ENDS) | {"endsAt": "9999-12-31T23:59:59-14:00"})
    assert end is not None
    assert rfc3339(end) == "9999-12-31T23:59:59.000+00:00"
