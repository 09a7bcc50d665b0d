"""A Prometheus that has already recorded a day of a small fleet: long ranges can be looked at without waiting."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from demo.stack import get_json
from exporter.states import DETECTING, REPORTABLE, SENDING, UNKNOWN
from testkit.net import free_port, wait_for
from testkit.process import Process
from testkit.required import require

DAY_SECONDS = 24 * 3600
SCRAPE_SECONDS = 5
CYCLE_SECONDS, SENDING_SECONDS = 120, 5
SHARE = SENDING_SECONDS / CYCLE_SECONDS
"""Of its time, M1 sends this share: 4 %."""


class Recorded(NamedTuple):
    """The running Prometheus, and the last second that it knows."""

    url: str
    end: float


def _samples(node: str, sends: bool, off_from: int) -> Iterator[tuple[str, int, float]]:
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


def open_metrics(begin: int, of: Callable[[], Iterator[tuple[str, int, float]]]) -> str:
    """Return samples in the form that promtool reads."""
    rows: dict[str, list[str]] = {}
    for series, second, value in of():
        rows.setdefault(series, []).append(f"{series} {value:g} {begin + second}")
    return "".join("\n".join(rows[series]) + "\n" for series in sorted(rows)) + "# EOF\n"


def _fleet() -> Iterator[tuple[str, int, float]]:
    yield from _samples("M1", True, DAY_SECONDS + 1)
    yield from _samples("M2", False, DAY_SECONDS + 1)
    yield from _samples("M3", True, DAY_SECONDS // 2)


@contextmanager
def recorded_day(directory: Path) -> Iterator[Recorded]:
    """Run a Prometheus with a day of M1, which sends 4 % of the time, M2, which never does, and M3, off since noon."""
    end = int(time.time()) // 60 * 60
    source, data = directory / "day.txt", directory / "data"
    source.write_text(open_metrics(end - DAY_SECONDS, _fleet), "utf-8")
    blocks = [require("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(source), str(data)]
    subprocess.run(blocks, check=True, capture_output=True)
    (directory / "prometheus.yml").write_text("global: {}\n", "utf-8")
    address = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={directory}/prometheus.yml", f"--storage.tsdb.path={data}"]
    command = [require("prometheus"), *options, f"--web.listen-address={address}"]
    with Process(command, directory / "log"):
        wait_for(lambda: get_json(f"http://{address}/api/v1/query?query=1"), "Prometheus", 60)
        yield Recorded(f"http://{address}", float(end))
