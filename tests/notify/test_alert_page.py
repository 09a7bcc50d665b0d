"""docs/alerts.md is what the code says now."""

from __future__ import annotations

from testkit.alert_page import PAGE, page


def test_page_of_messages_is_fresh() -> None:
    assert PAGE.read_text("utf-8") == page(), "make generate"
