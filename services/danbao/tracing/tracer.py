"""The tracer of a worker: from committed batches to OpenTelemetry's exporter.

Nothing happens before the commit, and nothing for a message that is not sampled but a look at its
ids.  Export runs on a thread of the SDK's own, with a bounded queue: a collector that is away costs
spans and no trade.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
)

from danbao.kernel.attempt import Outcome, Step
from danbao.kernel.clock import SystemClock
from danbao.kernel.messages import Message
from danbao.tracing.spans import Place, attributes_of, is_sampled, name_of, place_of

if TYPE_CHECKING:
    from opentelemetry.context import Context

EXPORT_WITHIN_S = 5
SPANS_WAITING_MAX = 4_096
NANOSECONDS = 1_000_000_000


class _Ids(IdGenerator):  # type: ignore[misc]  # skipped, as the extra may be missing
    """Gives the ids of the span that is made next."""

    place = Place(1, 1, 0)

    def generate_trace_id(self) -> int:
        return self.place.trace_id

    def generate_span_id(self) -> int:
        return self.place.span_id


class SpanTracer:
    """Makes a span of each sampled message of a committed batch."""

    def __init__(self, service: str, worker: str, ratio: float, processor: SpanProcessor) -> None:
        """Send spans to a processor; `ratio` of the traces that upstream says nothing about."""
        self._service = service
        self._ratio = ratio
        self._ids = _Ids()
        names = {"service.name": f"danbao-{service}", "service.instance.id": worker}
        provider = TracerProvider(
            sampler=ALWAYS_ON,
            resource=Resource.create(names),
            id_generator=self._ids,
            shutdown_on_exit=False,
        )
        provider.add_span_processor(processor)
        self._tracer = provider.get_tracer("danbao")

    def committed(self, steps: Sequence[Step], outcome: Outcome, seconds: float) -> None:
        """Make the spans of a batch that was committed just now, `seconds` after its first lock."""
        sampled = [
            step.message
            for step in steps
            if step.message is not None and is_sampled(step.message.cause, self._ratio)
        ]
        if not sampled:
            return
        ended = int(SystemClock().now().timestamp() * NANOSECONDS)
        begun = ended - int(seconds * NANOSECONDS)
        events: dict[str, list[str]] = defaultdict(list)
        for row in outcome.writes.rows:
            events[row.causation_id].append(row.type)
        for message in sampled:
            self._span(message, events[message.cause.id], begun, ended)

    def _span(self, message: Message, events: list[str], begun: int, ended: int) -> None:
        self._ids.place = place = place_of(self._service, message)
        span = self._tracer.start_span(
            name_of(self._service, message),
            context=_parent(place),
            kind=SpanKind.CONSUMER,
            attributes=attributes_of(message, events),
            start_time=begun,
        )
        span.end(ended)


def _parent(place: Place) -> "Context":
    """The context of the parent, which another process made; without one, a root."""
    if not place.parent_id:
        return set_span_in_context(NonRecordingSpan(INVALID_SPAN_CONTEXT))
    flags = TraceFlags(TraceFlags.SAMPLED)
    context = SpanContext(place.trace_id, place.parent_id, is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(context))


def otlp_processor(endpoint: str) -> SpanProcessor:
    """Export by OTLP over HTTP, such as to `http://collector:4318/v1/traces`."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 - slow
        OTLPSpanExporter,
    )

    exporter = OTLPSpanExporter(endpoint=endpoint, timeout=EXPORT_WITHIN_S)
    return BatchSpanProcessor(exporter, max_queue_size=SPANS_WAITING_MAX)
