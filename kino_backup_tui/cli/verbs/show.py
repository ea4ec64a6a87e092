"""show: everything known of one backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from kino_backup_tui.cli.options import backup_argument, json_option
from kino_backup_tui.cli.output import table_lines, write_json, write_line
from kino_backup_tui.cli.session import Session, controlled

if TYPE_CHECKING:
    from kino_backup_tui.core.archive.manifest import Manifest
    from kino_backup_tui.core.catalog.retention import Fate
    from kino_backup_tui.core.models import Backup
    from kino_backup_tui.core.operations.context import Context

_INDENT = "  "


@click.command("show")
@backup_argument
@json_option
@click.pass_obj
def command(session: Session, backup: str, as_json: bool) -> None:
    """Show everything known of one backup.

    BACKUP is a file name, the beginning of one, an id, "latest" (the newest verified one), or a path with a
    slash.
    """
    from kino_backup_tui.core.operations.last_restore import way_back
    from kino_backup_tui.core.operations.listing import find_backup, list_backups
    from kino_backup_tui.core.operations.show import show_backup

    context = session.context()
    with controlled(as_json=as_json) as control:
        found = show_backup(context, find_backup(context, backup), control)
    fate = list_backups(context, everything=True).fates.get(found.path)
    back = way_back(context)
    if as_json:
        from kino_backup_tui.presentation.objects import detail_object

        write_json(detail_object(found, fate, context.clock.zone(), back))
    else:
        for line in _lines(context, found, fate, back):
            write_line(line)


def _lines(context: Context, backup: Backup, fate: Fate | None, way_back: str) -> list[str]:
    from kino_backup_tui.core.models import EntryRole
    from kino_backup_tui.core.sizes import size_text
    from kino_backup_tui.presentation.text import (
        NOT_KNOWN,
        ago_text,
        date_text,
        fate_text,
        is_way_back,
        kind_text,
        printable,
        state_text,
        verified_text,
    )

    now, zone = context.clock.now(), context.clock.zone()
    unknown = "not known until it is verified" if backup.role is EntryRole.BACKUP else ""
    facts = [
        ("File", printable(str(backup.path))),
        ("Id", str(backup.id)),
        ("Kind", kind_text(backup)),
        ("Created", f"{date_text(backup.created_at, zone)} ({ago_text(backup.created_at, now)})"),
        ("Size", f"{size_text(backup.size_bytes)} ({backup.size_bytes:,} bytes)"),
        ("SHA-256", printable(backup.checksum_sha256 or unknown)),
        ("Kino", printable(backup.kino_version or NOT_KNOWN)),
        ("Schema", NOT_KNOWN if backup.schema_version is None else str(backup.schema_version)),
        ("State", f"{state_text(backup).strip()}. {printable(verified_text(backup, now))}"),
    ]
    if fate is not None:
        facts.append(("Retention", fate_text(fate, zone)))
    if is_way_back(backup, way_back):
        from kino_backup_tui.core.kino.command import command_for

        facts.append(("Way back", "saved before the last restore"))
        facts.append(("Undo", printable(command_for(context.kino, "rollback"))))
    if backup.manifest is not None:
        facts += _origin(backup.manifest)
    lines = [f"{name:<12}{value}" for name, value in facts if value]
    return lines + (_contents(backup.manifest) if backup.manifest is not None else [])


def _origin(manifest: Manifest) -> list[tuple[str, str]]:
    from kino_backup_tui.presentation.text import library_text, printable

    return [
        ("Library", library_text(manifest.tables)),
        ("Made on", printable(manifest.host)),
        ("Made of", printable(manifest.data_path)),
        ("Made by", printable(manifest.created_by)),
        ("Layout", printable(manifest.layout)),
    ]


def _contents(manifest: Manifest) -> list[str]:
    from kino_backup_tui.presentation.text import printable

    if not manifest.contents:
        return ["Contents    nothing recorded to compare with"]
    rows = [(item.sha256, f"{item.size:,}", printable(item.path)) for item in manifest.contents]
    lines = [
        f"Contents    {manifest.size_bytes:,} bytes, checksum {manifest.checksum_sha256}",
        *(_INDENT + line for line in table_lines(("SHA-256", "Bytes", "Path"), rows, right=(1,))),
    ]
    if manifest.left_out:
        lines.append("Left out")
        lines += [f"{_INDENT}{printable(item.path)}: {printable(item.reason)}" for item in manifest.left_out]
    return lines
