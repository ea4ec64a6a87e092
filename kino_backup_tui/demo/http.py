"""What the sample servers need to answer over HTTP: JSON, on this machine only."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import urlsplit

_NOT_FOUND = (404, {"error": {"code": "not_found", "message": "There is nothing at this address."}})


class Api(ThreadingTCPServer):
    """Listens on the loopback. Not `HTTPServer`: that asks the name service for the host's name."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, port: int, handler: type[JsonRequest]) -> None:
        super().__init__(("127.0.0.1", port), handler)


class JsonRequest(BaseHTTPRequestHandler):
    """A request that is answered with a status and JSON, or with nothing at all for None."""

    def get(self, path: str) -> tuple[int, object]:
        """The answer to a question about an address."""
        return _NOT_FOUND

    def post(self, path: str, content: bytes) -> tuple[int, object]:
        """The answer to what was sent to an address."""
        return _NOT_FOUND

    def do_GET(self) -> None:
        self._answer(*self.get(urlsplit(self.path).path))

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(*self.post(urlsplit(self.path).path, content))

    def log_message(self, format: str, *args: object) -> None:
        """Keep no access log."""

    def _answer(self, status: int, value: object) -> None:
        body = b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
