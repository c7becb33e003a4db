"""One process and its page: what answers `GET /metrics`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from danbao.kernel.postgres.connection import role_of
from danbao.metrics.figures import Figures
from danbao.metrics.questions import Question
from danbao.metrics.readings import read
from danbao.metrics.sample import Readings, Sample, Samples
from danbao.watch.state import Watched

if TYPE_CHECKING:
    from danbao.metrics.page import Page

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


class Scrape:
    """Makes the page when somebody asks for it, and nothing before."""

    def __init__(
        self, name: str, worker: str, process: Watched, dsn: str, question: Question | None
    ) -> None:
        self._name = name
        self._worker = worker
        self._process = process
        self._figures = Figures(dsn, role_of(name), question)
        self._page: Page | None = None
        self._is_ready: Callable[[], bool] = bool

    def answer(self, is_ready: Callable[[], bool]) -> tuple[int, str, bytes]:
        """Status, content type and text."""
        from danbao.metrics.page import Page  # noqa: PLC0415 - the first scrape pays for it

        self._is_ready = is_ready
        if self._page is None:
            self._page = Page(self._name, self._worker, self._read)
        return 200, CONTENT_TYPE, self._page.text()

    def _read(self) -> tuple[Readings, Samples]:
        asked = self._figures.take()
        readings = read(self._process, self._is_ready)
        answered = Sample("danbao_figures_ready", self._figures.is_answered)
        return readings, [answered, *asked]
