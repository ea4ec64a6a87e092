"""Whether Kino 0.3 runs: by its database, and by the lock that it takes before it opens that."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import ServiceError
from kino_backup_tui.core.kino import ports
from kino_backup_tui.core.kino.closed import find_openers, require_closed
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.processes import lockers
from kino_backup_tui.core.kino.running import KinoState, observe
from kino_backup_tui.core.kino.settings_store import settings_store
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.doctor import Check, diagnose
from kino_backup_tui.demo.schema import open_database
from kino_backup_tui.demo.shipped.data_path import write_shipped_kino
from tests.as_user import NOBODY, let_others_in, run_as
from tests.shipped.serving import running_server

_LOCK = """
import fcntl, sys
lock = open(sys.argv[1], "ab")
fcntl.flock(lock, fcntl.LOCK_EX)
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def starting_kino(kino: Kino) -> Iterator[int]:
    """A process as Kino is at its very start: it has its lock, and has opened nothing yet."""
    command = [sys.executable, "-c", _LOCK, str(kino.data_path / "kino-serve.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        process.stdout.readline()
        yield process.pid
        process.stdin.close()


def seen_by_nobody(kino: Kino) -> str:
    """What a user sees who may not look into Kino's process."""
    # That user may not read the program's files either: what is loaded late is loaded before.
    settings_store(kino)
    list(ports.likely_ports(kino, in_use=False))
    "localhost".encode("idna")
    return run_as(NOBODY, lambda: repr(observe(kino)))


def test_a_running_kino_is_found_with_its_version(shipped: Kino) -> None:
    """By the process that has its database open, and where that listens."""
    with running_server(shipped.data_path) as server:
        seen = observe(shipped)

    assert (seen.running, seen.pid, seen.version, seen.url) == (
        True,
        server.process.pid,
        "0.3.2",
        server.url,
    )
    assert not seen.first_time_setup


def test_a_lock_is_told_by_the_process_that_has_it(shipped: Kino) -> None:
    """Without locking anything: a Kino that met our lock would go on without its own."""
    file = shipped.data_path / "kino-serve.lock"
    with starting_kino(shipped) as pid:
        assert lockers(file) == (pid,)
    assert lockers(file) == ()
    assert lockers(shipped.data_path / "gone") == ()


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("mkfs.btrfs") is None, reason="needs root and the tools of btrfs"
)
def test_a_lock_in_a_subvolume_of_btrfs_is_told_too(tmp_path: Path) -> None:
    """There the list of locks has another device, and files of two subvolumes the same number."""
    image, disk = tmp_path / "image", tmp_path / "disk"
    with image.open("wb") as stream:
        stream.truncate(128 << 20)
    disk.mkdir()
    subprocess.run(["mkfs.btrfs", "--quiet", image], check=True, capture_output=True)
    mounted = subprocess.run(["mount", "-o", "loop", image, disk], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this machine mounts no images")
    try:
        for name in ("one", "two"):
            subprocess.run(["btrfs", "subvolume", "create", disk / name], check=True, capture_output=True)
            (disk / name / "kino-serve.lock").touch()
        with starting_kino(Kino(disk / "one", KINO_0_3)) as pid:
            assert lockers(disk / "one" / "kino-serve.lock") == (pid,)
            assert lockers(disk / "two" / "kino-serve.lock") == ()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_a_kino_that_is_just_starting_counts_as_running(shipped: Kino) -> None:
    """It will open the database in a moment, whatever is in its place then."""
    with starting_kino(shipped) as pid:
        found = find_openers(shipped)
        assert (observe(shipped).running, observe(shipped).pid) == (True, pid)
        assert found is not None
        assert found.pids == (pid,)
        with pytest.raises(ServiceError):
            require_closed(shipped, seconds=0)
    assert find_openers(shipped) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_one_who_may_not_look_into_it_is_told_by_its_lock_and_the_port_it_has_noted(
    shipped: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only an answer that names the data path counts: another Kino may have noted its port there."""
    let_others_in(shipped.database)
    runtime, other = tmp_path / "run", tmp_path / "other"
    runtime.mkdir()
    write_shipped_kino(other, datetime(2026, 4, 26, tzinfo=UTC), films=1)
    with running_server(shipped.data_path, RUNTIME_DIRECTORY=str(runtime)) as server:
        monkeypatch.setattr(ports, "_PORT_FILE", runtime / "port")
        seen = seen_by_nobody(shipped)
        with running_server(other, RUNTIME_DIRECTORY=str(runtime)):
            confused = seen_by_nobody(shipped)
        pid, url = server.process.pid, server.url

    how = f"process {pid} has its lock"
    assert seen == repr(KinoState(True, pid, "0.3.2", url, how))
    assert confused == repr(KinoState(True, pid, how=how))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
@pytest.mark.parametrize("unit", ["kino.service", "media.service"])
def test_it_is_asked_at_the_port_that_its_unit_sets(
    shipped: Kino, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: str
) -> None:
    """Which Kino notes nowhere if its unit has no runtime directory; the unit may have another name."""
    let_others_in(shipped.database)
    config = tmp_path / "kino-backup-tui.toml"
    config.write_text('service = "media.service"\n' if unit == "media.service" else "")
    monkeypatch.setenv("KINO_BACKUP_TUI_CONFIG", str(config))
    with running_server(shipped.data_path) as server:
        systemctl = tmp_path / "bin" / "systemctl"
        systemctl.parent.mkdir(mode=0o755)
        port = server.url.rpartition(":")[2]
        systemctl.write_text(
            f'#!/bin/sh\ncase "$*" in *" {unit}") ;; *) exit 1 ;; esac\n'
            f"echo LoadState=loaded\necho Environment=KINO_PORT={port}\n"
        )
        systemctl.chmod(0o755)
        monkeypatch.setenv("PATH", str(systemctl.parent), prepend=":")
        seen = seen_by_nobody(shipped)

    how = f"process {server.process.pid} has its lock"
    assert seen == repr(KinoState(True, server.process.pid, "0.3.2", server.url, how))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_it_is_asked_at_the_port_of_its_settings(shipped: Kino) -> None:
    """By Kino's own user, who may read them, but not look into a Kino that has more rights."""
    let_others_in(shipped.database)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with closing(open_database(shipped.database)) as connection:
        connection.execute("UPDATE config SET listen_port = ?", (port,))
    for path in (shipped.data_path, *shipped.data_path.glob("kino.db*")):
        os.chown(path, NOBODY, NOBODY)
    with running_server(shipped.data_path, KINO_PORT="") as server:
        seen = seen_by_nobody(shipped)

    how = f"process {server.process.pid} has its lock"
    assert server.url == f"http://127.0.0.1:{port}"
    assert seen == repr(KinoState(True, server.process.pid, "0.3.2", server.url, how))


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_database_that_no_kino_has_is_not_opened_for_its_port(shipped: Kino) -> None:
    """It may be about to be replaced, and nobody may have it open then."""
    let_others_in(shipped.database)
    for path in (shipped.data_path, shipped.database):
        os.chown(path, NOBODY, NOBODY)
    before = sorted(shipped.data_path.iterdir())
    os.utime(shipped.database, ns=(1, 1))

    seen = seen_by_nobody(shipped)

    assert seen.startswith("KinoState(running=None")
    assert (shipped.database.stat().st_atime_ns, sorted(shipped.data_path.iterdir())) == (1, before)


def leavings(context: Context) -> list[Check]:
    """What doctor says of what Kino has left."""
    return [check for check in diagnose(context) if check.name == "kino_leftovers"]


def test_doctor_tells_what_kino_has_left(shipped: Kino, shipped_context: Context) -> None:
    """Whole databases, and uploads; nothing is said where there are none, and nothing is removed."""
    assert leavings(shipped_context) == []
    (shipped.data_path / "backups").mkdir(exist_ok=True)
    left = [
        "kino.db.pre-restore",
        "kino.db.restore-staged",
        "kino-restore-upload-x1.tar.gz",
        "backups/kino-backup-aB3dE6.sqlite",
    ]
    for name in left:
        (shipped.data_path / name).write_bytes(b"x")

    (check,) = leavings(shipped_context)

    assert all(name in check.text for name in left[:3])
    assert "and 1 more" in check.text
    assert all((shipped.data_path / name).exists() for name in left)
