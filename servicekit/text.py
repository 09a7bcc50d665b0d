"""Hygiene for text that comes from outside and goes into logs, names and labels."""

from __future__ import annotations

import unicodedata
from typing import Final

NAME_LIMIT: Final = 63
"""Longest node name in characters: that of a DNS label (RFC 1035)."""

_NAME_PUNCTUATION: Final = frozenset("._-")
_UNPRINTABLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def one_line(text: str, limit: int = 200) -> str:
    """Return `text` as one harmless line of at most `limit` characters.

    Control, bidirectional and surrogate characters and line breaks come out as `\\uXXXX`; a cut ends in `…`.
    """
    cut = text[: limit + 1]
    # What Python calls printable holds none of the categories that are escaped: most text is done in one call.
    shown = cut if cut.isprintable() else "".join(_escaped(character) for character in cut)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def safe_name(raw: str) -> str:
    """Reduce `raw` to a node name: letters, digits and `. _ -`, at most `NAME_LIMIT` characters.

    Letters of any script stay. What is left may be empty; the caller chooses a fallback.
    """
    normal = unicodedata.normalize("NFC", raw[: NAME_LIMIT * 8])
    kept = (character for character in normal if character.isalnum() or character in _NAME_PUNCTUATION)
    return "".join(kept)[:NAME_LIMIT]


def _escaped(character: str) -> str:
    if unicodedata.category(character) in _UNPRINTABLE_CATEGORIES:
        return f"\\u{ord(character):04x}"
    return character
