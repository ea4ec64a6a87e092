"""The tool's own configuration is read only if nobody else can have written it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import InvalidSettingsError
from kino_backup_tui.core.kino.tool_config import (
    CONFIG_VARIABLE,
    SYSTEM_CONFIG,
    ToolConfig,
    load_tool_config,
    read_tool_config,
    tool_config_path,
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where the configuration will be."""
    return tmp_path / "config.toml"


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o600)


def test_a_missing_or_empty_file_means_the_defaults(config: Path) -> None:
    """Nothing needs to be configured."""
    assert read_tool_config(config) == ToolConfig(None)
    _write(config, "")
    assert read_tool_config(config) == ToolConfig(None)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://nas.example/kino/", "https://nas.example/kino"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_an_address_is_read(config: Path, url: str, kept: str) -> None:
    """With or without a path, without the last slash."""
    _write(config, f'kino_url = "{url}"\n')
    assert read_tool_config(config) == ToolConfig(kept)


@pytest.mark.parametrize(
    "value",
    [
        '"ftp://nas"', '"nas:8080"', '"http://"', '"http://nas:99999"', '"http://nas:0"', '"http://[::1"',
        '"http://u:secret@nas"', '"http://nas/?q"', '"http://nas/#f"',
        '"http://n as"', '"http://n\\nas"', "80",
    ],
)  # fmt: skip
def test_a_bad_address_is_refused_and_not_repeated(config: Path, value: str) -> None:
    """The message names the file and the key; a password in it is not shown."""
    _write(config, f"kino_url = {value}\n")
    with pytest.raises(InvalidSettingsError, match=f"{config}: kino_url must be") as caught:
        read_tool_config(config)
    assert "secret" not in caught.value.message


def test_an_unknown_key_is_refused(config: Path) -> None:
    """A typing mistake does not silently do nothing."""
    _write(config, 'kino_ulr = "http://nas"\n')
    with pytest.raises(
        InvalidSettingsError, match='no setting "kino_ulr"; allowed are kino_url, service, stop_command'
    ):
        read_tool_config(config)


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(config: Path, mode: int) -> None:
    """Group or world, one of them is enough."""
    _write(config, "")
    config.chmod(mode)
    with pytest.raises(InvalidSettingsError, match="can be written by other users"):
        read_tool_config(config)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's file")
def test_a_file_of_another_user_is_refused(config: Path) -> None:
    """Its owner could have written anything."""
    _write(config, "")
    os.chown(config, 1234, 1234)
    with pytest.raises(InvalidSettingsError, match="belongs to another user"):
        read_tool_config(config)


def test_each_user_has_a_place(public_path: Path, nobody: Callable[[], AbstractContextManager[None]]) -> None:
    """Root's is in /etc; anybody else's in their configuration folder, absolute or not used at all."""
    with nobody():
        assert tool_config_path({"HOME": "/h"}) == Path("/h/.config/kino-backup-tui/config.toml")
        assert tool_config_path({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}) == Path(
            "/c/kino-backup-tui/config.toml"
        )
        assert tool_config_path({"HOME": "/h", "XDG_CONFIG_HOME": "c"}) == tool_config_path({"HOME": "/h"})
        assert load_tool_config({"XDG_CONFIG_HOME": str(public_path)}) == ToolConfig(None)


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
def test_roots_place_is_the_systems() -> None:
    """Variables that are about everything else do not move it."""
    assert tool_config_path({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}) == SYSTEM_CONFIG


COMMANDS = 'stop_command = ["docker", "stop", "kino"]\nstart_command = ["/usr/bin/docker", "start", "kino"]\n'


def test_a_service_and_commands_are_read(config: Path) -> None:
    """Each argument stays one, an empty one too."""
    _write(config, f'service = "kino@nas.service"\n{COMMANDS}log_command = ["tail", "-n", "50", ""]\n')
    assert read_tool_config(config) == ToolConfig(
        None,
        "kino@nas.service",
        ("docker", "stop", "kino"),
        ("/usr/bin/docker", "start", "kino"),
        ("tail", "-n", "50", ""),
    )


@pytest.mark.parametrize(
    "value",
    ['"kino"', '""', '".service"', '"-n.service"', '"a b.service"', '"../kino.service"', "1", '["a"]'],
)  # fmt: skip
def test_a_name_that_no_service_has_is_refused(config: Path, value: str) -> None:
    """Neither another unit, nor something that systemctl would take for an option."""
    _write(config, f"service = {value}\n")
    with pytest.raises(InvalidSettingsError, match=f"{config}: service must be the name of a systemd unit"):
        read_tool_config(config)


@pytest.mark.parametrize(
    "value",
    ["[]", '[""]', '"docker stop"', '["docker", 1]', '["bin/stop"]', '["./stop"]', '["stop\\u0000"]', "{}"],
)  # fmt: skip
@pytest.mark.parametrize("key", ["stop_command", "start_command", "log_command"])
def test_what_is_no_command_is_refused(config: Path, key: str, value: str) -> None:
    """A text for a shell is none, nor is a program that depends on the current folder."""
    _write(config, f"{key} = {value}\n")
    with pytest.raises(InvalidSettingsError, match=f"{config}: {key} must be a list of strings"):
        read_tool_config(config)


