"""Text and addresses from labels and annotations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.plain_text import plain, safe_url

CRAFTED = [
    '<at user_id="all">everybody</at>', "<@all>", "@all", "@everyone", "<!channel>", "[click](http://evil)",
    "**bold**", "`code`", "~~gone~~", "&lt;at&gt;", "|a|b|", "\\u003cat\\u003e",
]  # fmt: skip


@pytest.mark.parametrize("text", CRAFTED)
def test_markup_and_mentions_lose_their_meaning_and_stay_readable(text: str) -> None:
    shown = plain(text, 100)
    assert not set(shown) & set("<>@[]*`~|\\&")
    assert len(shown) == len(text)


@pytest.mark.parametrize("text", ["M5", "jetson_orin-1.campus", "东区-5 号", "14.2 > limit? 50 %"])
def test_ordinary_text_stays(text: str) -> None:
    assert plain(text, 100) == text.replace(">", "＞")


@given(st.text(max_size=300), st.integers(2, 100))
def test_any_text_becomes_one_short_line_without_markup(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set("<>@[]*`~|\\&")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("http://10.0.0.1:3000/d/node?var-node=M5", "http://10.0.0.1:3000/d/node?var-node=M5"),
        ("https://docs.example/runbooks.md#x", "https://docs.example/runbooks.md#x"),
        ("http://[::1]:3000/d", "http://[::1]:3000/d"),
        ("http://h/d?var-node=东 区", "http://h/d?var-node=%E4%B8%9C%20%E5%8C%BA"),
        ("http://h/<at user_id='all'>", "http://h/%3Cat%20user_id=%27all%27%3E"),
        ("http://h/d?x=a%20b", "http://h/d?x=a%20b"),
        ("javascript:alert(1)", ""),
        ("http://user:secret@h/", ""),
        ("http://h@evil/", ""),
        ("//h/d", ""),
        ("http://[h/", ""),
        ("http://h/" + "a" * 600, ""),
        ("", ""),
    ],
)
def test_only_plain_http_addresses_are_shown(given: str, shown: str) -> None:
    assert safe_url(given) == shown
