import asyncio, datetime, json, os, uuid
from aiokafka import AIOKafkaProducer

async def main() -> None:
    data = {"trade_id": "T-9", "buyer": "B-1", "seller": "S-1", "title": "cup", "amount": {"minor": 4500, "currency": "CNY"}}
    ce = {"specversion": "1.0", "id": str(uuid.uuid4()), "type": "escrow.create_trade.v1", "source": "shop-7",
          "time": datetime.datetime.now(datetime.UTC).isoformat(), "partitionkey": "T-9"}
    headers = [("content-type", b"application/json"), *((f"ce_{name}", value.encode()) for name, value in ce.items())]
    async with AIOKafkaProducer(bootstrap_servers=os.environ["DANBAO_KAFKA_BOOTSTRAP"], enable_idempotence=True) as kafka:
        await kafka.send_and_wait("danbao.escrow.commands", json.dumps(data).encode(), key=b"T-9", headers=headers)

asyncio.run(main())
