"""What Prometheus reads from a monitor, made cheaply: the same series as the real one's, for fleets of thousands."""

from __future__ import annotations

from itertools import groupby
from typing import Final, NamedTuple

STATES: Final = ("idle", "detecting", "sending")
_BOUNDS: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_LEAST, _USUAL, _MOST = 0.02, 0.1, 0.5
"""No inference takes less, two of three take no longer than usual, none takes more; seconds."""


class Series(NamedTuple):
    """One series of a monitor; `value` is a key of the result of `values`. It has the label `node`, too."""

    name: str
    value: str
    type: str
    labels: str = ""
    family: str = ""


def _counter(name: str, value: str, labels: str = "") -> Series:
    return Series(f"cmzsb_{name}_total", value, "counter", labels)


def _gauge(name: str, value: str, labels: str = "") -> Series:
    return Series(f"cmzsb_{name}", value, "gauge", labels)


def _bucket(bound: str, value: str) -> Series:
    family = "cmzsb_inference_duration_seconds"
    return Series(f"{family}_bucket", value, "histogram", f'le="{bound}"', family)


SERIES: Final = (
    *(_gauge("work_status", f"is_{state}", f'state="{state}"') for state in STATES),
    *(_counter("state_seconds", f"seconds_{state}", f'state="{state}"') for state in STATES),
    *(_counter("state_entries", "sent", f'state="{state}"') for state in STATES),
    _gauge("state_age_seconds", "age"),
    _counter("processed", "processed"),
    _counter("low_confidence", "sent"),
    _counter("sent_to_server", "sent"),
    _counter("journal_errors", "none"),
    _counter("http_errors", "none"),
    _gauge("lifetime_processed", "processed"),
    _gauge("lifetime_low_confidence", "sent"),
    _gauge("lifetime_sent_to_server", "sent"),
    *(_bucket(str(bound), "none" if bound < _LEAST else "fast" if bound < _MOST else "processed") for bound in _BOUNDS),
    _bucket("+Inf", "processed"),
    Series("cmzsb_inference_duration_seconds_count", "processed", "histogram"),
    Series("cmzsb_inference_duration_seconds_sum", "duration", "histogram"),
    _gauge("last_report_timestamp_seconds", "entered"),
    _gauge("status_stale", "none"),
    _counter("reports", "processed", 'result="accepted"'),
    _counter("reports", "none", 'result="rejected"'),
    _gauge("gpu_utilization_ratio", "ratio"),
    *(_gauge("temperature_celsius", "temperature", f'zone="{zone}"') for zone in ("CPU-therm", "GPU-therm")),
    _gauge("build_info", "one", 'version="0.0"'),
)

_PROCESS: Final = """\
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total %(processed)d
# TYPE process_resident_memory_bytes gauge
process_resident_memory_bytes 3.1e+07
# TYPE process_virtual_memory_bytes gauge
process_virtual_memory_bytes 2.6e+08
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7e+09
# TYPE process_open_fds gauge
process_open_fds 14
# TYPE process_max_fds gauge
process_max_fds 4096
"""


def values(now: float, entered: float, state: str, seconds: dict[str, float], processed: int) -> dict[str, float]:
    """Return the value of each series of a node in `state` since `entered`; times are Unix seconds.

    `seconds` are those in each state, the current stay included; each input is an inference.
    """
    return (
        {
            "none": 0,
            "one": 1,
            "ratio": 0.25,
            "temperature": 47.5,
            "age": round(now - entered, 3),
            "entered": round(entered, 3),
            "processed": processed,
            "sent": processed // 3,
            "fast": processed - processed // 3,
            "duration": round(_USUAL * processed, 3),
        }
        | {f"is_{name}": int(name == state) for name in STATES}
        | {f"seconds_{name}": round(seconds[name], 3) for name in STATES}
    )


def scrape(node: str, found: dict[str, float]) -> bytes:
    """Return the body of `GET /metrics` of the monitor called `node`, without `# HELP`; `found` is of `values`."""
    return (_TEMPLATE.replace("@node@", node) % found).encode()


def _template() -> str:
    lines = []
    for (family, kind), members in groupby(SERIES, lambda series: (series.family or series.name, series.type)):
        if not family.endswith(("_count", "_sum")):
            lines.append(f"# TYPE {family} {kind}")
        for series in members:
            more = f",{series.labels}" if series.labels else ""
            lines.append(f'{series.name}{{node="@node@"{more}}} %({series.value})s')
    return "\n".join(lines) + "\n" + _PROCESS


_TEMPLATE: Final = _template()
