"""Options and arguments that several verbs share."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import click

from kino_backup_tui.core.kino.home import LAYOUTS

_LATEST = "latest"
LAYOUT_NAMES = tuple(LAYOUTS)


class PathType(click.Path):
    """A path that is not empty: `--data-path "$UNSET"` must not mean the current folder."""

    def __init__(self, kind: type[Path] | type[str] = Path) -> None:
        # Whether it can be read is found out by reading it, and is an error of its own.
        super().__init__(path_type=kind, readable=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a path of the kind asked for; refuse the empty string."""
        if not str(value):
            self.fail("must not be empty.", param, ctx)
        return super().convert(value, param, ctx)


class SecondsType(click.FloatRange):
    """A span of time that ends: not the "nan" and "inf" that a number with a point may be."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds; refuse what is no number, less than the least, or has no end."""
        try:
            seconds = float(super().convert(value, param, ctx))
        except click.BadParameter:
            seconds = math.nan
        if not math.isfinite(seconds):
            self.fail(f"{value!r} is no time. Give seconds, {self.min} or more, such as 600.", param, ctx)
        return seconds


def _require_text(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Refuse the empty string, which would be a prefix of every name."""
    if value == "":
        raise click.BadParameter("must not be empty.")
    return value


def _complete_backup(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Offer the names of the backups; nothing at all where they cannot be listed."""
    from kino_backup_tui.cli.session import Session
    from kino_backup_tui.core.errors import KinoBackupError
    from kino_backup_tui.core.operations.listing import list_backups

    options = ctx.find_root().params
    try:
        listing = list_backups(Session(options.get("data_path"), options.get("layout")).context())
    except KinoBackupError:
        return []
    names = [_LATEST, *(backup.filename for backup in listing.backups)]
    return [name for name in names if name.startswith(incomplete)]


data_path_option = click.option(
    "--data-path",
    type=PathType(),
    metavar="FOLDER",
    help="Kino's data path; default: KINO_DATA_PATH, the one of kino.service, /var/lib/kino, or your own.",
)
layout_option = click.option(
    "--layout",
    type=click.Choice(LAYOUT_NAMES),
    help="Which files hold Kino's state; only needed where two Kinos left theirs in one data path.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object per line.")
wait_option = click.option(
    "--wait",
    "wait_seconds",
    type=SecondsType(min=0),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for another operation; 0 gives up at once.",
)
progress_option = click.option("--progress", is_flag=True, help="With --json: print events while it runs.")
use_reserve_option = click.option(
    "--use-reserve", is_flag=True, help="Use the space that is otherwise kept free for Kino, too."
)
accept_location_option = click.option(
    "--accept-location", is_flag=True, help="Take the disk that is there now as the backup location."
)
user_timer_option = click.option(
    "--user", is_flag=True, help="Units of your own, not of the system; no root is needed for them."
)
backup_argument = click.argument(
    "backup", metavar="BACKUP", callback=_require_text, shell_complete=_complete_backup
)
source_argument = click.argument(
    "source", metavar="SOURCE", callback=_require_text, shell_complete=_complete_backup
)
optional_backup_argument = click.argument(
    "backup", metavar="[BACKUP]", required=False, callback=_require_text, shell_complete=_complete_backup
)
