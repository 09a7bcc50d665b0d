"""Every panel against a real Prometheus that scrapes a real site: the series, figures and colours that it must show."""

from __future__ import annotations

import time
import urllib.parse
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from simple_websocket import Client, ConnectionClosed

from exporter.states import DETECTING, IDLE, SENDING, STATES, UNKNOWN
from grafana.render import DASHBOARDS
from grafana.thresholds import GREEN, GREEN_SHADE, GREY, ORANGE, ORANGE_SHADE, RED_SHADE
from servicekit.version import __version__
from testkit.binaries import require
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process
from tests.grafana.files import Json, load, panels
from tests.grafana.shown import Screen
from tests.grafana.site import IPS, NODES, NOT_ALIVE, WITHOUT_MONITOR, Site, drive, running_site

NODE = "M3"
"""The node that is chosen on the Node dashboard."""


class Between:
    """Equal to every number from `low` to `high`."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def __eq__(self, other: object) -> bool:
        return isinstance(other, float) and self.low <= other <= self.high

    def __hash__(self) -> int:
        return hash((self.low, self.high))

    def __repr__(self) -> str:
        return f"{self.low}…{self.high}"


SENT_PER_MINUTE, PROCESSED_PER_MINUTE = Between(20, 26), Between(12, 15.6)
"""100 and 60 in the 5 minutes of the rate, as Prometheus extrapolates them."""
A_MOMENT = Between(0, 149)
"""Seconds for which a figure is still green: half of the least limit, that of one state."""
TEXT = {state: (f"{state.symbol} {state.en_short}", state.shade) for state in STATES}
UNCERTAIN = ("● Idle?", IDLE.shade)
"""M1's script has died."""


def lights(screen: Screen, panel: Json) -> Any:
    return screen.lights(panel)


def last(screen: Screen, panel: Json) -> Any:
    return {name: points[-1][1] for name, points in screen.chart(panel).items()}


def highest(screen: Screen, panel: Json) -> Any:
    return {name: max(value for _, value in points) for name, points in screen.chart(panel).items()}


def moving(screen: Screen, panel: Json) -> Any:
    return {name for name, value in highest(screen, panel).items() if value > 0}


NO_ALERTMANAGER = "CmzsbAlertmanagerDown"
"""Fires sooner or later: this site has none."""


def firing(screen: Screen, panel: Json) -> Any:
    rows = screen.table(panel)
    assert [row["Since"] for row in rows] == sorted((row["Since"] for row in rows), reverse=True)
    assert all(0 <= time.time() - row["Since"] / 1000 < 300 for row in rows)
    return {(row["Alert"], row.get("Node"), row["Severity"]) for row in rows if row["Alert"] != NO_ALERTMANAGER}


def filters(screen: Screen, panel: Json) -> Any:
    """Return what the links to Alertmanager filter by: its own column is hidden."""
    labels = (frame.labels for frame in screen.frames(panel, "table"))
    return {f'alertname="{row["filter"]}"' for row in labels if row["alertname"] != NO_ALERTMANAGER}


def node_row(name: str) -> dict[str, str]:
    return {"Node": name, "Address": IPS[name]}


def idle_row(name: str) -> dict[str, Any]:
    row = {"Node": name, "Sends (1 h)": 0.0, "Sends/min": 0.0, "sends/limit": (0.0, GREEN_SHADE)}
    return row | {"Report": A_MOMENT, "report/limit": (Between(0, 0.25), GREEN_SHADE)}


