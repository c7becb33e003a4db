"""A schedule whose flows are made while it runs and forgotten when done: as long as you like."""

from collections.abc import Iterator, Mapping, Sequence

from danbao.publisher.commandfile import Line
from danbao.publisher.flows import Flow, Schedule


class FlowStream(Schedule):
    """So many flows from an iterator, each with all its lines; keys are never used twice.

    Memory is that of the flows that are open.
    """

    def __init__(
        self, flows: Iterator[list[Line]], count: int, services: Mapping[str, Line]
    ) -> None:
        """Draw nothing yet; `services` are those that commands are for."""
        super().__init__([[]])
        self._source = flows
        self._left = count
        self.count = count
        self.services = dict(services)

    def begin(self) -> int:
        """Turn to the flows."""
        super().begin()
        return self._left

    @property
    def unstarted_flows(self) -> int:
        """Flows that are not drawn yet."""
        return self._left

    @property
    def is_file_done(self) -> bool:
        """Whether all flows are done; before `begin` there are none."""
        return not self._open and (self.has_files or not self._left)

    def start(self, flows_max: int, due: Sequence[float] = ()) -> int:
        """Draw and open up to so many flows; returns how many."""
        started = min(flows_max, self._left)
        for number in range(started):
            lines = next(self._source)
            self._left -= 1
            flow = Flow(lines[0].partitionkey)
            self._flows[flow.key] = flow
            for line in lines:
                if line.type:
                    self.command_ids += line.id not in flow.answers
                    self._register(flow, line)
            self.lines_total += len(lines)
            self._open_flow(flow, lines, due[number] if due else 0.0)
        return started

    def _close(self, flow: Flow) -> None:
        """Forget a flow that is done."""
        super()._close(flow)
        del self._flows[flow.key]
