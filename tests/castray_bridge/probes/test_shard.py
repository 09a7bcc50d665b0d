"""The requests in flight of one thread, without the thread."""

from __future__ import annotations

from selectors import DefaultSelector

from castray_bridge.probes.schedule import ProbeSettings
from castray_bridge.probes.shard import Shard
from servicekit.address import Address
from testkit.clocks import ManualClock
from testkit.hostile import (
    serving,
    silent,
)


def test_full_shard_waits_instead_of_spinning() -> None:
    with serving(silent, "0.0.0.0") as nodes, DefaultSelector() as selector:
        shard = Shard(ProbeSettings(), lambda result: None, ManualClock(), selector)
        shard.assign({Address(f"127.0.6.{number}", nodes.address.port): "" for number in range(1, 101)}, 0.0)
        assert shard.poll_timeout() == 0.0
        shard.start_due()
        try:
            assert len(selector.get_map()) == 64  # the descriptors that hanging nodes may hold
            assert shard.poll_timeout() == ProbeSettings().timeout
        finally:
            shard.close()
        assert len(selector.get_map()) == 0
