"""A restore as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import IncompatibleError, NoSpaceError
from kino_backup_tui.core.models import BackupKind
from kino_backup_tui.core.restore.plan import (
    Change,
    Interrupted,
    RestorePlan,
    RestoreResult,
    Safety,
    SpaceNeed,
    State,
)
from kino_backup_tui.presentation.restore_objects import interrupted_object, plan_object, result_object
from kino_backup_tui.presentation.restore_text import (
    comparison,
    plan_question,
    plan_text,
    plan_title,
    replaces_text,
    result_text,
    safety_text,
    service_text,
)

NOW = datetime(2026, 4, 26, 9, 0, tzinfo=UTC)
SET = ("config.toml", "db.sqlite", "secrets")
PLAN = RestorePlan(
    operation="restore",
    source=Path("/b/kino-backup-manual-2026-04-15T03-00-00-v0.4.1.tar.gz"),
    data_path=Path("/var/lib/kino"),
    replaced=SET,
    arriving=SET,
    backup=State(NOW - timedelta(days=11), BackupKind.MANUAL, "0.4.1", 11, {"film": 305}, "nas01"),
    now=State(None, None, "0.4.2", 12, {"film": 312}),
    supervisor="kino.service",
    controls=True,
    running=True,
    safety=Safety.BACKUP,
    safety_location=Path("/b"),
    space=(SpaceNeed("Staging", Path("/var/lib/kino"), 1024**2, 80 * 1024**3),),
    changes=(Change("server.port", "8080", "9090"),),
    effects=(("Library", "Restored"), ("Active playback sessions", "Lost")),
    archive_sha256="ab",
)
RESULT = RestoreResult(
    job="j",
    operation="restore",
    outcome="ok",
    at=NOW,
    message="Kino runs on the backup of 15 April.",
    source="a.tar.gz",
    kino_version="0.4.2",
    running=True,
    tables={"film": 305},
    way_back="kino-backup-pre-restore-x.tar.gz",
    can_roll_back=True,
)


def remarks(plan: RestorePlan) -> dict[str, str]:
    """The verdict of each row of the comparison."""
    return {row.name: row.remark for row in comparison(plan, NOW, UTC)}


def test_the_backup_is_compared_with_now() -> None:
    """Date, Kino version, schema version and library, in two columns with a verdict."""
    rows = {row.name: row for row in comparison(PLAN, NOW, UTC)}

    assert rows["Created"].backup == "2026-04-15 09:00 (11 d ago)"
    assert (rows["Kino"].backup, rows["Kino"].now, rows["Kino"].remark) == ("0.4.1", "0.4.2", "newer: fine")
    assert (rows["Schema"].backup, rows["Schema"].now) == ("11", "12")
    assert rows["Schema"].remark == "Kino will migrate"
    assert (rows["Library"].backup, rows["Library"].now) == ("305 films", "312 films")


@pytest.mark.parametrize(
    ("version", "schema", "remark"),
    [
        ("0.4.2", 12, ("the same", "the same")),
        ("0.5.0", 14, ("older than the backup's", "newer than this Kino's")),
        ("0.10.0", None, ("older than the backup's", "")),
        ("0.5.0-rc1", None, ("", "")),
        (None, None, ("", "")),
    ],
)
def test_versions_are_compared_as_numbers(
    version: str | None, schema: int | None, remark: tuple[str, str]
) -> None:
    """0.10 is newer than 0.4; nothing is said of versions that have no order."""
    backup = replace(PLAN.backup, kino_version=version, schema_version=schema)
    said = remarks(replace(PLAN, backup=backup))

    assert (said["Kino"], said.get("Schema")) == remark


def test_what_kino_would_not_start_with_is_not_called_fine() -> None:
    """A newer Kino, and a schema of the same number, can still be another: the plan's own verdict counts."""
    plan = replace(PLAN, blockers=(IncompatibleError("Another schema."),))
    assert remarks(plan)["Kino"] == "newer"
    same_number = replace(plan, backup=replace(PLAN.backup, schema_version=12))
    assert remarks(same_number)["Schema"] == "another of that number"


def test_another_host_is_told() -> None:
    """A backup of another machine is worth a look, one of this machine is not worth a line."""
    here = replace(PLAN, now=replace(PLAN.now, host="nas02"))

    assert remarks(here)["Host"] == "another host"
    assert "Host" not in remarks(replace(PLAN, now=replace(PLAN.now, host="nas01")))


