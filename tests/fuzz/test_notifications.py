"""cmzsb-notify: the parser of what is posted to it, and the messages that come of it."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from notify.alert import SEVERITIES, WATCHDOG, Notification, PayloadError, parse
from notify.fitting import listing, size
from notify.message import Message, Renderer
from notify.wording import LANGUAGES, Wording
from tests.fuzz.cases import cases
from tests.fuzz.webhooks import RIGHT, WEBHOOKS

ZONE = ZoneInfo("Asia/Shanghai")
LONGEST = 9_800
_MARKUP = set("<>@[]*`~|\\")
_FIXED = re.compile(r"^\[(?:critical|warning|info|resolved)\] ")
"""The one bracket in a message, which is the program's own."""
_URL = re.compile(r"(?:https?://)\S+")
LIMITS = st.sampled_from([2048, LONGEST]) | st.integers(140, 3000)
WORDS = st.sampled_from(list(LANGUAGES))


def parsed(body: bytes) -> Notification | None:
    """Return the notification in `body`; None if it is refused, with a reason in a few words."""
    try:
        return parse(body)
    except PayloadError as error:
        reason = str(error)
    assert 0 < len(reason) < 300
    return None


def messages(notification: Notification, language: str, limit: int) -> list[Message]:
    """Return the messages about a notification, one for each kind of alert, as the dispatcher has them written."""
    names = dict.fromkeys(alert.name for alert in notification.alerts if alert.severity != WATCHDOG)
    renderer = Renderer(language, ZONE)
    groups = [[alert for alert in notification.alerts if alert.name == name] for name in names]
    return [renderer.render(alerts, notification.alertmanager_url, limit) for alerts in groups]


def check(message: Message, limit: int) -> None:
    """Fail if a service might take `message` for more than text, or not at all."""
    assert size(message.text) <= limit
    assert message.title
    assert "\n" not in message.title
    signs = {unicodedata.category(sign) for sign in message.text.replace("\n", "")}
    assert not signs & {"Cc", "Cf", "Cs", "Zl", "Zp"}
    own = _URL.sub("", _FIXED.sub("", message.text))
    assert not set(own) & _MARKUP, own


@cases(0.1)
@given(WEBHOOKS, WORDS, LIMITS)
def test_body_is_refused_in_one_line_or_becomes_harmless_messages_within_their_limit(
    body: bytes, language: str, limit: int
) -> None:
    notification = parsed(body)
    if notification is None:
        return
    for alert in notification.alerts:
        assert alert.severity in (*SEVERITIES, WATCHDOG)
        assert 0 <= alert.starts <= 4e9
        assert 0 <= alert.ends <= 4e9
    for message in messages(notification, language, limit):
        check(message, limit)


@cases(0.05)
@given(RIGHT)
def test_message_of_alertmanagers_form_is_never_refused_for_its_texts(value: dict[str, Any]) -> None:
    assert parsed(json.dumps(value).encode()) is not None


_NODES = st.lists(st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,30}", fullmatch=True), min_size=2, max_size=400, unique=True)


def told(text: str, words: Wording) -> tuple[list[str], int]:
    """Return the names in a list, and how many more it counts."""
    *names, last = text.split(words.comma)
    before, after = words.more.split("{}")
    found = re.fullmatch(f"{re.escape(before)}([0-9]+){re.escape(after)}", last)
    return (names, int(found[1])) if found else ([*names, last], 0)


def check_list(text: str, names: Sequence[str], words: Wording) -> None:
    shown, more = told(text, words)
    assert shown == list(names[: len(shown)])
    assert len(shown) + more == len(names)


@cases(0.05)
@given(_NODES, WORDS, st.integers(20, 3000))
def test_list_names_the_first_ones_and_counts_exactly_the_others(names: list[str], language: str, room: int) -> None:
    words = LANGUAGES[language]
    text = listing(names, words, room)
    assert size(text) <= room
    check_list(text, names, words)
    shown, more = told(text, words)
    if more:
        # As many as fit: with one more name, and the count of the others, it would be too long.
        longer = words.comma.join([*shown, names[len(shown)], words.more.format(more - 1)])
        assert size(longer) > room or more == 1


@cases(0.05)
@given(_NODES, WORDS, LIMITS)
def test_message_about_many_nodes_names_or_counts_every_one(names: list[str], language: str, limit: int) -> None:
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": "CmzsbMonitorDown", "severity": "warning", "node": name},
            "annotations": {"summary": f"{name}: down / 无响应", "description": f"{name} is down.\n{name} 无响应。"},
            "startsAt": "2026-11-24T08:02:13.117Z",
            "endsAt": "0001-01-01T00:00:00Z",
        }
        for name in names
    ]
    notification = parse(json.dumps({"alerts": alerts, "externalURL": "http://10.0.0.1:9093"}).encode())
    (message,) = messages(notification, language, limit)
    words = LANGUAGES[language]
    title, line = message.text.split("\n")[:2]
    assert title.endswith(words.several.format(len(names)))
    shown, more = told(line, words)
    assert len(shown) + more == len(names)
    assert set(shown) <= set(names)
