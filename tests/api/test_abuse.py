"""What no client in its right mind sends is answered with a 4xx, and the server goes on."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator

import httpx
import pytest

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from tests.api.harness import Api, serving
from tests.api.process import until
from tests.api.test_guard import error_of
from tests.cli.harness import write_kino
from tests.fakes import FakeClock

PATHS = [
    "/api/v1/backups/",
    "/api/v1/backups/abc",
    "/api/v1/backups/-1",
    "/api/v1/backups/+1",
    "/api/v1/backups/01",
    "/api/v1/backups/1.0",
    "/api/v1/backups/1e3",
    "/api/v1/backups/1_0",
    "/api/v1/backups/٣",
    "/api/v1/backups/%31%00",
    "/api/v1/backups/999999999999999",
    "/api/v1/backups/" + "9" * 4000,
    "/api/v1/backups/1/download/",
    "/api/v1/backups/../../../../etc/passwd",
    "/api/v1/backups/..%2f..%2f..%2fetc%2fpasswd/download",
    "/api/v1/backups/%ff%fe/download",
    "/api/v1//backups",
    "//api/v1/backups",
    "/API/V1/backups",
    "/api/v2/backups",
    "/%00",
]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One server for all of it: whatever one request has done to it, the next would show."""
    kino = write_kino(tmp_path_factory.mktemp("abused") / "kino")
    with serving(Context(Kino(kino.data_path.resolve()), FakeClock())) as api:
        yield api


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_odd_paths_lead_nowhere(client: httpx.Client, method: str, path: str) -> None:
    """404, or 400 for a number that is no id."""
    response = client.request(method, path)
    assert response.status_code in (400, 404)
    assert error_of(response)["code"] in ("bad_request", "not_found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/api/v1/backups", "GET, POST"),
        ("/api/v1/backups/7", "GET, DELETE"),
        ("/api/v1/backups/7/download", "GET, HEAD"),
        ("/api/v1/backups/7/restore", "POST"),
        ("/api/v1/backups/restore-upload", "POST"),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "TRACE", "NONSENSE"])
def test_a_method_that_a_path_does_not_take_is_told_those_it_takes(
    client: httpx.Client, method: str, path: str, allowed: str
) -> None:
    """All of them, and no word of other origins: there is no CORS."""
    response = client.request(method, path, headers={"Origin": "https://elsewhere.example"})
    assert response.status_code == 405
    assert response.headers["allow"] == allowed
    assert error_of(response)["code"] == "method_not_allowed"
    assert not [name for name in response.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("GET /" + "a" * 5000 + " HTTP/1.1", 414),
        ("GET /?" + "a" * 5000 + " HTTP/1.1", 414),
        ("GET / HTTP/1.1\r\nX-Long: " + "a" * 33000, 431),
        ("GET / HTTP/1.1" + "\r\nX-Many: a" * 5000, 431),
        ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2", 400),
        ("GET / HTTP/1.1\r\nContent-Length: -1", 400),
        ("GET / HTTP/1.1\r\nContent-Length: 9999999999999999999999", 400),
        ("GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked", 400),
        ("GET / HTTP/1.1\r\nTransfer-Encoding: gzip", 400),
        ("GET / HTTP/1.1\r\nNo colon", 400),
        ("GET /\xff HTTP/1.1", 400),
        ("GET HTTP/1.1", 400),
        ("\x16\x03\x01\x02\x00", 400),
    ],
    ids=range(13),
)
def test_requests_that_are_too_much_are_refused(api: Api, line: str, status: int) -> None:
    """By the server itself where it is no HTTP at all; a list is answered afterwards."""
    answer = api.raw(line.encode("latin-1") + b"\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode()), answer[:100]
    with api.client() as client:
        assert client.get("/api/v1/backups").status_code == 200


def test_a_request_that_never_comes_to_its_end_is_cut_off(api: Api) -> None:
    """Its headers are not collected for ever."""
    with socket.create_connection(("127.0.0.1", api.port), timeout=60) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX-Long: ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"a" * 2**26)
    with api.client() as client:
        assert client.get("/api/v1/backups").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "\xff"},
        {"If-Range": "\xff"},
        {"If-Match": '"' * 9000},
        {"If-None-Match": ",W/" * 3000},
        {"If-Modified-Since": "Mon, 99 Foo 99999 99:99:99 +9999"},
        {"If-Unmodified-Since": "Fri, 31 Dec 9999 23:59:59 -9999"},
        {"Prefer": "wait=" + "9" * 9000},
        {"Prefer": ",;=" * 1000},
        {"Accept": "text/html;q=x"},
        {"Host": "elsewhere.example"},
    ],
    ids=range(10),
)
def test_odd_headers_do_no_harm(client: httpx.Client, headers: dict[str, str]) -> None:
    """They are hints: what is not understood is ignored, and a condition that does not hold says so."""
    backup = client.post("/api/v1/backups").json()
    sent = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = client.get(f"/api/v1/backups/{backup['id']}/download", headers=sent)
    assert response.status_code in (200, 304, 412)
    assert client.request("DELETE", f"/api/v1/backups/{backup['id']}", headers=sent).status_code == 204


def test_a_body_that_nobody_asked_for_is_ignored(client: httpx.Client) -> None:
    """However large; the connection goes on to be used."""
    for _ in range(2):
        assert client.request("GET", "/api/v1/backups", content=b"x" * 2**22).status_code == 200
    assert client.post("/api/v1/backups", content=b"{" * 2**20).status_code == 201


def test_the_log_tells_requests_and_no_secrets(
    api: Api, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """A line for each, without its query and headers, and without what would write another line."""
    caplog.set_level(logging.DEBUG)
    client.get("/api/v1/backups", params={"api_key": "s3cret"})
    client.get("/a%0aforged%1b[31m")
    with api.client(headers={"X-Api-Key": "wr0ng"}) as other:
        other.get("/api/v1/backups")

    def told() -> list[str]:
        return [record.getMessage() for record in caplog.records if record.name == "kino_backup_tui.api"]

    until(lambda: len(told()) == 3)  # a line comes after its response
    lines = told()
    assert "GET /api/v1/backups 200" in lines[0]
    assert " 404" in lines[1]
    assert " 401" in lines[2]
    for line in lines:
        assert line.isprintable()
        assert not any(secret in line for secret in ("s3cret", "wr0ng", api.key))


def test_every_response_forbids_caching(api: Api, client: httpx.Client) -> None:
    """What passes through a proxy on its way is not to be kept by it."""
    assert client.get("/api/v1/backups").headers["cache-control"] == "no-store"
    with api.client(headers={}) as other:
        assert other.get("/").headers["cache-control"] == "no-store"
    assert json.loads(client.get("/x").content)["error"]["message"] == "Nothing has this path."
