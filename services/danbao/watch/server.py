"""`/livez` and `/readyz` over HTTP, on a thread of its own: it answers when the main loop cannot.

The server is the standard library's: one connection at a time, each cut off after two seconds, so
that it costs nothing when idle and cannot be made to cost much.  `/metrics` is answered here too.
"""

import json
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Final, TypeAlias

from danbao.watch.state import State, Verdict

OK: Final = 200
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503
REQUEST_WITHIN_S: Final = 2.0
LOOK_EVERY_S: Final = 5.0

Answer: TypeAlias = tuple[int, str, bytes]
"""Status, content type, body."""


Scraped: TypeAlias = Callable[[Callable[[], bool]], Answer]
"""Answers `/metrics`; is told how to find out whether the process is ready."""


def routes(name: str, state: State, scraped: Scraped) -> Mapping[str, Callable[[], Answer]]:
    """What a process answers, by path."""
    return {
        "/metrics": lambda: scraped(lambda: state.ready().is_good),
        "/livez": lambda: _answer(name, state.live()),
        "/readyz": lambda: _answer(name, state.ready()),
    }


def _answer(name: str, verdict: Verdict) -> Answer:
    body = {"process": name, "ok": verdict.is_good, "reasons": list(verdict.reasons)}
    status = OK if verdict.is_good else UNAVAILABLE
    return status, "application/json", json.dumps(body).encode() + b"\n"


class HealthServer(HTTPServer):
    """Listens from its making on; `serve` answers."""

    request_queue_size = 16
    allow_reuse_address = True

    def __init__(self, host: str, port: int, answers: Mapping[str, Callable[[], Answer]]) -> None:
        self.answers = answers
        super().__init__((host, port), _Handler)

    @property
    def address(self) -> str:
        """Where it listens, as a URL without a path."""
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def serve(self) -> None:
        """Answer on a thread that ends with the process."""
        threading.Thread(
            target=self.serve_forever, args=(LOOK_EVERY_S,), name="health", daemon=True
        ).start()

    def server_bind(self) -> None:
        """Bind without the look-up of this machine's name that the library would do."""
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()


class _Handler(BaseHTTPRequestHandler):
    """One request."""

    timeout = REQUEST_WITHIN_S
    server: HealthServer

    def do_GET(self) -> None:
        """Answer by path."""
        answer = self.server.answers.get(self.path.partition("?")[0])
        if answer is None:
            paths = ", ".join(self.server.answers)
            status, kind, body = NOT_FOUND, "text/plain", f"there are: {paths}\n".encode()
        else:
            status, kind, body = answer()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Probes are not worth a line each."""
