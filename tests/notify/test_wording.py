"""The fixed words: both languages say the same, and each in its own script."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from notify.alert import SEVERITIES
from notify.plain_text import plain
from notify.wording import EN, LANGUAGES, ZH, Wording

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_TEXTS = [name for name in Wording._fields if isinstance(getattr(EN, name), str)]
_SIGNS = {"label", "colon", "comma"}
"""Punctuation: nothing in it to read."""


def places(text: str) -> list[str]:
    """Return the replacement fields of a format."""
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]


def flat(words: Wording) -> list[str]:
    texts = [getattr(words, name) for name in _TEXTS if name not in _SIGNS]
    return [*texts, *words.severities.values(), *(text for _, text in words.units)]


@pytest.mark.parametrize("name", _TEXTS)
def test_both_languages_have_places_for_the_same_values(name: str) -> None:
    assert places(getattr(EN, name)) == places(getattr(ZH, name))
    assert getattr(EN, name) != ""
    assert getattr(ZH, name) != ""


@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
def test_every_severity_has_a_word(words: Wording) -> None:
    assert tuple(words.severities) == SEVERITIES


@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
def test_units_are_those_of_a_duration_longest_first(words: Wording) -> None:
    assert [seconds for seconds, _ in words.units] == [86400, 3600, 60, 1]
    assert [places(text) for _, text in words.units] == [[""]] * 4


def test_each_language_is_written_in_its_own_script() -> None:
    assert [text for text in flat(ZH) if not _CHINESE.search(text)] == []
    assert [text for text in flat(EN) if _CHINESE.search(text) or (not text.isascii() and "…" not in text)] == []


@pytest.mark.parametrize("words", LANGUAGES.values(), ids=LANGUAGES)
def test_no_word_is_markup_or_a_mention_to_any_service(words: Wording) -> None:
    assert [text for text in flat(words) if plain(text, 500) != text] == []
