"""What each peer does for its number, and what it leaves out: a rate alone compares nothing."""

from typing import Any

from danbao.bench.sides import SPREAD_MAX

SCRIPTS = {
    "four": "double entry, 4 statements",
    "hot": "double entry, half of it to one merchant",
    "one": "double entry, 1 statement",
    "trade": "a trade by hand",
}
COMMANDS_A_TRADE = 4

UNITS: dict[str, tuple[str, float]] = {
    "danbao": ("trade, through to the read models", 1),
    "danbao, drained": ("trade, through to the read models", 1),
    "a trade by hand": ("trade", 1),
    "double entry, 4 statements": ("transfer", COMMANDS_A_TRADE),
    "double entry, half of it to one merchant": ("transfer", COMMANDS_A_TRADE),
    "double entry, 1 statement": ("transfer", COMMANDS_A_TRADE),
    "eventsourcing": ("trade", 1),
    "eventsourcing, 100 trades a commit": ("trade", 1),
    "bare echo": ("record", COMMANDS_A_TRADE),
}
"""What is counted, and how many of it a trade of four commands takes."""

DOES = (
    "commands by Kafka", "answers by Kafka", "one answer an id", "event log", "double entry",
    "no overdraft", "risk check", "deadlines", "read models", "hash of each row",
)  # fmt: skip
EVERYTHING = frozenset(DOES)
BY_HAND = frozenset({"double entry", "no overdraft"})
DONE: dict[str, frozenset[str]] = {
    "danbao": EVERYTHING,
    "danbao, drained": EVERYTHING,
    "a trade by hand": BY_HAND,
    "double entry, 4 statements": BY_HAND,
    "double entry, half of it to one merchant": BY_HAND,
    "double entry, 1 statement": BY_HAND,
    "eventsourcing": frozenset({"event log"}),
    "eventsourcing, 100 trades a commit": frozenset({"event log"}),
    "bare echo": frozenset({"commands by Kafka", "answers by Kafka"}),
}


def table(figures: dict[str, Any]) -> str:
    """Both tables, as Markdown."""
    versions = ", ".join(f"{name} {text}" for name, text in figures["versions"].items())
    machine = figures["machine"]
    place = f"{machine['cores']} cores ({machine['processor']}), danbao {machine['commit']}"
    lines = [
        f"{figures['at']}, {place}, {versions}.",
        "",
        "| what | of what | a second | spread | trades a second | danbao : it | CPU ms a trade |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    rates = figures["rates"]
    for name, (unit, a_trade) in UNITS.items():
        if name not in rates:
            lines.append(f"| {name} | not installed here | | | | | |")
            continue
        found = rates[name]
        trades = found["median"] / a_trade
        lines.append(
            f"| {name} | {unit} | {found['median']:,.0f} | {found['spread']:.0%} | {trades:,.0f} "
            f"| {_ratio(rates, name, trades)} "
            f"| {figures['costs_ms'][name]['median'] * a_trade:,.2f} |"
        )
    lines += ["", "| | " + " | ".join(DOES) + " |", "| --- |" + " --- |" * len(DOES)]
    for name, done in DONE.items():
        lines.append(f"| {name} | " + " | ".join("yes" if d in done else "" for d in DOES) + " |")
    return "\n".join(lines)


def _ratio(rates: dict[str, Any], name: str, trades: float) -> str:
    """Whole trades of danbao over those of a peer; refused where a side spreads too wide."""
    if name.startswith("danbao"):
        return ""
    ours = rates["danbao"]
    if max(ours["spread"], rates[name]["spread"]) > SPREAD_MAX:
        return "refused: spread"
    return f"{ours['median'] / trades:.2f}"
