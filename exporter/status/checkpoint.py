"""The persisted status as one value, and its form in the journal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

from exporter.report import Totals
from exporter.states import IDLE, REPORTABLE
from servicekit.json_types import is_count, is_number

_Check = Callable[[Any], bool]
_EARLIEST: Final = -62_135_596_800.0
_LATEST: Final = 253_402_300_800.0
"""Unix time of the years 1 and 10000: the range in which a date can be written."""


def _is_seconds(value: Any) -> bool:
    return is_number(value) and 0 <= value < _LATEST


def _is_instant(value: Any) -> bool:
    return is_number(value) and _EARLIEST <= value < _LATEST


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_state(value: Any) -> bool:
    return value in [state.name for state in REPORTABLE]


def _is_totals(value: Any) -> bool:
    return isinstance(value, list) and len(value) == len(Totals._fields) and all(map(is_count, value))


def _is_text_or_number(value: Any) -> bool:
    return _is_text(value) or is_number(value)


def _or_none(check: _Check) -> _Check:
    return lambda value: value is None or check(value)


def _persisted(check: _Check, *, key: str = "", convert: Callable[[Any], Any] | None = None) -> dict[str, Any]:
    """Return the metadata of a field whose stored value satisfies `check`; `key` is its name in the journal.

    `convert` makes the value from its JSON. A field with a default may be missing, as in older journals.
    """
    return {"check": check, "key": key, "convert": convert or (lambda value: value)}


@dataclass(frozen=True)
class LatestReport:
    """The content of the latest report that changed what is shown."""

    status: str = field(metadata=_persisted(_is_text))
    current_task: str | None = field(default=None, metadata=_persisted(_or_none(_is_text)))
    message: str = field(default="", metadata=_persisted(_is_text))
    task_info: dict[str, Any] | None = field(default=None, metadata=_persisted(_or_none(_is_object)))
    reporter_timestamp: str | float | None = field(default=None, metadata=_persisted(_or_none(_is_text_or_number)))


@dataclass(frozen=True)
class Checkpoint:
    """The status that continues after a restart, except what a batch lists row by row."""

    run: int = field(metadata=_persisted(is_count))
    """Number of this start of the monitor."""
    version: int = field(metadata=_persisted(is_count))
    state: str = field(metadata=_persisted(_is_state))
    entered: float = field(metadata=_persisted(_is_instant))
    in_state: float = field(metadata=_persisted(_is_seconds))
    """Seconds spent in the current state so far."""
    stale: bool = field(metadata=_persisted(_is_flag))
    ttl: float = field(metadata=_persisted(_is_seconds))
    last_report: float | None = field(metadata=_persisted(_or_none(_is_instant)))
    totals: Totals = field(metadata=_persisted(_is_totals, convert=Totals._make))
    transition_id: int = field(metadata=_persisted(is_count))
    """Of the newest finished transition; 0 when there is none."""
    alert_id: int = field(metadata=_persisted(is_count))
    latest: LatestReport = field(metadata=_persisted(_is_object, convert=lambda value: _read(LatestReport, value)))
    written: float = field(default=0.0, metadata=_persisted(_is_instant))
    """Wall-clock time of this checkpoint."""
    owner: str | None = field(default=None, metadata=_persisted(_or_none(_is_text), key="holder"))
    """The session that set the state; None for a script without one."""
    silent: float = field(default=0.0, metadata=_persisted(_is_seconds))
    """Seconds, by the monotonic clock, for which the TTL had been running."""
    clean: bool = field(default=False, metadata=_persisted(_is_flag))
    """Written by a monitor that stopped as it should: nothing happened after it."""

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
            transition_id=0,
            alert_id=0,
            latest=LatestReport(IDLE.name),
            written=wall,
        )

    def to_json(self) -> str:
        """Serialize for the journal."""
        return _to_json({key: getattr(self, name) for key, name in _NAMES})

    @classmethod
    def from_json(cls, text: str) -> Checkpoint:
        """Read what `to_json` wrote, in this or an earlier version. Raises ValueError for anything else."""
        try:
            checkpoint: Checkpoint = _read(cls, json.loads(text))
        except RecursionError:
            raise ValueError("not a checkpoint: nested too deeply") from None
        return checkpoint


_NAMES: Final = [(each.metadata["key"] or each.name, each.name) for each in fields(Checkpoint)]
_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=vars).encode
"""`vars` turns the latest report into an object. Made once, because every change of the status is written."""


def _read(kind: Any, content: Any) -> Any:
    """Return the dataclass `kind` with the values of `content`; members that it does not know are ignored."""
    if not _is_object(content):
        raise ValueError("not a checkpoint: no object")
    values = {}
    for each in fields(kind):
        key = each.metadata["key"] or each.name
        if key in content:
            if not each.metadata["check"](content[key]):
                raise ValueError(f"not a checkpoint: {key} is {str(content[key])[:40]!r}")
            values[each.name] = each.metadata["convert"](content[key])
        elif each.default is MISSING:
            raise ValueError(f"not a checkpoint: {key} is missing")
    return kind(**values)
