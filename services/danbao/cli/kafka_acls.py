"""`danbao kafka-acls`: the rights of each process in Kafka, printed or made."""

from typing import Annotated

import typer
from aiokafka.errors import KafkaError

from danbao.cli.connect import kafka_address, run
from danbao.cli.exits import UNAVAILABLE, fail, settings
from danbao.cli.format import count_text, json_text
from danbao.kernel.kafka.acls import apply_acls, declared_acls, shell_lines


def kafka_acls(
    apply: Annotated[bool, typer.Option("--apply", help="Make them, rather than print.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Print the rights that each process needs in Kafka, as calls of kafka-acls.sh, or make them.

    Making them needs a super user of the broker, and may be repeated. Users are not made here.

    Example: danbao kafka-acls --json
    """
    grants = declared_acls()
    if json:
        typer.echo(json_text([grant._asdict() for grant in grants]))
    elif apply:
        run(_apply())
    else:
        address = settings().kafka_bootstrap or "localhost:9092"
        typer.echo("\n".join(shell_lines(grants, address)))


async def _apply() -> None:
    try:
        count = await apply_acls(kafka_address(), declared_acls())
    except (KafkaError, OSError) as error:
        fail(f"Kafka does not answer: {error!r}", UNAVAILABLE)
    typer.echo(f"{count_text(count, 'right')} made")
