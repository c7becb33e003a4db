"""A broker that asks who is there: each process works with its own rights, and with no others."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)
from tests.integration.running_engine import environment, remove_data

from danbao.engine.engine import set_up
from danbao.kernel.kafka.acls import apply_acls, declared_acls
from danbao.kernel.kafka.clients import make_admin, make_producer
from danbao.kernel.kafka.security import use_security
from danbao.kernel.settings import Settings
from danbao.publisher import Limits, parse_lines, publish
from danbao.servers import LocalServers, kafka_config, ports
from danbao.servers import kafka as kafka_module
from danbao.servers.process import Program, spawn
from danbao.testing.market import encode_lines

pytestmark = pytest.mark.servers

PASSWORD = "only-for-this-test"
REFUSALS = (TopicAuthorizationFailedError, ClusterAuthorizationFailedError)
"""The latter is for who may write nothing at all, and so gets no producer."""
RUN = ("accounts", "channel", "relay", "scheduler")
TRANSPORT = "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT"


@dataclass(frozen=True)
class Secured:
    """Servers with a listener that asks for a user, and one for whoever set them up."""

    home: Path
    settings: Settings
    asking: str

    def as_user(self, user: str, password: str = PASSWORD) -> Settings:
        return replace(
            self.settings,
            kafka_bootstrap=self.asking,
            kafka_username=user,
            kafka_password=password,
        )


@pytest.fixture
async def secured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Secured]:
    """Both servers; Kafka has an authorizer, users by SCRAM, and the declared rights."""
    port = ports.free_port()
    plain, command = kafka_config.server_properties, kafka_module.process.run

    def properties(data: Path, broker: int, controller: int) -> str:
        text = plain(data, broker, controller)
        for name in ("listeners", "advertised.listeners"):
            text = text.replace(f"\n{name}=", f"\n{name}=ASKING://127.0.0.1:{port},")
        text = text.replace(TRANSPORT, f"ASKING:SASL_PLAINTEXT,{TRANSPORT}")
        return text + (
            "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer\n"
            "super.users=User:ANONYMOUS\n"
            "sasl.enabled.mechanisms=SCRAM-SHA-512\n"
            "listener.name.asking.scram-sha-512.sasl.jaas.config="
            "org.apache.kafka.common.security.scram.ScramLoginModule required;\n"
        )

    async def run(program: Program, limit_s: float) -> int:
        if "kafka.tools.StorageTool" not in program.command:
            return await command(program, limit_s)
        users = sorted({grant.user for grant in declared_acls()})
        scram = [
            word
            for user in users
            for word in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={PASSWORD}]")
        ]
        return await command(replace(program, command=[*program.command, *scram]), limit_s)

    monkeypatch.setattr(kafka_config, "server_properties", properties)
    monkeypatch.setattr(kafka_module.process, "run", run)
    servers = LocalServers(tmp_path, lambda _: None)
    try:
        async with servers:
            addresses = servers.addresses
            settings = replace(
                Settings(),
                home=tmp_path,
                partitions=2,
                postgres_dsn=addresses.postgres_dsn,
                kafka_bootstrap=addresses.kafka_bootstrap,
            )
            await set_up(settings, lambda _: None)
            await apply_acls(addresses.kafka_bootstrap, declared_acls())
            yield Secured(tmp_path, settings, f"127.0.0.1:{port}")
    finally:
        use_security(Settings())
        servers.remove_outside_data()
        remove_data(tmp_path)


@asynccontextmanager
async def running(secured: Secured, names: tuple[str, ...]) -> AsyncIterator[None]:
    """Run processes, each as its own user of Kafka."""
    running = []
    for name in names:
        more = {
            "DANBAO_POSTGRES_DSN": secured.settings.postgres_dsn,
            "DANBAO_KAFKA_BOOTSTRAP": secured.asking,
            "DANBAO_KAFKA_USERNAME": f"danbao-{name}",
            "DANBAO_KAFKA_PASSWORD": PASSWORD,
            "DANBAO_PARTITIONS": "2",
        }
        command = [sys.executable, "-m", "danbao", "run", name]
        log = secured.home / "logs" / f"{name}.log"
        program = Program(command, log, environment=environment(secured.home, more))
        running.append(spawn(program))
    try:
        yield
    finally:
        for process in running:
            process.terminate()
        for process in running:
            await asyncio.to_thread(process.wait, 10)


def lines() -> Iterator[dict[str, object]]:
    """An account and its first money: two services, the relay, and a reaction each way."""
    data = {"account_id": "B-1", "kind": "personal", "currency": "CNY"}
    line = {"source": "test", "partitionkey": "B-1"}
    opened = "accounts.open_account.v1"
    yield line | {"id": "0192f0c0-0000-7000-8000-000000000001", "type": opened, "data": data}
    amount = {"minor": 500, "currency": "CNY"}
    data = {"top_up_id": "U-1", "account_id": "B-1", "amount": amount, "bank_card": "card_ok_1"}
    topped = {"id": "0192f0c0-0000-7000-8000-000000000002", "type": "accounts.top_up.v1"}
    yield line | topped | {"data": data, "after": ["accounts.account_opened.v1"]}
    yield {"partitionkey": "B-1", "after": ["accounts.top_up_settled.v1"]}


async def test_every_process_works_with_its_own_rights_and_no_others(secured: Secured) -> None:
    """A stolen password of one service moves nothing in the others."""
    async with running(secured, RUN):
        use_security(secured.as_user("danbao-upstream"))
        plan = [parse_lines(encode_lines(lines()), "lines")]
        summary = await publish(secured.asking, plan, limits=Limits(timeout_s=60))
    assert summary.refusals == {}

    for user, topic in (
        ("danbao-escrow", "danbao.escrow.events"),
        ("danbao-escrow", "danbao.settlement.commands"),
        ("danbao-operator", "danbao.escrow.commands"),
        ("danbao-upstream", "danbao.escrow.events"),
    ):
        use_security(secured.as_user(user))
        with pytest.raises(REFUSALS):
            await write_once(secured.asking, topic)

    use_security(secured.as_user("danbao-escrow", "guessed"))
    stranger = make_admin(secured.asking, client_id="stranger")
    with pytest.raises(KafkaError):
        await stranger.start()
    await stranger.close()


async def write_once(bootstrap: str, topic: str) -> None:
    """Write a record, as whoever this process is now."""
    producer = make_producer(bootstrap, client_id="thief")
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"{}", partition=0)
    finally:
        await producer.stop()
