"""Alertmanager's webhook message (version 4), checked."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Final, NamedTuple

from servicekit.strict_json import ANY_INTEGER, StrictJSONError, loads

SEVERITIES: Final = ("critical", "warning", "info")
WATCHDOG: Final = "watchdog"
"""The severity of the alert `Watchdog`, which always fires: its absence elsewhere tells that alerting is dead."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LATEST: Final = 4e9
"""Seconds; in the year 2096."""
_TIME: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


class PayloadError(ValueError):
    """The message is not one of Alertmanager's; the text says what is wrong and where."""


class Alert(NamedTuple):
    """One alert; times are Unix seconds. `subject` is what it is about: a node, else an instance, else `""`."""

    name: str
    severity: str
    node: str
    subject: str
    firing: bool
    starts: float
    ends: float
    annotations: dict[str, str]
    fingerprint: str


class Notification(NamedTuple):
    """What Alertmanager tells in one request: the alerts of one group."""

    group: str
    alertmanager_url: str
    alerts: tuple[Alert, ...]


def parse(raw: bytes) -> Notification:
    """Return the notification in the body `raw`. Raises `PayloadError`."""
    try:
        payload = loads(raw, ANY_INTEGER)
    except StrictJSONError as error:
        raise PayloadError(str(error)) from None
    if not isinstance(payload, dict) or not isinstance(payload.get("alerts"), list):
        raise PayloadError("not a message of Alertmanager: an object with a list 'alerts' is expected")
    alerts = tuple(_alert(entry, f"alerts[{index}]") for index, entry in enumerate(payload["alerts"]))
    url = payload.get("externalURL")
    return Notification(str(payload.get("groupKey", "")), url if isinstance(url, str) else "", alerts)


def _alert(entry: Any, where: str) -> Alert:
    if not isinstance(entry, dict):
        raise PayloadError(f"{where} is not an object")
    labels, annotations = (_texts(entry.get(key, {}), f"{where}.{key}") for key in ("labels", "annotations"))
    if entry.get("status") not in ("firing", "resolved"):
        raise PayloadError(f"{where}.status must be 'firing' or 'resolved'")
    return Alert(
        name=labels.get("alertname", ""),
        severity=_severity(labels),
        node=labels.get("node", ""),
        subject=labels.get("node") or labels.get("instance", ""),
        firing=entry["status"] == "firing",
        starts=_time(entry.get("startsAt"), f"{where}.startsAt"),
        ends=_time(entry.get("endsAt"), f"{where}.endsAt"),
        annotations=annotations,
        fingerprint=str(sorted(labels.items())),
    )


def _severity(labels: dict[str, str]) -> str:
    if labels.get("alertname") == "Watchdog":
        return WATCHDOG
    given = labels.get("severity", "")
    # An alert of unknown weight must not get lost between the addresses.
    return given if given in SEVERITIES else "warning"


def _texts(value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise PayloadError(f"{where} must be an object of strings")
    return value


def _time(value: Any, where: str) -> float:
    found = _TIME.fullmatch(value) if isinstance(value, str) else None
    if not found:
        raise PayloadError(f"{where} must be an RFC 3339 time")
    try:
        moment = datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00"))
    except ValueError:
        raise PayloadError(f"{where} must be an RFC 3339 time") from None
    # Go's zero time, which is the end of an alert that fires, is no year in every time zone.
    return min(max((moment - _EPOCH).total_seconds(), 0.0), _LATEST)
