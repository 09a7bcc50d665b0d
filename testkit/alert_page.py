"""docs/alerts.md: the messages as a WeCom group sees them. `python -m testkit.alert_page` writes the page."""

from __future__ import annotations

import json
from typing import Any, Final
from zoneinfo import ZoneInfo

from notify.alert import parse
from notify.fitting import size
from notify.message import Renderer
from notify.transport import open_address
from testkit.alert_payloads import alert, payload
from testkit.paths import DOCS

PAGE: Final = DOCS / "alerts.md"
_ZONE: Final = ZoneInfo("Asia/Shanghai")
_INTRODUCTION: Final = """\
# Alert messages

What [cmzsb-notify](operations.md#alerts-to-group-chats) sends, as a reader of a WeCom group sees it; other services get
the same text, with more of it where they take more. Written by `make generate` from the rules and the code; a test
keeps it true. What each alert means and what to do: [runbooks.md](runbooks.md).

以下为 cmzsb-notify 发送到企业微信群的消息原文，由代码生成。各告警的含义与处理步骤见 [runbooks.md](runbooks.md)。

A message begins with what happened, how many and which nodes; then since when, the value against the limit, and the
links. Names come first: where a service takes only short messages, they are cut last, and what is left out is counted.
Text of labels and annotations is shown as text: what would be markup or a mention in some service comes out in
full-width letters.
"""


def _boards() -> list[dict[str, Any]]:
    return [alert("CmzsbMonitorDown", f"M{number}") for number in range(1, 24)]


def _fleet() -> list[dict[str, Any]]:
    return [alert("CmzsbMonitorDown", f"node-{number:03}") for number in range(1, 301)]


_SCENES: Final = (
    ("One node", "单个节点", [alert("CmzsbSendingTooOften", "M5")]),
    ("23 nodes", "23 个节点", _boards()),
    (
        "Some are well again",
        "部分恢复",
        [alert("CmzsbMonitorDown", "M2"), *(alert("CmzsbMonitorDown", name, firing=False) for name in ("M3", "M10"))],
    ),
    ("Resolved", "恢复", [alert("CmzsbSendingTooOften", "M5", firing=False)]),
    (
        "Storm",
        "发送风暴",
        [alert("CmzsbSendingStorm", values=("61%", "50%", "".join(f" M{number}" for number in range(1, 15))))],
    ),
    ("300 nodes", "300 个节点", _fleet()),
    (
        "A crafted name",
        "恶意名称",
        [alert("CmzsbSendingTooOften", '<at user_id="all">M5</at> @all [x](http://evil)')],
    ),
)  # fmt: skip


def page() -> str:
    """Return the whole page."""
    wecom = open_address("wecombot://key")
    assert wecom is not None
    sections = [_INTRODUCTION]
    for en, zh, alerts in _SCENES:
        notification = parse(json.dumps(payload(*alerts)).encode())
        sections.append(f"## {en} / {zh}\n")
        for language in ("zh", "en"):
            renderer = Renderer(language, _ZONE)
            text = renderer.render(notification.alerts, notification.alertmanager_url, wecom.limit).text
            sections.append(f"{size(text)} of {wecom.limit} bytes:\n\n```text\n{text}\n```\n")
    return "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
