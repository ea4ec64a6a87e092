"""Everything known of one backup."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from kino_backup_tui.core.errors import KinoBackupError
from kino_backup_tui.core.models import Backup, EntryRole
from kino_backup_tui.core.progress import CancelToken, Control
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation import text
from kino_backup_tui.tui.backend import Backend
from kino_backup_tui.tui.messages import BackupShown, LoadFailed
from kino_backup_tui.tui.screens.base import KinoScreen
from kino_backup_tui.tui.widgets.key_bar import KeyBar


class DetailScreen(KinoScreen[None]):
    """A backup's facts and contents, to read and scroll."""

    AUTO_FOCUS = "#facts"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,n,enter", "dismiss(None)", "Back", id="detail.close", tooltip="Back to the list"),
    ]

    def __init__(self, backend: Backend, backup: Backup, fate: str) -> None:
        super().__init__()
        self._backend = backend
        self._backup = backup
        self._fate = fate
        self._cancel = CancelToken()

    def compose(self) -> ComposeResult:
        """One long text."""
        yield Static(Content(text.printable(self._backup.filename)), id="detail-name")
        with VerticalScroll(id="facts"):
            yield Static(id="fact-text")
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Show what is known, and read what is not."""
        self.query_one(KeyBar).show([("Esc or q", "Back", "screen.dismiss(None)"), ("↑ ↓", "Scroll", "")])
        self._draw()
        self._read()

    def on_unmount(self) -> None:
        """Nobody waits for the manifest any more."""
        self._cancel.cancel()

    @work(thread=True, exclusive=True, group="show", exit_on_error=False)
    def _read(self) -> None:
        try:
            self.post_message(BackupShown(self._backend.show(self._backup, Control(cancel=self._cancel))))
        except KinoBackupError as error:
            self.post_message(LoadFailed(error))

    @on(BackupShown)
    def _shown(self, message: BackupShown) -> None:
        self._backup = message.backup
        self._draw()

    @on(LoadFailed)
    def _unreadable(self, message: LoadFailed) -> None:
        self._draw(message.error.message)

    def _draw(self, problem: str = "") -> None:
        facts = facts_text(self._backup, self._fate, self._backend.now(), self._backend.zone(), problem)
        self.query_one("#fact-text", Static).update(facts)


def facts_text(backup: Backup, fate: str, now: datetime, zone: tzinfo, problem: str = "") -> Content:
    """The facts with their labels, and the contents with their digests."""
    facts = [
        ("Created", f"{text.date_text(backup.created_at, zone)} ({text.ago_text(backup.created_at, now)})"),
        ("Kind", text.kind_text(backup)),
        ("Kino", backup.kino_version or "not known"),
        ("Schema", "not known" if backup.schema_version is None else str(backup.schema_version)),
        ("State", f"{text.state_text(backup)}. {text.printable(text.verified_text(backup, now))}"),
        ("Retention", fate),
        ("File", f"{size_text(backup.size_bytes)} in {text.printable(str(backup.path.parent))}"),
        ("SHA-256", backup.checksum_sha256 or _unknown_checksum(backup)),
    ]
    if problem:
        facts.append(("Problem", text.printable(problem)))
    parts: list[str | Content | tuple[str, str]] = []
    for label, value in facts:
        parts += [(f"{label:<11}", "bold"), f"{value}\n"]
    return Content.assemble(*parts, *_contents(backup))


def _unknown_checksum(backup: Backup) -> str:
    known = "not known"
    return (
        known if backup.role is EntryRole.MISSING else f"{known} until the file is read to its end: press v"
    )


def _contents(backup: Backup) -> list[str | tuple[str, str]]:
    manifest = backup.manifest
    if manifest is None:
        return []
    made = " on ".join(part for part in (manifest.created_by, manifest.host) if part)
    parts: list[str | tuple[str, str]] = []
    for label, value in (("Made by", made), ("Data path", manifest.data_path)):
        if value:
            parts += [(f"{label:<11}", "bold"), f"{text.printable(value)}\n"]
    library = text.library_text(manifest.tables)
    if library:
        parts += [(f"{'Library':<11}", "bold"), f"{library}\n"]
    parts.append(("\nContents\n", "bold"))
    for content in manifest.contents:
        parts.append(f"{size_text(content.size):>9}  {text.printable(content.path)}\n")
        parts.append(f"{'':11}{content.sha256}\n")
    if not manifest.contents:
        parts.append("Nothing recorded to compare with.\n")
    if manifest.left_out:
        parts.append(("\nLeft out\n", "bold"))
        parts += [
            f"  {text.printable(item.path)}: {text.printable(item.reason)}\n" for item in manifest.left_out
        ]
    if manifest.tables:
        parts.append(("\nRows\n", "bold"))
        parts += [
            f"{count:>9,}  {text.printable(table)}\n" for table, count in sorted(manifest.tables.items())
        ]
    return parts
