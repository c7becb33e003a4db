"""The events behind reactions: each is kept from where it stands until its reaction was found."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from danbao.contracts.decider import Service, Wish
from danbao.contracts.message import wire_type
from danbao.kernel.events import decode_event
from danbao.kernel.messages import LogRow
from danbao.whatif.decisions import Decision
from danbao.whatif.difference import NotRedecided
from danbao.whatif.history import History
from danbao.whatif.reading import Reason, wishes_of


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event that a service reacts to, and what it wishes for."""

    row: LogRow
    wishes: Sequence[Wish]


class Sources:
    """Reactions that are still to be found in the log."""

    def __init__(self, services: Mapping[str, Service], history: History) -> None:
        self._history = history
        self._reacting: dict[str, list[Service]] = {}
        for service in services.values():
            for event in service.reactions:
                self._reacting.setdefault(wire_type(event), []).append(service)
        self._waiting: dict[tuple[str, str], Waiting] = {}

    def expect(self, row: LogRow) -> None:
        """Note which reactions an event asks for."""
        services = self._reacting.get(row.type)
        if services is None:
            return
        event = decode_event(row.type, row.data)
        for service in services:
            if wishes := wishes_of(service, row, event):
                self._waiting[service.name, row.event_id] = Waiting(row, wishes)

    async def find(self, decisions: Iterable[Decision], upto: int) -> None:
        """Look for the sources that stand before the stretch; they are of the same flow."""
        missing = [
            decision
            for decision in decisions
            if decision.is_asked
            and decision.command is None
            and (decision.service, decision.rows[0].causation_id) not in self._waiting
        ]
        if not missing:
            return
        flows = {decision.rows[0].partition_key for decision in missing}
        ids = {decision.rows[0].causation_id for decision in missing}
        for row in await self._history.sources(flows, ids, upto):
            self.expect(row)

    def take(self, decision: Decision) -> Sequence[Wish]:
        """Give what a reaction is about; nothing when its source is not known."""
        found = self._waiting.pop((decision.service, decision.rows[0].causation_id), None)
        return () if found is None else found.wishes

    def silent(self, after: int) -> list[NotRedecided]:
        """Give the reactions to events of the stretch that no event was found of."""
        return [
            NotRedecided(
                waiting.row.position,
                waiting.row.recorded_at,
                waiting.row.type,
                waiting.row.partition_key,
                Reason.NO_EVENT,
                f"{service} reacts to it",
            )
            for (service, _), waiting in self._waiting.items()
            if waiting.row.position > after
        ]
