"""A Prometheus that has already recorded a day of a small fleet: long ranges can be looked at without waiting."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeAlias

from exporter.states import DETECTING, REPORTABLE, SENDING, UNKNOWN
from testkit.binaries import require
from testkit.net import free_port, get_json, wait_for
from testkit.process import Process

DAY_SECONDS = 24 * 3600
SCRAPE_SECONDS = 5
CYCLE_SECONDS, SENDING_SECONDS = 120, 5
SHARE = SENDING_SECONDS / CYCLE_SECONDS
"""Of its time, M1 sends this share: 4 %."""


Sample: TypeAlias = tuple[str, int, float]
"""Series, second since the beginning, value."""


class Recorded(NamedTuple):
    """The running Prometheus, and the last second that it knows."""

    url: str
    end: float


def _samples(node: str, sends: bool, off_from: int) -> Iterator[Sample]:
    """Yield series, second and value of one node: one sending per cycle, else detecting; off from `off_from` on."""
    for second in range(0, DAY_SECONDS + 1, SCRAPE_SECONDS):
        cycles, rest = divmod(second, CYCLE_SECONDS)
        sent = cycles * SENDING_SECONDS + min(rest, SENDING_SECONDS) if sends else 0
        seconds = {SENDING: sent, DETECTING: second - sent}
        is_sending = sends and rest < SENDING_SECONDS
        state = UNKNOWN if second >= off_from else SENDING if is_sending else DETECTING
        yield f'node:cmzsb_work_state:code{{node="{node}"}}', second, state.code
        if second < off_from:
            for row in REPORTABLE:
                labels = f'{{node="{node}",state="{row.name}"}}'
                yield f"cmzsb_state_seconds_total{labels}", second, seconds.get(row, 0)
            entries = f'cmzsb_state_entries_total{{node="{node}",state="{SENDING.name}"}}'
            yield entries, second, cycles + 1 if sends else 0


def _open_metrics(begin: int, samples: Iterable[Sample]) -> str:
    """Return samples in the form that promtool reads."""
    rows: dict[str, list[str]] = {}
    for series, second, value in samples:
        rows.setdefault(series, []).append(f"{series} {value:g} {begin + second}")
    return "".join("\n".join(rows[series]) + "\n" for series in sorted(rows)) + "# EOF\n"


def _fleet() -> Iterator[Sample]:
    yield from _samples("M1", True, DAY_SECONDS + 1)
    yield from _samples("M2", False, DAY_SECONDS + 1)
    yield from _samples("M3", True, DAY_SECONDS // 2)


def fleet_of(nodes: int, seconds: int) -> Iterator[Sample]:
    """Yield an hour or so of `nodes` nodes with what the Fleet dashboard reads of each."""
    limits = {
        "sends_per_minute": 10,
        "low_confidence_ratio": 0.5,
        "report_age_seconds": 600,
        "inference_p95_seconds": 2,
    }
    for second in range(0, seconds + 1, 15):
        yield from ((f"cmzsb:{name}:threshold", second, value) for name, value in limits.items())
    for number in range(1, nodes + 1):
        label = f'node="M{number}"'
        target = f'{label},node_ip="10.0.{number // 250}.{number % 250}",job="cmzsb-monitor",instance="M{number}:8000"'
        for second in range(0, seconds + 1, 15):
            wave = 5 + 4 * math.sin(number + second / 300)
            yield f"node:cmzsb_sent_to_server:rate5m{{{label}}}", second, wave / 60
            yield f"node:cmzsb_low_confidence:ratio_rate15m{{{label}}}", second, wave / 30
            yield f"node:cmzsb_inference_duration_seconds:mean5m{{{label}}}", second, wave / 100
            yield f"node:cmzsb_inference_duration_seconds:p95_15m{{{label}}}", second, wave / 50
        for second in range(0, seconds + 1, SCRAPE_SECONDS):
            turn = (second // 10 + number) % 12
            yield f"node:cmzsb_work_state:code{{{label}}}", second, 3 if turn == 0 else 1 + turn % 2
            yield f"node:cmzsb_report:age_seconds{{{label}}}", second, second % 60
            yield f"cmzsb_sent_to_server_total{{{target}}}", second, second // 20 + number
            yield f'cmzsb_state_entries_total{{{target},state="sending"}}', second, second // 120
            yield f"cmzsb_status_stale{{{target}}}", second, 0
            yield f"up{{{target}}}", second, 1


@contextmanager
def recorded(directory: Path, seconds: int, samples: Iterable[Sample]) -> Iterator[Recorded]:
    """Run a Prometheus that has recorded `samples` over the last `seconds`."""
    end = int(time.time()) // 60 * 60
    source, data = directory / "samples.txt", directory / "data"
    source.write_text(_open_metrics(end - seconds, samples), "utf-8")
    blocks = [require("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)]
    subprocess.run(blocks, check=True, capture_output=True)
    source.unlink()
    (directory / "prometheus.yml").write_text("global: {}\n", "utf-8")
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={data}"]
    command = [require("prometheus"), *options, f"--web.listen-address={address}"]
    with Process(command, directory / "log"):
        wait_for(lambda: get_json(f"http://{address}/api/v1/query?query=1"), "Prometheus", 60)
        yield Recorded(f"http://{address}", float(end))


@contextmanager
def recorded_day(directory: Path) -> Iterator[Recorded]:
    """Run a Prometheus with a day of M1, which sends 4 % of the time, M2, which never does, and M3, off since noon."""
    with recorded(directory, DAY_SECONDS, _fleet()) as day:
        yield day
