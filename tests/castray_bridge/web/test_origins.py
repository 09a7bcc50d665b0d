"""Origins, as operators write them and as browsers send them."""

from __future__ import annotations

import pytest

from castray_bridge.web.origins import normal_origin, parse_origins


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://dashboard.example", "http://dashboard.example"),
        ("HTTP://Dashboard.Example/", "http://dashboard.example"),
        ("http://10.0.0.1:80", "http://10.0.0.1"),
        ("https://a.example:443/", "https://a.example"),
        ("https://a.example:80", "https://a.example:80"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("http://münchen.example", "http://xn--mnchen-3ya.example"),
    ],
)
def test_origin_is_written_as_browsers_send_it(text: str, origin: str) -> None:
    assert normal_origin(text) == origin


@pytest.mark.parametrize(
    "text",
    ["dashboard.example", "localhost:8080", "http://", "http://a.example/page", "http://a.example?x", "null", "ftp://a",
     "http://*.example", "http://u:p@a.example", "http://a.example:99999", "http://a.example:0", "file:///",
     "http://a b"],
)  # fmt: skip
def test_word_that_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no origin"):
        normal_origin(text)


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("*", ()),
        ("http://a, *", ()),
        ("http://a/ , https://b:443,http://A", ("http://a", "https://b")),
    ],
)
def test_list_is_comma_separated_and_a_star_stands_for_all(text: str, origins: tuple[str, ...]) -> None:
    assert parse_origins(text) == origins
