"""The progress bar of long jobs, on the error output, so that the answer can be piped."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Done(Protocol):
    """Takes what is done so far, and of how much when that was not known before."""

    def __call__(self, count: int, total: int | None = None, /) -> None:
        """Show it."""
        ...


@contextmanager
def progress_bar(words: str, total: int) -> Iterator[Done]:
    """Show how far a job is; nothing but a terminal sees it.  Takes what is done so far."""
    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(words, total=total)

        def done(count: int, total: int | None = None, /) -> None:
            bar.update(task, completed=count, total=total)

        yield done
