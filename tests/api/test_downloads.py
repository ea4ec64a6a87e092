"""Downloads over HTTP: exact, resumable, of one file whatever happens to its name."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from kino_backup_tui.core.models import Backup
from tests.api.harness import Api
from tests.api.process import until
from tests.api.test_guard import error_of

PARALLEL = 50


@pytest.fixture
def backup(create: Callable[..., Backup]) -> Backup:
    """One backup."""
    return create()


@pytest.fixture
def path(backup: Backup) -> str:
    """Where it is downloaded from."""
    return f"/api/v1/backups/{backup.id}/download"


@pytest.fixture
def large(create: Callable[..., Backup]) -> Backup:
    """An archive of 32 MiB, which is more than sockets buffer; each part of it is unlike the others."""
    return enlarged(create(), 32)


def enlarged(backup: Backup, megabytes: int) -> Backup:
    """The backup, with other bytes of that size in its file."""
    backup.path.write_bytes(
        b"".join(hashlib.sha256(b"%d" % n).digest() * 32 for n in range(megabytes * 1024))
    )
    return backup


def test_a_download_is_the_file(client: httpx.Client, backup: Backup, path: str) -> None:
    """Byte for byte, with its exact length, its type and its name, and not packed again."""
    response = client.get(path, headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert response.content == backup.path.read_bytes()
    assert response.headers["content-length"] == str(backup.size_bytes)
    assert response.headers["content-type"] == "application/gzip"
    assert response.headers["content-disposition"] == f'attachment; filename="{backup.filename}"'
    assert response.headers["accept-ranges"] == "bytes"
    assert "content-encoding" not in response.headers


def test_head_has_the_headers_of_get_and_no_body(client: httpx.Client, path: str) -> None:
    """Also for a range, which means nothing there."""
    whole = client.get(path)
    for headers in ({}, {"Range": "bytes=0-9"}):
        head = client.head(path, headers=headers)
        assert (head.status_code, head.content) == (200, b"")
        assert {**head.headers, "date": ""} == {**whole.headers, "date": ""}


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("0-0", 0, 1), ("10-19", 10, 20), ("100-", 100, None), ("-7", -7, None), ("0-99999999", 0, None)],
)
def test_a_range_is_those_bytes(
    client: httpx.Client, backup: Backup, path: str, wanted: str, start: int, stop: int | None
) -> None:
    """Inclusive at both ends, from the end, and cut to the size of the file."""
    data = backup.path.read_bytes()
    response = client.get(path, headers={"Range": f"bytes={wanted}"})
    assert response.status_code == 206
    assert response.content == data[start:stop]
    first = start % len(data)
    last = first + len(response.content) - 1
    assert response.headers["content-range"] == f"bytes {first}-{last}/{len(data)}"
    assert response.headers["content-length"] == str(len(response.content))


@pytest.mark.parametrize("wanted", ["bytes=99999999-", "bytes=-0", f"bytes={10**17}-{10**17}"])
def test_a_range_beyond_the_end_is_refused_with_the_size(
    client: httpx.Client, backup: Backup, path: str, wanted: str
) -> None:
    """416, so that the client can correct itself."""
    response = client.get(path, headers={"Range": wanted})
    assert response.status_code == 416
    assert response.headers["content-range"] == f"bytes */{backup.size_bytes}"
    assert error_of(response)["code"] == "range_not_satisfiable"


@pytest.mark.parametrize(
    "wanted", ["bytes=5-4", "bytes=-", "bytes=a-b", "lines=0-9", "bytes=0-1,4-5", "9" * 9000]
)
def test_a_range_that_is_not_understood_is_ignored(
    client: httpx.Client, backup: Backup, path: str, wanted: str
) -> None:
    """As RFC 9110 has it: the whole file is sent, and several ranges are not offered."""
    response = client.get(path, headers={"Range": wanted})
    assert (response.status_code, response.content) == (200, backup.path.read_bytes())


def test_a_download_that_was_cut_off_goes_on(client: httpx.Client, backup: Backup, path: str) -> None:
    """With the version of the first part; of another version the whole file is sent."""
    data = backup.path.read_bytes()
    first = client.get(path, headers={"Range": "bytes=0-999"})
    for version in (first.headers["etag"], first.headers["last-modified"]):
        rest = client.get(path, headers={"Range": "bytes=1000-", "If-Range": version})
        assert rest.status_code == 206
        assert first.content + rest.content == data
    os.utime(backup.path, ns=(1, backup.path.stat().st_mtime_ns + 1))
    other = client.get(path, headers={"Range": "bytes=1000-", "If-Range": first.headers["etag"]})
    assert (other.status_code, other.content) == (200, data)


def test_conditions_are_honoured(client: httpx.Client, path: str) -> None:
    """304 for what the client has, 412 for what is not there, without a body of the archive."""
    etag, date = (client.head(path).headers[name] for name in ("etag", "last-modified"))
    cases = [
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f'"x", W/{etag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"x"'}, 200),
        ({"If-None-Match": '"x"', "If-Modified-Since": date}, 200),
        ({"If-Modified-Since": date}, 304),
        ({"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
        ({"If-Match": etag}, 200),
        ({"If-Match": f"W/{etag}"}, 412),
        ({"If-Match": '"x"'}, 412),
        ({"If-Unmodified-Since": date}, 200),
        ({"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 412),
    ]
    for headers, status in cases:
        response = client.get(path, headers=headers)
        assert response.status_code == status, headers
        assert response.headers["etag"] == etag
        if status == 304:
            assert response.content == b""
        if status == 412:
            assert error_of(response)["code"] == "precondition_failed"


def test_a_list_of_versions_may_come_in_several_headers(client: httpx.Client, path: str) -> None:
    """As one with commas (RFC 9110, 5.3); two ranges are several then, which are not offered."""
    etag = client.head(path).headers["etag"]
    known = [("If-None-Match", '"x"'), ("If-None-Match", etag)]
    assert client.get(path, headers=known).status_code == 304
    wanted = [("If-Match", '"x"'), ("If-Match", etag)]
    assert client.get(path, headers=wanted).status_code == 200
    assert client.get(path, headers=[("Range", "bytes=0-0"), ("Range", "bytes=5-9")]).status_code == 200


def test_a_download_outlives_its_backup(api: Api, client: httpx.Client, large: Backup) -> None:
    """Deleted in the middle, the rest still comes: one descriptor is open from the beginning."""
    wanted = large.path.read_bytes()
    with client.stream("GET", f"/api/v1/backups/{large.id}/download") as response:
        pieces = response.iter_bytes(65536)
        begun = next(pieces)
        with api.client() as other:
            assert other.delete(f"/api/v1/backups/{large.id}").status_code == 204
        assert begun + b"".join(pieces) == wanted


def test_a_file_that_shrinks_cuts_the_download_off(client: httpx.Client, large: Backup) -> None:
    """The client sees that it has not got all: it is never padded, and never ends as if it were whole."""
    with client.stream("GET", f"/api/v1/backups/{large.id}/download") as response:
        pieces = response.iter_bytes(65536)
        next(pieces)
        os.truncate(large.path, 1000)
        with pytest.raises(httpx.RemoteProtocolError):
            list(pieces)


def test_a_client_that_goes_away_ends_the_reading(
    api: Api, backup: Backup, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of a large archive is not read for nobody, and no descriptor stays open."""
    caplog.set_level(logging.INFO)
    os.truncate(backup.path, 4 * 2**30)
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Api-Key: {api.key}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", api.port)) as connection:
        connection.sendall(request.encode())
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")
    until(lambda: "GET" in caplog.text)
    sent = re.search(r" 200, (\d+) bytes", caplog.text)
    assert sent is not None
    assert int(sent[1]) < 2**30
    assert open_descriptors(backup.path) == []


