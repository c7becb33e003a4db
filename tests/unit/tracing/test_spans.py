"""One trade's spans, from all services, on an engine in memory."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Final

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from danbao.app import SERVICES
from danbao.kernel.errors import SetupError
from danbao.kernel.messages import Cause
from danbao.kernel.settings import Settings
from danbao.testing.engine import Engine
from danbao.tracing.spans import is_sampled, trace_id
from danbao.tracing.tracer import SpanTracer
from danbao.tracing.wiring import make_tracer

TRACE: Final = 0x0AF7651916CD43DD8448EB211C80319C
UPSTREAM: Final = 0xB7AD6B7169203331
TRACEPARENT: Final = f"00-{TRACE:032x}-{UPSTREAM:016x}-01"
CNY: Final = {"minor": 10_000, "currency": "CNY"}
MERCHANT: Final = {"account_id": "M-1", "kind": "merchant", "payout_bank": "bank_ok_1"}
SERVICE = "service.name"


class Traced:
    """An engine in memory whose workers trace into a list."""

    def __init__(self, ratio: float = 0.0) -> None:
        self.engine = Engine()
        self._exporter = InMemorySpanExporter()
        self._ratio = ratio

    async def start(self) -> None:
        for service in SERVICES:
            worker = await self.engine.start_worker(service)
            processor = SimpleSpanProcessor(self._exporter)
            worker.observer = SpanTracer(service, "0", self._ratio, processor)

    async def send(self, kind: str, traceparent: str | None, /, **data: object) -> None:
        headers = [("ce_traceparent", traceparent.encode())] if traceparent else []
        await self.engine.send(kind, data, headers=headers)
        await self.engine.settle()

    async def whole_trade(self, traceparent: str | None = TRACEPARENT) -> None:
        """From the opening of accounts to the seller's payout."""
        for kind, data in (
            ("accounts.open_account.v1", {**MERCHANT, "currency": "CNY"}),
            ("accounts.open_account.v1", {"account_id": "B-1", "kind": "personal", **CURRENCY}),
            ("accounts.top_up.v1", {"top_up_id": "U-1", "account_id": "B-1", **MONEY, **CARD}),
            (
                "escrow.create_trade.v1",
                {**TRADE, "buyer": "B-1", "seller": "M-1", **MONEY, **GOODS},
            ),
            ("authorization.authorize_payment.v1", {**TRADE, **PAYMENT, **MONEY}),
            ("escrow.ship_trade.v1", {**TRADE, "carrier": "SF", "tracking_no": "SF1"}),
            ("escrow.confirm_receipt.v1", TRADE),
            ("settlement.close_window.v1", {"merchant": "M-1", "currency": "CNY"}),
        ):
            await self.send(kind, traceparent, **data)

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        return self._exporter.get_finished_spans()


CURRENCY: Final = {"currency": "CNY"}
MONEY: Final = {"amount": CNY}
CARD: Final = {"bank_card": "card_ok_1"}
TRADE: Final = {"trade_id": "T-1"}
GOODS: Final = {"title": "tea"}
PAYMENT: Final = {"payment_id": "P-1", "payer": "B-1", "method": "balance"}


@pytest.fixture
async def traced() -> Traced:
    """One whole trade, all of whose commands carry one traceparent."""
    traced = Traced()
    await traced.start()
    await traced.whole_trade()
    return traced


def services_of(spans: Iterable[ReadableSpan]) -> set[str]:
    return {str(span.resource.attributes[SERVICE]) for span in spans}


def named(spans: Iterable[ReadableSpan], name: str) -> ReadableSpan:
    [span] = [span for span in spans if span.name == name]
    return span


async def test_the_spans_of_a_trade_are_one_trace_through_all_services(traced: Traced) -> None:
    """Who asks where a trade is finds all six services in one picture."""
    assert services_of(traced.spans) == {f"danbao-{service}" for service in SERVICES}
    assert {span.context.trace_id for span in traced.spans} == {TRACE}


