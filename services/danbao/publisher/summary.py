"""What a run did, in numbers: commands, events by type, refusals, declines, latency (pure)."""

from array import array
from collections import Counter
from dataclasses import dataclass

import msgspec

from danbao.publisher.answers import DECLINED, Answered, Decline, Refusal
from danbao.publisher.flows import REJECTED, Schedule


class _Coded(msgspec.Struct):
    """The one field of an event that is read; the others are skipped unread."""

    code: str = ""


_CODED = msgspec.json.Decoder(_Coded)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from when a command was due to go out until its first answer was seen."""

    count: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0

    @classmethod
    def of(cls, values_ms: "array[float]") -> "Latency":
        """Sum up measured values; a percentile is the nearest value that is not below it."""
        if not values_ms:
            return cls()
        ordered = sorted(values_ms)

        def percentile(share: int) -> float:
            return ordered[max(0, -(-len(ordered) * share // 100) - 1)]

        return cls(len(ordered), percentile(50), percentile(99), ordered[-1])


@dataclass(frozen=True, slots=True)
class Summary:
    """One run of the publisher.  Events are those seen during the run in flows of its files."""

    commands: int
    """Lines published, repeats included."""
    command_ids: int
    """Distinct ids among them."""
    already_answered: int
    """Commands whose answer was there before this run: they changed nothing."""
    repeats: int
    """Lines that repeat an earlier line of the files, id and body."""
    flows: int
    """Flows run through; one that is in several files counts in each."""
    events: dict[str, int]
    refusals: dict[str, int]
    declines: dict[str, int]
    refused: tuple[Refusal, ...]
    """The commands of the files that were refused, in this run or an earlier one."""
    declined: tuple[Decline, ...]
    """The payments of the files that were declined, in this run or an earlier one."""
    seconds: float
    latency: Latency
    start_late_s_max: float
    """With a rate: how much later than planned a flow started, at worst."""

    @property
    def commands_per_s(self) -> float:
        """Commands published a second."""
        return self.commands / self.seconds if self.seconds else 0.0

    @property
    def flows_per_s(self) -> float:
        """Flows done a second."""
        return self.flows / self.seconds if self.seconds else 0.0

    @property
    def events_per_s(self) -> float:
        """Events seen a second."""
        return sum(self.events.values()) / self.seconds if self.seconds else 0.0


class Tally:
    """Counts while the run goes on."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self.commands = 0
        self.flows = 0
        self.events: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.declines: Counter[str] = Counter()
        self._coded: dict[str, Counter[str]] = {}
        self.latency_ms = array("d")
        self.start_late_s_max = 0.0

    def count(self, event_type: str, value: bytes | None) -> bool:
        """Count one event; only refusals and declines are opened, for their code: was it one?"""
        if event_type not in self.events:
            if REJECTED in event_type:
                self._coded[event_type] = self.refusals
            elif event_type.startswith(DECLINED):
                self._coded[event_type] = self.declines
        self.events[event_type] += 1
        if event_type not in self._coded:
            return False
        self._coded[event_type][_code(value)] += 1
        return True

    def summary(self, schedule: Schedule, answered: Answered, seconds: float) -> Summary:
        """Close the books."""
        return Summary(
            commands=self.commands,
            command_ids=schedule.command_ids,
            already_answered=schedule.already_answered,
            repeats=schedule.repeats,
            flows=self.flows,
            events=dict(sorted(self.events.items())),
            refusals=dict(sorted(self.refusals.items())),
            declines=dict(sorted(self.declines.items())),
            refused=tuple(sorted(answered.refusals, key=_place)),
            declined=tuple(sorted(answered.declines, key=_place)),
            seconds=seconds,
            latency=Latency.of(self.latency_ms),
            start_late_s_max=self.start_late_s_max,
        )


def _code(value: bytes | None) -> str:
    """Read the code of a refusal or decline."""
    return _CODED.decode(value or b"{}").code


def _place(answer: Refusal | Decline) -> tuple[bool, str, int]:
    """What this run brought comes first; else in the order of the files."""
    return answer.earlier, answer.file, answer.line
