"""Which Kino to work on: its data path, and how it lays out its files there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from kino_backup_tui.core.errors import NotFoundError, NotPermittedError, UsageError
from kino_backup_tui.core.files import user_name
from kino_backup_tui.core.kino.home import DOCUMENTED, LAYOUTS, WORKING_FOLDER, Kino, Layout
from kino_backup_tui.core.kino.tool_config import load_tool_config, user_folder

SYSTEM_DATA_PATH = Path("/var/lib/kino")
"""Where Kino's packages keep its data."""

_SIGNS = {name for name in (DOCUMENTED.config, DOCUMENTED.secrets) if name} | {"backups", WORKING_FOLDER}
"""What tells a Kino whose database is gone."""

_VARIABLE = "KINO_DATA_PATH"
_HINT = f"Name Kino's data path with --data-path, or in {_VARIABLE}."


class _Place(NamedTuple):
    """One source of a data path: where it leads, or why it leads nowhere."""

    source: str
    path: Path | None
    reason: str = ""


def find_kino(
    data_path: Path | None,
    layout: str | None,
    environ: Mapping[str, str],
    *,
    system_data_path: Path = SYSTEM_DATA_PATH,
    may_be_empty: bool = False,
) -> Kino:
    """Find the Kino to work on; the first of these that says anything decides.

    `data_path`; `KINO_DATA_PATH`; an installed kino.service, the system's before the user's;
    `system_data_path` if it exists; the user's own `$XDG_DATA_HOME/kino`. A database need not be there:
    most of what this program does works without one. With `may_be_empty`, the folder need not hold anything
    of a Kino yet: a restore fills it.
    Raises `NotFoundError`, `NotPermittedError`, `UsageError` (unknown or undecided layout),
    `InvalidSettingsError` (our own configuration).
    """
    if layout is not None and layout not in LAYOUTS:
        raise UsageError(f"There is no layout {layout!r}; allowed are {' and '.join(LAYOUTS)}.")
    passed: list[str] = []
    for place in _places(data_path, environ, system_data_path):
        if place.path is not None:
            path, names = _contents(place.path, place.source)
            empty = may_be_empty and not names - _SIGNS
            chosen = (
                LAYOUTS[layout or DOCUMENTED.name] if empty else _layout(path, names, layout, place.source)
            )
            return Kino(path, chosen, load_tool_config(environ).about(path).kino_url)
        passed.append(f"{place.source} ({place.reason})")
    raise NotFoundError(f"No Kino was found. Looked at: {', '.join(passed)}.", hint=_HINT)


def is_found_by_default(
    data_path: Path, environ: Mapping[str, str], *, system_data_path: Path = SYSTEM_DATA_PATH
) -> bool:
    """Whether this user finds that Kino without naming it; the variable that may name one does not count.

    `data_path` is resolved. Where nobody has set the variable, `sudo` and another terminal find the same. May
    take as long as systemd takes to answer, at most `TIMEOUT_SECONDS` twice.
    """
    unnamed = {name: value for name, value in environ.items() if name != _VARIABLE}
    places = list(_places(None, unnamed, system_data_path))
    for place in places:
        if place.path is not None:
            return Path(os.path.realpath(place.path)) == data_path
    # Its disk is away at the moment, or it would have been found.
    return str(data_path) in {place.source for place in places}


def _places(data_path: Path | None, environ: Mapping[str, str], system_data_path: Path) -> Iterator[_Place]:
    yield _Place("--data-path", data_path, "not given")
    named = environ.get(_VARIABLE)
    yield _Place(_VARIABLE, Path(named) if named else None, "not set")
    own = user_folder(environ, "XDG_DATA_HOME", ".local/share") / "kino"
    yield _unit_place(environ)
    yield _unit_place(environ, users_own=own)
    for folder in (system_data_path, own):
        yield _Place(str(folder), folder if os.path.lexists(folder) else None, "not there")


def _unit_place(environ: Mapping[str, str], users_own: Path | None = None) -> _Place:
    # Most runs name the data path: they do without.
    from kino_backup_tui.core.kino.systemd_unit import UNIT, read_unit

    source = f"the user's {UNIT}" if users_own else UNIT
    unit = read_unit(environ, user=users_own is not None)
    if unit is None:
        return _Place(source, None, "not installed")
    if unit.data_path is not None and Path(unit.data_path).is_absolute():
        return _Place(source, Path(unit.data_path))
    # Without a data path a user's service keeps its data where Kino started by hand would.
    if users_own is not None and os.path.lexists(users_own):
        return _Place(source, users_own)
    return _Place(source, None, "names no data path")


def _contents(path: Path, source: str) -> tuple[Path, set[str]]:
    """The resolved data path and the names in it."""
    try:
        path = path.resolve()
        names = {entry.name for entry in path.iterdir()}
        os.stat(f"{path}/.")  # noqa: PTH116 - fails without the right to enter, which listing does not need
    except PermissionError as error:
        raise NotPermittedError(
            f"{path} (from {source}) cannot be read by {user_name()}.",
            hint="Run as root or as Kino's own user.",
        ) from error
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} (from {source}) does not exist.", hint=_HINT) from error
    except NotADirectoryError as error:
        raise NotFoundError(f"{path} (from {source}) is not a folder.", hint=_HINT) from error
    except (OSError, RuntimeError, ValueError) as error:
        raise NotFoundError(f"{path} (from {source}) cannot be read: {error}.", hint=_HINT) from error
    return path, names


def _layout(path: Path, names: set[str], asked: str | None, source: str) -> Layout:
    there = [layout for layout in LAYOUTS.values() if layout.database in names]
    if len(there) > 1 and asked is None:
        ways = " or ".join(f"--layout {layout.name} for {layout.database}" for layout in there)
        raise UsageError(
            f"{path} holds two databases, {' and '.join(layout.database for layout in there)}.",
            hint=f"Say which is Kino's: {ways}.",
        )
    if not (there or names & _SIGNS):
        looked = " or ".join(layout.database for layout in LAYOUTS.values())
        raise NotFoundError(f"{path} (from {source}) holds no Kino: no {looked} there.", hint=_HINT)
    if asked is not None:
        return LAYOUTS[asked]
    return there[0] if there else DOCUMENTED
