"""The other verbs on real archives."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from kino_backup_tui.cli.main import cli as program
from kino_backup_tui.core.errors import NotPermittedError
from tests.as_user import NOBODY, let_others_in, run_as
from tests.cli.harness import CONFIG, Cli, write_kino
from tests.core.archive.archives import honest


def damage(archive: Path) -> None:
    """Flip bytes in the middle of an archive."""
    data = bytearray(archive.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 8] = bytes(255 - byte for byte in data[middle : middle + 8])
    archive.write_bytes(data)


def schedule_like(archive: Path, at: str) -> Path:
    """A copy of an archive under the name of a scheduled one."""
    copy = archive.with_name(f"kino-backup-scheduled-{at}-v0.4.2.tar.gz")
    shutil.copy2(archive, copy)
    return copy


def test_an_empty_list_is_empty(cli: Cli) -> None:
    """No header over nothing, and an empty array."""
    assert cli.run("list").out == ""
    assert cli.run("list", "--json").out == "[]\n"


def test_list_is_a_table_with_the_words_of_the_page(cli: Cli) -> None:
    """Columns in their order, dates in the host's zone."""
    name = cli.create().name
    header, row = cli.run("list").out.splitlines()
    assert header.split() == ["Kind", "Created", "Age", "Size", "Kino", "State", "File"]
    assert row.startswith("Manual")
    assert row.endswith(name)
    assert "✓ verified" in row


def test_list_escapes_what_would_move_the_cursor(cli: Cli) -> None:
    """A file name is text from outside: no control character of it reaches the terminal."""
    archive = cli.create()
    archive.rename(archive.with_name("evil\x1b[2J\n.tar.gz"))
    result = cli.run("list", "--all")
    assert "\x1b" not in result.out
    assert "evil\\x1b[2J\\n.tar.gz" in result.out


def test_list_by_kind_and_with_everything(cli: Cli) -> None:
    """--kind filters; leftovers and foreign files appear only with --all."""
    cli.create()
    (cli.location / "notes.txt").write_text("mine")
    assert cli.run("list", "--kind", "scheduled", "--json").json == []
    assert len(cli.run("list", "--kind", "manual", "--json").json) == 1
    roles = [each["role"] for each in cli.run("list", "--all", "--json").json]
    assert sorted(roles) == ["backup", "foreign"]


def test_list_says_that_the_location_is_missing(cli: Cli, tmp_path: Path) -> None:
    """What is known is listed; the exit code and standard error say what is not."""
    disk = tmp_path / "disk"
    disk.mkdir()
    assert cli.run("schedule", "set", "--location", str(disk)).code == 0
    cli.create()
    disk.rename(tmp_path / "unplugged")
    result = cli.run("list", "--json")
    assert result.code == 11
    assert result.json == []
    assert str(disk) in result.err


@pytest.mark.parametrize("how", ["name", "prefix", "id", "latest", "path"])
def test_a_backup_can_be_called_by(cli: Cli, how: str) -> None:
    """A file name, a unique beginning, the id, `latest`, and a path."""
    archive = cli.create()
    identity = cli.run("list", "--json").json[0]["id"]
    digest = hashlib.sha256(os.fsencode(archive.name)).digest()
    assert identity == int.from_bytes(digest[:6], "big")
    text = {
        "name": archive.name,
        "prefix": "kino-backup-man",
        "id": str(identity),
        "latest": "latest",
        "path": str(archive),
    }[how]
    assert cli.run("show", text, "--json").json["filename"] == archive.name


@pytest.mark.parametrize("verb", [["show"], ["verify"], ["export"], ["delete", "--yes"]])
def test_a_backup_that_is_not_there_is_not_found(cli: Cli, verb: list[str], tmp_path: Path) -> None:
    """Exit code 3 for a name, `latest` without backups, and a path."""
    destination = [str(tmp_path / "copy")] if verb == ["export"] else []
    for text in ("nothing", "latest", "./nothing.tar.gz"):
        result = cli.run(*verb, text, *destination, "--json")
        assert result.code == 3, text
        assert result.json["error"]["code"] == "not_found"


