"""Print every event of escrow, and which command or event caused it."""

import asyncio
import os

from aiokafka import AIOKafkaConsumer


async def main() -> None:
    async with AIOKafkaConsumer(
        "danbao.escrow.events",
        bootstrap_servers=os.environ["DANBAO_KAFKA_BOOTSTRAP"],
        auto_offset_reset="earliest",
        isolation_level="read_committed",
    ) as kafka:
        while batches := await kafka.getmany(timeout_ms=2_000):
            for record in (record for records in batches.values() for record in records):
                headers = {name: value.decode() for name, value in record.headers}
                print(headers["ce_sequence"], headers["ce_type"], headers["ce_causationid"])


asyncio.run(main())
