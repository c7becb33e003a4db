"""Stopping a producer that may wait for answers that do not come."""

import asyncio
from typing import Final

import structlog
from aiokafka import AIOKafkaProducer

CLOSE_WITHIN_S: Final = 2

log = structlog.get_logger()


async def stop(producer: AIOKafkaProducer | None, *, is_dead: bool = False) -> None:
    """Stop a producer; one that waits for answers that do not come loses its connections first.

    `asyncio.wait_for` would wait for the producer to take its cancellation in, for as long as that
    waits for answers.
    """
    if producer is None:
        return
    stopping = asyncio.ensure_future(producer.stop())
    for grace_s in (0.0 if is_dead else CLOSE_WITHIN_S, CLOSE_WITHIN_S):
        done, _ = await asyncio.wait({stopping}, timeout=grace_s)
        if done:
            break
        await _disconnect(producer)
        stopping.cancel()
    else:
        log.warning("producer.left", duration_ms=CLOSE_WITHIN_S * 1000)
    stopping.add_done_callback(_forget)


async def _disconnect(producer: AIOKafkaProducer) -> None:
    """Close all connections, so that every answer that is waited for fails."""
    closing = asyncio.ensure_future(producer.client.close())
    await asyncio.wait({closing}, timeout=CLOSE_WITHIN_S)
    closing.add_done_callback(_forget)


def _forget(task: "asyncio.Future[None]") -> None:
    """Take note of an error that nobody waits for."""
    if not task.cancelled():
        task.exception()
