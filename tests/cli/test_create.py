"""create: as the admin types it."""

from __future__ import annotations

import signal
import stat
import subprocess
from datetime import datetime

import pytest

from tests.cli.harness import Cli, end_of, event_of

LISTED_FIELDS = {
    *(
        "id",
        "kind",
        "filename",
        "size_bytes",
        "kino_version",
        "schema_version",
        "checksum_sha256",
        "created_at",
    ),
    *(
        "status",
        "location",
        "contents_bytes",
        "contents_sha256",
        "verified_at",
        "problem",
        "elsewhere",
        "role",
    ),
}


def test_the_path_is_data_and_the_rest_is_talk(cli: Cli) -> None:
    """`f=$(kino-backup-tui create)` is all a script needs."""
    result = cli.run("create")
    assert result.code == 0
    assert result.out == f"{cli.archives[0]}\n"
    assert "verified" in result.err


def test_json_is_the_backup_in_one_line(cli: Cli) -> None:
    """The new backup is listed with the same fields and values."""
    result = cli.run("create", "--json")
    assert result.code == 0
    assert len(result.lines) == 1
    backup = result.json
    assert set(backup) >= LISTED_FIELDS
    assert backup["kind"] == "manual"
    assert backup["status"] == "verified"
    assert backup["schema_version"] == 2
    assert backup["size_bytes"] == cli.archives[0].stat().st_size
    assert datetime.fromisoformat(backup["created_at"]).tzinfo is not None
    listed = cli.run("list", "--json").json
    assert [{name: each[name] for name in backup} for each in listed] == [backup]
    assert listed[0]["fate"]["reason"] == "manual"


def test_progress_comes_before_the_result(cli: Cli) -> None:
    """With --progress each line is an event, from "start" to "end", and the backup is the last line."""
    *events, backup = cli.run("create", "--json", "--progress").lines
    assert backup["filename"] == cli.archives[0].name
    assert [events[0]["event"], events[-1]["event"]] == ["start", "end"]
    assert events[-1]["outcome"] == "ok"
    assert {event["job"] for event in events} == {events[0]["job"]}
    assert all({"event", "job", "at", "stage", "done_bytes", "total_bytes"} <= set(event) for event in events)
    stages = [event["stage"] for event in events if event["event"] == "stage"]
    assert stages == ["database_snapshot", "hashing", "packing", "reading_back", "checking_database"]


def test_progress_without_json_prints_no_events(cli: Cli) -> None:
    """Events are for programs; a pipe on standard error gets no moving line either."""
    result = cli.run("create", "--progress")
    assert result.out == f"{cli.archives[0]}\n"
    assert "\r" not in result.err
    assert "\x1b" not in result.err


def test_everything_is_private_under_any_umask(cli: Cli) -> None:
    """Archive 0600, folders 0700, although the shell would give everything away."""
    shell = 'umask 000; exec "$@"'
    subprocess.run(["sh", "-c", shell, "sh", *cli.arguments("create")], check=True, capture_output=True)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (*cli.archives, cli.location)}
    assert modes == {cli.archives[0]: 0o600, cli.location: 0o700}
    work = cli.data_path / ".kino-backup"
    assert stat.S_IMODE(work.stat().st_mode) == 0o700
    for path in work.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_without_a_database_there_is_nothing_to_back_up(cli: Cli) -> None:
    """Exit code 3, and no empty archive."""
    (cli.data_path / "db.sqlite").unlink()
    assert cli.run("create").code == 3
    assert cli.archives == []


def test_a_database_that_is_no_database_is_damaged(cli: Cli) -> None:
    """Exit code 4, and nothing is kept that looks like a backup."""
    for name in ("db.sqlite-wal", "db.sqlite-shm"):
        (cli.data_path / name).unlink(missing_ok=True)
    (cli.data_path / "db.sqlite").write_bytes(b"no database" * 1000)
    result = cli.run("create", "--json")
    assert result.code == 4
    assert result.json["error"]["code"] == "database_damaged"
    assert "restore" in result.json["error"]["hint"]
    assert cli.archives == []
    assert cli.unfinished == []


def test_a_location_that_is_a_file_is_unavailable(cli: Cli) -> None:
    """Exit code 11, naming it."""
    cli.location.write_text("not a folder")
    result = cli.run("create")
    assert result.code == 11
    assert str(cli.location) in result.err


def test_two_at_once_take_turns(slow_cli: Cli) -> None:
    """Both succeed, one after the other, and neither overwrites the other."""
    with slow_cli.creating() as first, slow_cli.running("create", "--json", "--progress") as second:
        assert event_of(second)["stage"] == "waiting"
        assert [end_of(first)[0], end_of(second)[0]] == [0, 0]
    assert len(slow_cli.archives) == 2
    assert slow_cli.unfinished == []


@pytest.mark.parametrize(
    "verb", [["create"], ["prune"], ["import", "-"], ["delete", "x"], ["schedule", "set", "--keep", "4"]]
)
def test_no_patience_means_busy(slow_cli: Cli, verb: list[str]) -> None:
    """`--wait 0` exits with 7 while another operation runs, and says which."""
    if verb[0] == "delete":
        verb = ["delete", slow_cli.create().name, "--yes"]
    with slow_cli.creating() as first:
        # Frozen with the lock in its hands, so that it cannot be done too early.
        first.send_signal(signal.SIGSTOP)
        result = slow_cli.run(*verb, "--wait", "0", "--json")
        first.send_signal(signal.SIGCONT)
        assert result.code == 7
        assert result.json["error"]["code"] == "busy"
        assert f"process {first.pid}" in result.json["error"]["message"]
        assert end_of(first)[0] == 0


def test_broken_settings_do_not_stop_a_backup(cli: Cli) -> None:
    """A config.toml that cannot be parsed is a warning, and goes into the backup as it is."""
    (cli.data_path / "config.toml").write_text("[backup\nkeep=")
    result = cli.run("create")
    assert result.code == 0
    assert len(cli.archives) == 1