@pytest.mark.parametrize(
    ("replaced", "arriving", "text"),
    [
        (SET, SET, "This replaces config.toml, db.sqlite and secrets."),
        (
            ("config.toml", "db.sqlite", "db.sqlite-wal"),
            SET,
            "This replaces config.toml and db.sqlite; brings secrets.",
        ),
        (SET, ("db.sqlite",), "This replaces db.sqlite; takes config.toml and secrets away."),
        ((), ("db.sqlite",), "This brings db.sqlite."),
        (SET, (), ""),
    ],
)
def test_what_goes_and_what_comes_is_named(
    replaced: tuple[str, ...], arriving: tuple[str, ...], text: str
) -> None:
    """What is taken away without a successor above all."""
    assert replaces_text(replace(PLAN, replaced=replaced, arriving=arriving)) == text


@pytest.mark.parametrize(
    ("safety", "replaced", "said"),
    [
        (Safety.BACKUP, SET, "saved first, as a pre-restore backup in /b"),
        (Safety.RAW, SET, "too damaged for a snapshot"),
        (Safety.NONE, SET, "No pre-restore backup"),
        (Safety.NONE, (), "no current state"),
    ],
)
def test_how_the_current_state_is_kept(safety: Safety, replaced: tuple[str, ...], said: str) -> None:
    """Each rung of the ladder in its own words."""
    assert said in safety_text(replace(PLAN, safety=safety, replaced=replaced))


@pytest.mark.parametrize(
    ("controls", "running", "said"),
    [
        (True, True, "kino.service is stopped for a few seconds and started again; it has 180 s"),
        (True, False, "kino.service is started; it has 180 s"),
        (False, True, "stop it by hand when asked to"),
        (False, None, "Kino may be running"),
        (False, False, "start it by hand afterwards"),
    ],
)
def test_what_happens_to_kino(controls: bool, running: bool | None, said: str) -> None:
    """Who stops and starts it, and how long it may take."""
    assert said in service_text(replace(PLAN, controls=controls, running=running))


def test_a_plan_is_lines_for_a_terminal() -> None:
    """Title, comparison, what happens, space, changed settings and what becomes of what."""
    text = "\n".join(plan_text(PLAN, NOW, UTC))

    assert text.startswith(f"Restore {PLAN.source.name} to /var/lib/kino\n")
    assert "this backup" in text
    assert "Staging: 1.0 MB in /var/lib/kino, 80.00 GB free" in text
    assert "server.port: now 8080, then 9090" in text
    assert "Active playback sessions  Lost" in text
    assert all(line == line.rstrip() for line in text.splitlines())


def test_a_blocked_plan_promises_nothing_to_be_replaced() -> None:
    """An archive that could not be read has nothing that arrives."""
    text = "\n".join(plan_text(replace(PLAN, arriving=(), backup=State()), NOW, UTC))

    assert "replaces" not in text
    assert "Files" not in text


def test_a_rollback_is_named_as_one() -> None:
    """Nobody takes it for the restore of a file called "old"."""
    plan = replace(PLAN, operation="rollback", source=Path("/var/lib/kino/.kino-backup/restore/x/old"))

    assert plan_title(plan, UTC) == "Undo the last restore of /var/lib/kino"
    assert plan_question(plan).endswith("by the state from before the last restore?")
    assert "that state" in "\n".join(plan_text(plan, NOW, UTC))


def test_a_rollback_names_the_restore_that_it_undoes() -> None:
    """By its archive, and when it was done."""
    plan = replace(PLAN, operation="rollback", undoes="a.tar.gz", undone_at=NOW)

    assert plan_title(plan, UTC) == "Undo the restore of a.tar.gz to /var/lib/kino, done 2026-04-26 09:00"
    assert plan_question(plan).endswith("by the state from before the restore of a.tar.gz?")


def test_undoing_a_rollback_is_named_so() -> None:
    """It has restored no archive; there is its time."""
    plan = replace(PLAN, operation="rollback", undone_at=NOW)

    assert plan_title(plan, UTC) == "Undo the last rollback of /var/lib/kino, done 2026-04-26 09:00"
    assert plan_question(plan).endswith("by the state from before the last rollback?")


@pytest.mark.parametrize(
    ("safety", "where"), [(Safety.BACKUP, "that backup"), (Safety.RAW, "them"), (Safety.NONE, "them")]
)
def test_a_rollback_says_where_all_that_is_newer_stays(safety: Safety, where: str) -> None:
    """In the sentence on how the current state is kept, and nowhere that it is lost."""
    plan = replace(PLAN, operation="rollback", undoes="a.tar.gz", undone_at=NOW, safety=safety)

    assert safety_text(plan).endswith(f": what is newer is then only in {where}.")
    assert "lost" not in "\n".join(plan_text(plan, NOW, UTC))


