"""Records as the client's parser makes them, one at a time: for who reads very many.

aiokafka wraps each record in a frozen dataclass and gives all that came as one list.  The wrapping
costs half as much again as the parsing, and a list of thousands of records with 16 headers each
keeps Python's collector busy.  Here a record is gone before the next is made; it has key, value and
headers, like the wrapped one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from functools import partial
from time import perf_counter
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.consumer.fetcher import FetchResult


class BareRecords:
    """Has a started consumer give iterators of bare records; each must be read to its end at once.

    At once: before the next `await`, for only then does the consumer know where it stands.
    """

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        """Stand where a consumer keeps what it fetched until somebody takes it."""
        self.arrived_at = 0.0
        """When a response brought records last (perf_counter)."""
        consumer._fetcher._records = _Fetched(self)  # noqa: SLF001  it has no other name for it


class _Fetched(OrderedDict[Any, Any]):
    """What was fetched and not taken, by partition."""

    def __init__(self, records: BareRecords) -> None:
        super().__init__()
        self._bare = records

    def __setitem__(self, partition: Any, result: Any) -> None:  # noqa: ANN401
        if type(result) is FetchResult:
            result.getall = partial(_taken, result)
            result._partition_records._consumer_record = _as_parsed  # noqa: SLF001
            self._bare.arrived_at = perf_counter()
        super().__setitem__(partition, result)


def _taken(result: Any, _: int | None = None) -> Iterable[Any]:  # noqa: ANN401
    """Give all records of a partition, in place of `getall`; a list when there is none."""
    del result.getall  # it refers to the result, which refers to it
    records = result._partition_records  # noqa: SLF001
    if not result.check_assignment(result._topic_partition):  # noqa: SLF001
        return []
    first = next(records, None)
    result._update_position()  # noqa: SLF001
    result._partition_records = None  # noqa: SLF001
    if first is None:
        return []
    state = result._assignment.state_value(result._topic_partition)  # noqa: SLF001
    return _through(first, records, state)


def _through(first: Any, records: Any, state: Any) -> Iterator[Any]:  # noqa: ANN401
    """All records; the consumer stands behind the last when it is out."""
    yield first
    yield from records._records_iterator  # noqa: SLF001
    state.consumed_to(records.next_fetch_offset)


def _as_parsed(_: Any, record: Any) -> Any:  # noqa: ANN401
    """Give a record as it is, in place of wrapping it."""
    return record
