"""What a restore would do, as the dialog shows it: comparison, sentences, effects, and what forbids it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kino_backup_tui.core.errors import KinoBackupError, LibraryMissingError, NoSpaceError
from kino_backup_tui.core.restore.plan import RestorePlan, Safety
from kino_backup_tui.presentation import restore_text, text
from kino_backup_tui.presentation.first_boot_text import HEADING, first_boot_rows, losses
from kino_backup_tui.presentation.restore_text import Comparison
from kino_backup_tui.tui.words import WITHOUT_SAFETY

if TYPE_CHECKING:
    from kino_backup_tui.core.restore.first_boot import FirstBoot

_LIBRARY = (
    ("film", "Films", "film", "films"),
    ("movie", "Films", "film", "films"),
    ("series", "Series", "series", "series"),
    ("show", "Series", "series", "series"),
    ("episode", "Episodes", "episode", "episodes"),
    ("watch_event", "Watch events", "watch event", "watch events"),
    ("media", "Files", "file", "files"),
    ("session", "Devices", "device signed in", "devices signed in"),
)
_TOLD_ELSEWHERE = {"Kind", "Library"}


def _text(words: str, style: str = "") -> Text:
    """Outside text: never mark-up, and folded rather than cut."""
    return Text(words, style=style, overflow="fold")


def can_go_without_safety(plan: RestorePlan) -> bool:
    """Whether room for the safety backup is in the way, and nothing that one may not do without."""
    return _can_be_waived(plan) and any(map(_is_about_safety, plan.blockers))


def can_go_without_library(plan: RestorePlan) -> bool:
    """The same of the library that Kino would be started without."""
    return _can_be_waived(plan) and any(map(_is_about_library, plan.blockers))


def _can_be_waived(plan: RestorePlan) -> bool:
    return all(_is_about_safety(blocker) or _is_about_library(blocker) for blocker in plan.blockers)


def _is_about_safety(blocker: KinoBackupError) -> bool:
    return isinstance(blocker, NoSpaceError) and WITHOUT_SAFETY in blocker.hint


def _is_about_library(blocker: KinoBackupError) -> bool:
    return isinstance(blocker, LibraryMissingError)


def plan_view(plan: RestorePlan, at: datetime, zone: tzinfo) -> Group:
    """Everything the admin needs to decide; `at` is the instant that ages are told from."""
    heading = _text(_heading(plan, zone), style="bold")
    comparison = _comparison(plan, at, zone)
    remarks = [_text(f"! {text.printable(warning)}", style="bold") for warning in plan.warnings]
    space = [_text(f"Space: {need}") for need in restore_text.space_texts(plan)]
    if plan.blockers:
        return Group(heading, _text(""), _blockers(plan), _text(""), comparison, _text(""), *remarks, *space)
    sentences = [_text(sentence) for sentence in _sentences(plan, zone)]
    alarms, boot = _first_boot(plan.first_boot)
    parts: list[RenderableType] = [heading, comparison, *alarms, _text(""), *sentences, *remarks, *space]
    parts += boot
    if plan.changes:
        changes = ((one.setting, f"{one.now} → {one.then}") for one in plan.changes)
        parts += [_text(""), _text("Settings that change", style="bold"), _facts(changes)]
    if plan.effects:
        parts += [_text(""), _text("After the restore", style="bold"), _facts(plan.effects)]
    return Group(*parts)


def _first_boot(boot: FirstBoot | None) -> tuple[list[RenderableType], list[RenderableType]]:
    """What Kino does at its first start: where something is lost, before all that is said of the restore."""
    rows = first_boot_rows(boot) if boot else []
    if not rows:
        return [], []
    told = [_text(""), _text(HEADING, style="bold"), _facts(rows)]
    return (told, []) if boot and losses(boot) else ([], told)


def _heading(plan: RestorePlan, zone: tzinfo) -> str:
    if restore_text.is_rollback(plan):
        return restore_text.plan_title(plan, zone)
    known = plan.source.parent == plan.safety_location
    return text.printable(plan.source.name if known else str(plan.source))


def _blockers(plan: RestorePlan) -> RenderableType:
    table = Table.grid(padding=(0, 1))
    for blocker in plan.blockers:
        table.add_row(_text("✗", style="bold"), _text(text.printable(blocker.message), style="bold"))
        hint = text.printable(blocker.hint)
        if _is_about_safety(blocker):
            hint = (
                "Free some space there, or press w to do without: the files that are replaced are kept "
                "aside in any case."
            )
        elif _is_about_library(blocker):
            hint = "Mount it, then try again; or press s to have Kino started without it."
        if hint:
            table.add_row("", _text(hint))
    return table


def _comparison(plan: RestorePlan, at: datetime, zone: tzinfo) -> RenderableType:
    rollback = restore_text.is_rollback(plan)
    head = f"before the {restore_text.undone_word(plan)}" if rollback else "this backup"
    rows = [row for row in restore_text.comparison(plan, at, zone) if row.name not in _TOLD_ELSEWHERE]
    rows += library_rows(plan.backup.tables, plan.now.tables)
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_row("", _text(head, style="bold"), _text("now", style="bold"), "")
    for row in rows:
        table.add_row(_text(row.name, style="bold"), _text(row.backup), _text(row.now), _text(row.remark))
    return table


def library_rows(backup: Mapping[str, int] | None, now: Mapping[str, int] | None) -> list[Comparison]:
    """The library in numbers, one kind a row; a side that is not known has a dash."""
    if backup is None and now is None:
        return []
    sides = [(backup or {}).get(table) for table, *_ in _LIBRARY], [(now or {}).get(t) for t, *_ in _LIBRARY]
    width = max((len(f"{count:,}") for side in sides for count in side if count is not None), default=1)
    return [
        Comparison(name, _count(then, width), _count(here, width), _difference(then, here))
        for (_, name, *_), then, here in zip(_LIBRARY, *sides, strict=True)
        if then is not None or here is not None
    ]


def _count(count: int | None, width: int) -> str:
    return f"{text.NOT_KNOWN if count is None else f'{count:,}':>{width}}"


def _difference(then: int | None, here: int | None) -> str:
    if then is None or here is None:
        return ""
    if then == here:
        return "the same"
    return f"{here - then:,} more now" if here > then else f"{then - here:,} fewer now"


def _sentences(plan: RestorePlan, zone: tzinfo) -> Iterable[str]:
    yield f"{restore_text.replaces_text(plan).removesuffix('.')} in {text.printable(str(plan.data_path))}."
    if plan.replaced and not restore_text.is_rollback(plan):
        yield _loss(plan, zone)
    yield restore_text.safety_text(plan)
    healthy = " If it does not, the state of now comes back by itself." if plan.controls else ""
    yield restore_text.service_text(plan) + healthy
    if plan.first_boot and losses(plan.first_boot):
        yield "The restore itself touches no media files; what Kino does then is told above."
    else:
        yield "Media files are not touched."


def _loss(plan: RestorePlan, zone: tzinfo) -> str:
    """What is only in the present state."""
    since = plan.backup.created_at
    newer = f"since {text.date_text(since, zone)}" if since else "since then"
    counts = _only_now(plan.backup.tables, plan.now.tables)
    told = f" ({counts})" if counts else ""
    fate = "is lost" if plan.safety is Safety.NONE else "stays in the safety backup only"
    return f"What Kino has recorded {newer}{told} {fate}."


def _only_now(backup: Mapping[str, int] | None, now: Mapping[str, int] | None) -> str:
    if backup is None or now is None:
        return ""
    more = [
        (now[table] - backup[table], one, many)
        for table, _, one, many in _LIBRARY
        if table in now and table in backup and now[table] > backup[table]
    ]
    return ", ".join(f"{count:,} {one if count == 1 else many}" for count, one, many in more)


def _facts(facts: Iterable[tuple[str, str]]) -> RenderableType:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name, fact in facts:
        table.add_row(_text(text.printable(name)), _text(text.printable(fact)))
    return table
