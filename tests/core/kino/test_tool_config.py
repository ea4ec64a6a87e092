"""The tool's own configuration is read only if nobody else can have written it."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from kino_backup_tui.core.errors import InvalidSettingsError
from kino_backup_tui.core.kino.tool_config import (
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
    with pytest.raises(InvalidSettingsError, match='no setting "kino_ulr"; allowed is kino_url'):
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
    """The environment cannot move it."""
    assert tool_config_path({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}) == SYSTEM_CONFIG
