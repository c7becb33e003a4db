"""What cannot be handled is set aside, and holds back no more than it must."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from tests.unit.kernel.trading import (
    check,
    play,
    side_by_side,
)

from danbao.app import SERVICES
from danbao.contracts.decider import Decider, Decision, Service
from danbao.kernel import worker
from danbao.kernel.attempt import Outcome
from danbao.kernel.errors import HeldUpError, RefusedError, RetryableError, UnavailableError
from danbao.testing.engine import Engine


def breaking(service: Service, stream: str) -> Service:
    """A service whose decider of a stream's category raises for that stream."""

    def broken(decider: Decider[Any]) -> Decider[Any]:
        decide: Callable[..., Decision] | None = decider.decide
        assert decide is not None

        def decide_or_raise(wish: Any, state: Any, asked: Any) -> Decision:  # noqa: ANN401
            if decider.stream_of(wish) == stream:
                raise RuntimeError("a bug")
            return decide(wish, state, asked)

        return dataclasses.replace(decider, decide=decide_or_raise)

    category = stream.partition("/")[0]
    deciders = tuple(
        broken(each) if each.category == category else each for each in service.deciders
    )
    return Service(name=service.name, deciders=deciders, reactions=service.reactions)


def with_broken(name: str, stream: str) -> Mapping[str, Service]:
    """All services, one of them with a bug."""
    return {**SERVICES, name: breaking(SERVICES[name], stream)}


async def test_a_command_that_raises_is_set_aside_and_the_next_is_answered() -> None:
    """One bad message in the middle of a batch holds nothing back and undoes nothing."""
    engine = Engine(with_broken("accounts", "account/B-2"), partitions=1)
    for number in (1, 2, 3):
        data = {"account_id": f"B-{number}", "kind": "personal", "currency": "CNY"}
        await engine.send("accounts.open_account.v1", data)
    await engine.settle()
    assert [row.stream for row in engine.log] == ["account/B-1", "account/B-3"]
    (letter,) = engine.dead_letters
    assert (letter.reason, letter.partition_key) == ("command_failed", "B-2")
    assert "a bug" in letter.detail
    check(engine)


async def test_an_event_that_raises_parks_its_flow_and_no_other() -> None:
    """Later events of the flow wait with it, so that nothing happens out of order."""
    engine = Engine(with_broken("risk", "payer/B-1"), partitions=1)
    await play(engine, side_by_side(3)[:3])
    assert engine.events("T-1")[-1] == "authorization.payment_requested.v1"
    assert engine.events("T-0")[-1] == "escrow.trade_funded.v1"
    assert engine.events("T-2")[-1] == "escrow.trade_funded.v1"
    assert {letter.reason for letter in engine.dead_letters} == {"event_failed"}
    assert {letter.partition_key for letter in engine.dead_letters} == {"T-1"}
    check(engine)


async def test_an_unreadable_command_is_set_aside_and_the_next_is_answered() -> None:
    """Nobody's typing error stops anybody else."""
    engine = Engine(partitions=1)
    kind = "accounts.open_account.v1"
    data = {"account_id": "B-1", "kind": "personal", "currency": "CNY"}
    await engine.send(kind, b"{", key="B-1")
    await engine.send(kind, data, id="no uuid")
    answered = await engine.send(kind, data)
    await engine.settle()
    assert [letter.reason for letter in engine.dead_letters] == ["json_unreadable", "id_unusable"]
    assert [row.type for row in engine.answers(answered)] == ["accounts.account_opened.v1"]
    check(engine)


def failing(
    monkeypatch: pytest.MonkeyPatch, error: RetryableError, times: int, *, letters_too: bool = False
) -> None:
    """Let Postgres fail so many attempts of the accounts service, at letters only if told to."""
    left = times
    real = worker.attempt

    async def attempt(service: Service, *rest: Any) -> Outcome:  # noqa: ANN401
        nonlocal left
        is_letter = any(step.letter for step in rest[-1])
        if service.name == "accounts" and left > 0 and (letters_too or not is_letter):
            left -= 1
            raise error
        return await real(service, *rest)

    monkeypatch.setattr(worker, "attempt", attempt)


async def opened(engine: Engine) -> list[str]:
    """Open one account; gives the reasons of what was set aside."""
    data = {"account_id": "B-1", "kind": "personal", "currency": "CNY"}
    await engine.send("accounts.open_account.v1", data)
    await engine.settle()
    check(engine)
    return [letter.reason for letter in engine.dead_letters]


async def test_a_lock_that_others_hold_for_long_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An administrator who locks a table for a minute must not cost anybody a payment."""
    failing(monkeypatch, HeldUpError("lock timeout"), times=40)
    engine = Engine(partitions=1)

    assert await opened(engine) == []
    assert [row.stream for row in engine.log] == ["account/B-1"]


async def test_a_refused_record_is_set_aside_though_that_fails_at_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Setting aside is a transaction like any other: it is tried again, nothing dies of it."""
    failing(monkeypatch, RefusedError("no"), times=5 + 3, letters_too=True)

    assert await opened(Engine(partitions=1)) == ["refused_by_database"]


async def test_a_full_server_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """No record is to blame for a disk that is full."""
    failing(monkeypatch, UnavailableError("disk full"), times=20, letters_too=True)
    engine = Engine(partitions=1)

    assert await opened(engine) == []
    assert [row.stream for row in engine.log] == ["account/B-1"]