async def test_every_span_hangs_below_the_callers(traced: Traced) -> None:
    """No span is lost in the air: each one's parent is another of them, or upstream's."""
    ids = {span.context.span_id for span in traced.spans}

    assert len(ids) == len(traced.spans)
    for span in traced.spans:
        assert span.parent is not None, span.name
        assert span.parent.span_id in ids | {UPSTREAM}, span.name


async def test_a_payment_goes_through_risk_and_back_into_its_trade(traced: Traced) -> None:
    """Cause and effect: each service's span is the child of the one that caused its event."""
    names = [
        "authorization authorize_payment",
        "risk payment_requested",
        "authorization payment_assessed",
        "escrow payment_captured",
    ]
    chain = [named(traced.spans, name) for name in names]

    for cause, effect in pairwise(chain):
        assert effect.parent.span_id == cause.context.span_id, effect.name
    assert chain[0].attributes["danbao.events"] == ("authorization.payment_requested.v1",)
    assert chain[-1].attributes["danbao.events"] == ("escrow.trade_funded.v1",)


async def test_the_log_keeps_the_traceparent(traced: Traced) -> None:
    """Whoever finds a row finds its trace, years later."""
    assert {row.traceparent for row in traced.engine.log} == {TRACEPARENT}


async def test_no_body_is_in_a_span(traced: Traced) -> None:
    """A collector is nobody's vault."""
    told = str([dict(span.attributes) for span in traced.spans])

    assert "card_ok_1" not in told
    assert "bank_ok_1" not in told
    assert "10000" not in told


async def test_upstream_decides_by_its_flag() -> None:
    """`00`: not sampled, whatever our own ratio is."""
    traced = Traced(ratio=1.0)
    await traced.start()
    await traced.whole_trade(TRACEPARENT[:-2] + "00")

    assert traced.spans == ()


async def test_without_a_traceparent_the_conversation_is_the_trace() -> None:
    """A command and all that it caused; a command after it begins another."""
    traced = Traced(ratio=1.0)
    await traced.start()
    await traced.whole_trade(None)

    pay = named(traced.spans, "authorization authorize_payment")
    assert pay.parent is None
    same = [span for span in traced.spans if span.context.trace_id == pay.context.trace_id]
    assert services_of(same) == {"danbao-authorization", "danbao-risk", "danbao-escrow"}


async def test_a_deadline_stays_in_the_trace_of_its_conversation() -> None:
    """A trade that nobody confirms is released in the trace of what set the deadline."""
    traced = Traced(ratio=1.0)
    await traced.start()
    await traced.whole_trade(None)
    await traced.send("escrow.create_trade.v1", None, trade_id="T-2", buyer="B-1", seller="M-1",
        amount=CNY, title="tea", pay_within_s=60)  # fmt: skip
    await traced.engine.advance(timedelta(seconds=61))

    created = traced.spans[-2]
    closed = traced.spans[-1]
    assert closed.attributes["danbao.events"] == ("escrow.trade_closed.v1",)
    assert created.context.trace_id == closed.context.trace_id


def test_a_ratio_keeps_so_many_traces() -> None:
    """And the same ones in every process, as the id alone decides."""
    causes = [Cause("x", f"conversation-{n}", "T-1") for n in range(2_000)]

    assert not any(is_sampled(cause, 0.0) for cause in causes)
    assert all(is_sampled(cause, 1.0) for cause in causes)
    assert 100 < sum(is_sampled(cause, 0.1) for cause in causes) < 300
    assert all(trace_id(cause) for cause in causes)


def test_nobody_traces_unless_told_where_to() -> None:
    """Off by default."""
    assert make_tracer("escrow", Settings()) is None


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator who sets the endpoint alone must not wonder where the spans are."""
    monkeypatch.setitem(__import__("sys").modules, "danbao.tracing.tracer", None)

    with pytest.raises(SetupError, match="DANBAO_TRACE_ENDPOINT"):
        make_tracer("escrow", Settings(trace_endpoint="http://127.0.0.1:4318/v1/traces"))
