"""How a restore ended, in the words of the result screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kino_backup_tui.core.progress import ROLLBACK
from kino_backup_tui.core.restore.plan import RestoreResult
from kino_backup_tui.presentation import text
from kino_backup_tui.tui.words import WITHOUT_SAFETY

_BY_HAND = "Start Kino now, if it does not run: it loads what was put in place when it starts."
_SETTLE = "Close this, then press Enter on the page to finish or undo it."
_NO_SAFETY_BACKUP = "Free space there, then restore again; you can also choose to go without it then."
_REPLACED = frozenset({"ok", "rolled_back", "undecided", "interrupted"})
"""Outcomes of a restore that has, or may have, replaced files."""


@dataclass(frozen=True, slots=True)
class Told:
    """The parts of the screen; all of it is fit to be shown."""

    title: str
    lines: tuple[str, ...]
    log: tuple[str, ...]
    hint: str
    good: bool
    can_undo: bool


def told(result: RestoreResult) -> Told:
    """Put a result into words."""
    good = result.outcome == "ok"
    return Told(
        title=_title(result),
        lines=tuple(_lines(result)),
        log=tuple(text.printable(line) for line in result.log),
        hint=_hint(result),
        good=good,
        can_undo=good and (result.can_roll_back or bool(result.way_back)),
    )


def _title(result: RestoreResult) -> str:
    rollback = result.operation == ROLLBACK
    if result.outcome == "ok":
        return "The restore was undone" if rollback else f"Restored {text.printable(result.source)}".rstrip()
    what = "Undoing the restore" if rollback else "The restore"
    if result.outcome == "rolled_back":
        return (
            f"{what} {'failed and was rolled back' if result.failed_stage else 'was interrupted and undone'}"
        )
    return {
        "undecided": f"{what} needs your decision",
        "interrupted": f"{what} was interrupted",
    }.get(result.outcome, f"{what} failed")


def _lines(result: RestoreResult) -> Iterator[str]:
    if result.outcome != "ok" and result.source:
        yield text.printable(result.source)
    if result.failed_stage:
        yield f"Failed at: {text.STAGE_NAMES.get(result.failed_stage, text.printable(result.failed_stage))}"
    if result.outcome != "ok":
        yield text.printable(result.message)
    if result.outcome not in _REPLACED:
        yield "Nothing was replaced."
    kino = f"Kino {text.printable(result.kino_version)}" if result.kino_version else "Kino"
    if result.running is False:
        yield f"{kino} is not running."
    elif result.running and result.outcome == "ok":
        yield f"{kino} is running on it."
    library = text.library_text(result.tables) if result.tables else ""
    if library:
        yield f"Proven in the database that is now in place: {library}"
    if result.way_back:
        name = text.printable(result.way_back)
        if result.outcome == "ok":
            yield f"The state from before is kept as {name}: press u to go back to it."
        else:
            yield f"Saved before it began: {name}"
    yield from (f"! {text.printable(warning)}" for warning in result.warnings)


def _hint(result: RestoreResult) -> str:
    if WITHOUT_SAFETY in result.hint:
        return _NO_SAFETY_BACKUP
    if result.hint:
        return text.printable(result.hint)
    if result.outcome == "interrupted":
        return _SETTLE
    return _BY_HAND if result.running is None and result.outcome in ("ok", "rolled_back") else ""
