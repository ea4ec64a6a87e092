"""Which names a member of an archive may have: the table that output paths are taken from."""

from __future__ import annotations

import unicodedata

from kino_backup_tui.core.kino.home import LAYOUTS, SIDE_FILES, Layout

MAX_PATH_BYTES = 1024
_MAX_NAME_BYTES = 255
_DATABASES = {layout.database for layout in LAYOUTS.values()}
_SIDE_FILES = {database + end: database for database in _DATABASES for end in SIDE_FILES}
_FILES = _DATABASES | _SIDE_FILES.keys() | {layout.config for layout in LAYOUTS.values() if layout.config}
_FOLDERS = {layout.secrets for layout in LAYOUTS.values() if layout.secrets}


def is_content_path(path: str) -> bool:
    """Whether a backup may hold a member of this name: a layout's files, and files below its secrets.

    What SQLite keeps beside a database is among them, for raw archives; the reader refuses it in others.
    Never absolute, empty, `.` or `..`, and without control or formatting characters, which could hide what
    a name says on a terminal.
    """
    if path in _FILES:
        return True
    folder, _, rest = path.partition("/")
    if folder not in _FOLDERS or not rest or len(path.encode("utf-8", "surrogateescape")) > MAX_PATH_BYTES:
        return False
    return all(_is_plain_name(name) for name in rest.split("/"))


def is_content_folder(path: str) -> bool:
    """Whether a directory entry of this name, without its last slash, is harmless; it is passed over."""
    return path in ("", ".") or path in _FOLDERS or is_content_path(path)


def is_database(path: str) -> bool:
    """Whether the member is a layout's database."""
    return path in _DATABASES


def database_beside(path: str) -> str | None:
    """The database that a member is a -wal, -shm or -journal of; None for every other member."""
    return _SIDE_FILES.get(path)


def layout_of(paths: frozenset[str]) -> Layout | None:
    """The layout whose database is among the members; None if there is none, or more than one."""
    found = [layout for layout in LAYOUTS.values() if layout.database in paths]
    return found[0] if len(found) == 1 else None


def alias(path: str) -> str:
    """The same for two names that some file systems take for one: case and Unicode form folded."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


def _is_plain_name(name: str) -> bool:
    return (
        name not in ("", ".", "..")
        and len(name.encode("utf-8", "surrogateescape")) <= _MAX_NAME_BYTES
        and "\\" not in name
        and not any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in name)
    )
