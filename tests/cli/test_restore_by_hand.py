"""A Kino that nobody supervises, and one behind commands of the admin, while it runs."""

from __future__ import annotations

from tests.cli.harness import Cli
from tests.cli.restoring import change, execute, films, kino_by_hand, no_worker_left, state


def test_a_running_kino_is_waited_for(cli: Cli) -> None:
    """Exit code 13 while it runs; it ends, the files are replaced, and `watch` has followed to the end."""
    cli.create()
    before = state(cli)
    change(cli)
    after = state(cli)
    with kino_by_hand(cli) as kino, no_worker_left(cli):
        waiting = cli.run("restore", "latest", "--yes", "--json")
        assert waiting.code == 13
        assert set(waiting.json) == {"state", "job"}
        assert waiting.json["state"] == "waiting_for_kino"
        assert state(cli) == after
        for verb in (["restore", "latest"], ["rollback"]):
            second = cli.run(*verb, "--yes", "--json")
            assert (second.code, second.json["error"]["code"]) == (7, "busy")
        assert kino.stdin is not None
        kino.stdin.close()
        watched = cli.run("watch", waiting.json["job"], "--json")
    assert (watched.code, watched.json["outcome"], watched.json["running"]) == (0, "ok", None)
    stages = [line["stage"] for line in watched.lines[:-1] if line["event"] == "stage"]
    assert "waiting_for_kino" in stages
    assert state(cli) == before


def test_what_a_waiting_kino_still_writes_is_saved(cli: Cli) -> None:
    """The state at its end is the way back, not the state when the restore was staged."""
    cli.create()
    with kino_by_hand(cli) as kino, no_worker_left(cli):
        assert cli.run("restore", "latest", "--yes").code == 13
        execute(cli, "INSERT INTO film (title) VALUES ('Written while it waited')")
        assert kino.stdin is not None
        kino.stdin.close()
        assert cli.run("watch").code == 0
    assert "Written while it waited" not in films(cli)
    assert cli.run("rollback", "--yes").code == 0
    assert "Written while it waited" in films(cli)


def test_people_are_told_to_stop_kino(cli: Cli) -> None:
    """Who has to do what, and how it can be watched."""
    cli.create()
    with kino_by_hand(cli) as kino, no_worker_left(cli):
        result = cli.run("restore", "latest", "--yes")
        assert result.code == 13
        assert result.out == ""
        assert "stop it now" in result.err
        assert cli.command("watch") in result.err
        assert kino.stdin is not None
        kino.stdin.close()
        assert cli.run("watch").code == 0
