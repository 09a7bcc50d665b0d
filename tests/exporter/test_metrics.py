"""The scrape, as a whole."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from exporter.board import Reading
from servicekit.version import __version__
from testkit.binaries import require
from testkit.monitors import Monitor, running_monitor

GOLDEN = Path(__file__).with_name("scrape.txt")


def scrape(monitor: Monitor, **headers: str) -> str:
    return monitor.app.test_client().get("/metrics", headers=headers).get_data(as_text=True)


def own(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if re.match(r"(# (HELP|TYPE) )?cmzsb_", line)]
    return [line.replace(__version__, "VERSION") for line in lines]


def drive(monitor: Monitor) -> None:
    client = monitor.app.test_client()
    monitor.clock.pass_(10)
    client.post("/api/update_status", json={"status": "detecting", "inference_seconds": [0.02, 0.3]})
    monitor.clock.pass_(5)
    client.post("/api/update_status", json={"status": "sending"})
    monitor.clock.pass_(2)
    client.post("/api/update_status", json={"status": "flying"})


def test_whole_scrape_is_as_committed(monitor: Monitor) -> None:
    monitor.board = Reading(0.437, (("CPU-therm", 49.875), ("GPU-therm", 47.5)))
    drive(monitor)
    assert own(scrape(monitor)) == GOLDEN.read_text("utf-8").splitlines()


def test_every_series_but_the_last_report_exists_from_the_start(monitor: Monitor) -> None:
    names = {line.split(" ")[0] for line in own(scrape(monitor)) if not line.startswith("#")}
    drive(monitor)
    later = {line.split(" ")[0] for line in own(scrape(monitor)) if not line.startswith("#")}
    assert later - names == {'cmzsb_last_report_timestamp_seconds{node="M5"}'}


def test_nothing_a_reporter_sends_becomes_a_series(monitor: Monitor) -> None:
    drive(monitor)
    before = len(own(scrape(monitor)))
    client = monitor.app.test_client()
    for number in range(50):
        client.post(
            "/api/update_status",
            json={"status": "sending", "current_task": f"t{number}", "message": f"m{number}", "session": f"s{number}"},
        )
    assert len(own(scrape(monitor))) == before


def test_totals_over_all_runs_go_on_where_the_counters_begin_again(tmp_path: Path) -> None:
    for run in (1, 2):
        with running_monitor(tmp_path) as monitor:
            drive(monitor)
            lines = [line for line in own(scrape(monitor)) if not line.startswith("#")]
        found = {line.split("{")[0]: float(line.split()[-1]) for line in lines}
        for name in ("processed", "low_confidence", "sent_to_server"):
            assert found[f"cmzsb_{name}_total"] == 1
            assert found[f"cmzsb_lifetime_{name}"] == run


def test_openmetrics_is_given_to_who_asks_for_it(monitor: Monitor) -> None:
    assert scrape(monitor, Accept="application/openmetrics-text; version=1.0.0").endswith("# EOF\n")
    assert "# EOF" not in scrape(monitor)


def test_promtool_finds_nothing_to_say(monitor: Monitor) -> None:
    drive(monitor)
    done = subprocess.run(
        [require("promtool"), "check", "metrics"], input=scrape(monitor), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
