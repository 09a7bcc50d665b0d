"""Texts for operators: pairs of English and Chinese, of which one is chosen when a dashboard is rendered."""

from __future__ import annotations

import dataclasses
from typing import Any, Final, TypeAlias, TypeVar

from exporter.states import UNKNOWN, State

LANGUAGES: Final = ("en", "zh")
_Value = TypeVar("_Value")


@dataclasses.dataclass(frozen=True)
class Text:
    """One text in both languages."""

    en: str
    zh: str


Words: TypeAlias = Text | str
"""A text, or a word that is the same in both languages."""


def of_state(state: State) -> Text:
    """Return the text of `state` from the states table."""
    return Text(state.en, state.zh)


def per_language(pattern: str) -> Text:
    """Return `pattern`, an address, with the language in place of `{lang}`."""
    return Text(*(pattern.replace("{lang}", lang) for lang in LANGUAGES))


def choose(value: _Value, lang: str) -> _Value:
    """Return a copy of `value` that has the text in `lang`, `en` or `zh`, in place of every `Text` within it."""
    chosen: Any = _choose(value, lang)
    return chosen  # type: ignore[no-any-return]


def _choose(value: Any, lang: str) -> Any:
    if isinstance(value, Text):
        return getattr(value, lang)
    if isinstance(value, dict):
        return {name: _choose(item, lang) for name, item in value.items()}
    if isinstance(value, list | tuple):
        items = [_choose(item, lang) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = {field.name: _choose(getattr(value, field.name), lang) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **members)
    return value


NO_ANSWER: Final = of_state(UNKNOWN)
NODE: Final = Text("Node", "节点")
ADDRESS: Final = Text("Address", "地址")
LIMIT: Final = Text("limit", "阈值")
NO_NODE: Final = Text("No node is known", "没有已知节点")
