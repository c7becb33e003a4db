"""Later versions of read model `trades`, as a deployment would bring them."""

from collections.abc import Iterable
from dataclasses import replace

from danbao.readmodels import trades
from danbao.readmodels.model import Change, Entry, ReadModel
from danbao.readmodels.models import READ_MODELS

PACKAGE = "tests.integration"


def project(entry: Entry) -> Iterable[Change]:
    """Counts events, and shouts titles."""
    for change in trades.MODEL.project(entry):
        change.adds["events"] = 1
        if "title" in change.sets:
            change.sets["title"] = str(change.sets["title"]) + "!"
        yield change


def project_less(entry: Entry) -> Iterable[Change]:
    """Forgets titles."""
    for change in project(entry):
        change.sets.pop("title", None)
        yield change


SECOND = replace(
    trades.MODEL,
    version=2,
    adds=(*trades.MODEL.adds, "events"),
    project=project,
    sql="trades_v2.sql",
    package=PACKAGE,
)
"""Has a column more, and another value in one that the first has, too."""

THIRD = replace(
    SECOND,
    version=3,
    sets=tuple(name for name in SECOND.sets if name != "title"),
    project=project_less,
    sql="trades_v3.sql",
)
"""Has a column less."""


def with_trades(*versions: ReadModel) -> tuple[ReadModel, ...]:
    """All read models, but trades in these versions."""
    return (*(model for model in READ_MODELS if model.name != "trades"), *versions)
