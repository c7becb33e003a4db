"""What many simulations found, in words for people and as JSON for programs."""

from collections.abc import Iterator, Sequence
from typing import Any

from danbao.testing.simulation.faults import Options
from danbao.testing.simulation.run import Result
from danbao.testing.simulation.sweep import Sweep


def repeat_with(options: Options) -> str:
    """The command that runs the same again."""
    left_out = "".join(f" --without {fault.value}" for fault in options.without)
    put_in = "".join(f" --with {fault.value}" for fault in options.always)
    return (
        f"python -m danbao.testing.simulation --seeds {options.seed} "
        f"--commands {options.commands}{left_out}{put_in} --trace"
    )


def as_lines(
    found: Sweep, smaller: Sequence[Result], seconds: float, *, trace: bool
) -> Iterator[str]:
    """Say it in words; `smaller` has smaller runs that fail as the first failed ones do."""
    for number, result in enumerate(found.failed):
        yield from _failure(result, smaller[number] if number < len(smaller) else None)
        if trace:
            yield "  what happened last:"
            yield from (f"    {line}" for line in result.trace)
    for seed in found.unlike:
        yield f"seed {seed} did not repeat: the simulator itself is at fault"
    yield (
        f"{found.seeds} seeds, {found.commands:,} commands, {found.events:,} events, "
        f"{found.virtual_s:,.0f} virtual seconds in {seconds:,.1f} s; "
        f"{len(found.failed)} failed, {len(found.unlike)} did not repeat"
    )
    if found.seeds == 1:
        yield f"trace {found.last_hash}"
    yield from _coverage(found)


def _failure(result: Result, least: Result | None) -> Iterator[str]:
    yield f"seed {result.options.seed} failed, trace {result.trace_hash}"
    yield from (f"  {problem}" for problem in result.problems)
    yield f"  repeat it: {repeat_with(result.options)}"
    if least is not None and least.options != result.options:
        yield f"  smaller:   {repeat_with(least.options)}"
        yield f"             {least.problems[0]}"


def _coverage(found: Sweep) -> Iterator[str]:
    seen = found.coverage
    ended_at = {name: count for name, count in seen.points.items() if ":" in name}
    for title, counts in (
        ("faults", seen.faults),
        ("died or froze at", ended_at),
        ("errors", seen.errors),
        ("refusals, declines, returns", seen.codes),
    ):
        shown = ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items()))
        yield f"{title}: {shown or 'none'}"
    for title, names in (("nobody died at", found.points_missed), ("never seen", found.unseen)):
        if names:
            yield f"{title}: {', '.join(names)}"


def as_json(found: Sweep, smaller: Sequence[Result], seconds: float) -> dict[str, Any]:
    """Say it for programs."""
    return {
        "seeds": found.seeds,
        "commands": found.commands,
        "events": found.events,
        "virtual_s": round(found.virtual_s, 3),
        "seconds": round(seconds, 3),
        "failed": [_result(result) for result in found.failed],
        "smaller": [_result(result) for result in smaller],
        "unlike": found.unlike,
        "last_hash": found.last_hash,
        "coverage": {
            "points": found.coverage.points,
            "faults": found.coverage.faults,
            "errors": found.coverage.errors,
            "codes": found.coverage.codes,
        },
        "points_missed": found.points_missed,
        "unseen": found.unseen,
        "is_green": found.is_green,
    }


def _result(result: Result) -> dict[str, Any]:
    return {
        "seed": result.options.seed,
        "commands": result.options.commands,
        "without": [fault.value for fault in result.options.without],
        "with": [fault.value for fault in result.options.always],
        "problems": list(result.problems),
        "trace_hash": result.trace_hash,
        "repeat": repeat_with(result.options),
    }
