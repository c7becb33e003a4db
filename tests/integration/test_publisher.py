"""The publisher on a real broker, against a service that echoes."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import NAMESPACE_OID, uuid5

import pytest
from aiokafka.partitioner import DefaultPartitioner
from tests.integration.echo_service import EchoService, create_topics

from danbao.publisher import CommandFileError, FlowsStuckError, Limits, Line, Progress, publish
from danbao.servers.kafka import KafkaServer

pytestmark = [pytest.mark.servers]

QUICK = Limits(timeout_s=20)
CREATED, FUNDED = "escrow.trade_created.v1", "escrow.trade_funded.v1"
ANSWERS = {
    "escrow.create_trade.v1": [CREATED],
    "authorization.authorize_payment.v1": [
        "authorization.payment_requested.v1",
        "risk.payment_assessed.v1",
        "authorization.payment_captured.v1",
        FUNDED,
    ],
}


def line(flow: str, number: int, kind: str, *after: str, **data: object) -> Line:
    """A command, or a wait when `kind` is empty."""
    return Line(
        number=number,
        partitionkey=flow,
        id=str(uuid5(NAMESPACE_OID, f"{flow}/{number}")) if kind else "",
        type=kind,
        source="test",
        data=json.dumps(data).encode(),
        after=Counter(after),
        actor="operator:o-1" if number == 1 else None,
    )


def day(name: str, flows: int) -> list[Line]:
    """Flows of four lines, interleaved: create, pay, pay again in the same words, wait."""
    keys = [f"T-{name}-{n}" for n in range(flows)]
    pay = "authorization.authorize_payment.v1"
    return [
        *(line(key, 1, "escrow.create_trade.v1", title="红茶") for key in keys),
        *(line(key, 2, pay, CREATED, amount=1) for key in keys),
        *(line(key, 2, pay, FUNDED, amount=1) for key in keys),
        *(line(key, 4, "", CREATED, FUNDED) for key in keys),
    ]


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of our own: the test must know every record in it."""
    server = KafkaServer(tmp_path_factory.mktemp("kafka"), print)
    asyncio.run(server.start())
    asyncio.run(create_topics(server.address))
    yield server.address
    asyncio.run(server.stop())


async def test_a_day_goes_out_once_and_a_second_time_adds_nothing(bootstrap: str) -> None:
    """What stands in the topics counts: a repeated run ends and causes nothing."""
    lines, shown = day("a", flows=200), list[Progress]()
    async with EchoService(bootstrap, ANSWERS) as echo:
        first = await publish(bootstrap, [lines], limits=QUICK, progress=shown.append)
        again = await publish(bootstrap, [day("a", flows=200)], limits=QUICK)
        received = await echo.received(1_200)

    assert first.events == {
        CREATED: 200,
        "authorization.payment_requested.v1": 200,
        "risk.payment_assessed.v1": 200,
        "authorization.payment_captured.v1": 200,
        FUNDED: 200,
    }
    assert (first.commands, first.command_ids, first.flows) == (600, 400, 200)
    assert first.latency.count == 400
    assert 0 < first.latency.p50_ms <= first.latency.p99_ms <= first.latency.max_ms
    assert shown[-1] == Progress(lines_done=800, lines_total=800, open_flows=0, answered=400)
    assert len(received) == 1_200
    assert (again.commands, again.events, again.latency.count) == (600, {}, 0)


async def test_a_command_arrives_as_the_contract_says(bootstrap: str) -> None:
    """CloudEvents in binary mode: attributes as headers, data as the value, the flow as the key."""
    async with EchoService(bootstrap, ANSWERS) as echo:
        await publish(bootstrap, [day("form", flows=1)], limits=QUICK)
        by_topic = {record.topic: record for record in await echo.received(3)}

    assert set(by_topic) == {"danbao.escrow.commands", "danbao.authorization.commands"}
    create = by_topic["danbao.escrow.commands"]
    headers = {name: value.decode() for name, value in create.headers}
    assert create.value == b'{"title": "\\u7ea2\\u8336"}'
    assert datetime.fromisoformat(headers.pop("ce_time")).utcoffset() == timedelta(0)
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": str(uuid5(NAMESPACE_OID, "T-form-0/1")),
        "ce_type": "escrow.create_trade.v1",
        "ce_source": "test",
        "ce_partitionkey": "T-form-0",
        "ce_actor": "operator:o-1",
        "content-type": "application/json",
    }
    assert "ce_actor" not in dict(by_topic["danbao.authorization.commands"].headers)


async def test_a_key_lies_in_the_partition_that_other_producers_choose(bootstrap: str) -> None:
    """Kafka's default partitioner: any upstream client sends the same key to the same place."""
    async with EchoService(bootstrap, ANSWERS) as echo:
        await publish(bootstrap, [day("murmur", flows=50)], limits=QUICK)
        ours = {record.key: record.partition for record in await echo.received(150)}

    assert len(set(ours.values())) > 4
    assert ours == {key: DefaultPartitioner()(key, list(range(8)), []) for key in ours}


async def test_a_second_body_under_an_id_is_waited_for(bootstrap: str) -> None:
    """The run ends only when the refusal of the other body is there too."""
    lines = day("reused", flows=1)[:1]
    other = line("T-reused-0", 1, "escrow.create_trade.v1", title="other")
    async with EchoService(bootstrap, ANSWERS):
        summary = await publish(bootstrap, [[*lines, other]], limits=QUICK)

    assert summary.refusals == {"command_id_reused": 1}
    assert (summary.commands, summary.command_ids) == (2, 1)


async def test_files_follow_each_other_and_share_their_flows(bootstrap: str) -> None:
    """A line of the second file may wait for what the first one caused."""
    first, second, third, wait = day("files", flows=1)
    async with EchoService(bootstrap, ANSWERS):
        summary = await publish(bootstrap, [[first], [second, third], [wait]], limits=QUICK)

    assert (summary.flows, summary.events[FUNDED]) == (3, 1)


async def test_a_flow_that_cannot_go_on_is_named(bootstrap: str) -> None:
    """Without progress the run ends with an error that says who waits for what."""
    lines = [*day("ok", flows=3), line("T-stuck", 9, "", "escrow.trade_closed.v1")]
    async with EchoService(bootstrap, ANSWERS):
        with pytest.raises(FlowsStuckError) as stuck:
            await publish(bootstrap, [lines], limits=Limits(timeout_s=1.0))

    [flow] = stuck.value.stuck
    assert (flow.flow, flow.line, flow.missing) == ("T-stuck", 9, {"escrow.trade_closed.v1": 1})


async def test_a_rate_starts_flows_by_the_clock(bootstrap: str) -> None:
    """An open loop takes as long as the rate says, however fast the engine is."""
    limits = Limits(rate=100, uniform=True, timeout_s=20)
    async with EchoService(bootstrap, ANSWERS):
        summary = await publish(bootstrap, [day("rate", flows=100)], limits=limits)

    assert 0.9 < summary.seconds < 5
    assert summary.flows == 100


async def test_a_service_without_topics_is_an_error_before_anything_is_sent(bootstrap: str) -> None:
    """A mistyped type does not wait for an answer that never comes."""
    with pytest.raises(CommandFileError, match="no service 'escro'"):
        await publish(bootstrap, [[line("T-x", 1, "escro.create_trade.v1")]], limits=QUICK)
