"""docs/castray.md: both languages say the same, and what it names exists."""

from __future__ import annotations

import re
from typing import Any

from testkit.fake_ray import FakeRay, RayNode
from testkit.guide import DOCS, typed
from testkit.net import wait_for
from testkit.paths import ROOT
from testkit.running import RunningMonitor

ENGLISH = (DOCS / "castray.md").read_text("utf-8")
CHINESE = (DOCS / "castray.zh-CN.md").read_text("utf-8")
EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_both_languages_have_the_same_chapters_commands_and_names() -> None:
    assert typed(ENGLISH) == typed(CHINESE)
    assert EXAMPLE.findall(ENGLISH) == EXAMPLE.findall(CHINESE)
    for pattern in (r"^## ", r"^\|", r"^- "):
        assert len(re.findall(pattern, ENGLISH, re.MULTILINE)) == len(re.findall(pattern, CHINESE, re.MULTILINE))
    codes = [sorted(re.findall(r"`([^`\n]+)`", text)) for text in (ENGLISH, CHINESE)]
    assert codes[0] == codes[1]


def test_options_and_paths_exist() -> None:
    script = (ROOT / "systemd" / "install.sh").read_text("utf-8")
    for line in typed(ENGLISH):
        for flag in re.findall(r"(?<=\s)--[a-z-]+", line):
            assert flag in script, flag
    gateway = (ROOT / "systemd" / "nginx" / "castray-gateway.conf").read_text("utf-8")
    for path in ("ray-dashboard", "nodes/unified", "/ws", "/wall/", "listen 28823;", "127.0.0.1:28824;"):
        assert path in gateway


def test_example_inside_castray_adds_the_lights(tmp_path: Any) -> None:
    (example,) = EXAMPLE.findall(ENGLISH)
    names: dict[str, Any] = {}
    with RunningMonitor(tmp_path) as monitor, FakeRay(RayNode("M5", "127.0.0.1")) as ray:
        assert monitor.report(status="detecting").ok
        text = example.replace("http://127.0.0.1:8265", ray.url).replace("8000", monitor.address.rpartition(":")[2])
        exec(text, names)  # noqa: S102 (it is the document's own)
        try:
            nodes = [{"nodeIp": "127.0.0.1", "cpu": 12.5}]
            wait_for(lambda: names["with_lights"](nodes)[0]["workStatus"] == "detecting", "the light", 10)
            assert names["with_lights"](nodes)[0]["cpu"] == 12.5
        finally:
            names["bridge"].close()