def test_show_prints_contents_with_digests_and_why_it_is_kept(cli: Cli) -> None:
    """Everything the manifest says, for people and for programs."""
    archive = cli.create()
    text = cli.run("show", "latest").out
    digest = hashlib.sha256(CONFIG.encode()).hexdigest()
    assert digest in text
    assert "secrets/trakt.json" in text
    assert "Kept: manual backups stay until you delete them." in text
    document = cli.run("show", "latest", "--json").json
    contents = {item["path"]: item["sha256"] for item in document["manifest"]["contents"]}
    assert contents["config.toml"] == digest
    assert document["checksum_sha256"] == hashlib.sha256(archive.read_bytes()).hexdigest()
    assert document["fate"]["reason"] == "manual"
    assert document["manifest"]["tables"]["film"] == 2


def test_verify_proves_a_backup_and_finds_damage(cli: Cli) -> None:
    """Exit code 0 and the backup, or 4 and the reason; the list remembers both."""
    archive = cli.create()
    result = cli.run("verify", "latest", "--json")
    assert (result.code, result.json["status"]) == (0, "verified")
    damage(archive)
    result = cli.run("verify", archive.name, "--json")
    assert result.code == 4
    assert result.json["error"]["code"].startswith(("archive", "database"))
    assert cli.run("list", "--json").json[0]["status"] == "damaged"


def test_verify_all_goes_on_after_damage(cli: Cli) -> None:
    """A line for each backup, and exit code 4 if any of them is damaged."""
    first, second = cli.create(), cli.create()
    fine = cli.run("verify", "--all", "--json")
    assert fine.code == 0
    assert [line["status"] for line in fine.lines[:-1]] == ["verified", "verified"]
    assert fine.json == {"checked": 2, "verified": 2}
    damage(second)
    result = cli.run("verify", "--all", "--json")
    assert result.code == 4
    states = {line["filename"]: line["status"] for line in result.lines[:-1]}
    assert states == {first.name: "verified", second.name: "damaged"}
    assert result.json["error"]["code"] == "archive_damaged"
    text = cli.run("verify", "--all")
    assert text.code == 4
    assert len(text.out.splitlines()) == 2
    # The name once, and then what is wrong.
    problem = next(line["problem"] for line in result.lines[:-1] if line["filename"] == second.name)
    assert second.name not in problem
    assert text.out.count(second.name) == 1
    assert f"{second.name}: {problem}" in text.out


def test_a_raw_archive_passes_without_being_verified(cli: Cli) -> None:
    """It is what was written: exit code 0, with the reservation, and it does not count as verified."""
    cli.create()
    name = "kino-backup-pre-restore-2026-04-26T03-00-00-v0.4.2.tar.gz"
    raw = honest({"db.sqlite-wal": b"log"}, database_state="raw", kind="pre_restore", schema_version=None)
    (cli.location / name).write_bytes(raw)

    result = cli.run("verify", "--all", "--json")

    assert result.code == 0
    assert result.json == {"checked": 2, "verified": 1}
    listed = next(line for line in cli.run("list", "--json").json if line["filename"] == name)
    assert (listed["status"], listed["verified_at"], listed["schema_version"]) == ("unverified", None, None)
    assert listed["problem"] == "Every digest fits. The database in it is kept as it was found, damaged."
    assert cli.run("show", name, "--json").json["manifest"]["database_state"] == "raw"
    assert cli.run("verify", name).out == f"· unverified  {name}: {listed['problem']}\n"


def test_verify_all_of_nothing_is_fine(cli: Cli) -> None:
    """No backup, nothing damaged."""
    assert cli.run("verify", "--all", "--json").json == {"checked": 0, "verified": 0}


def test_verify_all_is_not_green_without_the_location(cli: Cli, tmp_path: Path) -> None:
    """A nightly check on a disk that is not mounted has proven nothing: exit code 11, as `list` has."""
    disk = tmp_path / "disk"
    disk.mkdir()
    assert cli.run("schedule", "set", "--location", str(disk)).code == 0
    cli.create()
    disk.rename(tmp_path / "unplugged")
    result = cli.run("verify", "--all", "--json")
    assert (result.code, result.json) == (11, {"checked": 0, "verified": 0})
    assert result.err.startswith("warning: ")
    assert str(disk) in result.err


