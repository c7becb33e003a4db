"""Which line may be published when: the flows of command files against the events seen (pure).

Lines of one flow (same `partitionkey`) go out in order; a line is ready when its flow has seen as
many events of each type in `after` as listed, counted since the start of the topics.  Flows do not
wait for each other.  A file is done when every line is out, every wait met and every command
answered, as many times as distinct bodies were sent under its id.  Since everything is counted
from the start of the topics, a file that was published before ends at once and adds nothing.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from danbao.publisher.commandfile import Line
from danbao.publisher.stuck import Stuck

REJECTED = ".command_rejected."
STUCK_SHOWN_MAX = 20


class Answers:
    """What is owed and seen under one command id in one flow."""

    __slots__ = ("due_at", "has_block", "line", "owed", "seen")

    def __init__(self, line: Line) -> None:
        """Nothing was sent yet; an earlier run may still have left answers."""
        self.line: Line | list[Line] = line
        self.owed = 0
        self.seen = 0
        self.has_block = False
        self.due_at = 0.0
        """When its first line was to go out; 0 before it did."""

    def is_repeat(self, line: Line) -> bool:
        """Tell whether the body is known, and remember it if not."""
        bodies = self.line if isinstance(self.line, list) else [self.line]
        if any(line.same_body(body) for body in bodies):
            return True
        self.line = [*bodies, line]
        return False


class Flow:
    """One `partitionkey`: what it has seen and what is left of it in the current file."""

    __slots__ = (
        "answers",
        "due_at",
        "is_open",
        "key",
        "lines",
        "next_line",
        "partition",
        "seen",
        "unanswered",
    )

    def __init__(self, key: str) -> None:
        """Know nothing yet."""
        self.key = key
        self.seen: dict[str, int] = {}
        self.answers: dict[str, Answers] = {}
        self.lines: list[Line] = []
        self.next_line = 0
        self.unanswered = 0
        self.is_open = False
        self.partition: int | None = None
        self.due_at = 0.0
        """When its next line was to go out: at its start, or when what that waited for was seen."""


class Schedule:
    """All flows of all files, and which lines are ready.

    Call `begin` for each file in turn, `start` to open flows, `observe` for each event in the
    order of its partition, and `take_ready` for what to publish.
    """

    def __init__(self, files: Iterable[Iterable[Line]]) -> None:
        """Load all files, so that no event of a later file is missed while an earlier one runs."""
        self.lines_total = 0
        self.lines_done = 0
        self.answered = 0
        self.already_answered = 0
        """Commands published although an earlier run had got their answer."""
        self.repeats = 0
        """Lines published that repeat an earlier one, id and body."""
        self.services: dict[str, Line] = {}
        """Services that commands are for, each with the first line that is."""
        self._flows: dict[str, Flow] = {}
        self._files: deque[deque[tuple[Flow, list[Line]]]] = deque()
        self._unstarted: deque[tuple[Flow, list[Line]]] = deque()
        self._open: dict[str, Flow] = {}
        self._ready: list[tuple[Flow, Line]] = []
        self.command_ids = self._load(files)
        self.knows: Callable[[str], bool] = self._flows.__contains__
        """Tells whether events with a partition key matter."""

    def _load(self, files: Iterable[Iterable[Line]]) -> int:
        """Sort lines by file and flow; returns the number of distinct command ids."""
        ids: set[str] = set()
        for file in files:
            by_flow: dict[str, tuple[Flow, list[Line]]] = {}
            for line in file:
                self.lines_total += 1
                key = line.partitionkey
                if key not in by_flow:
                    by_flow[key] = (self._flows.setdefault(key, Flow(key)), [])
                flow, lines = by_flow[key]
                lines.append(line)
                if line.type:
                    ids.add(line.id)
                    self.services.setdefault(line.service, line)
                    self._register(flow, line)
            self._files.append(deque(by_flow.values()))
        return len(ids)

    @staticmethod
    def _register(flow: Flow, line: Line) -> None:
        """Expect an answer to the line, unless it repeats an earlier one."""
        answers = flow.answers.get(line.id)
        if answers is None:
            flow.answers[line.id] = Answers(line)
        else:
            line.is_repeat = answers.is_repeat(line)

    def begin(self) -> int:
        """Turn to the next file; returns the number of its flows."""
        assert self.is_file_done
        self._unstarted = self._files.popleft()
        return len(self._unstarted)

    @property
    def has_files(self) -> bool:
        """Whether a file is left to begin."""
        return bool(self._files)

    @property
    def is_file_done(self) -> bool:
        """Whether all flows of the current file are done."""
        return not self._unstarted and not self._open

    @property
    def open_flows(self) -> int:
        """Flows that are started and not done."""
        return len(self._open)

    @property
    def unstarted_flows(self) -> int:
        """Flows of the current file that are not started."""
        return len(self._unstarted)

    def start(self, flows_max: int, due: Sequence[float] = ()) -> int:
        """Open up to so many flows, in the order of the file; returns how many.

        `due` has when each was to start; it may be left out where nobody asks how long things took.
        """
        started = 0
        while self._unstarted and started < flows_max:
            self._open_flow(*self._unstarted.popleft(), due[started] if due else 0.0)
            started += 1
        return started

    def _open_flow(self, flow: Flow, lines: list[Line], due_at: float) -> None:
        """Begin with the first of these lines of a flow."""
        flow.lines = lines
        flow.next_line = 0
        flow.is_open = True
        flow.due_at = due_at
        self._open[flow.key] = flow
        self._advance(flow)

    def take_ready(self) -> list[tuple[Flow, Line]]:
        """Hand over the lines to publish now, in order; the caller sends them."""
        ready, self._ready = self._ready, []
        return ready

    def observe(self, key: str, event_type: str, cause: str, at: float = 0.0) -> Answers | None:
        """Take in one event of a known flow; returns what `cause` got if it is the first answer.

        `at` is when it was seen: lines that waited for it are due from then on.
        """
        flow = self._flows[key]
        flow.seen[event_type] = flow.seen.get(event_type, 0) + 1
        answers = flow.answers.get(cause)
        first = answers is not None and self._answer(flow, answers, event_type)
        if flow.is_open:
            lines, position = flow.lines, flow.next_line
            if position == len(lines) or event_type in lines[position].after:
                flow.due_at = at
                self._advance(flow)
        return answers if first else None

    def _answer(self, flow: Flow, answers: Answers, event_type: str) -> bool:
        """Count an answer: the block of events of the first body, or one refusal of one body."""
        if REJECTED not in event_type:
            if answers.has_block:
                return False
            answers.has_block = True
        answers.seen += 1
        if answers.seen <= answers.owed:
            flow.unanswered -= 1
            self.answered += 1
        return answers.seen == 1

    def _advance(self, flow: Flow) -> None:
        """Release the lines whose waits are met; close the flow when nothing is left to do."""
        lines, seen = flow.lines, flow.seen
        while flow.next_line < len(lines):
            line = lines[flow.next_line]
            for name, count in line.after.items():
                if seen.get(name, 0) < count:
                    return
            flow.next_line += 1
            self.lines_done += 1
            if line.type:
                self._ready.append((flow, line))
                if line.is_repeat:
                    self.repeats += 1
                else:
                    self._owe(flow, flow.answers[line.id])
        if flow.unanswered == 0:
            self._close(flow)

    def _close(self, flow: Flow) -> None:
        """Nothing is left to do in a flow, as far as the current file goes."""
        flow.is_open = False
        del self._open[flow.key]
        flow.lines = []

    def _owe(self, flow: Flow, answers: Answers) -> None:
        """A body goes out: an answer must come, unless an earlier run left it already."""
        answers.owed += 1
        if answers.owed > answers.seen:
            flow.unanswered += 1
        else:
            self.answered += 1
            self.already_answered += 1

    def bodies(self, key: str, command_id: str) -> list[Line]:
        """The lines that were the first with their body under an id, in the order of the files."""
        answers = self._flows[key].answers.get(command_id)
        if answers is None:
            return []
        return answers.line if isinstance(answers.line, list) else [answers.line]

    def commands(self, key: str) -> Iterator[Line]:
        """The commands of a flow, those of all files, each body once."""
        for command_id in self._flows[key].answers:
            yield from self.bodies(key, command_id)

    def stuck(self, flows_max: int = STUCK_SHOWN_MAX) -> list[Stuck]:
        """Describe open flows, the ones opened first."""
        return [_describe(flow) for flow in islice(self._open.values(), flows_max)]


def _describe(flow: Flow) -> Stuck:
    """Say what an open flow waits for."""
    number: int | None = None
    file = flow.lines[0].file if flow.lines else ""
    missing: dict[str, int] = {}
    if flow.next_line < len(flow.lines):
        line = flow.lines[flow.next_line]
        number = line.number
        short = {name: count - flow.seen.get(name, 0) for name, count in line.after.items()}
        missing = {name: count for name, count in short.items() if count > 0}
    unanswered = [command for command, a in flow.answers.items() if a.owed > a.seen]
    return Stuck(
        flow=flow.key,
        file=file,
        line=number,
        missing=missing,
        unanswered=unanswered,
        seen=dict(flow.seen),
    )
