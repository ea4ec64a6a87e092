"""The look at the backups that begins before there is a screen."""

from __future__ import annotations

import threading

import pytest
from rich.text import Text
from textual.widgets import DataTable

from kino_backup_tui.core.errors import LocationError
from kino_backup_tui.core.operations.listing import Listing
from kino_backup_tui.core.operations.status import Status
from kino_backup_tui.tui.app import KinoBackupApp
from kino_backup_tui.tui.look_ahead import LookAhead
from kino_backup_tui.tui.widgets.backup_table import BackupTable
from tests.tui.driving import line, loaded, page, shown_names
from tests.tui.prepared import PreparedBackend, household


class _SlowBackend(PreparedBackend):
    """Counts its looks at the disk; a look, and the status, come when the test lets them."""

    def __init__(self, *, trouble: Exception | None = None) -> None:
        super().__init__(household())
        self.disk, self.head = threading.Event(), threading.Event()
        self.looks = 0
        self._trouble = trouble

    def listing(self) -> Listing:
        """The prepared list; the first time the trouble, if there is one."""
        self.looks += 1
        self.disk.wait()
        if self._trouble is not None and self.looks == 1:
            raise self._trouble
        return super().listing()

    def status(self) -> Status:
        """The prepared head of the page."""
        self.head.wait()
        return super().status()


def _looked_ahead(backend: PreparedBackend) -> LookAhead:
    """A look that has come to its end."""
    ahead = LookAhead(backend)
    ahead.start()
    ahead.join()
    return ahead


async def test_list_that_was_read_ahead_is_there_with_the_page_and_read_once() -> None:
    """The table has its rows when the page opens, before Kino's state is known, and nobody looked twice."""
    backend = _SlowBackend()
    backend.disk.set()
    async with KinoBackupApp(backend, _looked_ahead(backend)).run_test() as pilot:
        assert shown_names(pilot) == [one.filename for one in backend.backups]
        assert page(pilot).status is None
        backend.head.set()
        await loaded(pilot)
        assert backend.looks == 1


async def test_list_that_was_read_ahead_is_filled_in_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Filled in before it has a size, the table has the columns of its width already."""
    fillings: list[int] = []
    clear = DataTable.clear

    def counted(table: DataTable[Text], columns: bool = False) -> DataTable[Text]:
        fillings.append(len(table.rows))
        return clear(table, columns)

    monkeypatch.setattr(DataTable, "clear", counted)
    backend = _SlowBackend()
    backend.disk.set()
    backend.head.set()
    async with KinoBackupApp(backend, _looked_ahead(backend)).run_test(size=(120, 40)) as pilot:
        await loaded(pilot)
        assert "File" in [key.value for key in page(pilot).query_one(BackupTable).columns]
        assert fillings == [0]


async def test_page_does_not_wait_for_a_disk_that_is_slow() -> None:
    """The page opens without its list and says what it does; the list follows when the disk has answered."""
    backend = _SlowBackend()
    backend.head.set()
    ahead = LookAhead(backend)
    ahead.start()
    async with KinoBackupApp(backend, ahead).run_test() as pilot:
        assert line(pilot, "#schedule-line") == "Reading the backups…"
        assert shown_names(pilot) == []
        backend.disk.set()
        await loaded(pilot)
        assert len(shown_names(pilot)) == len(backend.backups)


async def test_page_looks_for_itself_where_looking_ahead_has_failed() -> None:
    """An error, and a bug too, says nothing outside the page: the page's own look finds the list."""
    troubles: tuple[Exception, ...] = (LocationError("The disk is away."), RuntimeError("a bug"))
    for trouble in troubles:
        backend = _SlowBackend(trouble=trouble)
        backend.disk.set()
        backend.head.set()
        ahead = _looked_ahead(backend)
        assert ahead.found is None
        async with KinoBackupApp(backend, ahead).run_test() as pilot:
            await loaded(pilot)
            assert len(shown_names(pilot)) == len(backend.backups)
            assert backend.looks == 2
