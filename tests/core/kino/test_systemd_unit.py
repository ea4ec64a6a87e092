"""What systemctl prints about kino.service is read as systemd means it."""

from __future__ import annotations

import pytest

from kino_backup_tui.core.kino.systemd_unit import Unit, parse_unit, split_quoted

PACKAGED = """\
LoadState=loaded
Environment=KINO_DATA_PATH=/var/lib/kino KINO_PORT=80 RUST_LOG=info
ExecStart={ path=/usr/bin/kino ; argv[]=/usr/bin/kino serve ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }
"""  # noqa: E501


def _unit(environment: str, command: str) -> str:
    return (
        f"ExecStart={{ path=/usr/bin/kino ; argv[]={command} ; ignore_errors=no ; start_time=[n/a] }}\n"
        f"Environment={environment}\nLoadState=loaded\n"
    )


@pytest.mark.parametrize(
    ("shown", "data_path"),
    [
        (PACKAGED, "/var/lib/kino"),
        (_unit('"KINO_DATA_PATH=/srv/my media/kino" A=1', "/usr/bin/kino serve"), "/srv/my media/kino"),
        (_unit(r'"KINO_DATA_PATH=/srv/\"a\" \\ \$b"', "/usr/bin/kino serve"), r'/srv/"a" \ $b'),
        (_unit("KINO_DATA_PATH=/a KINO_DATA_PATH=/b", "/usr/bin/kino serve"), "/b"),
        (_unit("KINO_DATA_PATH=/a", "/usr/bin/kino --data-path /b serve"), "/b"),
        (_unit("", "/usr/bin/kino --data-path=/b serve"), "/b"),
        (_unit("", '/usr/bin/kino "--data-path=/srv/my media" serve'), "/srv/my media"),
        (_unit("", '/usr/bin/kino --data-path "/srv/my media" serve'), "/srv/my media"),
        (_unit("", "/usr/bin/kino serve --data-path"), None),
        (_unit("NOT_KINO_DATA_PATH=/a", "/usr/bin/kino serve"), None),
        ("LoadState=loaded\nEnvironment=\n", None),
    ],
)
def test_the_data_path_of_an_installed_unit(shown: str, data_path: str | None) -> None:
    """The command line beats the environment, quotes are taken off, and saying nothing is allowed."""
    assert parse_unit(shown) == Unit(data_path)


@pytest.mark.parametrize("shown", ["", "LoadState=not-found\nEnvironment=\n", "LoadState=masked\n"])
def test_a_unit_that_is_not_loaded_is_none(shown: str) -> None:
    """systemctl answers for units that do not exist, too."""
    assert parse_unit(shown) is None


def test_words_may_be_quoted_in_the_middle() -> None:
    """Quotes group, backslashes take the next character as it is."""
    assert list(split_quoted(r'a "b c" d="e f"g \"h')) == ["a", "b c", "d=e fg", '"h']
