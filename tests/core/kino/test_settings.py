"""Kino's backup settings are read strictly and written without touching anything else."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import time
from pathlib import Path

import pytest
import tomli_w  # noqa: F401 - loaded while root may still read it; the tests below give up root's rights

from kino_backup_tui.core.errors import InvalidSettingsError, KinoBackupError, NotPermittedError
from kino_backup_tui.core.files import Owner
from kino_backup_tui.core.kino.settings import (
    BackupSettings,
    Frequency,
    load_settings,
    parse_keep,
    parse_location,
    parse_time,
    save_settings,
)

Nobody = Callable[[], AbstractContextManager[None]]

COMMENTED = b"""\
# Kino of the living room
listen_port = 8080     # behind the proxy
motd = '''
[backup]
keep = 99
'''

[backup]   # nightly
  time="02:15"# before the tape
keep   =   14
colour = "blue" # not ours

[backup.extra]
keep = 1
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where config.toml will be."""
    return tmp_path / "config.toml"


@pytest.mark.parametrize("text", [None, "", "listen_port = 80\n", "[backup]\n", "\ufeff[backup]\nkeep = 7\n"])
def test_what_is_not_said_has_its_default(config: Path, text: str | None) -> None:
    """Backups are on, daily at 03:00, seven of them kept, without any set-up."""
    if text is not None:
        config.write_text(text)
    assert load_settings(config) == BackupSettings(True, Frequency.DAILY, time(3, 0), 7, "")


def test_every_key_is_read(config: Path) -> None:
    """All five keys arrive."""
    config.write_text(
        '[backup]\nenabled = false\nfrequency = "monthly"\ntime = "23:59"\nkeep = 365\nlocation = "/n [1]"\n'
    )
    assert load_settings(config) == BackupSettings(False, Frequency.MONTHLY, time(23, 59), 365, "/n [1]")


@pytest.mark.parametrize(
    ("line", "value", "allowed"),
    [
        ('enabled = "yes"', '"yes"', "true or false"),
        ("enabled = 1", "1", "true or false"),
        ('frequency = "Daily"', '"Daily"', '"daily", "weekly", "monthly" or "off"'),
        ("frequency = 1", "1", '"daily"'),
        ('time = "3:00"', '"3:00"', '"00:00" to "23:59"'),
        ('time = "24:00"', '"24:00"', '"00:00" to "23:59"'),
        ('time = "03:00\\n"', '"03:00\\n"', '"00:00" to "23:59"'),
        ("time = 03:00:00", '"03:00:00"', '"00:00" to "23:59"'),
        ("keep = 0", "0", "from 1 to 365"),
        ("keep = 366", "366", "from 1 to 365"),
        ("keep = true", "true", "from 1 to 365"),
        ("keep = 7.0", "7.0", "from 1 to 365"),
        ('keep = "7"', '"7"', "from 1 to 365"),
        ('location = "backups"', '"backups"', "an absolute path"),
        ('location = "~/backups"', '"~/backups"', "an absolute path"),
        ('location = "/a\\u0000b"', '"/a\\u0000b"', "without control characters"),
        ("location = 3", "3", "an absolute path"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(config: Path, line: str, value: str, allowed: str) -> None:
    """The message has file, key, value and the rule."""
    config.write_text(f"[backup]\n{line}\n")
    with pytest.raises(InvalidSettingsError) as caught:
        load_settings(config)
    key = line.split(" ")[0]
    assert caught.value.message.startswith(f"{config}: backup.{key} is {value}; allowed is ")
    assert allowed in caught.value.message
    assert f"save the schedule with another {key}" in caught.value.hint


def test_a_bad_value_that_is_about_to_be_replaced_is_no_obstacle(config: Path) -> None:
    """Only the key that gets another value is passed over; a bad one that stays is still an error."""
    config.write_text('[backup]\nkeep = 0\ntime = "25:00"\nfrequency = "off"\n')
    settings = load_settings(config, replaced=("keep", "time"))
    assert settings == BackupSettings(frequency=Frequency.OFF)
    with pytest.raises(InvalidSettingsError, match=r"backup\.time"):
        load_settings(config, replaced=("keep",))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[backup\n", "not valid TOML"),
        (b"a = 1\nb = '\xff'\n", "not UTF-8 text (line 2)"),
        (b"backup = 7\n", "backup is 7; allowed is a table"),
        (b"[[backup]]\n", "allowed is a table"),
        (b"a = " + b"[" * 5000, "nested too deeply"),
        (b"#" * (2 << 20), "larger than 1 MiB"),
    ],
    ids=["syntax", "encoding", "number", "array of tables", "nesting", "size"],
)
def test_a_file_that_cannot_be_understood_is_named(config: Path, content: bytes, reason: str) -> None:
    """Neither reading nor saving guesses, and saving leaves the bytes alone."""
    config.write_bytes(content)
    for attempt in (lambda: load_settings(config), lambda: save_settings(config, BackupSettings(keep=3))):
        with pytest.raises(InvalidSettingsError) as caught:
            attempt()
        assert str(config) in caught.value.message
        assert reason in caught.value.message
    assert config.read_bytes() == content


def test_a_folder_or_a_pipe_in_its_place_is_an_error(config: Path) -> None:
    """A named pipe does not make the program wait for ever."""
    os.mkfifo(config)
    with pytest.raises(InvalidSettingsError, match="not a regular file"):
        load_settings(config)
    config.unlink()
    config.mkdir()
    with pytest.raises(InvalidSettingsError, match="cannot be read: Is a directory"):
        load_settings(config)


def test_an_unreadable_file_names_the_user(public_path: Path, nobody: Nobody, unprivileged_name: str) -> None:
    """Who may not read it learns as whom they tried."""
    config = public_path / "config.toml"
    config.write_text("[backup]\n")
    config.chmod(0)
    with nobody(), pytest.raises(InvalidSettingsError, match=f"cannot be read by {unprivileged_name}"):
        load_settings(config)


@pytest.mark.parametrize(
    ("settings", "line", "changed"),
    [
        (BackupSettings(time=time(2, 15), keep=30), b"keep   =   14", b"keep   =   30"),
        (BackupSettings(time=time(4, 0), keep=14), b'time="02:15"#', b'time="04:00"#'),
        (
            BackupSettings(time=time(2, 15), keep=14, location="/mnt/ä"),
            b'"blue" # not ours\n',
            '"blue" # not ours\nlocation = "/mnt/ä"\n'.encode(),
        ),
    ],
)
def test_saving_changes_only_what_changed(
    config: Path, settings: BackupSettings, line: bytes, changed: bytes
) -> None:
    """One line differs, and the file then says the settings."""
    config.write_bytes(COMMENTED)
    save_settings(config, settings)
    assert config.read_bytes() == COMMENTED.replace(line, changed)
    assert load_settings(config) == settings


def test_saving_what_is_there_does_not_touch_the_file(config: Path) -> None:
    """The same settings keep the same file, by inode and time."""
    config.write_bytes(COMMENTED)
    before = config.stat()
    save_settings(config, load_settings(config))
    assert config.stat() == before


@pytest.mark.parametrize("form", ["\ufeff[backup]\r\nkeep = 3\r\n# end", "\ufeffbackup = { keep = 3 }"])
def test_a_byte_order_mark_and_line_endings_stay(config: Path, form: str) -> None:
    """A file from a Windows editor stays one."""
    config.write_bytes(form.encode())
    save_settings(config, BackupSettings(keep=4))
    assert config.read_bytes() == form.replace("keep = 3", "keep = 4").encode()


def test_a_default_is_written_only_over_another_value(config: Path) -> None:
    """Going back to the default changes the key that is there and adds none."""
    config.write_text("[backup]\nkeep = 30\n")
    save_settings(config, BackupSettings())
    assert config.read_text() == "[backup]\nkeep = 7\n"


def test_saving_repairs_an_invalid_value(config: Path) -> None:
    """A value that is not allowed can be replaced from here."""
    config.write_text("[backup]\nkeep = true # all\ntime = 03:00:00\n")
    save_settings(config, BackupSettings(keep=1))
    assert config.read_text() == '[backup]\nkeep = 1 # all\ntime = "03:00"\n'


def test_a_new_file_is_private_and_has_only_what_was_chosen(config: Path) -> None:
    """It is 0600 under any umask and belongs to the folder's owner."""
    previous = os.umask(0)
    try:
        save_settings(config, BackupSettings(frequency=Frequency.WEEKLY))
    finally:
        os.umask(previous)
    assert config.read_text() == '[backup]\nfrequency = "weekly"\n'
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert config.stat().st_uid == config.parent.stat().st_uid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owner_and_mode_stay(config: Path) -> None:
    """Kino's user can still read the file after root saved it, and a new one is given to that user."""
    config.write_text("[backup]\nkeep = 3\n")
    os.chown(config, 1234, 5678)
    config.chmod(0o640)
    save_settings(config, BackupSettings(keep=4))
    status = config.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (1234, 5678, 0o640)

    config.unlink()
    save_settings(config, BackupSettings(keep=4), Owner(1234, 5678))
    assert (config.stat().st_uid, config.stat().st_gid) == (1234, 5678)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a file of another user")
