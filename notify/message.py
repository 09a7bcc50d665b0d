"""One message about the alerts of one name: what, how many, which nodes; then the rest as far as it fits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import tzinfo
from typing import Final, NamedTuple
from urllib.parse import quote

from notify.alert import Alert
from notify.fitting import Lines, listing, shortened, size
from notify.plain_text import plain, safe_url
from notify.when import duration, moment
from notify.wording import LANGUAGES

_TITLE_LIMIT: Final = 80
_NAME_LIMIT: Final = 63
_DETAIL_LIMIT: Final = 300
_DETAILS: Final = 10
"""Most alerts whose own text is shown: a message is read on a telephone."""
_LINKS_SHARE: Final = 0.4
"""Largest share of a message that time and links take from the names."""
_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_DIGITS: Final = re.compile(r"(\d+)", re.ASCII)


class Message(NamedTuple):
    """A message without markup. `severity` is that of the alerts, or `resolved`."""

    title: str
    body: str
    severity: str

    @property
    def text(self) -> str:
        """Title and body as one text."""
        return f"{self.title}\n{self.body}"


class Renderer:
    """Writes messages in one language; times are those of `zone`, None being the machine's own."""

    def __init__(self, language: str, zone: tzinfo | None) -> None:
        self._words = LANGUAGES[language]
        self._is_chinese = language == "zh"
        self._zone = zone

    def render(self, alerts: Sequence[Alert], alertmanager_url: str, limit: int) -> Message:
        """Return the message about `alerts`, all of one name; its text has at most `limit` bytes of UTF-8."""
        firing = [alert for alert in alerts if alert.firing]
        told = firing or alerts
        title = shortened(self._title(told, bool(firing)), limit - 1)
        lines = Lines(limit - size(title))
        when = lines.reserve([self._when(told)], _LINKS_SHARE)
        links = lines.reserve(self._links(told, alertmanager_url), _LINKS_SHARE)
        ended = [alert for alert in alerts if firing and not alert.firing]
        names, over = _names(told), _names(ended)
        if len(names) > 1:
            lines.add(listing(names, self._words, lines.room - 1))
        if over:
            label = self._words.resolved_too + self._words.colon
            lines.add(label + listing(over, self._words, lines.room - size(label) - 1))
            # A reader who never got the first message about these sees that they had fired, and when.
            lines.add(self._words.fired + self._words.colon + self._period(ended))
        lines.take_reserved(when)
        self._add_details(lines, firing)
        lines.take_reserved(links)
        return Message(title, "\n".join(lines.taken), told[0].severity if firing else "resolved")

    def test(self) -> Message:
        """Return the message that tries an address."""
        return Message(self._words.test_title, self._words.test_body, "info")

    def _title(self, told: Sequence[Alert], is_firing: bool) -> str:
        words, first = self._words, told[0]
        label = words.severities[first.severity] if is_firing else words.resolved
        # The rules' summaries begin with the node, which a message about several names once, beside it.
        texts = first.annotations.get("summary", "").strip().removeprefix(f"{first.node}: ")
        what = plain(self._pick(texts, " / ") or first.name, _TITLE_LIMIT)
        what = what[:1].upper() + what[1:]
        names = _names(told)
        about = names[0] if len(names) == 1 else words.several.format(len(names)) if names else ""
        return words.label.format(label) + what + (words.colon + about if about else "")

    def _pick(self, text: str, separator: str) -> str:
        """Return the part of a bilingual `text` in the reader's language; all of it when there is no such part."""
        parts = [part.strip() for part in text.strip().split(separator)]
        own = [part for part in parts if bool(_CHINESE.search(part)) is self._is_chinese]
        return separator.join(own or parts)

    def _add_details(self, lines: Lines, firing: Iterable[Alert]) -> None:
        """Add each alert's own text: the value against the limit."""
        texts = (self._pick(alert.annotations.get("description", ""), "\n") for alert in firing)
        details = [plain(text.replace("\n", " "), _DETAIL_LIMIT) for text in texts if text]
        for index, detail in enumerate(details):
            rest = len(details) - index
            following = [self._words.more_details.format(rest - 1)] if rest > 1 else []
            if index == _DETAILS or not lines.fits(detail, *following):
                lines.add(self._words.more_details.format(rest))
                return
            lines.add(detail)

    def _when(self, told: Sequence[Alert]) -> str:
        if told[0].firing:
            return self._words.since.format(moment(min(alert.starts for alert in told), self._zone))
        return self._period(told)

    def _period(self, ended: Sequence[Alert]) -> str:
        starts, ends = min(alert.starts for alert in ended), max(alert.ends for alert in ended)
        lasted = duration(ends - starts, self._words)
        return self._words.period.format(moment(starts, self._zone), moment(ends, self._zone), lasted)

    def _links(self, told: Sequence[Alert], alertmanager_url: str) -> list[str]:
        words, first = self._words, told[0]
        dashboards = {alert.annotations.get("dashboard_url", "") for alert in told}
        dashboard = first.annotations.get("dashboard_url", "")
        links = {
            # One that fills in a node is wrong for several.
            words.dashboard: dashboard if len(dashboards) == 1 else dashboard.partition("?")[0]
        }
        if first.firing:
            links = {words.runbook: first.annotations.get("runbook_url", "")} | links
            links[words.silence] = _silence(told, alertmanager_url) if alertmanager_url else ""
        return [f"{name}{words.colon}{url}" for name, text in links.items() if (url := safe_url(text))]


def _silence(alerts: Sequence[Alert], alertmanager_url: str) -> str:
    """Return where Alertmanager's page makes a silence of `alerts`."""
    matchers = {"alertname": alerts[0].name}
    nodes = {alert.node for alert in alerts}
    if len(nodes) == 1 and (node := nodes.pop()):
        matchers["node"] = node
    values = (value.replace("\\", "\\\\").replace('"', '\\"') for value in matchers.values())
    wanted = ",".join(f'{name}="{value}"' for name, value in zip(matchers, values, strict=True))
    return f"{alertmanager_url.rstrip('/')}/#/silences/new?filter={quote('{' + wanted + '}', safe='')}"


def _names(alerts: Iterable[Alert]) -> list[str]:
    """Return what the alerts are about, each once, M2 before M10."""
    found = {plain(alert.subject, _NAME_LIMIT) for alert in alerts if alert.subject}
    return sorted(found, key=_natural)


def _natural(name: str) -> list[int | str]:
    # The pieces at odd places are the digits.
    return [int(part) if place % 2 else part for place, part in enumerate(_DIGITS.split(name))]
