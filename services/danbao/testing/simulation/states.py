"""I1, I2, I8, I10: what the store keeps beside the log is what the log comes to.

States, shared facts and running timers are folded anew with the deciders; balances, held money and
read models are compared with what `watch` added up from the postings alone.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

from danbao.contracts.decider import AnyDecider, Service
from danbao.kernel.events import decode_event
from danbao.kernel.ids import timer_id
from danbao.ledger.posting import Posting
from danbao.readmodels.model import Change, Entry, Key, fold
from danbao.readmodels.models import READ_MODELS
from danbao.testing.simulation.watch import DEBIT_SIDE, GUARDED, Watch
from danbao.testing.simulation.world import World

_encode = msgspec.json.Encoder().encode
_postings = msgspec.json.Decoder(tuple[Posting, ...])


def state_problems(world: World, watch: Watch, services: Mapping[str, Service]) -> Iterator[str]:
    """Compare every table with a fold of the log."""
    yield from _states(world, services)
    yield from _balances(world, watch)
    yield from _books(watch)
    yield from _read_models(world, watch)


def _states(world: World, services: Mapping[str, Service]) -> Iterator[str]:
    tables = world.tables
    deciders = {each.category: each for service in services.values() for each in service.deciders}
    facts: dict[str, str] = {}
    timers: dict[str, str] = {}
    folded = 0
    for stream, rows in tables.streams.items():
        category = stream.split("/", 1)[0]
        if category == "rejection":
            continue
        folded += 1
        decider = deciders[category]
        state = decider.initial
        for row in rows:
            state = decider.evolve(state, decode_event(row.type, row.data))
        stored = tables.states.get(stream)
        if stored is None or stored.version != len(rows):
            yield f"{stream} has {len(rows)} events, but its state is {stored}"
        elif json.loads(stored.state or "null") != json.loads(_encode(state)):
            yield f"{stream} is {stored.state} in its row, {_encode(state).decode()} by the log"
        for key, fact in decider.share(stream, state).items():
            facts[key] = _encode(fact).decode()
        timers |= _timers(world, decider, stream, state)
    if folded != len(tables.states):
        yield f"{folded} streams have events, but {len(tables.states)} have a state"
    shared = {key: text for key, text in tables.facts.items() if text is not None}
    for key in sorted(set(facts) ^ set(shared)) + [k for k in facts if facts[k] != shared.get(k)]:
        yield f"fact {key} is {shared.get(key)} in its row, {facts.get(key)} by the log"
    for name in sorted(set(timers) ^ set(tables.timers)):
        yield f"timer {name} ({timers.get(name)}): runs by the log and has no row, or the reverse"


def _timers(
    world: World, decider: AnyDecider, stream: str, state: msgspec.Struct
) -> Iterator[tuple[str, str]]:
    """The deadlines that run in a state, under their ids."""
    for deadline in decider.timers(state):
        command = deadline.command
        log = world.tables.incarnation.bytes
        name = timer_id(log, stream, command.name, command.generation)
        yield name, f"{stream} {command.name}"


def _balances(world: World, watch: Watch) -> Iterator[str]:
    rows = {account: minor for account, minor in world.tables.balances.items() if minor}
    by_log = {
        account: minor
        for account, minor in watch.balances.items()
        if minor and account[0].startswith(GUARDED)
    }
    for account in sorted(set(rows) | set(by_log)):
        if rows.get(account) != by_log.get(account):
            yield f"{account} has {rows.get(account)} in its row, {by_log.get(account)} by the log"


def _books(watch: Watch) -> Iterator[str]:
    """Money is balanced in each book: debit accounts come to as much as credit accounts."""
    sums: Counter[tuple[str, str]] = Counter()
    for (account, currency), minor in watch.balances.items():
        sums[account[0], currency] += minor if account.startswith(DEBIT_SIDE) else -minor
    for book, difference in sums.items():
        if difference:
            yield f"book {book} is out of balance by {difference}"


def _read_models(world: World, watch: Watch) -> Iterator[str]:
    """Read models say what the postings say: of every account, and of what trades hold."""
    entries = [
        Entry(
            row.position,
            row.recorded_at,
            decode_event(row.type, row.data),
            () if row.postings is None else _postings.decode(row.postings),
        )
        for row in world.tables.log
    ]
    models: dict[str, dict[Key, Change]] = {
        model.name: fold(change for entry in entries for change in model.project(entry))
        for model in READ_MODELS
    }
    shown = {key: row.adds["balance_minor"] for key, row in models["account_balances"].items()}
    by_log = {tuple(account): minor for account, minor in watch.balances.items()}
    for key in sorted(set(shown) | set(by_log)):
        if shown.get(key, 0) != by_log.get(key, 0):
            yield f"account_balances has {shown.get(key)} for {key}, not {by_log.get(key)}"
    for (trade_id,), row in models["trades"].items():
        sums, currency = row.adds, row.sets.get("currency")
        held = sums.get("paid_minor", 0)
        held -= sums.get("released_minor", 0) + sums.get("refunded_minor", 0)
        account = (f"R.ESCROW.{trade_id}", str(currency))
        if held != watch.balances.get(account, 0):
            yield f"{trade_id} holds {held} by its row, {watch.balances.get(account)} by the log"
