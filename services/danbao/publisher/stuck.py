"""Flows that cannot go on: where each stands, what it waits for, what it has seen (pure)."""

from dataclasses import dataclass, field

SEEN_SHOWN_MAX = 12


@dataclass(frozen=True, slots=True)
class Stuck:
    """A flow that cannot go on: the line it stands at and what it waits for."""

    flow: str
    file: str
    line: int | None
    """The line that waits; None when all are out and only answers are missing."""
    missing: dict[str, int]
    """Types of events, and how many of each are missing."""
    unanswered: list[str]
    """Ids of commands that were sent and not answered."""
    seen: dict[str, int] = field(default_factory=dict)
    """Types of events, and how many of each the flow has seen since the topics began."""

    @property
    def place(self) -> str:
        """Where it stands, as editors understand it."""
        if self.line is None:
            return f"after its last line of {self.file}"
        return f"at {self.file}:{self.line}"

    def __str__(self) -> str:
        """For a person: the place and the waits, and below what the flow has seen."""
        waits = [
            f"{name} ({count + self.seen.get(name, 0)} needed, {self.seen.get(name, 0)} seen)"
            for name, count in sorted(self.missing.items())
        ]
        waits += [f"the answer to {command}" for command in self.unanswered]
        seen = [f"{name} x {count}" if count > 1 else name for name, count in self.seen.items()]
        more = len(seen) - SEEN_SHOWN_MAX
        shown = ", ".join(seen[:SEEN_SHOWN_MAX]) + (f" and {more} more types" if more > 0 else "")
        saw = f"    it saw {shown or 'nothing'}"
        return f"{self.flow} {self.place} waits for {', '.join(waits)}\n{saw}"


class FlowsStuckError(RuntimeError):
    """Nothing moved for `timeout_s`, and flows are open."""

    code = "flows_stuck"

    def __init__(self, timeout_s: float, open_flows: int, stuck: list[Stuck]) -> None:
        """Keep the facts; the text lists the first flows."""
        lines = "".join(f"\n  {flow}" for flow in stuck)
        more = open_flows - len(stuck)
        if more > 0:
            lines += f"\n  and {more:,} more"
        flows = "1 flow is" if open_flows == 1 else f"{open_flows:,} flows are"
        super().__init__(f"no progress for {timeout_s:g} s, {flows} stuck:{lines}")
        self.open_flows = open_flows
        self.stuck = stuck

    @property
    def todo(self) -> str:
        """What to look at first."""
        if any(flow.unanswered for flow in self.stuck):
            return (
                "Is the engine up (`danbao doctor`)? A command that it cannot read is never "
                "answered: `danbao dead-letters list`."
            )
        return (
            "What they wait for did not happen: `danbao log --flow FLOW` shows what did; "
            "a refused command or a declined payment is the usual reason."
        )
