"""The WebSocket: who is admitted, and how a connection ends."""

from __future__ import annotations

import json

import pytest
import websocket

from castray_bridge.web.access import DELTA_PROTOCOL, Access, bearer_protocols
from testkit.net import wait_for
from testkit.raw_websocket import CLOSE
from testkit.viewed_bridge import Viewed, view


def test_token_is_demanded_beside_the_subprotocol_too() -> None:
    with view(access=Access(token="secret")) as viewed:
        client = viewed.connect(DELTA_PROTOCOL, *bearer_protocols("secret"))
        assert client.getsubprotocol() == DELTA_PROTOCOL
        assert json.loads(client.recv())["seq"] == 0
        client.close()
        for wrong in ([DELTA_PROTOCOL], [DELTA_PROTOCOL, *bearer_protocols("other")]):
            with pytest.raises(websocket.WebSocketBadStatusException, match="401"):
                viewed.connect(*wrong)


def test_client_beyond_the_limit_is_closed_and_has_a_place_after_another_left(viewed: Viewed) -> None:
    clients = [viewed.connect() for _ in range(10)]
    refused = viewed.connect()
    opcode, data = refused.recv_data()
    assert (opcode, data[:2], data[2:]) == (CLOSE, (1013).to_bytes(2, "big"), b"too many clients")
    clients.pop().close()
    wait_for(lambda: viewed.connected() == 9, "the place")
    clients.append(viewed.connect())
    assert clients[-1].recv()
    for client in clients:
        client.close()


def test_clients_are_told_when_the_server_stops(viewed: Viewed) -> None:
    client = viewed.connect()
    client.recv()
    viewed.push.close()
    assert client.recv_data()[1][:2] == (1001).to_bytes(2, "big")
    wait_for(lambda: viewed.connected() == 0, "the end")
    late = viewed.connect()
    assert late.recv_data()[1][:2] == (1001).to_bytes(2, "big")


def test_plain_request_is_no_websocket(viewed: Viewed) -> None:
    assert viewed.client.get("/ws").status_code == 400
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "1"}
    assert viewed.client.get("/ws", headers=upgrade).status_code == 501  # the test client has no socket
