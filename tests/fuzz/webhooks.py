"""Bodies that something posts to cmzsb-notify, from Alertmanager's own to rubbish."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from testkit.alert_payloads import ENDS, FIRING_ENDS, STARTS
from tests.fuzz.cases import ANYTHING, TEXT

CRAFTED = (
    '<at user_id="all">x</at>', "<@all>", "@all", "@everyone", "<!channel>", "[x](http://evil)", "**b**", "`c`", "\\",
    "M5\n[critical] forged: M1", "M5\r\nBcc: all@evil.example", "\u202e5M", "\u2066\u2069", "\x00\x07\x1b[31m",
    "\ufeff", "x" * 2500, "东" * 1500, "\U0001f525" * 700, "\u0301" * 500, " ", "", "&#60;at&#62;", "%0a%0d", "{}",
)  # fmt: skip
"""Labels and annotations that mean something to some service, or to a terminal."""
TEXTS = st.integers(0, len(CRAFTED) - 1).map(CRAFTED.__getitem__) | st.text(max_size=100)
_NAMES = st.sampled_from(["alertname", "severity", "node", "instance", "service", "scope"]) | st.text(max_size=8)
_LABELS = st.fixed_dictionaries(
    {
        "alertname": st.sampled_from(["CmzsbMonitorDown", "Watchdog"]) | TEXTS,
        "severity": st.sampled_from(["critical", "warning", "info", "none"]) | TEXTS,
        "node": st.integers(1, 300).map("M{}".format) | TEXTS,
    },
    optional={"instance": TEXTS, "scope": TEXTS},
)
_ANNOTATIONS = st.dictionaries(
    st.sampled_from(["summary", "description", "runbook_url", "dashboard_url"]),
    TEXTS
    | st.sampled_from(["http://10.0.0.1/d", "javascript:alert(1)", "http://u:p@h/", "Wrong / 有误", "Wrong\n有误"]),
)
_TIMES = st.sampled_from(
    [STARTS, ENDS, FIRING_ENDS, "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z",
     "2026-11-24T08:02:13.123456789+23:59", "2026-11-24T08:02:13-00:00", "2026-11-24T08:02:60Z", "now", ""]
)  # fmt: skip
_RIGHT_TIMES = st.sampled_from([STARTS, ENDS, FIRING_ENDS, "9999-12-31T23:59:59Z"])


def _alerts(times: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "status": st.sampled_from(["firing", "resolved"]),
            "labels": _LABELS,
            "annotations": _ANNOTATIONS,
            "startsAt": times,
            "endsAt": times,
        }
    )


_TOP = {"version": st.just("4"), "groupKey": TEXTS, "externalURL": st.just("http://10.0.0.1:9093") | TEXTS}
RIGHT = st.fixed_dictionaries(_TOP | {"alerts": st.lists(_alerts(_RIGHT_TIMES), max_size=8)})
"""Messages of the form that Alertmanager sends, with anything in their texts."""
_ODD_ALERTS = st.lists(
    _alerts(_TIMES) | st.builds(lambda right, odd: right | odd, _alerts(_TIMES), st.dictionaries(_NAMES, ANYTHING)),
    max_size=4,
)
_ODD = st.builds(
    lambda alerts, odd: {"alerts": alerts} | odd,
    _ODD_ALERTS,
    st.dictionaries(st.sampled_from(["alerts", "groupKey", "externalURL", "__proto__"]) | TEXT, ANYTHING, max_size=2),
)


def _spoilt(text: str, where: int, piece: bytes) -> bytes:
    body = text.encode()
    at = where % (len(body) + 1)
    return body[:at] + piece + body[at + len(piece) :]


WEBHOOKS: st.SearchStrategy[bytes] = st.one_of(
    RIGHT.map(lambda value: json.dumps(value).encode()),
    RIGHT.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")),
    (_ODD | ANYTHING).map(lambda value: json.dumps(value).encode()),
    st.builds(_spoilt, RIGHT.map(json.dumps), st.integers(0, 2000), st.binary(min_size=1, max_size=4)),
    st.binary(max_size=60),
    st.integers(1, 10_000).map(lambda depth: b'{"alerts":' + b"[" * depth + b"]" * depth + b"}"),
)
