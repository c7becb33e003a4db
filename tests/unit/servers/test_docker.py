"""An engine is told from a client that has none."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from danbao.servers import docker


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    """Something that answers a ping like an engine, on a unix socket."""
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(1)

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nOK")

        thread = threading.Thread(target=answer)
        thread.start()
        yield f"unix://{path}"
        thread.join()


def test_an_engine_that_answers_is_found(engine: str) -> None:
    """The ping decides, not a program on PATH."""
    assert docker.engine_answers({"DOCKER_HOST": engine})


@pytest.mark.parametrize("host", ["unix:///nowhere.sock", "ssh://there", "tcp://127.0.0.1:1"])
def test_no_engine_is_found_where_none_answers(host: str) -> None:
    """A client alone, or an engine that only ssh reaches, means native servers."""
    assert not docker.engine_answers({"DOCKER_HOST": host})