def test_verify_all_says_damage_before_a_missing_location(cli: Cli, tmp_path: Path) -> None:
    """A damaged backup in another place is the worse news; the missing disk is said all the same."""
    damage(cli.create())
    disk = tmp_path / "disk"
    disk.mkdir()
    assert cli.run("schedule", "set", "--location", str(disk)).code == 0
    disk.rename(tmp_path / "unplugged")
    result = cli.run("verify", "--all", "--json")
    assert result.code == 4
    assert result.json["error"]["code"] == "archive_damaged"
    assert str(disk) in result.err


def test_export_writes_a_true_copy_and_overwrites_nothing(cli: Cli, tmp_path: Path) -> None:
    """To a new file or into a folder; a second time is refused."""
    archive = cli.create()
    result = cli.run("export", "latest", str(tmp_path), "--json")
    assert result.code == 0
    copy = Path(result.json["path"])
    assert copy == tmp_path / archive.name
    assert copy.read_bytes() == archive.read_bytes()
    again = cli.run("export", "latest", str(tmp_path))
    assert again.code == 2
    assert cli.run("export", "latest", str(tmp_path / "no" / "folder.tar.gz")).code == 11


def test_import_takes_a_file_and_standard_input(cli: Cli, tmp_path: Path) -> None:
    """The archive of another installation is verified, kept, and never counted by retention."""
    other = write_kino(tmp_path / "other")
    archive = other.create()
    result = cli.run("import", str(archive), "--json")
    assert result.code == 0
    assert result.json["status"] == "verified"
    result = cli.run("import", "-", stdin=archive.read_bytes())
    assert result.code == 0
    assert Path(result.out.strip()).read_bytes() == archive.read_bytes()
    assert len(cli.archives) == 2


def test_import_keeps_nothing_that_is_no_backup(cli: Cli, tmp_path: Path) -> None:
    """Damaged, foreign, missing: an exit code each, and no file."""
    archive = write_kino(tmp_path / "other").create()
    damage(archive)
    assert cli.run("import", str(archive)).code == 4
    assert cli.run("import", "-", stdin=b"hello").code == 4
    assert cli.run("import", str(tmp_path / "nothing.tar.gz")).code == 3
    assert cli.run("import", str(tmp_path)).code == 2
    assert cli.archives == []
    assert cli.unfinished == []


@pytest.mark.parametrize("command", [("import", "-"), ("restore", "-", "--yes")])
def test_nothing_on_standard_input_is_a_mistake_of_the_call(cli: Cli, command: tuple[str, ...]) -> None:
    """A pipe whose first program failed, most likely: no archive is damaged."""
    result = cli.run(*command, "--json", stdin=b"")
    assert result.code == 2
    assert result.json["error"]["message"] == "Nothing came on standard input."
    assert cli.archives == []
    assert cli.unfinished == []


def test_delete_needs_an_answer(cli: Cli) -> None:
    """Without a terminal and without --yes nothing is deleted, and the question is told."""
    archive = cli.create()
    result = cli.run("delete", "latest")
    assert result.code == 2
    assert "Delete the manual backup" in result.err
    assert archive.exists()
    result = cli.run("delete", "latest", "--yes", "--json")
    assert result.code == 0
    assert result.json["deleted"]["filename"] == archive.name
    assert not archive.exists()


def test_delete_refuses_a_foreign_file(cli: Cli) -> None:
    """What is no backup is not ours to delete."""
    cli.create()
    notes = cli.location / "notes.txt"
    notes.write_text("mine")
    assert cli.run("delete", "notes.txt", "--yes").code == 2
    assert notes.exists()


def test_prune_removes_scheduled_ones_that_are_too_many(cli: Cli) -> None:
    """A dry run tells what the real run then does; manual ones stay."""
    cli.create()
    assert cli.run("prune", "--dry-run", "--json").json["removed"] == []
    result = cli.run("prune", "--json")
    assert result.code == 0
    assert result.json["dry_run"] is False
    assert result.json["keep"] == 3
    assert len(cli.archives) == 1


