"""How `danbao projections` shows builds and differences."""

from collections.abc import Iterable

from rich.table import Table

from danbao.cli.format import plain_table, safe_text, short_text
from danbao.kernel.comparing import Difference
from danbao.projections.check import CheckedModel
from danbao.projections.differences import Listed

MEGABYTE = 1_000_000
EXAMPLE_CELLS = 200


def builds_table(builds: Iterable[Listed]) -> Table:
    """One line for each build."""
    right = ("version", "build", "position", "behind", "MB", "differed")
    table = plain_table(
        "read model", "version", "build", "state", "position", "behind", "MB", "differed",
        right=right,
    )  # fmt: skip
    for each in builds:
        found = each.difference
        differed = "" if found is None else f"{found.changed + found.only_old + found.only_new:,}"
        table.add_row(
            each.name,
            str(each.version),
            str(each.build),
            f"{each.state}, held" if each.is_held else each.state,
            f"{each.checkpoint:,}",
            "" if each.state == "retired" else f"{each.behind:,}",
            f"{each.bytes / MEGABYTE:,.1f}",
            differed,
        )
    return table


def difference_text(name: str, found: Difference) -> str:
    """What a new build has otherwise than the old one."""
    if not found.is_comparable:
        return f"  {name}: the rows have other keys, so nothing was compared"
    lines = [
        f"  {found.rows:,} rows compared up to position {found.position:,}",
        f"  {found.changed:,} differ",
        f"  {found.only_old:,} only in the old one, {found.only_new:,} only in the new one",
    ]
    lines += [f"  column {column}: {count:,} rows" for column, count in found.columns.items()]
    if found.left_out:
        lines.append(f"  not compared: {', '.join(found.left_out)}")
    lines += [
        f"  {short_text(safe_text(bytes(example).decode()), EXAMPLE_CELLS)}"
        for example in found.examples
    ]
    return "\n".join(lines)


def checked_text(found: CheckedModel) -> str:
    """Whether live rows say what the log adds up to."""
    verdict = f"{found.wrong:,} are NOT what it adds up to" if found.wrong else "as it adds up"
    place = f"{found.rows:,} rows against the log up to position {found.position:,}"
    lines = [f"{found.name} version {found.version}: {place}: {verdict}"]
    lines += [
        f"  {safe_text('/'.join(key))}: expected {safe_text(str(expected))}, found "
        f"{safe_text(str(row))}"
        for key, expected, row in found.differences
    ]
    return "\n".join(lines)
