# ruff: noqa: E501 - sentences of Markdown are not broken
"""The page docs/reference/metrics.md, made from the catalogue."""

from typing import Final

from danbao.metrics.catalogue import EVERY, EVERYWHERE, METRICS, WORKER, Metric

PATH: Final = "docs/reference/metrics.md"
HEAD: Final = """\
<!-- Made by `make schemas` from services/danbao/metrics/catalogue.py. -->
# Metrics

Each process answers `GET /metrics` beside [`/livez` and `/readyz`](../how-to/probe-and-stop-processes.md), \
in the text format of Prometheus.
Every metric has the labels {everywhere}; further ones are listed.
Counters begin at 0 with the process.

What is marked *asked* is asked of Postgres and Kafka when a scrape comes, at most every two seconds; \
it is missing while they do not answer, and `danbao_figures_ready` is 0 then.
Processes of the same name give the same answers: take `max`, not `sum`, over them.

Dashboards and alerts that use them: [watch the engine](../how-to/watch-the-engine.md).
"""


def reference_page() -> dict[str, str]:
    """The page, by its path below the repository's root."""
    everywhere = " and ".join(f"`{label}`" for label in EVERYWHERE)
    parts = [HEAD.format(everywhere=everywhere)]
    owners = dict.fromkeys(metric.owner for metric in METRICS)
    for owner in owners:
        title = {EVERY: "Every process", WORKER: "Workers of services"}.get(owner, owner.title())
        rows = [_row(metric) for metric in METRICS if metric.owner == owner]
        head = "| metric | kind | labels | what |\n| --- | --- | --- | --- |\n"
        parts.append(f"\n## {title}\n\n{head}" + "".join(rows))
    return {PATH: "".join(parts)}


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    kind = f"{metric.kind}, *asked*" if metric.is_asked else str(metric.kind)
    return f"| `{metric.name}` | {kind} | {labels} | {metric.text}. |\n"