def test_a_file_that_would_change_hands_is_left_alone(public_path: Path, nobody: Nobody) -> None:
    """Whoever cannot give the new file to Kino's user must not replace the old one."""
    public_path.chmod(0o777)
    config = public_path / "config.toml"
    config.write_text("[backup]\nkeep = 3\n")
    config.chmod(0o644)
    with nobody(), pytest.raises(NotPermittedError):
        save_settings(config, BackupSettings(keep=4))
    assert config.read_text() == "[backup]\nkeep = 3\n"
    assert [path.name for path in public_path.iterdir()] == ["config.toml"]


def test_a_link_is_written_through(tmp_path: Path, config: Path) -> None:
    """The link stays a link and its target changes."""
    target = tmp_path / "etc" / "kino.toml"
    target.parent.mkdir()
    target.write_text("[backup]\nkeep = 3\n")
    config.symlink_to("etc/kino.toml")
    save_settings(config, BackupSettings(keep=4))
    assert config.is_symlink()
    assert target.read_text() == "[backup]\nkeep = 4\n"


def test_a_link_to_nothing_is_not_a_missing_file(config: Path) -> None:
    """Settings on a disk that is not mounted are unknown, not the defaults, and nothing is created."""
    config.symlink_to("unmounted/kino.toml")
    for attempt in (lambda: load_settings(config), lambda: save_settings(config, BackupSettings(keep=3))):
        with pytest.raises(InvalidSettingsError, match="a link to a file that is not there"):
            attempt()
    assert config.is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a link of another user")
