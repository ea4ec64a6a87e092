"""The row of settings is changed while others, in processes of their own, read and write the database."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import time

from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.kino.settings_store import settings_store

ROUNDS = 60
KINO = """
import sqlite3, sys
# As Kino opens it, and as busy as Kino is once a second.
kino = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=5)
kino.execute("PRAGMA synchronous = NORMAL")
print("ready", flush=True)
count = 0
while True:
    kino.execute("BEGIN IMMEDIATE")
    kino.execute("UPDATE scheduler_state SET last_run_at = ?", (str(count),))
    kino.execute("UPDATE config SET listen_port = ?", (1000 + count % 1000,))
    kino.execute("COMMIT")
    count += 1
    print(count, flush=True)
"""
SAVER = f"""
import sys
from datetime import time
from pathlib import Path
from kino_backup_tui.core.kino.home import KINO_0_3, Kino
from kino_backup_tui.core.kino.settings import BackupSettings
from kino_backup_tui.core.kino.settings_store import settings_store
kino, number = Kino(Path(sys.argv[1]), KINO_0_3), int(sys.argv[2])
for _ in range({ROUNDS}):
    settings_store(kino).save(BackupSettings(time=time(number), keep=number, location=f"/mnt/{{number}}"))
"""


@contextmanager
def _running(code: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_saving_while_kino_writes_loses_nothing_of_either(shipped: Kino) -> None:
    """Each transaction of the other process stays, and so does each of ours."""
    store = settings_store(shipped)
    with _running(KINO, shipped.database) as kino:
        assert kino.stdout is not None
        assert kino.stdout.readline() == "ready\n"
        for number in range(1, ROUNDS):
            wanted = BackupSettings(time=time(number % 24), keep=number)
            store.save(wanted)
            assert store.load() == wanted
            assert kino.poll() is None, "the other process met an error"
        done = int(kino.stdout.readline())
        kino.kill()
        done = max([done, *map(int, kino.stdout.read().split("\n")[:-1])])
    with closing(sqlite3.connect(shipped.database)) as connection:
        ((state,),) = connection.execute("SELECT last_run_at FROM scheduler_state").fetchall()
        ((port,),) = connection.execute("SELECT listen_port FROM config").fetchall()
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert int(state) >= done - 1
    assert port == 1000 + int(state) % 1000


def test_two_who_save_at_once_never_leave_a_mixture(shipped: Kino) -> None:
    """Whoever is last has it all, and a reader in between sees one or the other."""
    store = settings_store(shipped)
    with _running(SAVER, shipped.data_path, 1) as one, _running(SAVER, shipped.data_path, 2) as other:
        seen = set()
        while one.poll() is None or other.poll() is None:
            seen.add(store.load())
        seen.add(store.load())
        assert (one.returncode, other.returncode) == (0, 0)
    wanted = {BackupSettings(time=time(number), keep=number, location=f"/mnt/{number}") for number in (1, 2)}
    assert seen - {BackupSettings()} <= wanted
    assert store.load() in wanted


def test_what_is_saved_beside_a_running_kino_is_seen_by_its_own_connection(shipped: Kino) -> None:
    """Without a restart, and without its log being worked in under it."""
    with closing(sqlite3.connect(shipped.database, isolation_level=None)) as kino:
        kino.execute("SELECT backup_time FROM config").fetchone()
        settings_store(shipped).save(replace(BackupSettings(), time=time(4, 30)))
        assert kino.execute("SELECT backup_time FROM config").fetchone() == ("04:30",)
        assert (shipped.data_path / "kino.db-wal").stat().st_size > 0
