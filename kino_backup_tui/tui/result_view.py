"""How a restore ended, in the words of the result screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kino_backup_tui.core.restore.plan import RestoreResult
from kino_backup_tui.presentation import text

_BY_HAND = "Start Kino now: what was put in place is what it will load."


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
        hint=text.printable(result.hint) or (_BY_HAND if good and result.running is None else ""),
        good=good,
        can_undo=good and (result.can_roll_back or bool(result.way_back)),
    )


def _title(result: RestoreResult) -> str:
    rollback = result.operation == "rollback"
    if result.outcome == "ok":
        return "The restore was undone" if rollback else f"Restored {text.printable(result.source)}".rstrip()
    what = "Undoing the restore" if rollback else "The restore"
    return {
        "rolled_back": f"{what} failed and was rolled back",
        "undecided": f"{what} was interrupted, and needs your decision",
        "service": f"{what} is not complete: Kino did not do as it was told",
    }.get(result.outcome, f"{what} failed")


def _lines(result: RestoreResult) -> Iterator[str]:
    if result.failed_stage:
        yield f"Failed at: {text.STAGE_NAMES.get(result.failed_stage, text.printable(result.failed_stage))}"
    if result.message:
        yield text.printable(result.message)
    yield _kino(result)
    library = text.library_text(result.tables) if result.tables else ""
    if library:
        yield f"Proven in the restored database: {library}"
    if result.way_back:
        yield f"The state from before is kept as {text.printable(result.way_back)}"
    yield from (f"! {text.printable(warning)}" for warning in result.warnings)


def _kino(result: RestoreResult) -> str:
    kino = f"Kino {text.printable(result.kino_version)}" if result.kino_version else "Kino"
    back = " with the state from before" if result.outcome == "rolled_back" else ""
    return {
        True: f"{kino} is running{back}.",
        False: f"{kino} is not running.",
        None: f"{kino} has to be started by hand.",
    }[result.running]