SENDER = {
    "Node": "M3",
    "Sends (1 h)": Between(100, 130),
    "Sends/min": SENT_PER_MINUTE,
    "sends/limit": (Between(2, 2.6), RED_SHADE),
    "Low": Between(0.39, 0.41),
    "low/limit": (Between(0.79, 0.81), ORANGE_SHADE),
    "Mean": Between(0.039, 0.041),
    "p95": Between(0.045, 0.05),
    "p95/limit": (Between(0.022, 0.025), GREEN_SHADE),
    "Report": A_MOMENT,
    "report/limit": (Between(0, 0.25), GREEN_SHADE),
}
CERTAIN = {"Low": 0.0, "low/limit": (0.0, GREEN_SHADE)}
WARNING = ("◆ warning", ORANGE_SHADE)
ALERTS = {
    ("CmzsbSendingTooOften", "M3", WARNING),
    ("CmzsbJournalFailing", "M2", WARNING),
    ("CmzsbMonitorDown", WITHOUT_MONITOR, WARNING),
    ("CmzsbMonitorDown", NOT_ALIVE, WARNING),
    ("CmzsbNodeLost", NOT_ALIVE, WARNING),
}
Show = Callable[[Screen, Json], Any]
EXPECTED: dict[tuple[str, str], tuple[Show, Any]] = {
    ("fleet", "Nodes per state"): (
        Screen.figures,
        {TEXT[state][0]: (2.0 if state is UNKNOWN else 1.0, state.shade) for state in STATES},
    ),
    ("fleet", "Traffic lights"): (
        lights,
        [
            ("M1", *UNCERTAIN),
            *((name, *TEXT[state]) for name, state in NODES.items() if name != "M1"),
            (WITHOUT_MONITOR, *TEXT[UNKNOWN]),
            (NOT_ALIVE, *TEXT[UNKNOWN]),
        ],
    ),
    ("fleet", "States over time"): (last, {"M1": 1, "M2": 2, "M3": 3, WITHOUT_MONITOR: 0, NOT_ALIVE: 0}),
    ("fleet", "Sends per minute"): (last, {"M1": 0, "M2": 0, "M3": SENT_PER_MINUTE, "median of all": 0, "limit": 10}),
    ("fleet", "Low-confidence share"): (
        last,
        {"M2": 0, "M3": Between(0.39, 0.41), "median of all": Between(0.19, 0.21), "limit": 0.5},
    ),
    ("fleet", "Firing alerts"): (firing, ALERTS),
    ("fleet", "Nodes without an answer"): (
        Screen.table,
        [
            node_row(NOT_ALIVE) | {"Reason": "not alive in Ray"},
            node_row(WITHOUT_MONITOR) | {"Reason": "no answer to the bridge"},
        ],
    ),
    ("fleet", "Top senders"): (Screen.table, [SENDER, idle_row("M1"), idle_row("M2") | CERTAIN]),
    ("node", "Now"): (lights, [(NODE, *TEXT[SENDING])]),
    ("node", "In this state for"): (Screen.figure, (A_MOMENT, GREEN)),
    ("node", "Last report"): (Screen.figure, (A_MOMENT, GREEN)),
    ("node", "Time per state"): (
        Screen.figures,
        {
            TEXT[IDLE][0]: (Between(0.1, 149), IDLE.shade),
            TEXT[DETECTING][0]: (0.0, DETECTING.shade),
            TEXT[SENDING][0]: (Between(1, 149), SENDING.shade),
        },
    ),
    ("node", "States"): (last, {NODE: 3}),
    ("node", "Share of time per state"): (
        last,
        {"idle": 0, "detecting": 0, "sending": 1},
    ),
    ("node", "Sends per minute"): (last, {"sent": SENT_PER_MINUTE, "limit": 10}),
    ("node", "Inputs per minute"): (last, {"processed": PROCESSED_PER_MINUTE}),
    ("node", "Inference time"): (
        last,
        {
            "mean": Between(0.039, 0.041),
            "p50": Between(0.035, 0.0405),
            "p95": Between(0.045, 0.05),
            "limit of p95": 2,
        },
    ),
    ("node", "Firing alerts"): (firing, {("CmzsbSendingTooOften", None, WARNING)}),
    ("node", "Why it does not answer"): (Screen.table, [{"Reason": "it answers"}]),
    ("node", "Board"): (Screen.table, [{"Address": IPS[NODE], "Location": "south", "Version": __version__}]),
    ("node", "Temperature of the board"): (last, {}),
    # All in one bucket.
    ("node", "Inference times in detail"): (lambda screen, panel: steepest(highest(screen, panel)), "0.05"),
    ("node", "Low-confidence share"): (last, {"share": Between(0.39, 0.41), "limit": 0.5}),
    ("node", "Load of the board"): (last, {"CPU": 42, "memory": 37.5, "GPU": 30}),
    ("health", "Age of the bridge's data"): (Screen.figure, (Between(0, 7.5), GREEN)),
    ("health", "Ray"): (Screen.figure, ("answers", GREEN)),
    ("health", "Nodes without reports"): (Screen.figure, (1.0, ORANGE)),
    ("health", "Open web dashboards"): (Screen.figure, (1.0, GREEN)),
    ("health", "Monitors that do not answer the bridge"): (Screen.table, [node_row(WITHOUT_MONITOR)]),
    ("health", "Nodes missing in Ray"): (Screen.table, [node_row(NOT_ALIVE)]),
    ("health", "Silent scripts"): (Screen.table, [node_row("M1")]),
    ("health", "Versions"): (Screen.table, [{"Version": __version__, "How many": 4.0}]),
    ("health", "Other versions than most"): (Screen.table, []),
    ("health", "Failed probes of the bridge by reason"): (moving, {"refused"}),
    ("health", "Duration of probes (p95)"): (last, {"p95": Between(0.0001, 1), "timeout": 1}),
    ("health", "Slowest scrape per job"): (
        last,
        {**dict.fromkeys(("castray-bridge", "cmzsb-monitor", "ray"), Between(0.0001, 1.5)), "timeout": 3},
    ),
    ("health", "Targets down per job"): (last, {"castray-bridge": 0, "cmzsb-monitor": 2, "ray": 0}),
    ("health", "Reports per second"): (moving, {"accepted", "rejected"}),
    ("health", "Last delivery of alerts"): (
        Screen.table,
        [
            {"Service": "json", "Last delivery": Between(1e12, 1e13), "Failed (1 d)": (0.0, GREEN_SHADE)},
            {"Service": "wecombot", "Failed (1 d)": (Between(1, 2), ORANGE_SHADE)},
        ],
    ),
    ("health", "Journal errors"): (highest, {"M2": Between(1, 100)}),
    ("wall", "Nodes per state"): (
        Screen.figures,
        {TEXT[state][0]: (2.0 if state is UNKNOWN else 1.0, state.shade) for state in STATES},
    ),
    ("wall", "Traffic lights"): (
        lights,
        [
            ("●? M1", *UNCERTAIN),
            ("◆ M2", *TEXT[DETECTING]),
            ("▲ M3", *TEXT[SENDING]),
            (f"✕ {WITHOUT_MONITOR}", *TEXT[UNKNOWN]),
            (f"✕ {NOT_ALIVE}", *TEXT[UNKNOWN]),
        ],
    ),
    ("wall", "Firing alerts"): (firing, ALERTS),
}


