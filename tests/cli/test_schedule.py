"""The schedule: shown, changed, and repaired."""

from __future__ import annotations

from pathlib import Path

from tests.cli.harness import Cli


def test_broken_settings_fail_only_the_verbs_that_need_them(cli: Cli) -> None:
    """schedule and prune exit with 12 naming file, key and value; the others warn and go on."""
    (cli.data_path / "config.toml").write_text("[backup]\nkeep = 0\n")
    for verb in (["schedule"], ["schedule", "show"], ["schedule", "set", "--time", "04:00"], ["prune"]):
        result = cli.run(*verb, "--json")
        assert result.code == 12, verb
        assert "keep" in result.json["error"]["message"]
    for verb in (["status"], ["list"]):
        result = cli.run(*verb)
        assert result.code == 0
        assert result.err.startswith("warning: ")
        assert "keep" in result.err
    assert (cli.data_path / "config.toml").read_text() == "[backup]\nkeep = 0\n"


def test_schedule_set_repairs_the_value_it_is_given(cli: Cli) -> None:
    """The hint to save another value is true: a bad one is replaced, and one that stays is named."""
    config = cli.data_path / "config.toml"
    config.write_text('[backup]\nkeep = 0 # too few\nfrequency = "hourly"\n')
    result = cli.run("schedule", "set", "--keep", "7", "--json")
    assert result.code == 12
    assert "backup.frequency" in result.json["error"]["message"]
    assert "another frequency" in result.json["error"]["hint"]
    result = cli.run("schedule", "set", "--keep", "7", "--frequency", "daily", "--json")
    assert result.code == 0
    assert config.read_text() == '[backup]\nkeep = 7 # too few\nfrequency = "daily"\n'


def test_a_relative_location_touches_nothing(cli: Cli) -> None:
    """It would mean another folder to each process: no folder is made, and the file stays."""
    before = (cli.data_path / "config.toml").read_bytes()
    result = cli.run("schedule", "set", "--location", "relx")
    assert result.code == 2
    assert "an absolute path" in result.err
    assert not (Path.cwd() / "relx").exists()
    assert not (cli.data_path / ".kino-backup").exists()
    assert (cli.data_path / "config.toml").read_bytes() == before


def test_schedule_takes_json_before_its_verb_too(cli: Cli) -> None:
    """`schedule --json show` is `schedule show --json`."""
    assert cli.run("schedule", "--json", "show").json["keep"] == 3
    assert cli.run("schedule", "--json", "set", "--keep", "5").json["keep"] == 5
    assert cli.run("schedule", "show").out.startswith("Schedule")


def test_schedule_shows_the_next_runs(cli: Cli) -> None:
    """The settings of config.toml with what they mean in the host's zone."""
    document = cli.run("schedule", "--json").json
    assert set(cli.run("schedule", "show", "--json").json) == set(document)
    assert document["keep"] == 3
    assert document["frequency"] == "daily"
    assert document["zone"] == "Europe/Berlin"
    assert len(document["next_runs"]) == 5
    assert "Europe/Berlin" in cli.run("schedule").out


def test_schedule_set_changes_what_is_given(cli: Cli) -> None:
    """And nothing else in the file, comments included."""
    result = cli.run("schedule", "set", "--keep", "9", "--time", "04:30", "--frequency", "weekly", "--json")
    assert result.code == 0
    assert (result.json["keep"], result.json["time"], result.json["frequency"]) == (9, "04:30", "weekly")
    text = (cli.data_path / "config.toml").read_text()
    assert "keep = 9 # a week is too much for this disk" in text
    assert text.startswith("# The household's Kino\n[server]\nport = 8080\n")
    assert cli.run("schedule", "set", "--disabled", "--json").json["enabled"] is False
    assert cli.run("schedule", "set", "--enabled", "--json").json["enabled"] is True


def test_schedule_set_can_accept_another_disk_in_the_same_place(cli: Cli, tmp_path: Path) -> None:
    """With the location as it was, --accept-location still adopts what is there now."""
    disk = tmp_path / "disk"
    disk.mkdir()
    assert cli.run("schedule", "set", "--location", str(disk)).code == 0
    disk.rename(tmp_path / "old disk")
    disk.mkdir()
    assert cli.run("create").code == 11
    result = cli.run("schedule", "set", "--location", str(disk), "--accept-location", "--json")
    assert (result.code, result.json["location_problem"]) == (0, None)
    assert cli.run("create").code == 0


