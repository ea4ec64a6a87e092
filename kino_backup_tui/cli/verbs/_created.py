"""How `create` and `import` tell of the backup that is new."""

from __future__ import annotations

from kino_backup_tui.cli.output import talk, told_in_any_case, warn, write_json, write_line
from kino_backup_tui.core.operations.making import Created
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation.text import printable, state_text


def write_created(created: Created, done: str, *, as_json: bool) -> None:
    """Print the backup as JSON, or its path; `done` begins the sentence for people."""
    backup = created.backup
    for warning in created.warnings:
        warn(warning)
    told = f"{done} {backup.filename}: {size_text(backup.size_bytes)}, {state_text(backup).strip()}."
    with told_in_any_case(told):
        if as_json:
            from kino_backup_tui.presentation.objects import backup_object

            write_json(backup_object(backup))
            return
        write_line(printable(str(backup.path)))
    talk(told)
