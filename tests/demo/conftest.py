"""A sample data path without backups, for tests of what surrounds them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kino_backup_tui.core.clock import Clock
from kino_backup_tui.demo.data_path import furnish_data_path
from kino_backup_tui.demo.library import Library
from kino_backup_tui.demo.schema import SCHEMA_OF_VERSION, migrate, open_database


@dataclass(frozen=True, slots=True)
class StoppedClock:
    """A clock at one instant, on a host in Berlin."""

    instant: datetime

    def now(self) -> datetime:
        """The instant."""
        return self.instant

    def zone(self) -> tzinfo:
        """The zone of Berlin."""
        return ZoneInfo("Europe/Berlin")


@pytest.fixture(scope="session")
def clock() -> Clock:
    """A morning in April."""
    return StoppedClock(datetime(2026, 4, 26, 7, 0, tzinfo=UTC))


@pytest.fixture(scope="session")
def data_paths(tmp_path_factory: pytest.TempPathFactory) -> Mapping[int, Path]:
    """Data paths with the library of this moment, by the number of migrations; not to be changed."""
    now = datetime.now(UTC)
    written = {}
    for schema in SCHEMA_OF_VERSION.values():
        written[schema] = tmp_path_factory.mktemp("data-path") / "kino"
        furnish_data_path(written[schema])
        with closing(open_database(written[schema] / "db.sqlite")) as connection:
            migrate(connection, now, upto=schema)
            Library(now).write(connection, now)
    return written


@pytest.fixture
def write_data_path(tmp_path: Path, data_paths: Mapping[int, Path]) -> Callable[[int], Path]:
    """Write a data path of one's own, in the schema of so many migrations."""
    return lambda schema: shutil.copytree(data_paths[schema], tmp_path / "kino")
