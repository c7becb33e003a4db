"""Exit codes, the same for every command (style 34), and how an error is shown."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

import typer
import uvloop

from danbao.engine.record import EngineRecord, read_record
from danbao.kernel.errors import DanbaoError, SetupError
from danbao.kernel.kafka.security import use_security
from danbao.kernel.settings import Settings
from danbao.servers import ServerError

REFUSED = 1
WRONG_USE = 2
UNAVAILABLE = 3


def fail(message: str, code: int, todo: str = "") -> NoReturn:
    """Say what is wrong and what to do, and end with a code."""
    sys.stderr.write(f"danbao: {message}\n")
    if todo:
        sys.stderr.write(f"        {todo}\n")
    raise typer.Exit(code)


def running(work: Callable[[], Coroutine[Any, Any, int]]) -> None:
    """Run a command's work to its end; errors of ours become a line and an exit code."""
    try:
        code = uvloop.run(work())
    except ServerError as error:
        fail(f"{error.code}: {error}", UNAVAILABLE, getattr(error, "todo", ""))
    except DanbaoError as error:
        fail(f"{error.code}: {error}", UNAVAILABLE, error.todo)
    if code:
        raise typer.Exit(code)


def settings() -> Settings:
    """The settings of this command, from the environment."""
    try:
        chosen = Settings.from_environment()
    except ValueError as error:
        fail(str(error), WRONG_USE)
    try:
        use_security(chosen)
    except SetupError as error:
        fail(str(error), WRONG_USE, error.todo)
    return chosen


def engine_here(chosen: Settings) -> EngineRecord:
    """The engine that runs in this home, or an explanation."""
    record = read_record(chosen.home.absolute())
    if record is None:
        fail("no engine runs here", UNAVAILABLE, "Start it with `danbao up`.")
    return record
