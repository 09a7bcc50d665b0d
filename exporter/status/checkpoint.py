"""The whole status as one value that goes on after a restart, and its form on disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from exporter.report import Totals
from exporter.states import IDLE, REPORTABLE
from servicekit.json_types import is_count, is_number

_EARLIEST: Final = -62_135_596_800.0
_LATEST: Final = 253_402_300_800.0
"""Unix time of the years 1 and 10000: what a date can be written for."""


@dataclass(frozen=True, slots=True)
class LatestReport:
    """The content of the latest report that said something new."""

    status: str
    current_task: str | None = None
    message: str = ""
    task_info: dict[str, Any] | None = None
    reporter_timestamp: str | float | None = None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything that must go on after a restart, except what a batch lists row by row."""

    run: int
    """Number of this start of the monitor."""
    version: int
    state: str
    entered: float
    in_state: float
    """Seconds spent in the current state so far."""
    stale: bool
    ttl: float
    last_report: float | None
    totals: Totals
    seconds: dict[str, float]
    """Seconds per state, the current stay included."""
    entries: dict[str, int]
    bucket_counts: list[int]
    duration_sum: float
    transition_id: int
    """Of the newest finished stay; 0 when there is none."""
    alert_id: int
    latest: LatestReport
    written: float = 0.0
    """When this was so, by the wall clock."""
    owner: str | None = None
    """The session that set the state; None for a script without one."""
    silent: float = 0.0
    """Seconds, by the monotonic clock, that the TTL had been running down."""
    clean: bool = False
    """The last word of a monitor that was stopped: nothing happened after it."""
    accepted: int = 0
    rejected: int = 0

    @classmethod
    def blank(cls, ttl: float, wall: float) -> Checkpoint:
        """Return the status before the first start, as of Unix time `wall`."""
        return cls(
            run=0,
            version=0,
            state=IDLE.name,
            entered=wall,
            in_state=0.0,
            stale=False,
            ttl=ttl,
            last_report=None,
            totals=Totals(),
            seconds={},
            entries={},
            bucket_counts=[],
            duration_sum=0.0,
            transition_id=0,
            alert_id=0,
            latest=LatestReport(IDLE.name),
            written=wall,
        )

    def to_json(self) -> str:
        """Serialize for the journal."""
        return json.dumps(asdict(self), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """Read what `to_json` wrote, now or in an earlier version. Raises ValueError when it is something else."""
        try:
            content = json.loads(text)
            _check(content, _CHECKPOINT_CHECKS)
            _check(content["latest"], _LATEST_REPORT_CHECKS)
            content["totals"] = Totals(*content["totals"])
            content["latest"] = _known(LatestReport, content["latest"])
            checkpoint: Checkpoint = _known(cls, content)
        except (TypeError, KeyError, RecursionError) as error:
            raise ValueError(f"not a snapshot: {error}") from None
        return checkpoint


def _known(kind: Any, content: dict[str, Any]) -> Any:
    names = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in content.items() if name in names})


_Check = Callable[[Any], bool]


def _check(content: Any, checks: dict[str, _Check]) -> None:
    if not isinstance(content, dict):
        raise ValueError("not a snapshot: no object")
    for name, is_sound in checks.items():
        if name in content and not is_sound(content[name]):
            raise ValueError(f"not a snapshot: {name} is {str(content[name])[:40]!r}")


def _is_seconds(value: Any) -> bool:
    return is_number(value) and 0 <= value < _LATEST


def _is_instant(value: Any) -> bool:
    return is_number(value) and _EARLIEST <= value < _LATEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_state(value: Any) -> bool:
    return value in [state.name for state in REPORTABLE]


def _or_none(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _each(check: _Check) -> _Check:
    return lambda value: isinstance(value, list) and all(map(check, value))


def _by_state(check: _Check) -> _Check:
    return lambda value: isinstance(value, dict) and all(map(check, value.values()))


_CHECKPOINT_CHECKS: Final[dict[str, _Check]] = {
    **dict.fromkeys(("run", "version", "transition_id", "alert_id", "accepted", "rejected"), is_count),
    **dict.fromkeys(("in_state", "ttl", "duration_sum", "silent"), _is_seconds),
    **dict.fromkeys(("entered", "written"), _is_instant),
    **dict.fromkeys(("stale", "clean"), _is_flag),
    "state": _is_state,
    "last_report": _or_none(_is_instant),
    "holder": _or_none(_is_text),
    "totals": _each(is_count),
    "bucket_counts": _each(is_count),
    "seconds": _by_state(_is_seconds),
    "entries": _by_state(is_count),
}
_LATEST_REPORT_CHECKS: Final[dict[str, _Check]] = {
    "status": _is_text,
    "current_task": _or_none(_is_text),
    "message": _is_text,
    "task_info": _or_none(lambda value: isinstance(value, dict)),
    "reporter_timestamp": _or_none(lambda value: _is_text(value) or is_number(value)),
}
