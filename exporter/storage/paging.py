"""Long lists in pages: newest first, each page continues where the one before it ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

END: Final = 2**53
"""An id above all others: `before` it are all rows."""


class Numbered(Protocol):
    """A row with a number from which a page can continue."""

    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=Numbered)


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some rows, newest first, and the id `before` which the next page begins (None on the last page)."""

    rows: list[Row]
    before: int | None = None


def cut(rows: Iterable[Row], limit: int, most_bytes: int = 0, size: Callable[[Row], int] = lambda _: 0) -> Page[Row]:
    """Return the first page of `rows`: at most `limit` of them, and no more than fit into `most_bytes` by `size`.

    A larger single row makes a page of its own. At most one row beyond the page is read from `rows`.
    """
    taken: list[Row] = []
    total = 0
    for row in rows:
        total += size(row)
        if len(taken) >= limit or (taken and total > most_bytes):
            return Page(taken, row.id + 1)
        taken.append(row)
    return Page(taken)
