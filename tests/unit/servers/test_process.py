"""Only a process that is verifiably ours is ended."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from danbao.servers import process


def record(folder: Path, text: str) -> Path:
    """Write a pid file."""
    path = folder / "server.pid"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_process_that_names_our_folder_is_found(tmp_path: Path) -> None:
    """This test's own process stands for a server that was left behind."""
    mark = psutil.Process().cmdline()[0]

    found = process.find_left_over(record(tmp_path, f"{os.getpid()}\nmore lines\n"), mark)

    assert found is not None
    assert found.pid == os.getpid()


@pytest.mark.parametrize("text", ["ourselves", "1", "999999999", "", "no number", "-5"])
def test_any_other_process_is_left_alone(tmp_path: Path, text: str) -> None:
    """The system gives a process id to somebody else later."""
    written = text.replace("ourselves", str(os.getpid()))

    assert process.find_left_over(record(tmp_path, written), str(tmp_path / "data")) is None


def test_without_a_pid_file_there_is_nothing_to_end(tmp_path: Path) -> None:
    """The usual case: the last run stopped cleanly."""
    assert process.find_left_over(tmp_path / "none.pid", "mark") is None


async def test_a_program_past_its_limit_is_killed(tmp_path: Path) -> None:
    """A tool that hangs must not hang danbao."""
    command = [sys.executable, "-c", "import time; time.sleep(60)"]

    assert await process.run(process.Program(command, tmp_path / "log"), 0.1) < 0


async def test_the_exit_status_and_the_last_words_are_kept(tmp_path: Path) -> None:
    """They are all that explains a server that does not start."""
    log = tmp_path / "log"
    command = [sys.executable, "-c", "print('first'); print('last'); raise SystemExit(3)"]

    assert await process.run(process.Program(command, log), 10) == 3
    assert process.last_lines(log, 1) == "last"
    assert process.last_lines(log, since=process.size(log)) == ""
