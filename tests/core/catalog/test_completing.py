"""Archives with their manifest at the end: a listing is completed by reading each of them once."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kino_backup_tui.core.catalog.cache import reading_alone
from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.models import Backup
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import complete, complete_listing, list_backups
from kino_backup_tui.core.operations.session import open_session
from kino_backup_tui.core.progress import CancelToken
from tests.core.archive.archives import manifest_last

MANIFEST_LAST = manifest_last()


def only(context: Context) -> Backup:
    """The one backup there is."""
    (backup,) = list_backups(context).backups
    return backup


def test_a_manifest_at_the_end_is_completed_in_the_background(context: Context, location: Path) -> None:
    """The list shows the name first; reading on fills in schema and date, and the cache keeps it."""
    fill_with_manifests_last(location, 1)

    assert only(context).schema_version is None
    assert only(context).needs_reading
    assert complete_listing(context, CancelToken()) is True
    assert only(context).schema_version == 2
    assert complete_listing(context, CancelToken()) is False


READER = """
import os, signal, sys, time
from pathlib import Path
from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.core.errors import OperationCancelledError
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.operations.context import Context
from kino_backup_tui.core.operations.listing import complete_listing
from kino_backup_tui.core.progress import CancelToken

cancel, enough, dies = CancelToken(), int(sys.argv[2]), sys.argv[3] == "True"
opened = written = 0

def see(event, given):
    global opened, written
    if event == "open" and str(given[0]).endswith(".tar.gz"):
        opened += 1
        if dies and opened == enough:
            time.sleep(1.1)
        if dies and opened == enough + 2:
            os.kill(os.getpid(), signal.SIGKILL)
        if not dies and opened > enough:
            cancel.cancel()
    if event == "os.rename" and str(given[1]).endswith("catalog.json"):
        written += 1

sys.addaudithook(see)
try:
    learned = complete_listing(Context(Kino(Path(sys.argv[1])), SystemClock()), cancel)
except OperationCancelledError:
    learned = "cancelled"
print(learned, opened, written)
"""


def reader_of(context: Context, *, enough: int = 10_000, dies: bool = False) -> list[str]:
    """A process that completes a listing and says what it opened; cancelled when it opens one too many.

    One that `dies` is killed instead, two archives after the one over which it has spent a second.
    """
    return [sys.executable, "-c", READER, str(context.kino.data_path), str(enough), str(dies)]


def fill_with_manifests_last(location: Path, count: int) -> None:
    """Archives of Kino 0.3, which have to be read to the end."""
    for number in range(count):
        (location / f"kino-backup-2026-04-26T03-00-{number:02}Z-v0.3.2.tar.gz").write_bytes(MANIFEST_LAST)


def test_of_two_processes_one_reads_the_archives(context: Context, location: Path) -> None:
    """The other waits, and takes over what has become known; both looked at the beginning of each."""
    fill_with_manifests_last(location, 6)
    list_backups(context)
    command = reader_of(context)
    with reading_alone(open_session(context).workspace, CancelToken()):
        readers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        with pytest.raises(subprocess.TimeoutExpired):
            readers[0].wait(2)
    said = sorted(reader.communicate()[0].split()[:2] for reader in readers)

    assert said == [["True", "0"], ["True", "6"]]


def test_what_many_archives_have_shown_is_written_once_a_second(context: Context, location: Path) -> None:
    """The whole cache is written each time: after each archive, that would be longer than the reading."""
    fill_with_manifests_last(location, 60)
    list_backups(context)
    began = time.monotonic()
    said = subprocess.check_output(reader_of(context), text=True).split()
    seconds = time.monotonic() - began

    assert said[:2] == ["True", "60"]
    assert 1 <= int(said[2]) <= 1 + seconds
    assert not any(backup.needs_reading for backup in list_backups(context).backups)


def test_what_was_read_before_the_cancel_is_known(context: Context, location: Path) -> None:
    """Whoever leaves the page and comes back sees the rest read, not all of it again."""
    fill_with_manifests_last(location, 6)
    list_backups(context)

    assert subprocess.check_output(reader_of(context, enough=4), text=True).split()[:2] == ["cancelled", "5"]
    assert sum(backup.needs_reading for backup in list_backups(context).backups) == 2
    assert subprocess.check_output(reader_of(context), text=True).split()[:2] == ["True", "2"]


def test_a_kill_costs_what_was_read_in_the_last_second(context: Context, location: Path) -> None:
    """What was written before it is known."""
    fill_with_manifests_last(location, 6)
    list_backups(context)

    assert subprocess.run(reader_of(context, enough=3, dies=True), check=False).returncode == -signal.SIGKILL
    assert sum(backup.needs_reading for backup in list_backups(context).backups) == 3
    assert subprocess.check_output(reader_of(context), text=True).split()[:2] == ["True", "3"]


def test_waiting_for_another_reader_can_be_cancelled(context: Context, location: Path) -> None:
    """Whoever leaves the page does not wait for another process."""
    fill_with_manifests_last(location, 1)
    cancel = CancelToken()
    cancel.cancel()
    with (
        reading_alone(open_session(context).workspace, CancelToken()),
        pytest.raises(OperationCancelledError),
    ):
        complete_listing(context, cancel)


@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_an_archive_that_goes_while_it_is_read_does_not_keep_the_others_from_it(
    context: Context, location: Path, *, replaced: bool
) -> None:
    """As Kino removes its oldest: it stays as it was listed, and the next listing looks at what is there."""
    fill_with_manifests_last(location, 1)
    backup = only(context)

    def advance(_count: int) -> None:
        backup.path.unlink(missing_ok=True)
        if replaced:
            backup.path.write_bytes(b"another")

    assert complete(open_session(context), backup, advance) == backup
    assert len(list_backups(context).backups) == replaced
