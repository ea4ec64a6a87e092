"""Kino 0.3 in a container of a real Podman: its paths are those of the container, and its library a mount."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.containers.conftest import LIMITS, ROOT, SEEN, python

Run = Callable[[str], str]

_WRITE = """
import sqlite3
from datetime import UTC, datetime
from kino_backup_tui.core.kino.home import KINO_0_3
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.create import create_backup
from kino_backup_tui.core.progress import Control
from kino_backup_tui.demo.shipped.data_path import ShippedPaths, write_shipped_kino

inside = ShippedPaths(Path("/data"), Path("/media/films"), Path("/data/downloads"))
write_shipped_kino(
    Path("/mnt/kino3"), datetime.now(UTC), library=Path("/mnt/disk/films"), stored=inside, port=8099
)
print(create_backup(Context(Kino(Path("/mnt/kino3"), KINO_0_3)), Control()).backup.path)
"""
_RESTORE = """
import sqlite3
from kino_backup_tui.core.kino.home import KINO_0_3
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import find_backup
from kino_backup_tui.core.operations.plan import plan_restore
from kino_backup_tui.core.progress import Control
from tests.core.operations.restoring import do

kino = Kino(Path("/mnt/kino3"), KINO_0_3)
context = Context(kino)

def titles():
    connection = sqlite3.connect(f"file:{kino.database}?mode=ro", uri=True)
    try:
        media = connection.execute("SELECT count(*) FROM media").fetchone()[0]
        return media, [name for (name,) in connection.execute("SELECT filename FROM backup ORDER BY id")]
    finally:
        connection.close()

podman("start", "kino")
until(lambda: observe(kino).version)
backup = find_backup(context, "latest")
Path("/mnt/disk/films").rename("/mnt/disk/elsewhere")
for blocker in plan_restore(context, backup, Control()).blockers:
    print("blocked:", blocker.message)
Path("/mnt/disk/elsewhere").rename("/mnt/disk/films")
plan = plan_restore(context, backup, Control())
print("plan:", plan.supervisor, plan.blockers, plan.first_boot.library.missing, plan.warnings)
result = do(context, plan)
print("done:", result.outcome, result.message)
media, listed = titles()
print("media:", media)
print("listed:", sorted(listed) == sorted(path.name for path in Path("/mnt/kino3/backups").glob("kino-*")))
print("policy:", podman("inspect", "--format", "{{.HostConfig.RestartPolicy.Name}}", "kino"))
"""
_LOCATE = """
import sqlite3
from dataclasses import replace
from kino_backup_tui.core.kino.home import KINO_0_3
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.schedule import preview_schedule, read_schedule, save_schedule
from kino_backup_tui.core.progress import Control

context = Context(Kino(Path("/mnt/kino3"), KINO_0_3))
settings = read_schedule(context)

def told(location):
    return preview_schedule(context, replace(settings, location=location)).remarks

for place in ("/mnt/disk/saved", "/mnt/nas"):
    Path(place).mkdir()
    print(place, [remark for remark in told(place) if "container's" in remark or "mounted" in remark])
save_schedule(context, replace(settings, location="/mnt/disk/saved"), Control())
database = sqlite3.connect("/mnt/kino3/kino.db")
print("written:", database.execute("SELECT backup_location_path FROM config").fetchone())
database.execute("UPDATE config SET backup_location_path = '/backups'")
database.commit()
print("inside:", told(read_schedule(context).location))
"""


@pytest.fixture
def container() -> str:
    """What makes it: as Kino's image says, but for the program."""
    return f"""
podman create --name kino --network=host {LIMITS} --stop-signal SIGINT --workdir '{ROOT}' \\
  {SEEN} --env KINO_DATA_PATH=/data --env PYTHONDONTWRITEBYTECODE=1 \\
  --volume /mnt/kino3:/data --volume /mnt/disk:/media \\
  --rootfs /mnt/fs '{sys.executable}' -m kino_backup_tui.demo.shipped.server --data-path /data \\
  --no-schedule > /dev/null
"""


def test_a_kino_0_3_in_a_container_is_restored_with_its_library_looked_for_on_the_host(
    with_podman: Run, container: str
) -> None:
    """The plan looks through the mounts; a library that is missing there forbids it, the list is whole."""
    printed = with_podman(python(_WRITE) + container + python(_RESTORE))

    assert (
        "blocked: The library /media/films (/mnt/disk/films on this host) is not there: "
        "Kino would forget 20 of its 20 media at its start."
    ) in printed
    assert "plan: container kino () 0 ()" in printed
    assert "done: ok" in printed
    assert "and Kino 0.3.2 runs on it" in printed
    assert "media: 20" in printed
    assert "listed: True" in printed


def test_a_location_that_its_container_does_not_have_is_told(with_podman: Run, container: str) -> None:
    """What Kino writes there is in the container alone, and goes with it; one in a mount goes by its name."""
    printed = with_podman(python(_WRITE) + container + python(_LOCATE))

    lost = "is not mounted into Kino's container: what Kino writes there goes when the container does."
    assert "/mnt/disk/saved []" in printed
    assert f"/mnt/nas ['/mnt/nas {lost}']" in printed.replace('"', "'")
    assert "written: ('/media/saved',)" in printed
    assert f"/backups {lost}" in printed
