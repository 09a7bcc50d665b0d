"""Tables: figures per node side by side, and lists of the labels that one query finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from grafana import thresholds
from grafana.panels import Json, Panel, PanelText, Query, override, ref_of
from grafana.promql import share_of
from grafana.texts import Words

COLOURED: Final[Json] = {
    # The first is Grafana's before 9.5, the second that of later ones.
    "custom__displayMode": "color-background",
    "custom__cellOptions": {"type": "color-background", "mode": "basic"},
}


class Column(NamedTuple):
    """A figure per node: its title, the PromQL that finds it, its unit and the number of decimals."""

    title: Words
    expr: str
    unit: str = "none"
    decimals: int | None = None


class LimitColumn(NamedTuple):
    """The share of the limit, PromQL `limit`, that the figure of `expr` has reached; the cells are coloured."""

    title: Words
    expr: str
    limit: str


def value_mapping(rows: Mapping[str, tuple[Words, str]]) -> Json:
    """Return the mapping of values to text and colour; an empty colour changes nothing."""
    options = {
        value: {"index": index, "text": text} | ({"color": colour} if colour else {})
        for index, (value, (text, colour)) in enumerate(rows.items())
    }
    return {"type": "value", "options": options}


def figures(text: PanelText, key: Words, columns: Sequence[Column | LimitColumn], sort_by: Words, link: Json) -> Panel:
    """One row per node under the title `key`, the largest of `sort_by` first."""
    names = {"node": key} | {f"Value #{ref_of(position)}": column.title for position, column in enumerate(columns)}
    overrides = [override("byName", key, links=[link])]
    queries = []
    for column in columns:
        if isinstance(column, LimitColumn):
            queries.append(Query(share_of(column.expr, column.limit)))
            options = thresholds.of_shares() | COLOURED
        else:
            queries.append(Query(column.expr))
            options = {"unit": column.unit} | ({} if column.decimals is None else {"decimals": column.decimals})
        overrides.append(override("byName", column.title, **options))
    # The button of a filter takes as much of a header as three letters: here, names would be cut for it.
    return _table(text, queries, names, overrides, sort_by, filterable=False)


def listing(
    text: PanelText,
    query: str,
    names: Mapping[str, Words],
    overrides: Sequence[Json] = (),
    *,
    none: Words,
    sort_by: Words = "",
    descending: bool = True,
) -> Panel:
    """One row per series; `names` maps labels (and `Value`) to titles in order. `none` stands for no rows."""
    shown = list(overrides)
    if "Value" not in names:
        shown.append(override("byName", "Value", custom__hidden=True))
    return _table(text, [Query(query)], names, shown, sort_by, none, descending)


def joined(
    text: PanelText, queries: Sequence[str], names: Mapping[str, Words], overrides: Sequence[Json], *, none: Words
) -> Panel:
    """One row per node, or per value of another label that all queries have; of their values, those in `names` show."""
    values = [f"Value #{ref_of(position)}" for position in range(len(queries))]
    hidden = [override("byName", value, custom__hidden=True) for value in values if value not in names]
    return _table(text, [Query(query) for query in queries], names, [*overrides, *hidden], "", none)


def _table(
    text: PanelText,
    queries: Sequence[Query],
    names: Mapping[str, Words],
    overrides: Sequence[Json],
    sort_by: Words,
    none: Words = "",
    descending: bool = True,
    *,
    filterable: bool = True,
) -> Panel:
    order = {name: position for position, name in enumerate(names)}
    organize = {"excludeByName": {"Time": True}, "indexByName": order, "renameByName": dict(names)}
    custom = {"align": "auto", "filterable": filterable, "minWidth": 80}
    defaults: Json = {"custom": custom, "color": {"mode": "thresholds"}}
    options: Json = {
        "showHeader": True,
        "cellHeight": "sm",
        "footer": {"show": False, "reducer": ["sum"]},
        "sortBy": [{"displayName": sort_by, "desc": descending}] if sort_by else [],
    }
    return Panel(
        type="table",
        text=text,
        queries=queries,
        defaults=defaults | ({"noValue": none} if none else {}),
        options=options,
        overrides=overrides,
        instant=True,
        format="table",
        transformations=[{"id": "merge", "options": {}}, {"id": "organize", "options": organize}],
    )
