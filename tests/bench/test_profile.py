"""py-spy's samples and the table made of them."""

from __future__ import annotations

import pytest

from bench import profile, report
from testkit.paths import ROOT

_RAW = """\
process 7:"python";thread (push);_run (threading.py:9);run (web/sender.py:63);send (web/client.py:8) 30
process 7:"python";thread (push);_run (threading.py:9);run (web/sender.py:70);dumps (json/__init__.py:3) 10
_run (threading.py:9);walk (castray_bridge/walk.py:2);walk (castray_bridge/walk.py:2);leaf (castray_bridge/walk.py:4) 40
_run (threading.py:9);walk (castray_bridge/walk.py:2);select (selectors.py:4) 15
odd 5
 7
"""


def test_samples_count_once_per_function_whatever_the_line() -> None:
    found = profile.read(_RAW)
    assert found.samples == 100
    assert found.alone["web/client:send"] == 30
    assert found.inclusive["web/sender:run"] == 40
    assert found.inclusive["castray_bridge/walk:walk"] == 55
    assert found.alone["odd"] == 5


def test_function_that_only_calls_another_is_a_wrapper_and_one_that_calls_itself_is_not() -> None:
    found = profile.read("main (a.py:1);serve (a.py:2);one (a.py:3) 5\nmain (a.py:1);serve (a.py:2);two (a.py:4) 5\n")
    assert [name for name in found.inclusive if found.is_wrapper(name)] == ["a:main"]
    assert not profile.read("walk (a.py:1);walk (a.py:1) 5\n").is_wrapper("a:walk")


def test_table_has_the_first_five_of_both_kinds_without_wrappers() -> None:
    rows = profile.table(profile.read(_RAW + "main (a.py:1);odd 5\n"), 61.7).splitlines()
    assert rows[0] == "105 samples; the worker took 62 % of a core."
    assert rows[4] == "| `castray_bridge/walk:leaf` | 38.1 % | `castray_bridge/walk:walk` | 52.4 % |"
    assert rows[5] == "| `web/client:send` | 28.6 % | `web/sender:run` | 38.1 % |"
    assert len(rows) == 9
    assert not any(name in "".join(rows) for name in ("a:main", "threading"))


def test_page_has_a_place_for_each_profile_and_only_that_changes() -> None:
    page = (ROOT / report.PAGE).read_text("utf-8")
    for label in ("before", "after"):
        changed = profile.with_profile(page, label, "new\n")
        begin, end = f"<!-- profile {label} -->\n", f"<!-- end of profile {label} -->\n"
        assert changed.split(begin)[0] == page.split(begin)[0]
        assert changed.split(end)[1] == page.split(end)[1]
        assert f"{begin}new\n{end}" in changed


def test_unknown_place_is_an_error() -> None:
    with pytest.raises(ValueError, match="later"):
        profile.with_profile("page\n", "later", "new\n")
