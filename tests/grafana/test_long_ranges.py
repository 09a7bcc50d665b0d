"""Timelines and shares over long times, against a real Prometheus that has recorded a day."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from grafana.state_fields import SHARES_FROM
from tests.grafana.backfill import SCRAPE_SECONDS, SHARE, Recorded, recorded_day
from tests.grafana.files import panels
from tests.grafana.shown import Screen

HOUR = 3600


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recorded]:
    with recorded_day(tmp_path_factory.mktemp("day")) as recorded:
        yield recorded


def screen(day: Recorded, hours: float, node: str = ".*", interval: str = "5s") -> Screen:
    return Screen(day.url, day.end - hours * HOUR, node, interval=interval, end=day.end, scrape_seconds=SCRAPE_SECONDS)


@pytest.mark.parametrize("hours", [3, 24])
@pytest.mark.parametrize(("dashboard", "title"), [("fleet", "States over time"), ("node", "States")])
def test_timeline_of_a_long_time_shows_the_exact_share_and_no_red_cells(
    day: Recorded, dashboard: str, title: str, hours: int
) -> None:
    panel = panels("en", dashboard)[title]
    nodes = ["M1", "M2"] if dashboard == "fleet" else ["M1"]
    for node in nodes:
        on_screen = screen(day, hours, node)
        # The first step may begin before the first sample.
        cells = [value for _, value in on_screen.chart(panel)[node]][1:]
        wanted = SHARE if node == "M1" else 0.0
        mean = sum(cells) / len(cells) - SHARES_FROM
        assert mean == pytest.approx(wanted, abs=0.002)
        assert all(SHARES_FROM <= cell <= SHARES_FROM + 1 for cell in cells)
        assert sum(cell > SHARES_FROM + 0.5 for cell in cells) == 0


def test_timeline_of_a_day_says_what_it_shows(day: Recorded) -> None:
    shown = screen(day, 24).states(panels("en", "fleet")["States over time"])
    assert set(shown["M1"][1:]) == {"▲ ≤ 5% of the time"}
    assert set(shown["M2"][1:]) == {"no sending"}
    assert shown["M3"][-1] == "✕ No answer"
    assert "▲ ≤ 5% of the time" in shown["M3"]
    assert len(shown["M3"]) <= 4


@pytest.mark.parametrize("hours", [1, 2])
def test_timeline_of_up_to_two_hours_shows_each_sending(day: Recorded, hours: int) -> None:
    shown = screen(day, hours).states(panels("en", "fleet")["States over time"])
    assert shown["M1"].count("▲ Sending") == pytest.approx(hours * 30, abs=1)
    assert shown["M2"] == ["◆ Detecting"]
    assert shown["M3"] == ["✕ No answer"]


@pytest.mark.parametrize("hours", [1, 24])
def test_shares_of_time_are_exact_and_add_up_to_one(day: Recorded, hours: int) -> None:
    shown = screen(day, hours, "M1", interval="2m").chart(panels("en", "node")["Share of time per state"])
    steps = [dict(points) for points in shown.values()]
    sums = [sum(step[at] for step in steps if at in step) for at in steps[0]][1:]
    assert all(total == pytest.approx(1) for total in sums)
    sending = [value for _, value in shown["sending"]][1:]
    assert sum(sending) / len(sending) == pytest.approx(SHARE, abs=0.004)
