"""Text from labels and annotations, made harmless for every service: nothing in it is markup or a mention."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import quote, urlsplit

from servicekit.text import one_line

_MARKUP: Final = str.maketrans({character: chr(ord(character) + 0xFEE0) for character in "<>@[]*`~|\\&"})
"""What starts markup, an entity or a mention somewhere (`<at user_id="all">`, `<!channel>`, `@everyone`, `[x](y)`),
as its full-width form, which reads the same and means nothing."""
_HOST: Final = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?::[0-9]{1,5})?", re.ASCII)
_URL_LIMIT: Final = 600


def plain(text: str, limit: int) -> str:
    """Return `text` as one line of at most `limit` characters without markup; a cut ends in `…`."""
    return one_line(text.strip(), limit).translate(_MARKUP)


def safe_url(text: str) -> str:
    """Return `text` as an http or https URL of plain ASCII; `""` for anything else, also when it holds a password."""
    try:
        parts = urlsplit(text.strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
        return ""
    rest = parts._replace(scheme="", netloc="").geturl()
    url = f"{parts.scheme}://{parts.netloc}{quote(rest, safe='/?#&=+,;:%-._$!')}"
    return url if len(url) <= _URL_LIMIT else ""
