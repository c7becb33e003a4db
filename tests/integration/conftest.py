"""Engines for the tests of this folder: each in a home of its own, on ports of its own."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from tests.integration.filled_log import Filled, filled_log
from tests.integration.running_engine import RunningEngine, running_engine

EngineFactory = Callable[..., AbstractContextManager[RunningEngine]]

MARKET_DAYS = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def _own_settings() -> Iterator[None]:
    """Tests choose their settings themselves; those of the desk would point at real servers."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("DANBAO_") and name != "DANBAO_LONG":
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def engine_factory(tmp_path_factory: pytest.TempPathFactory) -> EngineFactory:
    """Start engines with so many workers a service, such as `escrow=2`; one each by default."""

    def start(**workers: int) -> AbstractContextManager[RunningEngine]:
        return running_engine(tmp_path_factory.mktemp("engine") / "home", workers)

    return start


@pytest.fixture
def market_day() -> Callable[[str], Path]:
    """Find a recorded market day, or skip."""

    def find(name: str) -> Path:
        folder = MARKET_DAYS / name
        if not folder.is_dir():
            pytest.skip(f"the recorded {name} is not beside this checkout (../shared/data)")
        return folder

    return find


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """A log that nobody changes, for those who read it."""
    with filled_log(tmp_path_factory.mktemp("filled")) as found:
        yield found
