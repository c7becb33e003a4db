"""Lines of one flow of a market day: each waits for what the line before it is certain to cause.

So no flow depends on chance order, and every flow can end.  Times are milliseconds of the day;
they order the file and the ids, nothing else.
"""

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Any

CommandLine = dict[str, Any]
"""A line of a command file in the contract's form."""

DAY_STARTS_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z; ids carry a time, as version 7 does, but never the time of the machine."""


def command_id(random: Random, at_ms: float) -> str:
    """Make a time-ordered UUID (version 7) from the seed."""
    bits, ms = random.getrandbits(74), int(DAY_STARTS_MS + at_ms)
    low = f"{2 << 62 | bits & (1 << 62) - 1:016x}"
    return f"{ms >> 16:08x}-{ms & 0xFFFF:04x}-7{bits >> 62:03x}-{low[:4]}-{low[4:]}"


class MarketFlow:
    """Builds the lines of one `partitionkey` in order."""

    def __init__(self, key: str, source: str, random: Random, at_ms: float, step_ms: float) -> None:
        """Start at a time; the steps follow each other in about `step_ms`."""
        self.key = key
        self.random = random
        self.at_ms = at_ms
        self.lines: list[tuple[float, CommandLine]] = []
        self._source = source
        self._step_ms = step_ms
        self._caused: Counter[str] = Counter()
        self._awaited: list[str] = []
        self._after: list[str] = []

    def send(
        self,
        command: str,
        data: dict[str, Any],
        *causes: str,
        actor: str | None = None,
        command_id_: str | None = None,
    ) -> CommandLine:
        """Add a command that goes out when all that was caused before has come."""
        self._after = self._wanted()
        self._awaited = []
        return self.send_along(command, data, *causes, actor=actor, command_id_=command_id_)

    def send_along(
        self,
        command: str,
        data: dict[str, Any],
        *causes: str,
        actor: str | None = None,
        command_id_: str | None = None,
    ) -> CommandLine:
        """Add a command that goes out together with the one before it."""
        if self.lines:  # the first line goes out when the flow starts
            self.at_ms += self.random.expovariate(1 / self._step_ms)
        line: CommandLine = {
            "id": command_id_ or command_id(self.random, self.at_ms),
            "type": command,
            "source": self._source,
            "partitionkey": self.key,
            "data": data,
        }
        if actor is not None:
            line["actor"] = actor
        if self._after:
            line["after"] = self._after
        self._expect(causes)
        self.lines.append((self.at_ms, line))
        return line

    def repeat(self, line: CommandLine) -> None:
        """Add the very same line again: it causes nothing."""
        self.at_ms += self.random.expovariate(1 / self._step_ms)
        self.lines.append((self.at_ms, line))

    def wait(self, *causes: str) -> None:
        """Add a line that only waits, for all before it and for what a timer causes."""
        self._expect(causes)
        self._after = self._wanted()
        self._awaited = []
        if self._after:
            self.at_ms += self.random.expovariate(1 / self._step_ms)
            self.lines.append((self.at_ms, {"partitionkey": self.key, "after": self._after}))

    @property
    def commands(self) -> list[CommandLine]:
        """The lines that publish something."""
        return [line for _, line in self.lines if "type" in line]

    def _expect(self, causes: Sequence[str]) -> None:
        """Count what will certainly come."""
        self._caused.update(causes)
        self._awaited += [cause for cause in causes if cause not in self._awaited]

    def _wanted(self) -> list[str]:
        """List each awaited type as often as the flow will have seen it by then."""
        return [name for name in self._awaited for _ in range(self._caused[name])]
