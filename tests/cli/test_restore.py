"""restore, rollback and apply on a Kino that is not running."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.harness import Cli, Result
from tests.cli.restoring import change, execute, films, leftovers, state

RESULT_FIELDS = {
    *("job", "operation", "outcome", "at", "message", "source", "kino_version", "running", "tables"),
    *("way_back", "can_roll_back", "failed_stage", "log", "hint", "warnings"),
}


def way_back(kino: Cli) -> list[str]:
    """The backups that a listing marks as the way back."""
    return [each["filename"] for each in kino.run("list", "--json").json if each["way_back"]]


def restored(kino: Cli, *arguments: str, stdin: bytes | None = None) -> Result:
    """Restore, and expect it to go well."""
    result = kino.run("restore", *arguments, "--yes", "--json", stdin=stdin)
    assert result.code == 0, result
    return result


def test_latest_brings_everything_back(cli: Cli) -> None:
    """Database, config and secrets are those of the backup; the text says so, and what to do next."""
    archive = cli.create()
    before = state(cli)
    change(cli)
    result = cli.run("restore", "latest", "--yes")
    assert result.code == 0, result.err
    assert state(cli) == before
    assert archive.name in result.out
    assert "start" in result.out.lower()
    assert "Replace" not in result.err


def test_the_result_is_the_last_line_of_json(cli: Cli) -> None:
    """Every field of README is there; the state from before is a verified backup, and marked in the list."""
    archive = cli.create()
    change(cli)
    result = restored(cli, archive.name)
    assert len(result.lines) == 1
    assert set(result.json) == RESULT_FIELDS
    assert (result.json["outcome"], result.json["source"]) == ("ok", archive.name)
    assert result.json["tables"]["film"] == 2
    assert result.json["can_roll_back"] is True
    listed = {each["filename"]: each for each in cli.run("list", "--json").json}
    safety = listed[result.json["way_back"]]
    assert (safety["kind"], safety["status"], safety["way_back"]) == ("pre_restore", "verified", True)
    assert listed[archive.name]["way_back"] is False


def test_progress_is_the_story_of_one_job(cli: Cli) -> None:
    """The plan's reading comes first; then the job, with notes, from "start" to "end"; then the result."""
    cli.create()
    *events, result = restored(cli, "latest", "--progress").lines
    job = [event for event in events if event["job"] == result["job"]]
    assert [event["event"] for event in events].count("end") == 1
    assert (job[0]["event"], job[-1]["event"], job[-1]["outcome"]) == ("start", "end", "ok")
    stages = [event["stage"] for event in job if event["event"] == "stage"]
    assert stages == ["checking_archive", "staging", "safety_backup", "stopping", "swapping"]
    assert any(event.get("note") for event in job)
    assert job[-1] is events[-1]


def test_a_dry_run_prints_the_plan_and_changes_nothing(cli: Cli) -> None:
    """As text on standard output, or as one object."""
    archive = cli.create()
    change(cli)
    before = state(cli)
    text = cli.run("restore", "latest", "--dry-run")
    assert text.code == 0
    assert archive.name in text.out
    assert "2 films" in text.out
    assert "3 films" in text.out
    plan = cli.run("restore", "latest", "--dry-run", "--json").json
    assert (plan["operation"], plan["blockers"]) == ("restore", [])
    assert (plan["backup"]["tables"]["film"], plan["now"]["tables"]["film"]) == (2, 3)
    assert plan["arriving"] == ["config.toml", "db.sqlite", "secrets"]
    assert len(plan["effects"]) >= 6
    assert all(need["free_bytes"] > need["needed_bytes"] for need in plan["space"])
    assert state(cli) == before
    assert leftovers(cli) == []


def test_nobody_there_to_answer(cli: Cli) -> None:
    """Exit code 2 with the plan and the question, and nothing is changed."""
    cli.create()
    change(cli)
    before = state(cli)
    for verb in (["restore", "latest"], ["restore", "latest", "--json"]):
        result = cli.run(*verb)
        assert result.code == 2
        assert "Replace the current state" in result.err + result.out
        assert "--yes" in result.err + result.out
    assert state(cli) == before


def test_a_file_is_named_by_its_path(cli: Cli, tmp_path: Path) -> None:
    """A path has a slash; a plain name is that of a backup in the list, and not found if it is not there."""
    copy = cli.create().rename(tmp_path / "copy.tar.gz")
    change(cli)
    assert cli.run("restore", "copy.tar.gz", "--yes").code == 3
    restored(cli, os.path.relpath(copy))
    assert len(films(cli)) == 2
    assert copy.exists()


def test_an_archive_comes_by_standard_input(cli: Cli) -> None:
    """`ssh host kino-backup-tui restore - --yes < file`; of what was received nothing stays."""
    data = cli.create().read_bytes()
    change(cli)
    plan = cli.run("restore", "-", "--dry-run", "--json", stdin=data)
    assert (plan.code, plan.json["blockers"]) == (0, [])
    assert leftovers(cli) == []
    restored(cli, "-", stdin=data)
    assert len(films(cli)) == 2
    assert not any(path.name.startswith("received-") for path in leftovers(cli))