def steepest(buckets: dict[str, float]) -> str:
    """Return the upper edge of the histogram bucket that holds most."""
    edges = sorted(buckets, key=float)
    counts = {edge: buckets[edge] - buckets.get(below, 0) for below, edge in zip(["", *edges], edges, strict=False)}
    return max(counts, key=lambda edge: counts[edge])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("site")) as running:
        viewer = Client(f"ws://{running.bridge}/ws")
        drive(running)
        yield running
        with suppress(ConnectionClosed):  # the last test ends the bridge
            viewer.close()


@pytest.fixture(scope="module")
def another_prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that knows nothing of this project."""
    directory = tmp_path_factory.mktemp("another")
    (directory / "prometheus.yml").write_text("global: {}\n", "utf-8")
    address = f"127.0.0.1:{free_port()}"
    arguments = [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={directory}/data"]
    command = [require("prometheus"), *arguments, f"--web.listen-address={address}"]
    with Process(command, directory / "log"):
        wait_for(lambda: get_json(f"http://{address}/api/v1/query?query=1"), "the other Prometheus", 60)
        yield f"http://{address}"


def screen_of(site: Site, dashboard: str) -> Screen:
    return site.screen(NODE if dashboard == "node" else ".*")


def comes_to_show(screen: Screen, dashboard: str, title: str, show: Show, wanted: Any, within: float = 30) -> None:
    panel = panels("en", dashboard)[title]
    try:
        wait_for(lambda: show(screen, panel) == wanted, title, within)
    except TimeoutError:
        assert show(screen, panel) == wanted


def test_every_panel_is_expected_to_show_something() -> None:
    assert set(EXPECTED) == {(name, title) for name in DASHBOARDS for title in panels("en", name)}


@pytest.mark.parametrize(("dashboard", "title"), EXPECTED)
def test_panel_shows(site: Site, dashboard: str, title: str) -> None:
    comes_to_show(screen_of(site, dashboard), dashboard, title, *EXPECTED[dashboard, title])


def test_quantile_of_no_inferences_is_nothing(site: Site) -> None:
    comes_to_show(site.screen("M2"), "node", "Inference time", last, {"limit of p95": 2})


def test_lights_and_timeline_are_in_natural_order(site: Site) -> None:
    wanted = [*NODES, WITHOUT_MONITOR, NOT_ALIVE]
    comes_to_show(site.screen(), "fleet", "States over time", lambda screen, panel: list(screen.chart(panel)), wanted)


def test_sending_that_is_shorter_than_a_step_is_red_in_one_step_of_the_timeline(site: Site) -> None:
    for state in (SENDING, DETECTING):
        site.report("M2", status=state.name, processed=0, sent_to_server=0, low_confidence=0).raise_for_status()
    panel = panels("en", "fleet")["States over time"]

    def codes() -> list[float]:
        return [code for _, code in site.screen().chart(panel)["M2"]]

    wait_for(lambda: SENDING.code in codes()[-3:], "a red step", 20)
    # Two, where a scrape that belongs to the next step saw it, too.
    assert codes().count(SENDING.code) <= 2
    wait_for(lambda: codes()[-1] == DETECTING.code, "blue again", 20)


def test_step_of_the_timeline_shows_what_was_most_urgent_in_it(site: Site) -> None:
    # M1's script has died while detecting: it is idle now.
    comes_to_show(
        site.screen(), "fleet", "States over time", lambda screen, panel: last(screen, panel)["M1"], IDLE.code
    )
    in_steps = Screen(site.prometheus_url, site.start, interval="5m")
    assert last(in_steps, panels("en", "fleet")["States over time"])["M1"] == DETECTING.code


@pytest.mark.parametrize("dashboard", ["fleet", "wall", "node", "health"])
def test_tables_have_no_column_without_a_title(site: Site, dashboard: str) -> None:
    tables = [panel for panel in panels("en", dashboard).values() if panel["type"] == "table"]
    for panel in tables:
        titles = set(panel["transformations"][1]["options"]["renameByName"].values())
        for row in screen_of(site, dashboard).table(panel):
            assert row.keys() <= titles, panel["title"]


def test_silence_is_of_the_alert_and_of_its_node(site: Site) -> None:
    wanted = {f'alertname="{name}",node="{node}"' for name, node, _ in ALERTS}
    comes_to_show(site.screen(), "fleet", "Firing alerts", filters, wanted)


@pytest.mark.parametrize(
    ("location", "seen"), [("north", ["M1", "M2"]), ("north|south", ["M1", "M2", "M3"]), (".*", ["M1", "M2", "M3"])]
)
@pytest.mark.parametrize("dashboard", ["fleet", "wall"])
def test_location_leaves_out_the_nodes_of_others_and_keeps_those_without_one(
    site: Site, dashboard: str, location: str, seen: list[str]
) -> None:
    # The location of the first, and of those without a monitor, is not in the inventory.
    wanted = {*seen, WITHOUT_MONITOR, NOT_ALIVE} if location == ".*" else set(seen) - {"M1"}
    screen = site.screen(location=location)

    def names(screen: Screen, panel: Json) -> set[str]:
        return {name.split()[-1] for name, _, _ in screen.lights(panel)}

    comes_to_show(screen, dashboard, "Traffic lights", names, wanted)
    count = {text: figure for text, (figure, _) in screen.figures(panels("en", dashboard)["Nodes per state"]).items()}
    assert sum(count.values()) == len(wanted)
    assert count[TEXT[DETECTING][0]] == 1


@pytest.mark.parametrize("dashboard", ["fleet", "wall", "node"])
def test_another_prometheus_gives_no_all_clear(dashboard: str, another_prometheus: str) -> None:
    screen = Screen(another_prometheus, time.time() - 60, "M1" if dashboard == "node" else ".*")
    shown = panels("en", dashboard)
    said = [screen.table(shown["Firing alerts"])[0]["Alert"]]
    assert screen.table(shown["Firing alerts"])[0]["Severity"] == ("▲ critical", RED_SHADE)
    if dashboard != "node":
        said += [screen.lights(shown["Traffic lights"])[0][1], screen.figure(shown["Nodes per state"])[0]]
    for title in {"Nodes without an answer", "Why it does not answer"} & shown.keys():
        said += [row["Reason"] for row in screen.table(shown[title])]
    assert said == ["No node is known"] * len(said)
    assert len(said) >= 2


@pytest.mark.parametrize(
    "title",
    ["Monitors that do not answer the bridge", "Nodes missing in Ray", "Silent scripts", "Other versions than most"],
)
def test_another_prometheus_is_told_from_an_empty_list(title: str, another_prometheus: str) -> None:
    rows = Screen(another_prometheus, time.time() - 60).table(panels("en", "health")[title])
    assert [row["Node"] for row in rows] == ["no data: is the source scraped?"]


@pytest.mark.parametrize("dashboard", DASHBOARDS)
def test_annotations_mark_where_an_alert_begins(site: Site, dashboard: str) -> None:
    (alerts,) = load("en", dashboard)["annotations"]["list"]
    screen = screen_of(site, dashboard)

    def marks() -> dict[str, int]:
        rows = screen.query(alerts["expr"], 2, over_time=True)
        return {row["metric"]["alertname"]: len(row["values"]) for row in rows if row["metric"].get("node") == NODE}

    assert wait_for(marks, "the mark of M3", 30) == {"CmzsbSendingTooOften": 1}


@pytest.mark.parametrize(
    ("dashboard", "variable", "values"),
    [
        ("fleet", "node", {*NODES, WITHOUT_MONITOR, NOT_ALIVE}),
        ("node", "node", {*NODES, WITHOUT_MONITOR, NOT_ALIVE}),
        ("node", "node_ip", {IPS[NODE]}),
        ("wall", "location", {"north", "south"}),
    ],
)
def test_variable_offers(site: Site, dashboard: str, variable: str, values: set[str]) -> None:
    (query,) = (row["query"] for row in load("en", dashboard)["templating"]["list"] if row["name"] == variable)
    series, _, label = query.removeprefix("label_values(").removesuffix(")").rpartition(", ")
    asked = urllib.parse.urlencode({"match[]": series.replace("$node", NODE)})
    url = f"{site.prometheus_url}/api/v1/label/{label}/values?{asked}"
    wait_for(lambda: set(get_json(url)["data"]) == values, f"{variable} {values}", 20)


SAYS_NOTHING = (UNKNOWN.en, GREY)
WHEN_BRIDGE_AND_MONITOR_ARE_DEAD: list[tuple[str, str, Show, Any]] = [
    ("health", "Ray", Screen.figure, ("bridge is down", GREY)),
    ("health", "Open web dashboards", Screen.figure, SAYS_NOTHING),
    ("health", "Age of the bridge's data", Screen.figure, (Between(7.5, 60), ORANGE)),
    ("health", "Versions", Screen.table, [{"Version": __version__, "How many": 2.0}]),
    (
        "health",
        "Monitors that do not answer the bridge",
        lambda screen, panel: [row["Node"] for row in screen.table(panel)],
        ["no data: is the source scraped?"],
    ),
    ("node", "Now", lights, [(NODE, *TEXT[UNKNOWN])]),
    ("node", "In this state for", Screen.figure, SAYS_NOTHING),
    ("node", "Last report", Screen.figure, SAYS_NOTHING),
    (
        "fleet",
        "Nodes without an answer",
        lambda screen, panel: {(row["Node"], row["Reason"]) for row in screen.table(panel)},
        {(name, "no answer to Prometheus") for name in (NODE, WITHOUT_MONITOR, NOT_ALIVE)},
    ),
    (
        "node",
        "Why it does not answer",
        lambda screen, panel: [(row["Reason"], time.time() - row["Last answer"] / 1000) for row in screen.table(panel)],
        [("no answer to Prometheus", Between(0, 60))],
    ),
]


def test_nothing_stays_green_when_its_source_has_died(site: Site) -> None:
    # The last test of this file: nothing starts them again.
    for name in ("bridge", NODE):
        site.processes[name].kill()
    for dashboard, title, show, wanted in WHEN_BRIDGE_AND_MONITOR_ARE_DEAD:
        comes_to_show(screen_of(site, dashboard), dashboard, title, show, wanted)