def test_names_from_an_archive_cannot_move_the_cursor() -> None:
    """Versions, hosts, settings and log lines are text from outside."""
    evil = "a\x1b[2J\nb"
    plan = replace(
        PLAN,
        source=Path(f"/b/{evil}"),
        arriving=(evil,),
        backup=replace(PLAN.backup, kino_version=evil, host=evil),
        now=replace(PLAN.now, host="here"),
        changes=(Change(evil, evil, evil),),
        supervisor=evil,
    )
    undoing = replace(plan, operation="rollback", undoes=evil)
    result = replace(RESULT, message=evil, kino_version=evil, way_back=evil, log=(evil,), failed_stage=evil)

    for line in (*plan_text(plan, NOW, UTC), *plan_text(undoing, NOW, UTC), *result_text(result)):
        assert line.isprintable(), line


def test_the_object_of_a_rollback_says_what_it_undoes() -> None:
    """A restore has neither of both."""
    rollback = plan_object(replace(PLAN, operation="rollback", undoes="a.tar.gz", undone_at=NOW))
    restore = plan_object(PLAN)

    assert (rollback["undoes"], rollback["undone_at"]) == ("a.tar.gz", "2026-04-26T09:00:00+00:00")
    assert (restore["undoes"], restore["undone_at"]) == (None, None)


def test_a_plan_is_an_object_for_programs() -> None:
    """Everything that is known, with the blockers by their codes."""
    blockers = (IncompatibleError("Newer.", hint="Upgrade."), NoSpaceError("Full."))
    plan = replace(PLAN, blockers=blockers, warnings=("Look.",))
    document = json.loads(json.dumps(plan_object(plan)))

    assert document["blockers"] == [
        {"code": "incompatible", "message": "Newer.", "hint": "Upgrade."},
        {"code": "no_space", "message": "Full.", "hint": ""},
    ]
    assert document["backup"]["schema_version"] == 11
    assert document["now"]["created_at"] is None
    assert document["safety"] == {"how": "backup", "location": "/b"}
    assert document["space"][0]["needed_bytes"] == 1024**2
    assert document["changes"] == [{"setting": "server.port", "now": "8080", "then": "9090"}]
    assert document["effects"][1] == {"item": "Active playback sessions", "after": "Lost"}
    assert document["kino"] == {"supervisor": "kino.service", "controls": True, "running": True}
    assert document["warnings"] == ["Look."]


def test_a_result_says_what_is_true_now() -> None:
    """The sentence of the core, then what was proven and the way back."""
    lines = result_text(RESULT, "kino-backup-tui --data-path /srv/kino rollback")

    assert lines[0] == RESULT.message
    assert lines[-1].split(maxsplit=1)[1] == "kino-backup-tui --data-path /srv/kino rollback"
    assert [line.split()[0] for line in lines[1:]] == ["Kino", "Library", "Way", "Undo"]
    assert "0.4.2, running" in lines[1]
    assert "error" not in result_object(RESULT)


def test_a_failure_has_its_stage_and_kinos_last_words() -> None:
    """As text, and with an `error` in JSON as every other failure."""
    failed = replace(
        RESULT,
        outcome="rolled_back",
        failed_stage="checking_health",
        log=("panic", "exit"),
        hint="Read the log.",
    )
    lines = result_text(failed)

    assert "Checking health" in lines[1]
    assert lines[-3:] == ["Kino's last words:", "  panic", "  exit"]
    assert result_object(failed)["error"] == {
        "code": "rolled_back",
        "message": RESULT.message,
        "hint": "Read the log.",
    }


def test_what_a_failed_restore_has_saved_is_no_way_back() -> None:
    """The state from before it is in place; an older backup may be the way back."""
    text = "\n".join(result_text(replace(RESULT, outcome="rolled_back", can_roll_back=False)))

    assert f"Saved before it began  {RESULT.way_back}" in text
    assert "Way back" not in text


def test_a_kino_that_nobody_supervises_may_run_already() -> None:
    """It is not known whether there is anything to start."""
    assert "start it if it does not run" in result_text(replace(RESULT, running=None))[1]


def test_an_interrupted_restore_is_an_object() -> None:
    """For `status --json`."""
    left = Interrupted("restore", "a.tar.gz", NOW, "The old files are in place.", decided=False)

    assert interrupted_object(left) == {
        "operation": "restore",
        "source": "a.tar.gz",
        "since": "2026-04-26T09:00:00+00:00",
        "text": "The old files are in place.",
        "decided": False,
    }
