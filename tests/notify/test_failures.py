"""The table of reasons."""

from __future__ import annotations

from notify.failures import BY_NAME, REASONS, DeliveryError
from testkit.paths import DOCS


def test_every_reason_has_a_text_in_both_languages_and_a_place_in_the_docs() -> None:
    row = next(line for line in (DOCS / "metrics.md").read_text("utf-8").splitlines() if "cmzsb_notify_failed" in line)
    for reason in REASONS:
        assert reason.en.isascii()
        assert not reason.zh.isascii()
        assert f"`{reason.name}`" in row
    assert len(BY_NAME) == len(REASONS)


def test_error_is_short_in_a_log_and_whole_for_an_operator() -> None:
    assert str(DeliveryError("timeout")) == "timeout"
    error = DeliveryError("rejected", 93000)
    assert str(error) == "rejected (93000)"
    assert "robot was removed" in error.explained("wecombot")[0]
    assert error.explained("feishu")[0] == "the service refuses the message 93000"
