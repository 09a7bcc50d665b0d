"""Which labels the result of a PromQL expression can have, and which names in it are none of its operands'."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeAlias

import promql_parser as promql

Labels: TypeAlias = frozenset[str]
LabelsOf: TypeAlias = Callable[[Any], Labels]
"""The labels that a selector's series can have."""

_SET_OPERATORS = {"and", "unless"}


class Flow(NamedTuple):
    """The labels of a result, and what is wrong with how they are named on the way to it."""

    labels: Labels
    faults: tuple[str, ...] = ()


def flow(tree: Any, labels_of: LabelsOf, nameable: Labels) -> Flow:
    """Follow the labels through `tree`; new ones may only be made of `nameable`."""
    match tree:
        case promql.VectorSelector():
            return Flow(labels_of(tree))
        case promql.MatrixSelector():
            return flow(tree.vector_selector, labels_of, nameable)
        case promql.ParenExpr() | promql.UnaryExpr() | promql.SubqueryExpr():
            return flow(tree.expr, labels_of, nameable)
        case promql.AggregateExpr():
            return _aggregate(tree, flow(tree.expr, labels_of, nameable))
        case promql.BinaryExpr():
            return _binary(tree, flow(tree.lhs, labels_of, nameable), flow(tree.rhs, labels_of, nameable))
        case promql.Call():
            return _call(tree, [flow(argument, labels_of, nameable) for argument in tree.args], nameable)
        case _:
            return Flow(frozenset())


def _aggregate(tree: Any, inner: Flow) -> Flow:
    if tree.modifier is None:
        return Flow(frozenset(), inner.faults)
    named = frozenset(tree.modifier.labels)
    found = inner.faults + tuple(_strangers("groups by", named, inner.labels))
    is_by = tree.modifier.type == promql.AggModifierType.By
    return Flow(named if is_by else inner.labels - named, found)


def _binary(tree: Any, left: Flow, right: Flow) -> Flow:
    operator, matching = str(tree.op), _matching(tree)
    many, one = (right, left) if matching.many_is_right else (left, right)
    found = left.faults + right.faults + tuple(_strangers("brings", matching.brought, one.labels))
    for side in (left, right):
        if side.labels:  # else a scalar, or one series for all
            found += tuple(_strangers("matches on", matching.on or frozenset(), side.labels))
    if operator == "or":
        return Flow(left.labels | right.labels, found)
    if operator in _SET_OPERATORS or matching.is_grouped:
        return Flow(many.labels | matching.brought, found)
    if matching.on is not None:
        return Flow(matching.on, found)
    return Flow(left.labels or right.labels, found)


class _Matching(NamedTuple):
    """How the sides of an operator are brought together; `on` is None without `on (…)`."""

    on: Labels | None = None
    brought: Labels = frozenset()
    is_grouped: bool = False
    many_is_right: bool = False


def _matching(tree: Any) -> _Matching:
    modifier = tree.modifier
    if modifier is None:
        return _Matching()
    has_on = modifier.matching is not None and modifier.matching.type == promql.LabelModifierType.Include
    cardinality = promql.VectorMatchCardinality
    return _Matching(
        frozenset(modifier.matching.labels) if has_on else None,
        frozenset(modifier.group_labels or ()),
        modifier.card in (cardinality.ManyToOne, cardinality.OneToMany),
        modifier.card == cardinality.OneToMany,
    )


def _call(tree: Any, arguments: list[Flow], nameable: Labels) -> Flow:
    found = tuple(fault for argument in arguments for fault in argument.faults)
    labels = frozenset[str]().union(*(argument.labels for argument in arguments))
    name = tree.func.name
    if name == "label_replace":
        target, source = tree.args[1].val, tree.args[3].val
        found += tuple(_strangers("makes", {target}, nameable))
        found += tuple(_strangers("reads", {source} - {""}, labels))
        return Flow(labels | {target}, found)
    if name == "label_join":
        target, sources = tree.args[1].val, {argument.val for argument in tree.args[3:]}
        found += tuple(_strangers("makes", {target}, nameable))
        found += tuple(_strangers("reads", sources, labels))
        return Flow(labels | {target}, found)
    if name == "histogram_quantile":
        found += tuple(_strangers("needs", {"le"}, labels))
        return Flow(labels - {"le"}, found)
    return Flow(labels, found)


def _strangers(verb: str, named: Labels | set[str], available: Labels) -> Iterator[str]:
    for label in sorted(named - available):
        yield f"{verb} {label}, which no series in it has"
