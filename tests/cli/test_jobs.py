"""What was done, and the exit codes of watching it."""

from __future__ import annotations

from tests.cli.harness import Cli


def test_jobs_and_watch_tell_what_was_done(cli: Cli) -> None:
    """The journal of a job that failed gives its exit code again."""
    cli.create()
    job = cli.run("jobs", "--json").json[0]
    assert (job["operation"], job["outcome"], job["running"]) == ("create", "ok", False)
    assert job["id"] in cli.run("jobs").out
    events = cli.run("watch", job["id"], "--json")
    assert events.code == 0
    assert (events.lines[0]["event"], events.json["event"]) == ("start", "end")
    assert "Packing" in cli.run("watch").out
    assert cli.run("watch", "no-such-job").code == 3


def test_watch_ends_with_the_code_of_the_job(cli: Cli) -> None:
    """A failed job is a failed watch, so that a script can wait for another terminal's work."""
    (cli.data_path / "db.sqlite").unlink()
    (cli.data_path / "db.sqlite").write_bytes(b"no database" * 1000)
    for name in ("db.sqlite-wal", "db.sqlite-shm"):
        (cli.data_path / name).unlink(missing_ok=True)
    assert cli.run("create").code == 4
    assert cli.run("watch").code == 4


def test_watch_without_jobs_is_not_found(cli: Cli) -> None:
    """There is no story to tell yet."""
    assert cli.run("watch").code == 3
    assert cli.run("jobs", "--json").json == []
