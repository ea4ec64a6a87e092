"""What separates a backup from Kino as it is now: pure functions for the plan.

Kino's documentation: an older backup can always be restored, pending migrations run at the next start; a
newer one cannot.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kino_backup_tui.core.errors import IncompatibleError
from kino_backup_tui.core.kino.home import Layout
from kino_backup_tui.core.kino.releases import releases_with
from kino_backup_tui.core.kino.rows import Rows
from kino_backup_tui.core.kino.toml_file import LARGEST, shown
from kino_backup_tui.core.models import Migration
from kino_backup_tui.core.restore.first_boot import differing_settings
from kino_backup_tui.core.restore.plan import Change

EFFECTS = (
    ("Library (films, series, episodes)", "as in the backup"),
    ("Watch progress and history", "as in the backup"),
    ("Configuration and credentials", "as in the backup"),
    ("Downloads in flight", "looked at anew: partial files resume, missing ones are searched again"),
    ("Playback in progress", "ends; start it again after the restart"),
    ("Trickplay and intro fingerprints", "made again over time"),
    ("Events queued for Trakt", "those older than 24 hours are dropped, the others are sent"),
)
"""What becomes of what, as Kino's documentation says under "After restore" and "Troubleshooting"."""

_TIDYING_EFFECTS = (
    ("Library (films, series, episodes)", "as in the backup"),
    ("Watch progress and history", "as in the backup"),
    ("Settings, API key, credentials", "as in the backup"),
    ("Devices signed in since then", "have to sign in again"),
    ("Downloads begun since then", "are deleted with their files"),
    ("Downloads in flight", "looked at anew: partial files resume, missing ones are searched again"),
    ("Playback in progress", "ends; start it again after the restart"),
    ("Trickplay and intro fingerprints", "kept; what is missing is not made again where Kino has it as done"),
    ("Events queued for Trakt", "those older than 24 hours are dropped, the others are sent"),
)

_UPGRADE = "Upgrade Kino first, then retry the restore."
_SECRET = re.compile(r"(key|token|secret|password|passwd|credential)s?$", re.IGNORECASE)
_DECIDES_ACCESS = re.compile(
    r"(^|[._])(port|host|bind|listen|address|url|url_base|base_url|base_path|location|data_path|tls|api_key)$",
    re.IGNORECASE,
)
_CREDENTIALS = re.compile(r"(?<=://)[^/?#]*@|[?#].*", re.DOTALL)
"""What may be a password in an address: a user in front of the host, a query behind the path."""


def incompatibility(
    theirs: Sequence[Migration], ours: Sequence[Migration], kino_version: str | None
) -> IncompatibleError | None:
    """Why a database with one list of migrations cannot go to a Kino that has run the other; None if it can.

    Every migration of the backup must be one that this Kino knows, byte for byte (sqlx refuses to start
    otherwise); those it lacks will be run. `kino_version` is the backup's.
    """
    known = {migration.version: migration.checksum for migration in ours}
    made_with = f"Kino {kino_version}" if kino_version else "another Kino"
    newer = [migration for migration in theirs if migration.version not in known]
    if newer:
        return IncompatibleError(
            f"The backup has a newer schema version: made with {made_with}, schema {len(theirs)}; "
            f"this Kino knows schema {len(ours)}.",
            hint=_UPGRADE,
        )
    changed = [migration.version for migration in theirs if known[migration.version] != migration.checksum]
    if changed and (releases := releases_with(theirs)):
        return IncompatibleError(
            f"The backup's database is one of Kino {one_of(releases)}. This Kino has the same schema "
            f"version, {changed[0]}, with other contents, and is expected not to start on it.",
            hint=f"Restore it to a Kino {releases[-1]}, or choose a backup that this Kino has made.",
        )
    if changed:
        return IncompatibleError(
            f"Migration {changed[0]} of the backup ({made_with}) is another than this Kino's: "
            "it was made with a different build.",
            hint="Install the build of Kino that made the backup, then retry.",
        )
    return None


def one_of(releases: Sequence[str]) -> str:
    """An enumeration, for a sentence."""
    *others, last = releases
    return f"{', '.join(others)} or {last}" if others else last


def newer_version(theirs: str | None, installed: str | None) -> IncompatibleError | None:
    """The same by version numbers alone, for when the live database cannot be read."""
    if theirs is None or installed is None or _ordering(theirs) <= _ordering(installed):
        return None
    return IncompatibleError(
        f"The backup was made with Kino {theirs}, which is newer than the installed {installed}.",
        hint=_UPGRADE,
    )


def newer_number(theirs: int | None, ours: int | None) -> IncompatibleError | None:
    """The same by schema numbers, for a backup that lists no migrations."""
    if theirs is None or ours is None or theirs <= ours:
        return None
    return IncompatibleError(
        f"The backup has a newer schema version, {theirs}; this Kino knows schema {ours}.", hint=_UPGRADE
    )


def access_changes(now: bytes | None, then: bytes | None) -> tuple[Change, ...]:
    """Settings that decide how Kino is reached, or where backups go, and differ; secrets without values.

    None is a config.toml that does not exist, which means the defaults.
    """
    before, after = dict(_flat(_parsed(now))), dict(_flat(_parsed(then)))
    return tuple(
        _change(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if _DECIDES_ACCESS.search(name) and before.get(name) != after.get(name)
    )


def row_changes(now: Rows, then: Rows) -> tuple[Change, ...]:
    """The same for a Kino that keeps its settings in its database; nothing where one side is not known."""
    before, after = now.get("config"), then.get("config")
    if not (before and after):
        return ()
    return tuple(_change(name, *values) for name, *values in differing_settings(before[0], after[0]))


def effects_of(layout: Layout) -> tuple[tuple[str, str], ...]:
    """What becomes of what, for a Kino of that layout."""
    return _TIDYING_EFFECTS if layout.tidies_at_start else EFFECTS


def is_readable_config(config: bytes | None) -> bool:
    """Whether Kino could read this config.toml at all; it does without one."""
    return config is None or _parsed(config) is not None


def _parsed(config: bytes | None) -> dict[str, Any] | None:
    if config is None:
        return {}
    try:
        return tomllib.loads(config.decode("utf-8-sig")) if len(config) <= LARGEST else None
    except (ValueError, RecursionError):
        return None


def _flat(document: Mapping[str, Any] | None, prefix: str = "") -> Iterator[tuple[str, object]]:
    for key, value in (document or {}).items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            yield from _flat({str(place): item for place, item in enumerate(value)}, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _change(name: str, before: object, after: object) -> Change:
    now, then = _told(name, before), _told(name, after)
    return Change(name, now, "another one" if now == then else then)


def _told(name: str, value: object) -> str:
    if value is None:
        return "not set"
    if any(map(_SECRET.search, name.split("."))):
        return "set"
    return shown(_CREDENTIALS.sub("…", value) if isinstance(value, str) else value)


def _ordering(version: str) -> tuple[tuple[int, ...], bool, tuple[tuple[bool, int, str], ...]]:
    """What orders versions: numbers, a pre-release before its release, no builds (semver.org, 11)."""
    version, _, pre_release = version.partition("+")[0].partition("-")
    numbers = [int(part) for part in re.match(r"[0-9.]*", version)[0].split(".") if part]  # type: ignore[index]
    while numbers and not numbers[-1]:
        numbers.pop()
    parts = pre_release.split(".") if pre_release else []
    ranks = tuple(
        (False, int(part), "") if re.fullmatch("[0-9]+", part) else (True, 0, part) for part in parts
    )
    return tuple(numbers), not parts, ranks
