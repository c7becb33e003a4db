"""Reading history again: into a file of lines or a topic of Kafka; each can be gone on with."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg

from danbao.analysis.cloud_events import cloud_event
from danbao.analysis.line_file import LineFileError, open_line_file
from danbao.analysis.log_pages import read_events
from danbao.analysis.moments import Span
from danbao.analysis.wanted import Wanted
from danbao.kernel.kafka.sink import KafkaEventSink
from danbao.kernel.messages import LogRow
from danbao.kernel.records import number

PAGE_EVENTS = 1_000
CHUNK_EVENTS = 2_000
"""Events published at once."""

Report = Callable[[int], None]
"""Takes how many events were replayed."""


async def pages(
    connection: asyncpg.Connection, wanted: Wanted, span: Span, size: int
) -> AsyncIterator[list[LogRow]]:
    """Give the wanted events of a stretch, so many at a time."""
    page: list[LogRow] = []
    async for row in read_events(connection, wanted, span.after, span.upto):
        page.append(row)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page


async def replay_to_lines(
    connection: asyncpg.Connection,
    wanted: Wanted,
    span: Span,
    write: Callable[[list[str]], None],
    report: Report,
) -> int:
    """Write each event as a line; gives how many there were."""
    count = 0
    async for page in pages(connection, wanted, span, PAGE_EVENTS):
        write([cloud_event(row) for row in page])
        count += len(page)
        report(count)
    return count


async def replay_to_file(
    connection: asyncpg.Connection,
    wanted: Wanted,
    span: Span,
    path: Path,
    report: Report,
    *,
    resume: bool,
) -> int:
    """Write each event once into a file, or the rest of them; gives how many were written.

    Raises:
        LineFileError: the file is not to be written, or is of another log or other events.
    """
    file = open_line_file(path, resume=resume)
    try:
        if file.last is not None:
            await _check_last(connection, wanted, path, file.position, file.last.id)
        rest = Span(max(span.after, file.position), max(span.upto, file.position))
        return await replay_to_lines(connection, wanted, rest, file.write, report)
    finally:
        file.close()


async def replay_to_topic(
    connection: asyncpg.Connection,
    wanted: Wanted,
    span: Span,
    sink: KafkaEventSink,
    report: Report,
) -> int:
    """Publish each event once, behind what the topic holds; gives how many were published.

    A partition holds events in the order of the log, so its last one says what is still to come.
    """
    last = await sink.open()
    after = max(span.after, min(last.values()))
    count = 0
    async for page in pages(connection, wanted, Span(after, max(after, span.upto)), CHUNK_EVENTS):
        fresh, last = number(page, last, sink.place_of)
        if fresh:
            await sink.publish(await sink.prepare(fresh))
        count += len(fresh)
        report(count)
    return count


async def _check_last(
    connection: asyncpg.Connection, wanted: Wanted, path: Path, position: int, event_id: str
) -> None:
    """Hold that the last event of a file is in the log, and one of those that are wanted."""
    found = [row async for row in read_events(connection, Wanted(), position - 1, position)]
    if not found or found[0].event_id != event_id:
        raise LineFileError(f"{path} ends with an event that this log does not have")
    if not wanted.takes(found[0]):
        raise LineFileError(
            f"{path} ends with {found[0].type} of {found[0].stream}, not with {wanted}",
            todo="Ask for the same events again to go on with a file.",
        )
