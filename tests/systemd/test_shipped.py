"""Kino 0.3 as its packages set it up, under a real systemd: restored, and held without its library."""

from __future__ import annotations

from collections.abc import Callable

from tests.systemd.machine import in_machine

Run = Callable[[str], str]

_FURNISH = """
from datetime import UTC, datetime
from kino_backup_tui.core.kino.home import KINO_0_3
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.demo.shipped.data_path import write_shipped_kino
from tests.core.operations.restoring import do
from tests.core.restore.interrupting import die_in

subprocess.run(["useradd", "--system", "--home-dir", KINO.data_path, "kino"], check=True)
for folder in ON_THE_WAY:
    folder.chmod(folder.stat().st_mode | 0o1)
KINO.data_path.mkdir(mode=0o750)
LIBRARY = Path("/srv/films")
SHIPPED = Kino(KINO.data_path, KINO_0_3)
CONTEXT = Context(SHIPPED)
write_shipped_kino(KINO.data_path, datetime.now(UTC), library=LIBRARY, port=8080)
ARCHIVE = create_backup(CONTEXT, Control()).backup.path
give(KINO.data_path)
write_unit("kino.service", settings={
    "Type": "simple",
    "ExecStart": f"{sys.executable} -m kino_backup_tui.demo.shipped.server --no-schedule",
    "WorkingDirectory": "/",
    "RuntimeDirectory": "kino",
    "Environment": "KINO_DATA_PATH=/var/lib/kino KINO_RESTART_AFTER_RESTORE=1",
})

def value(query):
    with contextlib.closing(sqlite3.connect(SHIPPED.database, timeout=20)) as connection:
        return connection.execute(query).fetchone()[0]

def media():
    return value("SELECT count(*) FROM media")

def up():
    return observe(SHIPPED).version is not None

def listed():
    with contextlib.closing(sqlite3.connect(SHIPPED.database, timeout=20)) as connection:
        names = {name for (name,) in connection.execute("SELECT filename FROM backup")}
    return names == {path.name for path in (KINO.data_path / "backups").glob("kino-backup-*.tar.gz")}
"""


def test_it_is_restored_with_its_list_and_its_owner(under_systemd: Run) -> None:
    """systemd ends it at once, its log unfinished; what is in that is in the safety backup, too."""
    printed = under_systemd(
        in_machine(
            _FURNISH
            + """
systemctl("start", "kino.service")
until(up, "an answer of Kino")
execute(SHIPPED, "INSERT INTO movie (tmdb_id, title, added_at) VALUES (77, 'Since then', '')")
owner = SHIPPED.database.stat().st_uid
code, result = cli("restore", str(ARCHIVE), "--yes")
print(code, result["outcome"], result["running"], result["kino_version"])
print(value("SELECT count(*) FROM movie WHERE tmdb_id = 77"), media(), listed())
until(nothing_left, "the end of the restore's own unit")
print(SHIPPED.database.stat().st_uid == owner, shown("NRestarts"))
code, result = cli("rollback", "--yes")
print(code, result["outcome"], value("SELECT count(*) FROM movie WHERE tmdb_id = 77"), listed())
"""
        )
    )

    assert printed.splitlines() == ["0 ok True 0.3.2", "0 20 True", "True 0", "0 ok 1 True"]


def test_a_start_without_the_library_is_refused_until_it_is_mounted(under_systemd: Run) -> None:
    """A worker has died between the swap and the start, and the share is not there: as after a power cut."""
    printed = under_systemd(
        in_machine(
            _FURNISH
            + """
systemctl("start", "kino.service")
until(up, "an answer of Kino")
plan = plan_restore(CONTEXT, ARCHIVE, Control())

def work():
    do(CONTEXT, plan)

die_in(workspace_of(SHIPPED), Phase.SWAPPED, work)
LIBRARY.rename("/srv/disk")
LIBRARY.mkdir()
systemctl("start", "kino.service")
print(shown("ActiveState"), shown("SubState"), media())
said = [line for line in log_of("kino.service") if "Kino stays stopped" in line]
print("would forget 20 of its 20 media" in said[-1], "kino-backup-tui apply" in said[-1])
code, told = cli("apply")
print(code, told["error"]["code"], shown("ActiveState"), media())
LIBRARY.rmdir()
Path("/srv/disk").rename(LIBRARY)
code, result = cli("apply")
print(code, result["outcome"], result["running"], media(), listed())
until(nothing_left, "the end of the gate")
"""
        )
    )

    assert printed.splitlines() == [
        "inactive dead 20",
        "True True",
        "11 library_missing inactive 20",
        "0 ok True 20 True",
    ]
