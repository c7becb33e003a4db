"""What a what-if found, for people, as JSON and as CSV (pure)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
from rich.console import RenderableType
from rich.table import Table

from danbao.analysis.moments import Span
from danbao.cli.format import (
    amount_text,
    count_text,
    json_text,
    money_text,
    plain_table,
    safe_text,
    short_type,
    time_text,
)
from danbao.cli.moments import span_text
from danbao.whatif.difference import Answer, Difference, NotRedecided, Sums
from danbao.whatif.money import MEANING as MONEY
from danbao.whatif.policies import Policies
from danbao.whatif.reading import MEANING as REASONS

FIRST_ORDER = (
    "First-order: each decision stands on what was recorded before it; nothing follows from one "
    "that would differ."
)
MERCHANTS_SHOWN = 20
COLUMNS = (
    "kind", "position", "recorded_at", "decision", "flow", "merchant", "what", "minor", "currency",
    "changed", "reason", "detail",
)  # fmt: skip


@dataclass(slots=True)
class Found:
    """What is shown in the end: the answer, and as many decisions as are listed."""

    policies: Policies
    limit: int
    span: Span = field(default_factory=lambda: Span(0, 0))
    answer: Answer = field(default_factory=Answer)
    differences: list[Difference] = field(default_factory=list)
    left: list[NotRedecided] = field(default_factory=list)

    def take(self, each: Difference | NotRedecided) -> None:
        """Keep one decision for the list, as long as there is room."""
        if isinstance(each, Difference):
            if len(self.differences) < self.limit:
                self.differences.append(each)
        elif len(self.left) < self.limit:
            self.left.append(each)


def csv_rows(each: Difference | NotRedecided) -> Iterable[Sequence[object]]:
    """One row for each sum of money, or one without; one for what was not made again."""
    head = (each.position, each.recorded_at, each.decision, each.flow)
    if isinstance(each, NotRedecided):
        yield ("not_redecided", *head, None, None, None, None, None, each.reason.value, each.detail)
        return
    changed = json_text(_changed_json(each))
    for effect in each.effects or (None,):
        money = (effect.what, effect.minor, effect.currency) if effect else (None, None, None)
        yield ("differs", *head, each.merchant, *money, changed, None, None)


def found_json(found: Found) -> dict[str, object]:
    """Everything under stable names; amounts in minor units."""
    answer = found.answer
    return {
        "from": found.span.after + 1,
        "to": found.span.upto,
        "policies": {name: msgspec.structs.asdict(body) for name, body in found.policies.items()},
        "first_order": True,
        "events": answer.events,
        "decisions": answer.decisions,
        "redecided": answer.redecided,
        **_sums_json(answer.total),
        "by_decision": _named_json("decision", answer.by_decision),
        "by_merchant": _named_json("merchant", answer.by_merchant),
        "differences": [_difference_json(each) for each in found.differences],
        "differences_left_out": answer.total.decisions - len(found.differences),
        "not_redecided": {
            reason.value: {
                "count": count,
                "first_position": answer.first_left[reason],
                "meaning": REASONS[reason],
            }
            for reason, count in sorted(answer.not_redecided.items())
        },
        "not_redecided_decisions": [_left_json(each) for each in found.left],
        "not_redecided_left_out": answer.not_redecided.total() - len(found.left),
    }


def found_page(found: Found) -> Iterable[RenderableType]:
    """What a person reads."""
    answer = found.answer
    yield f"what if, {span_text(found.span)}"
    for name, body in found.policies.items():
        yield f"  {name} {json_text(msgspec.structs.asdict(body))}"
    yield (
        f"{answer.redecided:,} of {answer.decisions:,} decisions made again, "
        f"{answer.total.decisions:,} would differ"
    )
    yield FIRST_ORDER
    if answer.total.decisions:
        yield _decisions_table(answer)
        yield _merchants_table(answer)
        yield _differences_table(found)
        if left := answer.total.decisions - len(found.differences):
            yield f"{left:,} more: give --limit, or --csv for all"
    if answer.not_redecided:
        yield _left_table(found)


def _decisions_table(answer: Answer) -> Table:
    columns = ("decision", "differ", "money", "amount", "currency")
    table = plain_table(*columns, title="By decision", right=("differ", "amount"))
    for name, sums in sorted(answer.by_decision.items()):
        _add_sums(table, short_type(name), sums)
    _add_sums(table, "total", answer.total)
    return table


def _merchants_table(answer: Answer) -> Table:
    columns = ("merchant", "differ", "money", "amount", "currency")
    table = plain_table(*columns, title="By merchant", right=("differ", "amount"))
    largest = sorted(answer.by_merchant.items(), key=lambda item: (-_size(item[1]), item[0]))
    for name, sums in largest[:MERCHANTS_SHOWN]:
        _add_sums(table, safe_text(name) or "(none)", sums)
    if (more := len(largest) - MERCHANTS_SHOWN) > 0:
        table.add_row(f"… {count_text(more, 'merchant')} more, all with --json")
    return table


def _add_sums(table: Table, name: str, sums: Sums) -> None:
    """One line for each kind of money; the first has the name."""
    money = [(MONEY[w], amount_text(m, c), c) for (w, c), m in sorted(sums.money.items()) if m]
    for index, each in enumerate(money or [("none", "", "")]):
        table.add_row(*((name, f"{sums.decisions:,}") if index == 0 else ("", "")), *each)


def _differences_table(found: Found) -> Table:
    columns = ("position", "time", "decision", "flow", "merchant", "would change")
    table = plain_table(*columns, title="Decisions that would differ", right=("position",))
    for each in found.differences:
        table.add_row(
            str(each.position),
            time_text(each.recorded_at),
            short_type(each.decision),
            safe_text(each.flow),
            safe_text(each.merchant or "-"),
            safe_text(_changes_text(each)),
        )
    return table


def _left_table(found: Found) -> Table:
    table = plain_table(
        "count", "why", "first at", title="Not made again", right=("count", "first at")
    )
    for reason, count in found.answer.not_redecided.most_common():
        table.add_row(f"{count:,}", REASONS[reason], str(found.answer.first_left[reason]))
    return table


def _changes_text(each: Difference) -> str:
    parts = [f"{path} {_value(old)} → {_value(new)}" for path, (old, new) in each.changed().items()]
    money = [f"{e.what} {money_text(e.minor, e.currency)}" for e in each.effects]
    return "; ".join([*parts, *money])


def _value(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)


def _size(sums: Sums) -> int:
    return sum(abs(minor) for minor in sums.money.values())


def _sums_json(sums: Sums) -> dict[str, object]:
    money = sorted(sums.money.items())
    return {
        "differ": sums.decisions,
        "money": [{"what": w, "currency": c, "minor": m} for (w, c), m in money if m],
    }


def _named_json(noun: str, sums: Mapping[str, Sums]) -> list[dict[str, object]]:
    return [{noun: name or None, **_sums_json(each)} for name, each in sorted(sums.items())]


def _changed_json(each: Difference) -> dict[str, list[object]]:
    return {path: list(pair) for path, pair in each.changed().items()}


def _difference_json(each: Difference) -> dict[str, object]:
    return {
        "position": each.position,
        "recorded_at": each.recorded_at,
        "decision": each.decision,
        "flow": each.flow,
        "merchant": each.merchant,
        "changed": _changed_json(each),
        "money": [{"what": e.what, "currency": e.currency, "minor": e.minor} for e in each.effects],
        "recorded": [_made_json(made.type, made.data) for made in each.recorded],
        "instead": [_made_json(made.type, made.data) for made in each.instead],
    }


def _made_json(name: str, data: str) -> dict[str, object]:
    return {"type": name, "data": msgspec.Raw(data.encode())}


def _left_json(each: NotRedecided) -> dict[str, object]:
    return {
        "position": each.position,
        "recorded_at": each.recorded_at,
        "decision": each.decision,
        "flow": each.flow,
        "reason": each.reason.value,
        "detail": each.detail,
    }
