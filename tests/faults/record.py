"""What hit where, and how long it took until all went on: a table at the end of every run."""

from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table


@dataclass(slots=True)
class Fault:
    """One fault that really hit."""

    name: str
    where: str
    recovered_s: dict[str, float] = field(default_factory=dict)
    verdict: str = "not finished"

    def took(self, what: str, seconds: float, at_most_s: float) -> None:
        """Note how long something took, and hold it against its bar."""
        self.recovered_s[what] = seconds
        assert seconds <= at_most_s, f"{what} took {seconds:.1f} s, at most {at_most_s:g} allowed"


@dataclass(slots=True)
class FaultRecord:
    """All faults of a run."""

    seed: int
    faults: list[Fault] = field(default_factory=list)

    def hit(self, name: str, where: str) -> Fault:
        """Note that a fault has hit."""
        fault = Fault(name, where)
        self.faults.append(fault)
        return fault

    def show(self) -> str:
        """Give the table."""
        table = Table("fault", "hit", "recovered", "verdict", title=f"Faults, seed {self.seed}")
        for fault in self.faults:
            times = ", ".join(f"{what} {s:.1f} s" for what, s in fault.recovered_s.items())
            table.add_row(fault.name, fault.where, times, fault.verdict)
        console = Console(width=150, force_terminal=False, no_color=True)
        with console.capture() as capture:
            console.print(table)
        return capture.get()