@pytest.mark.parametrize(
    ("given", "missing"), [("stop_command", "start_command"), ("start_command", "stop_command")]
)
def test_stopping_goes_only_with_starting(config: Path, given: str, missing: str) -> None:
    """One without the other would leave Kino stopped, or replace files below a running one."""
    _write(config, f'{given} = ["true"]\n')
    with pytest.raises(InvalidSettingsError, match=f"has {given}, but not {missing}"):
        read_tool_config(config)


def test_the_environment_can_name_another_file(config: Path) -> None:
    """It counts instead of the usual one, for root as well; a variable without a value is none."""
    _write(config, 'kino_url = "http://nas"\n')
    assert load_tool_config({CONFIG_VARIABLE: str(config)}) == ToolConfig("http://nas")
    assert tool_config_path({CONFIG_VARIABLE: "", "HOME": "/h"}) == tool_config_path({"HOME": "/h"})


def test_a_file_that_is_named_must_be_there(config: Path) -> None:
    """A typing mistake in the variable does not silently mean the defaults."""
    with pytest.raises(
        InvalidSettingsError, match=f"{config}, which {CONFIG_VARIABLE} names, does not exist"
    ):
        load_tool_config({CONFIG_VARIABLE: str(config)})


def test_a_file_that_is_named_must_be_trusted_as_any_other(config: Path) -> None:
    """The variable says where it is, not that it is good."""
    _write(config, "")
    config.chmod(0o666)
    with pytest.raises(InvalidSettingsError, match="can be written by other users"):
        load_tool_config({CONFIG_VARIABLE: str(config)})


def test_a_relative_name_is_refused(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that restores need not start in the same folder."""
    _write(config, "")
    monkeypatch.chdir(config.parent)
    with pytest.raises(InvalidSettingsError, match="must be an absolute path"):
        load_tool_config({CONFIG_VARIABLE: config.name})


def test_a_configuration_can_be_about_one_kino(config: Path, tmp_path: Path) -> None:
    """It says nothing of another one, whose commands these are not; a link to its data path is the same."""
    _write(config, f'data_path = "{tmp_path}/kino"\n{COMMANDS}')
    (tmp_path / "link").symlink_to(tmp_path / "kino")

    read = read_tool_config(config)

    assert read.about(tmp_path / "kino") == read
    assert read.about(tmp_path / "link") == read
    assert read.about(tmp_path / "other") == ToolConfig()


def test_a_configuration_without_a_data_path_is_about_any(config: Path) -> None:
    """Most hosts have one Kino."""
    _write(config, COMMANDS)

    assert read_tool_config(config).about(Path("/srv/kino")) == read_tool_config(config)


@pytest.mark.parametrize("value", ['"kino"', '""', "1", '"/kino\\u0000"'])
def test_a_data_path_that_is_none_is_refused(config: Path, value: str) -> None:
    """It must be absolute."""
    _write(config, f"data_path = {value}\n")
    with pytest.raises(InvalidSettingsError, match=f"{config}: data_path must be an absolute path"):
        read_tool_config(config)


@pytest.mark.parametrize(("value", "taken"), [('"kino"', "kino"), ('"media_kino.1"', "media_kino.1")])
def test_a_container_is_named_as_its_engine_names_it(tmp_path: Path, value: str, taken: str) -> None:
    """By name or id."""
    config = tmp_path / "config.toml"
    config.write_text(f"container = {value}\n")
    assert read_tool_config(config).container == taken


@pytest.mark.parametrize("value", ['"--all"', '"a b"', '""', '"a/b"', "7", '["kino"]'])
def test_what_is_no_name_of_a_container_is_refused(tmp_path: Path, value: str) -> None:
    """It is given to a program, which must not take it for an option."""
    config = tmp_path / "config.toml"
    config.write_text(f"container = {value}\n")
    with pytest.raises(InvalidSettingsError, match="container must be the name of a container"):
        read_tool_config(config)


@pytest.mark.parametrize(
    "url", ["https://hooks.example/T0/s3cret", "http://me:s3cret@nas:8080/x?token=s3cret", "http://[::1]/"]
)
def test_a_web_hook_may_hold_secrets(config: Path, url: str) -> None:
    """In its path, its query, and as user and password."""
    _write(config, f'notify_url = "{url}"\n')
    assert read_tool_config(config).notify_url == url


@pytest.mark.parametrize(
    "value",
    [
        '"ftp://s3cret"', '"s3cret"', '"https://"', '"https://h/#s3cret"',
        '"https://h/s3 cret"', '"http://ä/s3cret"', "8",
    ],
)  # fmt: skip
def test_a_bad_web_hook_is_refused_and_not_repeated(config: Path, value: str) -> None:
    """The message names the file and the key."""
    _write(config, f"notify_url = {value}\n")
    with pytest.raises(InvalidSettingsError, match=f"{config}: notify_url must be") as caught:
        read_tool_config(config)
    assert "s3" not in caught.value.message


def test_the_command_to_notify_is_an_argument_list(config: Path) -> None:
    """As all commands are."""
    _write(config, 'notify_command = ["mail", "-s", "Kino", "root"]\n')
    assert read_tool_config(config).notify_command == ("mail", "-s", "Kino", "root")
    _write(config, 'notify_command = "mail root"\n')
    with pytest.raises(InvalidSettingsError, match="notify_command must be a list"):
        read_tool_config(config)
