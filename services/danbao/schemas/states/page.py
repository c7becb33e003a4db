"""Pages of `docs/states`: one a machine, and an index."""

from danbao.contracts.decider import AnyDecider
from danbao.contracts.message import snake_case
from danbao.schemas.document import sentence
from danbao.schemas.states.diagram import flag_diagram, status_diagram
from danbao.schemas.states.explore import NOTHING, POSTPONED, Exploration
from danbao.schemas.states.machine import Machine
from danbao.schemas.states.machines import DRAWN, exploration_of
from danbao.schemas.states.table import circumstances_table, senders_table, state_tables

_NOTICE = "<!-- Made by `make schemas` from the deciders themselves; do not edit. -->"
_FOUND = "Each answer below was found by running the decider in every state that can be reached."
_KEY = f"""\
Events are in **bold**, joined by `+` when one wish causes several.
A refusal stands in [brackets]; `{NOTHING}` means that nothing happens and nothing is recorded.
`{POSTPONED}` means that the kernel tries again a little later.
Where several answers are possible, `or` stands between them: something finer decides."""


def state_pages() -> dict[str, str]:
    """Every page by its path below the repository's root."""
    pages = {f"docs/states/{_file(machine)}": page(machine) for machine in DRAWN}
    return pages | {"docs/states/README.md": index()}


def page(machine: Machine) -> str:
    """Diagram and tables of one machine."""
    exploration = exploration_of(machine)
    parts = [
        _NOTICE,
        f"# {machine.title}: states and answers",
        sentence(type(machine.decider.initial).__doc__),
        f"Stream: `{machine.decider.category}/…`.\n{_FOUND}",
        "## Diagram",
        status_diagram(exploration),
        *_flag_diagrams(exploration),
        "## State by wish",
        _KEY,
        state_tables(exploration),
    ]
    if circumstances := circumstances_table(exploration):
        parts += [
            "## If something is otherwise",
            "In states in which the plain wish is taken:",
            circumstances,
        ]
    if senders := _senders(exploration):
        parts += senders
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """The list of pages."""
    lines = [
        f"- [{machine.title}]({_file(machine)}): {_events(machine.decider)}." for machine in DRAWN
    ]
    intro = (
        "State machines, generated from the deciders; so they cannot say what the code does not."
    )
    return "\n\n".join([_NOTICE, "# States", intro, "\n".join(lines)]) + "\n"


def _flag_diagrams(exploration: Exploration) -> list[str]:
    """A diagram for each status within which flags come and go."""
    parts: list[str] = []
    for status in dict.fromkeys(label.status for label in exploration.labels):
        if (diagram := flag_diagram(exploration, status)) is not None:
            parts += [f"Within `{status}`:", diagram]
    return parts


def _senders(exploration: Exploration) -> list[str]:
    """Who may send what; a command without an actor comes from a trusted upstream system."""
    table = senders_table(exploration)
    if not table:
        return []
    note = (
        "The buyer is the trade's buyer or the payer, the seller its seller, a stranger another "
        "buyer.\n"
        "A command without an actor comes from a trusted upstream system, and is not asked."
    )
    return ["## Who may send it", note, table]


def _events(decider: AnyDecider) -> str:
    return ", ".join(f"`{snake_case(event.__name__)}`" for event in decider.events)


def _file(machine: Machine) -> str:
    return f"{machine.decider.category}.md"
