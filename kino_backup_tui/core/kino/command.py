"""How to call this program for a Kino: the one place that writes the commands of hints and last lines.

An admin with two Kinos copies such a command, and it must not act on the other one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from kino_backup_tui.core.kino.find import is_found_by_default
from kino_backup_tui.core.kino.home import LAYOUTS, Kino

PROGRAM = "kino-backup-tui"


def command_for(kino: Kino, *words: str, environ: Mapping[str, str] | None = None) -> str:
    """The command line that does this to that Kino, for this user; it names the Kino only where it has to.

    That is where the command without `--data-path` finds another one, or none, be it only because the
    variable that names this one now is not set elsewhere. `environ` is `os.environ` by default. This may ask
    systemd, see `is_found_by_default`.
    """
    found = is_found_by_default(kino.data_path, os.environ if environ is None else environ)
    return _line(*(_layout(kino) if found else naming_options(kino)), *words)


def full_command(kino: Kino, *words: str) -> str:
    """The same for whoever it is that runs it: another user finds another Kino by default."""
    return _line(*naming_options(kino), *words)


def naming_options(kino: Kino) -> tuple[str, ...]:
    """The options with which this program works on that Kino wherever it is run."""
    return ("--data-path", str(kino.data_path), *_layout(kino))


def _layout(kino: Kino) -> tuple[str, ...]:
    """What has to be said where two Kinos left their files in one data path."""
    there = [each for each in LAYOUTS.values() if os.path.lexists(kino.data_path / each.database)]
    return ("--layout", kino.layout.name) if len(there) > 1 else ()


def _line(*words: str) -> str:
    import shlex  # most runs print no command

    return shlex.join([PROGRAM, *words])
