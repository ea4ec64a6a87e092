"""A restore as plain text: what it would do, how it ended. Text from outside is made printable here."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import TYPE_CHECKING, NamedTuple

from kino_backup_tui.core.errors import IncompatibleError
from kino_backup_tui.core.kino.home import SIDE_FILES
from kino_backup_tui.core.progress import ROLLBACK
from kino_backup_tui.core.restore.plan import Safety
from kino_backup_tui.core.sizes import size_text
from kino_backup_tui.presentation.first_boot_text import HEADING, first_boot_rows
from kino_backup_tui.presentation.text import (
    KIND_NAMES,
    NOT_KNOWN,
    STAGE_NAMES,
    ago_text,
    date_text,
    library_text,
    printable,
)

if TYPE_CHECKING:
    from kino_backup_tui.core.restore.plan import RestorePlan, RestoreResult, State

_NAME_WIDTH = 13


class Comparison(NamedTuple):
    """One row of "this backup" beside "now"."""

    name: str
    backup: str
    now: str
    remark: str = ""


def plan_title(plan: RestorePlan, zone: tzinfo) -> str:
    """What it is, in one line."""
    where = printable(str(plan.data_path))
    if is_rollback(plan):
        done = f", done {date_text(plan.undone_at, zone)}" if plan.undone_at else ""
        return f"Undo {undone_text(plan)} {'to' if plan.undoes else 'of'} {where}{done}"
    return f"Restore {printable(plan.source.name)} to {where}"


def plan_question(plan: RestorePlan) -> str:
    """What to ask before it starts."""
    if not plan.replaced:
        return f"Restore to {printable(str(plan.data_path))}?"
    what = f"the state from before {undone_text(plan)}" if is_rollback(plan) else "this backup"
    return f"Replace the current state of {printable(str(plan.data_path))} by {what}?"


def is_rollback(plan: RestorePlan) -> bool:
    """Whether files come back that a restore has replaced."""
    return plan.operation == ROLLBACK


def undone_text(plan: RestorePlan) -> str:
    """What a rollback undoes: a restore by its archive, or an earlier rollback, which has none."""
    if plan.undoes:
        return f"the restore of {printable(plan.undoes)}"
    return f"the last {undone_word(plan)}"


def undone_word(plan: RestorePlan) -> str:
    """What a rollback undoes, in a word."""
    return "rollback" if plan.undone_at and not plan.undoes else "restore"


def comparison(plan: RestorePlan, at: datetime, zone: tzinfo) -> list[Comparison]:
    """The backup beside Kino as it is now; `at` is the instant that ages are told from."""
    backup, now = plan.backup, plan.now
    fits = not any(isinstance(blocker, IncompatibleError) for blocker in plan.blockers)
    rows = [
        Comparison("Created", _created(backup, at, zone), _created(now, at, zone)),
        Comparison("Kind", KIND_NAMES[backup.kind] if backup.kind else NOT_KNOWN, NOT_KNOWN),
        Comparison("Kino", _version(backup), _version(now), _version_remark(backup, now, fits)),
        Comparison("Schema", _schema(backup), _schema(now), _schema_remark(backup, now, fits)),
        Comparison("Library", _library(backup), _library(now)),
    ]
    if backup.host and now.host and backup.host != now.host:
        rows.append(Comparison("Host", printable(backup.host), printable(now.host), "another host"))
    return [row for row in rows if (row.backup, row.now) != (NOT_KNOWN, NOT_KNOWN)]


def _created(state: State, at: datetime, zone: tzinfo) -> str:
    if state.created_at is None:
        return NOT_KNOWN
    return f"{date_text(state.created_at, zone)} ({ago_text(state.created_at, at)})"


def _version(state: State) -> str:
    return printable(state.kino_version) if state.kino_version else NOT_KNOWN


def _schema(state: State) -> str:
    return NOT_KNOWN if state.schema_version is None else str(state.schema_version)


def _library(state: State) -> str:
    return (library_text(state.tables) if state.tables is not None else "") or NOT_KNOWN


def _version_remark(backup: State, now: State, fits: bool) -> str:
    then, here = _numbers(backup.kino_version), _numbers(now.kino_version)
    if then is None or here is None:
        return ""
    if then == here:
        return "the same"
    if here < then:
        return "older than the backup's"
    return "newer: fine" if fits else "newer"


def _numbers(version: str | None) -> tuple[int, ...] | None:
    """A version of nothing but numbers; others have no order that anybody promises."""
    parts = (version or "").split(".")
    return tuple(map(int, parts)) if all(part.isascii() and part.isdigit() for part in parts) else None


def _schema_remark(backup: State, now: State, fits: bool) -> str:
    if backup.schema_version is None or now.schema_version is None:
        return ""
    if backup.schema_version < now.schema_version:
        return "Kino will migrate" if fits else "older"
    if backup.schema_version > now.schema_version:
        return "newer than this Kino's"
    # The number of migrations says nothing of what is in them.
    return "the same" if fits else "another of that number"


def replaces_text(plan: RestorePlan) -> str:
    """What goes and what comes, in a sentence; empty if that is not known.

    What SQLite keeps beside a database goes with it and is not told.
    """
    if not plan.arriving:
        return ""
    going = tuple(name for name in plan.replaced if not name.endswith(SIDE_FILES))
    parts = [
        ("replaces {}", tuple(name for name in going if name in plan.arriving)),
        ("brings {}", tuple(name for name in plan.arriving if name not in going)),
        ("takes {} away", tuple(name for name in going if name not in plan.arriving)),
    ]
    said = [form.format(printable(_list(names))) for form, names in parts if names]
    return f"This {'; '.join(said)}."


def _list(names: tuple[str, ...]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def safety_text(plan: RestorePlan) -> str:
    """How the current state is kept; of a rollback, also where all that is newer is found then."""
    newer = is_rollback(plan)
    where = f" in {printable(str(plan.safety_location))}" if plan.safety_location else ""
    if plan.safety is Safety.BACKUP:
        only = ": what is newer is then only in that backup" if newer else ""
        return f"The current state is saved first, as a pre-restore backup{where}{only}."
    if plan.safety is Safety.RAW:
        return (
            f"The current database is too damaged for a snapshot: its files are saved as they are{where}, "
            f"once Kino has stopped{': what is newer is then only in them' if newer else ''}."
        )
    if not plan.replaced:
        return "There is no current state to save."
    only = ": what is newer is then only in them" if newer else ""
    return f"No pre-restore backup is made; the replaced files stay until the next restore{only}."


def service_text(plan: RestorePlan) -> str:
    """What happens to Kino, in a sentence."""
    name = printable(plan.supervisor)
    if plan.controls:
        what = "is stopped for a few seconds and started again" if plan.running else "is started"
        return f"{name} {what}; it has {plan.health_seconds:g} s to become healthy."
    if plan.running is False:
        return "Kino is not running: start it by hand afterwards."
    runs = "Kino runs" if plan.running else "Kino may be running"
    return f"{runs} without a supervisor: stop it by hand when asked to, and start it again afterwards."


def space_texts(plan: RestorePlan) -> list[str]:
    """The room each step needs, and what is there."""
    return [
        f"{need.step}: {size_text(need.needed_bytes)} in {printable(str(need.folder))}, "
        f"{size_text(need.free_bytes)} free"
        for need in plan.space
    ]


def plan_text(plan: RestorePlan, at: datetime, zone: tzinfo) -> list[str]:
    """A plan in lines, without its warnings and blockers; `at` is the instant that ages are told from."""
    rows = comparison(plan, at, zone)
    head = "that state" if is_rollback(plan) else "this backup"
    width = max(len(head), *(len(row.backup) for row in rows)) if rows else len(head)
    right = max((len(row.now) for row in rows), default=0)
    table = [Comparison("", head, "now"), *rows]
    facts = [
        ("Files", replaces_text(plan)),
        ("Safety", safety_text(plan)),
        ("Service", service_text(plan)),
        *(("Space", text) for text in space_texts(plan)),
        *(
            ("Change", printable(f"{change.setting}: now {change.now}, then {change.then}"))
            for change in plan.changes
        ),
    ]
    boot = first_boot_rows(plan.first_boot) if plan.first_boot else []
    started = ["", HEADING, *_facts(boot)] if boot else []
    afterwards = ["", "Afterwards", *_facts(list(plan.effects))] if plan.effects else []
    lines = [
        plan_title(plan, zone),
        "",
        *(
            f"{row.name:<{_NAME_WIDTH}}{row.backup:<{width}}  {row.now:<{right}}  {row.remark}".rstrip()
            for row in table
        ),
    ]
    # Of an archive that could not be read, nothing comes of all this.
    return [*lines, "", *_facts(facts), *started, *afterwards] if plan.arriving else lines


def result_text(result: RestoreResult, undo: str = "") -> list[str]:
    """A result in lines: what is true now, what was proven, and the command that undoes it, if one does."""
    facts = [
        ("Failed at", STAGE_NAMES.get(result.failed_stage, printable(result.failed_stage))),
        ("Kino", _kino_text(result)),
        ("Library", library_text(result.tables) if result.tables is not None else ""),
        ("Way back" if result.outcome == "ok" else "Saved before it began", printable(result.way_back)),
        ("Undo", printable(undo)),
    ]
    log = ["Kino's last words:", *(f"  {printable(line)}" for line in result.log)] if result.log else []
    return [printable(result.message), *_facts([(name, text) for name, text in facts if text]), *log]


def _kino_text(result: RestoreResult) -> str:
    # Where nobody supervises Kino, it may run by now.
    state = {True: "running", False: "not running", None: "start it if it does not run"}[result.running]
    return f"{printable(result.kino_version)}, {state}" if result.kino_version else state


def _facts(facts: list[tuple[str, str]]) -> list[str]:
    """Names and texts in two columns; a name that repeats is not said again."""
    width = max([_NAME_WIDTH, *(len(name) + 2 for name, _ in facts)])
    names = ["", *(name for name, _ in facts)]
    return [
        f"{'' if name == before else name:<{width}}{text}"
        for before, (name, text) in zip(names, facts, strict=False)
    ]
