"""Diagrams in Mermaid: statuses and the wishes that lead from one to another."""

import re
from collections.abc import Callable, Iterable

from danbao.schemas.states.explore import Exploration, Step
from danbao.schemas.states.machine import Label
from danbao.schemas.states.table import wish_name


def status_diagram(exploration: Exploration) -> str:
    """Statuses as nodes; flags do not show, except that their changes stay within a status."""
    initial = exploration.labels[0].status
    statuses = dict.fromkeys(label.status for label in exploration.labels)
    moves = [step for step in exploration.steps if step.source.status != step.target.status]
    edges = _edges(moves, lambda label: label.status)
    left = {step.source.status for step in exploration.steps if step.is_taken}
    last = [status for status in statuses if status not in left]
    lines = [
        *(f'state "{status}" as {_slug(status)}' for status in statuses),
        f"[*] --> {_slug(initial)}",
        *_drawn(edges),
        *(f"{_slug(status)} --> [*]" for status in last),
    ]
    return _mermaid(lines)


def flag_diagram(exploration: Exploration, status: str) -> str | None:
    """How the flags of one status come and go; None when it has none."""
    labels = [label for label in exploration.labels if label.status == status]
    if len(labels) == 1:
        return None
    moves = [
        step
        for step in exploration.steps
        if step.source.status == step.target.status == status and step.source != step.target
    ]
    lines = [
        *(f'state "{_flags(label)}" as {_slug(_flags(label))}' for label in labels),
        *_drawn(_edges(moves, _flags)),
    ]
    return _mermaid(lines)


def _flags(label: Label) -> str:
    return ", ".join(label.flags) or "no flag"


def _edges(
    moves: Iterable[Step], name: Callable[[Label], str]
) -> dict[tuple[str, str], dict[str, None]]:
    """The wishes that lead from one node to another, by pair of nodes."""
    edges: dict[tuple[str, str], dict[str, None]] = {}
    for step in moves:
        pair = name(step.source), name(step.target)
        edges.setdefault(pair, {}).setdefault(wish_name(step))
    return edges


def _drawn(edges: dict[tuple[str, str], dict[str, None]]) -> list[str]:
    return [
        f"{_slug(source)} --> {_slug(target)} : {', '.join(wishes)}"
        for (source, target), wishes in edges.items()
    ]


def _slug(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name)


def _mermaid(lines: Iterable[str]) -> str:
    body = "\n".join(f"    {line}" for line in lines)
    return f"```mermaid\nstateDiagram-v2\n{body}\n```"
