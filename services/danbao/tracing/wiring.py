"""Whether there is a tracer at all: only if somebody says where spans are to go."""

from danbao.kernel.attempt import Observer
from danbao.kernel.errors import SetupError
from danbao.kernel.settings import Settings


def make_tracer(service: str, settings: Settings) -> Observer | None:
    """Give the tracer of a worker; None when no endpoint is set.

    Raises:
        SetupError: an endpoint is set, and OpenTelemetry is not installed.
    """
    if not settings.trace_endpoint:
        return None
    try:
        from danbao.tracing.tracer import SpanTracer, otlp_processor  # noqa: PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise SetupError(
            f"DANBAO_TRACE_ENDPOINT is set, but {error.name} is not installed",
            todo="Install it with `pip install 'danbao[otel]'`, or leave the setting empty.",
        ) from error
    processor = otlp_processor(settings.trace_endpoint)
    return SpanTracer(service, settings.worker_id, settings.trace_ratio, processor)
