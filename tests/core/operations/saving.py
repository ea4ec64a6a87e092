"""What the tests of making backups share: damage to a database, and what is in an archive or left on disk."""

from __future__ import annotations

from pathlib import Path

from kino_backup_tui.core.kino.home import Kino


def files_below(folder: Path) -> set[str]:
    """Every file below a folder, by relative path."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def left_behind(kino: Kino) -> set[str]:
    """Files in the location and the scratch folder that are neither a backup nor the location's marker."""
    places = (kino.default_location, kino.data_path / ".kino-backup" / "scratch")
    names = {name for place in places if place.is_dir() for name in files_below(place)}
    return {name for name in names if name != ".kino-backup-location"}


def damage_index(database: Path) -> None:
    """Swap two keys of an index, which SQLite reads without complaint until it checks."""
    data = bytearray(database.read_bytes())
    first = data.rfind(b"Film 11")
    data[first : first + 7] = b"Film 99"
    database.write_bytes(data)