def test_standard_input_is_not_read_to_ask_a_question(cli: Cli) -> None:
    """It is the archive: without --yes there is nobody to answer, and nothing is read or kept."""
    result = cli.run("restore", "-", stdin=b"x" * 1000)
    assert result.code == 2
    assert "--yes" in result.err
    assert cli.run("restore", "-", "--yes", stdin=b"").code == 2
    assert leftovers(cli) == []


def test_a_fresh_machine_needs_an_archive_alone(cli: Cli, tmp_path: Path) -> None:
    """Into an empty data path, without a config, a database or a backup of what is not there."""
    archive = cli.create()
    fresh = Cli(tmp_path / "fresh")
    fresh.data_path.mkdir()
    plan = fresh.run("restore", str(archive), "--dry-run", "--json").json
    assert (plan["replaced"], plan["now"]["schema_version"]) == ([], None)
    result = restored(fresh, str(archive))
    assert films(fresh) == films(cli)
    assert (fresh.data_path / "secrets" / "trakt.json").read_text() == '{"token": "s3cret"}'
    assert (result.json["way_back"], way_back(fresh)) == (None, [])


def test_a_broken_database_does_not_stop_the_rescue(cli: Cli) -> None:
    """Its bytes are kept in a pre-restore backup all the same."""
    cli.create()
    before = state(cli)
    for name in ("db.sqlite-wal", "db.sqlite-shm"):
        (cli.data_path / name).unlink(missing_ok=True)
    (cli.data_path / "db.sqlite").write_bytes(b"no database" * 1000)
    result = restored(cli, "latest")
    assert state(cli) == before
    assert way_back(cli) == [result.json["way_back"]]


def test_without_a_safety_backup_the_files_are_kept(cli: Cli) -> None:
    """No pre-restore backup, and `rollback` works."""
    cli.create()
    change(cli)
    after = state(cli)
    assert restored(cli, "latest", "--no-safety-backup").json["way_back"] is None
    assert cli.run("list", "--kind", "pre_restore", "--json").json == []
    assert cli.run("rollback", "--yes", "--no-safety-backup").code == 0
    assert state(cli) == after


def test_rollback_undoes_and_undoes_itself(cli: Cli) -> None:
    """There and back again; each time the way back is the newest pre-restore backup."""
    cli.create()
    before = state(cli)
    change(cli)
    after = state(cli)
    restored(cli, "latest")
    execute(cli, "INSERT INTO film (title) VALUES ('Made on the restored state')")
    assert cli.run("rollback").code == 2
    undone = cli.run("rollback", "--yes", "--json")
    assert (undone.code, undone.json["operation"], undone.json["outcome"]) == (0, "rollback", "ok")
    assert state(cli) == after
    assert way_back(cli) == [undone.json["way_back"]]
    assert cli.run("rollback", "--yes").code == 0
    assert films(cli) == [*before["films"].split("\n"), "Made on the restored state"]


def test_a_dry_rollback_says_what_it_undoes(cli: Cli) -> None:
    """The restore by its archive and time, and the rows of both states."""
    archive = cli.create()
    change(cli)
    restored(cli, "latest")
    plan = cli.run("rollback", "--dry-run", "--json").json
    assert (plan["operation"], plan["backup"]["tables"]["film"], plan["now"]["tables"]["film"]) == (
        "rollback",
        3,
        2,
    )
    assert plan["undoes"] == archive.name
    assert plan["undone_at"]
    assert len(films(cli)) == 2


def test_without_a_restore_there_is_nothing_to_undo(cli: Cli) -> None:
    """Neither for `rollback` nor for `apply`, nor for the gate before Kino's start."""
    assert cli.run("rollback", "--yes").code == 3
    assert cli.run("apply").code == 0
    assert cli.run("apply", "--json").json == {"settled": None}
    gate = cli.run("apply", "--gate")
    assert (gate.code, gate.out, gate.err) == (0, "", "")


def test_status_and_show_tell_of_the_way_back(cli: Cli) -> None:
    """And of no interrupted restore."""
    cli.create()
    assert cli.run("status", "--json").json["way_back"] is None
    name = restored(cli, "latest").json["way_back"]
    status = cli.run("status", "--json").json
    assert (status["way_back"], status["interrupted"]) == (name, None)
    assert name in cli.run("status").out
    assert "rollback" in cli.run("show", name).out
    assert cli.run("show", name, "--json").json["way_back"] is True
    row = next(line for line in cli.run("list").out.splitlines() if line.endswith(name))
    assert "↩ way back" in row


@pytest.mark.parametrize("form", ["text", "json"])
def test_watch_tells_a_restore_again(cli: Cli, form: str) -> None:
    """Its stages with their notes, then the result, with its exit code."""
    cli.create()
    result = restored(cli, "latest").json
    told = cli.run("watch", result["job"], *(["--json"] if form == "json" else []))
    assert told.code == 0
    if form == "json":
        assert told.lines[-2]["event"] == "end"
        assert told.json == result
    else:
        assert "Swapping" in told.out
        assert f"  {result['way_back']}" in told.out.splitlines()
        assert told.out.count(result["message"]) == 1