def test_status_is_lines_for_people_and_an_object_for_programs(cli: Cli) -> None:
    """Kino is not running here; the newest backup and the next run are told."""
    name = cli.create().name
    text = cli.run("status")
    assert text.code == 0
    assert str(cli.data_path) in text.out
    assert "1 ✓ verified" in text.out
    status = cli.run("status", "--json").json
    assert status["kino"]["running"] is not True
    assert status["newest_verified"]["filename"] == name
    assert status["backups"]["verified"] == 1
    assert status["schedule"]["keep"] == 3


def test_demo_writes_a_kino_that_can_be_listed(tmp_path: Path) -> None:
    """Into a new folder; into one with something in it, never."""
    target = Cli(tmp_path / "a sample")
    result = Cli(tmp_path).run("demo", str(target.data_path))
    assert result.code == 0, result.err
    assert result.out == f"{target.data_path}\n"
    assert result.err == f"A sample Kino: {target.command('list')}\n"
    kinds = {each["kind"] for each in target.run("list", "--json").json}
    assert kinds == {"scheduled", "manual", "pre_restore"}
    assert Cli(tmp_path).run("demo", str(target.data_path)).code == 2


def test_exporting_a_damaged_backup_warns(cli: Cli, tmp_path: Path) -> None:
    """The copy is true to a bad original: exit code 0, and a word on standard error and in the JSON."""
    archive = cli.create()
    damage(archive)
    assert cli.run("verify", archive.name).code == 4
    result = cli.run("export", archive.name, str(tmp_path), "--json")
    assert (result.code, result.json["status"]) == (0, "damaged")
    assert result.err.startswith(f"warning: {archive.name} is damaged: ")


def test_export_into_a_missing_folder_writes_no_file_of_its_name(cli: Cli, tmp_path: Path) -> None:
    """The slash at the end says folder."""
    cli.create()
    result = cli.run("export", "latest", f"{tmp_path}/sub/")
    assert result.code == 11
    assert not (tmp_path / "sub").exists()


def test_status_warns_of_a_missing_database(cli: Cli) -> None:
    """In words and as an object; what is known is told all the same."""
    (cli.data_path / "db.sqlite").unlink()
    result = cli.run("status", "--json")
    assert (result.code, result.json["database_problem"]["code"]) == (0, "not_found")
    assert result.err.startswith("warning: There is no database")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_an_unreadable_data_path_is_not_permitted_however_it_is_named(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By option and by environment alike: the user is named, and it is no usage error."""
    # That user may not read this checkout either: what a verb loads has to be loaded before.
    program.main(["--data-path", str(cli.data_path), "list"], standalone_mode=False)
    let_others_in(cli.data_path)
    cli.data_path.chmod(0o700)
    monkeypatch.setenv("KINO_DATA_PATH", str(cli.data_path))

    def ask() -> str:
        messages = []
        for arguments in (["--data-path", str(cli.data_path), "list"], ["list"]):
            # In this process: that user may not run the interpreter of the tests.
            with pytest.raises(NotPermittedError) as caught:
                program.main(arguments, standalone_mode=False)
            messages.append(caught.value.message.partition(" cannot be read by ")[0])
        return " ".join(messages)

    path = cli.data_path
    assert run_as(NOBODY, ask) == f"{path} (from --data-path) {path} (from KINO_DATA_PATH)"


def test_verify_all_counts_damaged_and_unreadable_ones_apart(cli: Cli) -> None:
    """Every backup that is not proven is in the sum."""
    damage(cli.create())
    later = cli.create()
    cli.create()
    later.write_bytes(honest(format=99))
    error = cli.run("verify", "--all", "--json").json["error"]
    assert error["code"] == "archive_damaged"
    assert error["message"] == "1 of 3 backups did not pass, and 1 could not be verified."


def test_prune_says_how_many_stay(cli: Cli) -> None:
    """Not how many would be kept if there were more."""
    manual = cli.create()
    schedule_like(manual, "2026-04-26T03-00-00")
    result = cli.run("prune", "--dry-run")
    assert result.err.splitlines()[0] == (
        "Would remove 0 of 0 scheduled backups made by this program; at most 3 stay."
    )
