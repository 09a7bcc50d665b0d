"""Names under which a service is addressed."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from servicekit import host_names
from servicekit.host_names import own_host_names, parse_host_names


def test_names_are_comma_separated_and_in_lower_case() -> None:
    assert parse_host_names(" Head.Example ,host.docker.internal, head_1,a.") == {
        "head.example", "host.docker.internal", "head_1", "a",
    }  # fmt: skip
    assert parse_host_names("") == frozenset()


@pytest.mark.parametrize(
    "text", ["head:8001", "http://head", "*", "*.example", "head/", "a b", "-head", "[::1]", "a..b"]
)
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a host name"):
        parse_host_names(f"good, {text}")


def test_own_names_are_host_name_and_qualified_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Head")
    monkeypatch.setattr(socket, "getfqdn", lambda name: f"{name}.campus.example")
    assert own_host_names() == {"head", "head.campus.example"}


def test_resolver_that_hangs_costs_a_second_and_the_qualified_name(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(host_names, "_RESOLVER_SECONDS", 0.2)
    monkeypatch.setattr(socket, "gethostname", lambda: "head")
    monkeypatch.setattr(socket, "getfqdn", lambda name: str(release.wait(10)))
    begun = time.monotonic()
    assert own_host_names() == {"head"}
    assert time.monotonic() - begun < 2
    release.set()
