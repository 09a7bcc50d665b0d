"""The fixed words of the messages: one value per language, with the same fields."""

from __future__ import annotations

from typing import Final, NamedTuple


class Wording(NamedTuple):
    """What a message says around the texts of the alerts."""

    severities: dict[str, str]
    resolved: str
    label: str
    colon: str
    comma: str
    several: str
    more: str
    resolved_too: str
    fired: str
    since: str
    period: str
    more_details: str
    runbook: str
    dashboard: str
    silence: str
    test_title: str
    test_body: str
    units: tuple[tuple[int, str], ...]
    """Seconds and format of the units of a duration, longest first."""


EN: Final = Wording(
    severities={"critical": "critical", "warning": "warning", "info": "info"},
    resolved="resolved",
    label="[{}] ",
    colon=": ",
    comma=", ",
    several="{} nodes",
    more="and {} more",
    resolved_too="Resolved",
    fired="They fired",
    since="Since {}",
    period="{} to {}, {}",
    more_details="… and {} more",
    runbook="What to do",
    dashboard="Dashboard",
    silence="Silence",
    test_title="Test message of cmzsb-notify",
    test_body="Alerts of the CM-ZSB nodes will be told here. Nothing is wrong, and there is nothing to do.",
    units=((86400, "{} d"), (3600, "{} h"), (60, "{} min"), (1, "{} s")),
)
ZH: Final = Wording(
    severities={"critical": "严重", "warning": "警告", "info": "提示"},
    resolved="已恢复",
    label="【{}】",
    colon="：",
    comma="、",
    several="{} 个节点",
    more="另有 {} 个",
    resolved_too="已恢复",
    fired="告警时段",
    since="开始时间：{}",
    period="{} 至 {}，持续 {}",
    more_details="……另有 {} 条",
    runbook="处理办法",
    dashboard="看板",
    silence="静默",
    test_title="cmzsb-notify 测试消息",
    test_body="CM-ZSB 节点的告警将发送到这里。这只是测试，无需处理。",
    units=((86400, "{} 天"), (3600, "{} 小时"), (60, "{} 分钟"), (1, "{} 秒")),
)
LANGUAGES: Final = {"zh": ZH, "en": EN}
