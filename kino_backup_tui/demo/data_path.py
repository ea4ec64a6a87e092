"""The files of the sample Kino: settings, secrets, an empty database, and what no backup should carry."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from kino_backup_tui.core.errors import UsageError
from kino_backup_tui.core.kino.home import DOCUMENTED

_TEMPLATE = Path(__file__).with_name("template")
_NOT_BACKED_UP = {
    "log/kino.log": b"the sample server writes here\n",
    "trickplay/1/sheet-0.jpg": b"\xff\xd8\xff\xe0 not a picture, but no backup should carry it\n",
    "fingerprints/1-intro.bin": bytes(range(256)),
    "cache/subs/1.srt": b"1\n00:00:01,000 --> 00:00:03,000\nThe tide was early.\n",
}


def furnish_data_path(data_path: Path) -> None:
    """Write everything but the contents of the database into a new or empty folder; raises `OSError`."""
    data_path.mkdir(0o750, parents=True, exist_ok=True)
    _write_files(data_path)
    _create_database_file(data_path / DOCUMENTED.database)


@contextlib.contextmanager
def emptied_on_failure(data_path: Path) -> Iterator[None]:
    """Leave no half sample: if the block fails, an empty folder is empty again, and a new one is gone.

    A folder that has something in it to begin with is left alone.
    """
    # Of folders that are yet to be made, the outermost.
    new = next(
        (path for path in reversed((data_path, *data_path.parents)) if not os.path.lexists(path)), None
    )
    full = new is None and not _is_empty_folder(data_path)
    try:
        yield
    except BaseException:
        if new is not None:
            shutil.rmtree(new, ignore_errors=True)
        elif not full:
            for path in list(data_path.iterdir()):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
        raise


def _is_empty_folder(path: Path) -> bool:
    try:
        return not any(path.iterdir())
    except OSError:
        return False


def make_empty_folder(data_path: Path) -> None:
    """Make the folder of a sample; raises `UsageError` if something is in it, or `OSError`."""
    try:
        data_path.mkdir(0o750, parents=True, exist_ok=True)
    except FileExistsError:
        raise UsageError(f"{data_path} is not a folder.") from None
    if any(data_path.iterdir()):
        raise UsageError(f"{data_path} is not empty.", hint="Name a new or an empty folder for the sample.")


def _write_files(data_path: Path) -> None:
    for source in sorted(_TEMPLATE.rglob("*")):
        if source.is_file():
            _write(data_path / source.relative_to(_TEMPLATE), source.read_bytes(), 0o600)
    (data_path / "secrets").chmod(0o700)
    for name, content in _NOT_BACKED_UP.items():
        _write(data_path / name, content, 0o644)


def _write(path: Path, content: bytes, mode: int) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.touch(mode)
    path.write_bytes(content)


def _create_database_file(database: Path) -> None:
    # SQLite gives the mode of the database to the files beside it.
    os.close(os.open(database, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o640))