def test_every_bad_value_is_named_at_once(cli: Cli) -> None:
    """Correcting one only to hear of the next would take as many tries as there are."""
    config = cli.data_path / "config.toml"
    config.write_text('[backup]\nkeep = 0\nfrequency = "hourly"\ntime = "25:00"\n')
    error = cli.run("schedule", "--json").json["error"]
    assert error["message"] == (
        f'{config}: backup.frequency is "hourly"; allowed is "daily", "weekly", "monthly" or "off". '
        'backup.time is "25:00"; allowed is a time from "00:00" to "23:59". '
        "backup.keep is 0; allowed is a whole number from 1 to 365."
    )
    assert "another frequency, time and keep" in error["hint"]


def test_a_schedule_that_is_off_says_what_it_would_be(cli: Cli) -> None:
    """Changing the time while backups are off shows the new time; the zone belongs to it."""
    result = cli.run("schedule", "set", "--disabled", "--time", "04:30", "--frequency", "weekly")
    assert result.out.splitlines()[0] == (
        "Schedule    Backups are off; once enabled: Sundays at 04:30 Europe/Berlin"
    )
    assert "Sundays at 04:30 Europe/Berlin" in cli.run("status").out
    assert cli.run("schedule", "set", "--enabled").out.splitlines()[0] == (
        "Schedule    Sundays at 04:30 Europe/Berlin"
    )


def test_a_frequency_of_off_has_no_time(cli: Cli) -> None:
    """Enabled or not, nothing would run: neither time nor zone is shown."""
    for switch in ("--enabled", "--disabled"):
        result = cli.run("schedule", "set", "--frequency", "off", switch)
        assert result.out.splitlines()[0] == "Schedule    Backups are off"


def test_schedule_set_moves_the_backups_on_request(cli: Cli, tmp_path: Path) -> None:
    """Each is named on standard output; the former location is empty then."""
    name = cli.create().name
    disk = tmp_path / "disk"
    disk.mkdir()
    before = (cli.data_path / "config.toml").read_bytes()

    shown = cli.run("schedule", "set", "--location", str(disk), "--move", "--dry-run")
    assert shown.code == 0
    assert f"Would come  {name}" in shown.out
    assert (cli.data_path / "config.toml").read_bytes() == before

    result = cli.run("schedule", "set", "--location", str(disk), "--move")
    assert result.code == 0
    assert f"Moved       {name}" in result.out
    assert cli.archives == []
    assert (disk / name).exists()


def test_a_move_goes_on_without_another_change(cli: Cli, tmp_path: Path) -> None:
    """`schedule set --move` alone; damaged ones stay, and are told with the reason."""
    first, bad = cli.create(), cli.create()
    bad.write_bytes(bad.read_bytes()[:-9])
    disk = tmp_path / "disk"
    disk.mkdir()
    assert cli.run("schedule", "set", "--location", str(disk)).code == 0
    assert len(cli.archives) == 2

    result = cli.run("schedule", "set", "--move", "--json")
    assert result.code == 0
    assert [moved["location"] for moved in result.json["moved"]["moved"]] == [str(disk)]
    assert result.json["moved"]["left"] == [{"path": str(bad), "why": "it is damaged"}]
    assert cli.archives == [bad]
    assert not first.exists()


def test_a_lower_keep_says_what_the_next_prune_removes(cli: Cli) -> None:
    """By name, before and after it is saved; saving itself removes nothing."""
    from kino_backup_tui.core.kino.home import Kino
    from kino_backup_tui.core.models import BackupKind
    from kino_backup_tui.core.operations.context import Context
    from kino_backup_tui.core.operations.create import create_backup
    from kino_backup_tui.core.progress import Control

    context = Context(Kino(cli.data_path))
    nights = [create_backup(context, Control(), kind=BackupKind.SCHEDULED).backup for _ in range(2)]
    oldest = min(nights, key=lambda night: (night.created_at, night.filename)).filename
    for verb in (["set", "--keep", "1", "--dry-run"], ["set", "--keep", "1"], ["show"]):
        result = cli.run("schedule", *verb)
        assert f"Would go    {oldest}" in result.out
        assert "the next run, or `prune`, removes it." in result.err
    assert len(cli.archives) == 2
    assert cli.run("prune").out.splitlines() == [oldest]