def test_a_planted_link_to_another_users_file_is_refused(tmp_path: Path, config: Path) -> None:
    """Root does not write where Kino's user could not."""
    target = tmp_path / "system.toml"
    target.write_text("[backup]\nkeep = 3\n")
    config.symlink_to(target)
    os.lchown(config, 1234, 1234)
    with pytest.raises(NotPermittedError, match="another user's file"):
        save_settings(config, BackupSettings(keep=4))
    assert target.read_text() == "[backup]\nkeep = 3\n"


def test_a_key_written_as_a_table_is_left_to_the_admin(config: Path) -> None:
    """What cannot be changed in place says so, and the file stays."""
    config.write_text("[backup.time]\nhour = 3\n")
    with pytest.raises(InvalidSettingsError, match="was left as it is"):
        save_settings(config, BackupSettings())
    assert config.read_text() == "[backup.time]\nhour = 3\n"


@pytest.mark.parametrize(
    "settings", [BackupSettings(keep=0), BackupSettings(location="nas"), BackupSettings(location="/\udcff")]
)
def test_settings_that_are_not_allowed_are_not_written(config: Path, settings: BackupSettings) -> None:
    """What could not be read back is refused before the file is touched."""
    with pytest.raises(InvalidSettingsError):
        save_settings(config, settings)
    assert not config.exists()


def test_a_folder_that_is_gone_is_a_named_error(tmp_path: Path) -> None:
    """Saving below a missing folder is one of our errors."""
    with pytest.raises(KinoBackupError, match="gone"):
        save_settings(tmp_path / "gone" / "config.toml", BackupSettings(keep=3))


def test_what_a_person_types_is_read_by_the_same_rules(tmp_path: Path) -> None:
    """Spaces around are forgiven, everything else is as in the file."""
    assert parse_time(" 03:05 ") == time(3, 5)
    assert parse_keep(" 007") == 7
    assert parse_location("") == ""
    assert parse_location(str(tmp_path)) == str(tmp_path)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (parse_time, "3", 'time is "3"; allowed is a time from "00:00" to "23:59".'),
        (parse_time, "٠٣:٠٠", 'time is "٠٣:٠٠"; allowed is a time from "00:00" to "23:59".'),
        (parse_keep, "0", 'keep is "0"; allowed is a whole number from 1 to 365.'),
        (parse_keep, "1_0", 'keep is "1_0"; allowed is a whole number from 1 to 365.'),
        (parse_keep, "", 'keep is ""; allowed is a whole number from 1 to 365.'),
        (
            parse_location,
            "relx",
            'location is "relx"; allowed is an absolute path, or nothing for the folder backups in Kino\'s '
            "data path.",
        ),
    ],
)
def test_what_a_person_mistypes_says_what_is_allowed(
    parse: Callable[[str], object], text: str, message: str
) -> None:
    """The message names the field, what was typed and the rule."""
    with pytest.raises(InvalidSettingsError) as caught:
        parse(text)
    assert caught.value.message == message


def test_a_saved_file_is_what_a_toml_reader_expects(config: Path) -> None:
    """Quotes and backslashes in a location survive."""
    save_settings(config, BackupSettings(location='/mnt/"a"\\b #[c]'))
    assert tomllib.loads(config.read_text()) == {"backup": {"location": '/mnt/"a"\\b #[c]'}}
