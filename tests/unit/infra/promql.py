"""What a PromQL expression asks for: metrics, and labels that it groups by."""

from collections.abc import Iterator, Mapping

import promql_parser

from danbao.metrics.catalogue import BY_NAME, EVERYWHERE, METRICS, Kind

PARTS = ("_bucket", "_count", "_sum")
OTHERS = {"up": frozenset({"instance", "job"})}
"""Metrics of Prometheus itself, with their labels."""

LABELS: Mapping[str, frozenset[str]] = OTHERS | {
    name: frozenset((*EVERYWHERE, *metric.labels, *(["le"] if part == "_bucket" else [])))
    for metric in METRICS
    for part in (PARTS if metric.kind is Kind.HISTOGRAM else ("",))
    for name in [metric.name + part]
}
"""Every series that may be asked for, with its labels."""


def nodes(expression: str) -> list[promql_parser.Expr]:
    """Every part of an expression; raises ValueError where it does not parse."""
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expression), found.append)
    return found


def problems(expression: str) -> Iterator[str]:
    """What is wrong with an expression: names and labels that do not exist."""
    for node in nodes(expression):
        match node:
            case promql_parser.VectorSelector():
                if node.name not in LABELS:
                    yield f"no metric {node.name}"
                    continue
                for matcher in node.matchers.matchers:
                    if matcher.name not in LABELS[node.name]:
                        yield f"{node.name} has no label {matcher.name}"
            case promql_parser.AggregateExpr() if node.modifier is not None:
                known = labels_below(node)
                for label in node.modifier.labels:
                    if label not in known:
                        yield f"nothing below {node} has a label {label}"
            case _:
                pass


def labels_below(node: promql_parser.Expr) -> set[str]:
    """Labels of all series that an expression asks for."""
    names = {n.name for n in nodes(str(node)) if isinstance(n, promql_parser.VectorSelector)}
    return {label for name in names for label in LABELS.get(name, ())}


def metrics_in(expression: str) -> set[str]:
    """Names of the catalogue that an expression uses."""
    names = {n.name for n in nodes(expression) if isinstance(n, promql_parser.VectorSelector)}
    return {base_of(name) for name in names} & BY_NAME.keys()


def base_of(name: str) -> str:
    """The metric that a series belongs to."""
    for part in PARTS:
        if name.endswith(part) and name.removesuffix(part) in BY_NAME:
            return name.removesuffix(part)
    return name
