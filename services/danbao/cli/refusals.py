"""Refused commands and declined payments as tables: the same words in every command (pure)."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from danbao.cli.format import json_text, money_text, plain_table, safe_text, short_text, short_type
from danbao.contracts.rejection import MEANING
from danbao.publisher import Decline, Refusal
from danbao.schemas.codes import DECLINE_MEANING

REFUSED = "Refused commands"
DECLINED = "Declined payments"
FACT_CELLS = 200

_REFUSAL_MEANS = {code.value: f"{text} {todo}" for code, (text, todo) in MEANING.items()}
_DECLINE_MEANS = {code.value: text for code, text in DECLINE_MEANING.items()}


def codes_tables(refusals: Mapping[str, int], declines: Mapping[str, int]) -> list[Table]:
    """How often each code was given, and what it means; what did not happen has no table."""
    both = ((REFUSED, refusals, _REFUSAL_MEANS), (DECLINED, declines, _DECLINE_MEANS))
    return [_codes(title, counts, means) for title, counts, means in both if counts]


def _codes(title: str, counts: Mapping[str, int], means: Mapping[str, str]) -> Table:
    table = plain_table("code", "count", "what it means", title=title, right=("count",))
    for code, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        table.add_row(code, f"{count:,}", means.get(code, ""))
    return table


def refused_table(refused: Sequence[Refusal], shown_max: int | None) -> Table:
    """One refused command a row, with the line that sent it."""
    title = _title(REFUSED, len(refused), shown_max)
    table = plain_table("line", "command", "code", "facts", title=title)
    for refusal in refused[:shown_max]:
        table.add_row(
            _place(refusal),
            f"{safe_text(short_type(refusal.command_type))}\n{refusal.command_id}",
            refusal.code,
            facts_text(refusal.facts),
        )
    return table


def facts_text(facts: Mapping[str, object]) -> str:
    """One fact a line, `refundable: 500`."""
    lines = (
        f"{name}: {value if isinstance(value, str) else json_text(value)}"
        for name, value in facts.items()
    )
    return "\n".join(short_text(safe_text(line), FACT_CELLS) for line in lines)


def declined_table(declined: Sequence[Decline], shown_max: int | None) -> Table:
    """One declined payment a row, with the line that asked for it."""
    title = _title(DECLINED, len(declined), shown_max)
    columns = ("line", "payment", "payer", "amount", "code")
    table = plain_table(*columns, title=title, right=("amount",))
    for decline in declined[:shown_max]:
        amount = decline.amount
        table.add_row(
            _place(decline),
            f"{safe_text(decline.payment_id)}\n{decline.command_id}",
            safe_text(decline.payer),
            money_text(amount["minor"], amount["currency"]) if amount else "",
            decline.code,
        )
    return table


def _title(word: str, count: int, shown_max: int | None) -> str:
    """What the rows are, and how many are left out."""
    if shown_max is None or count <= shown_max:
        return f"{word}, line by line"
    return f"{word}, the first {shown_max:,} of {count:,} (--refusals all shows them all)"


def _place(answer: Refusal | Decline) -> str:
    """The line as editors understand it, and whether the answer is news."""
    place = f"{safe_text(answer.file)}:{answer.line}"
    return f"{place}\n(in an earlier run)" if answer.earlier else place
