"""Pages of long lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from exporter.storage.paging import Page, cut


class Row(NamedTuple):
    id: int
    bytes: int = 10


ROWS = [Row(number) for number in (5, 4, 3, 2, 1)]


@pytest.mark.parametrize(
    ("limit", "ids", "before"),
    [(1, [5], 5), (3, [5, 4, 3], 3), (5, [5, 4, 3, 2, 1], None), (9, [5, 4, 3, 2, 1], None)],
)
def test_page_has_at_most_the_limit_and_leads_on(limit: int, ids: list[int], before: int | None) -> None:
    assert cut(ROWS, limit, 1000) == Page([Row(number) for number in ids], before)


def test_page_of_large_rows_is_shorter_but_never_empty() -> None:
    assert cut(ROWS, 5, 25, lambda row: row.bytes) == Page([Row(5), Row(4)], 4)
    assert cut([Row(2, 99), Row(1)], 5, 25, lambda row: row.bytes) == Page([Row(2, 99)], 2)


def test_no_more_is_read_than_one_row_beyond_the_page() -> None:
    read = []

    def rows() -> Iterator[Row]:
        for row in ROWS:
            read.append(row.id)
            yield row

    cut(rows(), 2)
    assert read == [5, 4, 3]


def test_nothing_is_an_empty_last_page() -> None:
    assert cut([], 3) == Page([], None)
