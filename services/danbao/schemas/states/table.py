"""Tables of a machine: state by wish, and what becomes of a wish under other circumstances."""

from collections.abc import Iterable, Sequence

from danbao.contracts.message import Command, Timer, snake_case
from danbao.contracts.rejection import RejectionCode
from danbao.schemas.states.explore import NOTHING, Exploration, Step
from danbao.schemas.states.machine import PARTIES, Label

_FROM_ACTOR = "sent by "


def wish_name(step: Step) -> str:
    """Name of the step's wish, such as `ship_trade`."""
    return snake_case(type(step.wish).__name__)


def wish_origin(step: Step) -> str:
    """Where such a wish comes from."""
    if isinstance(step.wish, Timer):
        return "timer"
    return "command" if isinstance(step.wish, Command) else "reaction"


def state_tables(exploration: Exploration) -> str:
    """One table a status: wishes down, flags across, outcomes in the cells."""
    plain = [step for step in exploration.steps if not step.situation]
    statuses = dict.fromkeys(label.status for label in exploration.labels)
    return "\n\n".join(_status_table(exploration, plain, status) for status in statuses)


def _status_table(exploration: Exploration, plain: Sequence[Step], status: str) -> str:
    labels = sorted(
        (label for label in exploration.labels if label.status == status),
        key=lambda label: (len(label.flags), exploration.labels.index(label)),
    )
    rows = [
        (name, origin, *(_outcomes(plain, name, label) for label in labels))
        for name, origin in dict.fromkeys((wish_name(step), wish_origin(step)) for step in plain)
    ]
    heads = tuple(", ".join(label.flags) or "answer" for label in labels)
    return f"### {status}\n\n" + markdown(("wish", "from", *heads), rows)


def _outcomes(plain: Iterable[Step], name: str, label: Label) -> str:
    """What the plain wish comes to in states of that label; several when finer things decide."""
    own = [step for step in plain if step.source == label and wish_name(step) == name]
    return " or ".join(dict.fromkeys(_cell(step) for step in own)) or NOTHING


def _cell(step: Step) -> str:
    return f"**{step.outcome}**" if step.events else step.outcome


def circumstances_table(exploration: Exploration) -> str:
    """What becomes of a wish, where the plain one would be taken, if something is otherwise."""
    taken = {
        (wish_name(step), step.source)
        for step in exploration.steps
        if step.is_taken and not step.situation
    }
    found: dict[tuple[str, str], dict[str, None]] = {}
    for step in exploration.steps:
        if not step.situation or step.situation.startswith(_FROM_ACTOR):
            continue
        if (wish_name(step), step.source) in taken:
            found.setdefault((wish_name(step), step.situation), {}).setdefault(_cell(step))
    rows = [(name, situation, " or ".join(cells)) for (name, situation), cells in found.items()]
    return markdown(("wish", "circumstance", "answer"), rows) if rows else ""


def senders_table(exploration: Exploration) -> str:
    """Which party may send each command: whom no state answers `not_allowed`."""
    commands = dict.fromkeys(
        wish_name(step) for step in exploration.steps if wish_origin(step) == "command"
    )
    barred = {
        (wish_name(step), step.situation)
        for step in exploration.steps
        if step.refusal is RejectionCode.NOT_ALLOWED
    }
    senders = {party: f"{_FROM_ACTOR}the {party}" for party in PARTIES}
    senders["stranger"] = f"{_FROM_ACTOR}a stranger"
    rows = [
        (name, *("no" if (name, sender) in barred else "yes" for sender in senders.values()))
        for name in commands
    ]
    return markdown(("command", *senders), rows) if rows else ""


def markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
