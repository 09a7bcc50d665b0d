"""Which names and addresses are this node's own."""

from __future__ import annotations

import socket
from pathlib import Path

import psutil
import pytest

from exporter.web import identity
from exporter.web.identity import LocalIdentity, ipv4_addresses, ipv6_addresses

WITH_IPV6 = pytest.mark.skipif(not Path("/proc/net/if_inet6").exists(), reason="this machine has no IPv6")
ME = LocalIdentity("M5", "Board-5")

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        +-- 127.0.0.0/31 1 0 0
           |-- 127.0.0.0
              /8 host LOCAL
           |-- 127.0.0.1
              /32 host LOCAL
        |-- 127.255.255.255
           /32 link BROADCAST
     +-- 10.0.0.0/24 2 0 2
        |-- 10.0.0.5
           /32 host LOCAL
        |-- 10.0.0.6
           /32 host LOCAL
        |-- 10.0.0.9
           /32 universe UNICAST
        |-- 10.0.0.255
           /32 link BROADCAST
Local:
        |-- 10.0.0.5
           /32 host LOCAL
"""
IF_INET6 = """00000000000000000000000000000001 01 80 10 80       lo
fe80000000000000021ccdfffe000001 02 40 20 80     eth0
"""


def test_addresses_are_read_secondary_ones_too_and_no_routes_or_broadcasts() -> None:
    assert {str(each) for each in ipv4_addresses(FIB_TRIE)} == {"127.0.0.1", "10.0.0.5", "10.0.0.6"}
    assert {str(each) for each in ipv6_addresses(IF_INET6)} == {"::1", "fe80::21c:cdff:fe00:1"}


def test_every_address_of_this_machine_is_known() -> None:
    found = [
        address.address.partition("%")[0]
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family in (socket.AF_INET, socket.AF_INET6)
    ]
    assert "127.0.0.1" in found
    assert all(ME.is_me(address) for address in found), found


@pytest.mark.parametrize("node_id", ["m5", "M5", "board-5", "127.0.0.1", pytest.param("0:0::1", marks=WITH_IPV6)])
def test_own_names_and_addresses_in_any_spelling(node_id: str) -> None:
    assert ME.is_me(node_id)


@pytest.mark.parametrize("node_id", ["", "M6", "0.0.0.0", "::", "255.255.255.255", "224.0.0.1", "192.0.2.250", "."])
def test_names_and_addresses_of_others_are_not_this_nodes(node_id: str) -> None:
    assert not ME.is_me(node_id)


def test_without_ipv6_the_others_remain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(identity, "_INTERFACES", tmp_path / "missing")
    assert ME.is_me("127.0.0.1")
    assert not ME.is_me("::1")


def test_address_that_the_monitor_listens_on_is_its_own_and_no_other_loopback_address() -> None:
    here = LocalIdentity("M2", "board", "127.0.0.2")
    assert here.is_me("127.0.0.2")
    assert not here.is_me("127.0.0.3")
    assert not LocalIdentity("M2", "board", "0.0.0.0").is_me("0.0.0.0")
    assert not LocalIdentity("M2", "board", "localhost").is_me("127.0.0.2")