def open_descriptors(path: Path) -> list[str]:
    """The descriptors of this process that lead to a file."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            target = entry.readlink()
        except FileNotFoundError:
            continue
        if target == path:
            found.append(entry.name)
    return found


def test_a_link_in_place_of_an_archive_is_not_followed(
    client: httpx.Client, backup: Backup, path: str, tmp_path: Path
) -> None:
    """Whoever can write to the location must not read our files through us."""
    (tmp_path / "secret").write_text("secret")
    backup.path.unlink()
    backup.path.symlink_to(tmp_path / "secret")
    assert client.get(path).status_code == 404


def test_fifty_downloads_at_once_are_each_exact(api: Api, backup: Backup) -> None:
    """With a backup being made at the same time."""
    large = enlarged(backup, 4)
    wanted = hashlib.sha256(large.path.read_bytes()).hexdigest()

    def download(_number: int) -> tuple[int, str]:
        digest = hashlib.sha256()
        size = 0
        with api.client() as client, client.stream("GET", f"/api/v1/backups/{large.id}/download") as response:
            for piece in response.iter_raw():
                digest.update(piece)
                size += len(piece)
        return size, digest.hexdigest()

    with ThreadPoolExecutor(PARALLEL) as pool:
        downloads = [pool.submit(download, number) for number in range(PARALLEL)]
        with api.client() as client:
            assert client.post("/api/v1/backups").status_code == 201
        assert {each.result() for each in downloads} == {(4 * 2**20, wanted)}
