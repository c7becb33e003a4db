"""The files and the command line of the local Kafka: one node, broker and controller in one.

Sizes are for an engine that idles: few threads, small buffers, no periodic records. A broker
does not flush to disk before it acknowledges; danbao's truth is the event log in Postgres.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from danbao.servers.ports import LOOPBACK

HEAP = "384m"
MESSAGE_BYTES_MAX = 1_310_720
INDEX_BYTES_MAX = 2_097_152
CLEANER_BUFFER_BYTES = 8_388_608
"""Kafka's default is 128 MB, a third of our heap."""


def server_properties(data: Path, broker_port: int, controller_port: int) -> str:
    """Render `server.properties`; the ports may differ at every start."""
    settings: Mapping[str, object] = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "listeners": (
            f"BROKER://{LOOPBACK}:{broker_port},CONTROLLER://{LOOPBACK}:{controller_port}"
        ),
        "advertised.listeners": f"BROKER://{LOOPBACK}:{broker_port}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data,
        # Topics are declared by danbao; a mistyped name must fail.
        "auto.create.topics.enable": "false",
        "message.max.bytes": MESSAGE_BYTES_MAX,
        "log.retention.ms": -1,
        "log.retention.bytes": -1,
        # One node: its own topics have one replica, and few partitions open faster.
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 2,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        # Whoever writes to an events topic and hangs holds up all readers for so long at most.
        "transaction.max.timeout.ms": 60_000,
        "group.initial.rebalance.delay.ms": 0,
        "auto.leader.rebalance.enable": "false",
        # Small thread pools and buffers: two cores are shared with everything else.
        "num.network.threads": 1,
        "num.io.threads": 2,
        "background.threads": 2,
        "num.recovery.threads.per.data.dir": 2,
        "log.cleaner.threads": 1,
        "log.cleaner.dedupe.buffer.size": CLEANER_BUFFER_BYTES,
        "log.index.size.max.bytes": INDEX_BYTES_MAX,
        # After a crash the broker may register again only when its old session has ended.
        "broker.session.timeout.ms": 3_000,
        "broker.heartbeat.interval.ms": 1_000,
        # Without it the controller writes a record every 500 ms for ever.
        "metadata.max.idle.interval.ms": 0,
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def log4j_properties(log: Path) -> str:
    """Render the logging configuration: warnings, and the start and stop of the server."""
    return f"""\
status=error
appender.file.type=RollingFile
appender.file.name=file
appender.file.fileName={log}
appender.file.filePattern={log}.%i
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d{{ISO8601}} %p %c{{1}}: %m%n
appender.file.policies.type=Policies
appender.file.policies.size.type=SizeBasedTriggeringPolicy
appender.file.policies.size.size=5MB
appender.file.strategy.type=DefaultRolloverStrategy
appender.file.strategy.max=2
rootLogger.level=warn
rootLogger.appenderRef.file.ref=file
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""


def java_options(log4j: Path) -> list[str]:
    """Return the options of the Java machine.

    Only the fast compiler runs. The other one burns two cores for the first million records and
    is not ahead after it (measured: 900,000 records, 600 bytes each, in 1,800 transactions).
    """
    memory = [f"-Xms{HEAP}", f"-Xmx{HEAP}", "-Xss512k", "-XX:ReservedCodeCacheSize=48m"]
    behaviour = ["-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError"]
    return [*memory, *behaviour, f"-Dlog4j2.configurationFile={log4j}"]


def environment(jars: Iterable[Path]) -> dict[str, str]:
    """Return what Java reads from the environment; the jars here, so that `ps` stays readable."""
    return {"CLASSPATH": ":".join(map(str, jars)), "MALLOC_ARENA_MAX": "2"}
