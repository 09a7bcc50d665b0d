"""CastRay with the bridge inside, as docs/castray.md measures it."""

from __future__ import annotations

from bench.castray_inside import reply_times


def test_reply_waits_for_a_hanging_node_only_without_the_bridge() -> None:
    assert min(reply_times(2, 1)) >= 1000
    assert min(reply_times(2, 1, "bridge")) < 900
