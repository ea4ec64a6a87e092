"""A full disk is a full disk for clients, too: 507, and nothing half written stays."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.files import free_bytes
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from tests.api.harness import serving
from tests.api.test_guard import error_of
from tests.api.test_uploads import BOUNDARY, END, HEAD, UPLOAD, received
from tests.cli.harness import write_kino

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a file system")

MB = 2**20
SIZE_MB = 280
"""Of which 256 are kept free for Kino."""


@pytest.fixture
def data_path(tmp_path: Path) -> Iterator[Path]:
    """A Kino on a small file system of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", folder], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"cannot mount here: {done.stderr.strip()}")
    try:
        yield write_kino(folder / "kino").data_path
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def client(data_path: Path) -> Iterator[httpx.Client]:
    """A client of its server."""
    with serving(Context(Kino(data_path.resolve()), SystemClock())) as api, api.client() as client:
        yield client


def test_an_upload_leaves_kino_its_space(data_path: Path, client: httpx.Client) -> None:
    """However much room there is beyond: it is given up in the middle, and removed."""
    free = free_bytes(data_path)

    def body() -> Iterator[bytes]:
        yield HEAD
        for _ in range(SIZE_MB):
            assert free_bytes(data_path) > 240 * MB
            yield bytes(MB)
        yield END

    response = client.post(UPLOAD, content=body(), headers={"Content-Type": BOUNDARY})
    assert response.status_code == 507
    error = error_of(response)
    assert (error["code"], error["cause"]) == ("insufficient_storage", "no_space")
    assert received(data_path) == []
    assert free - free_bytes(data_path) < MB


def test_a_full_disk_takes_no_backup_and_gives_one_back(data_path: Path, client: httpx.Client) -> None:
    """Deleting is what helps, so it works with no byte free; listing does, too."""
    made = client.post("/api/v1/backups").json()
    with (data_path / "filler").open("wb", buffering=0) as filler:
        while (room := free_bytes(data_path)) > 0:
            filler.write(bytes(min(room, MB)))
    refused = client.post("/api/v1/backups")
    assert refused.status_code == 507
    assert error_of(refused)["cause"] == "no_space"
    assert client.get("/api/v1/backups").json() == [made]
    assert client.delete(f"/api/v1/backups/{made['id']}").status_code == 204
    assert client.get("/api/v1/backups").json() == []
