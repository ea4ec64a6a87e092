"""What systemctl prints about kino.service is read as systemd means it."""

from __future__ import annotations

from pathlib import Path

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
        (_unit("", "/usr/bin/podman run -v /srv/kino:/data:Z --rm ghcr.io/k/kino"), "/srv/kino"),
        (
            _unit(
                "",
                "/usr/bin/docker run -e KINO_DATA_PATH=/kino --volume=/srv/a:/data --volume /srv/b:/kino k",
            ),
            "/srv/b",
        ),
        (
            _unit("", "/usr/bin/podman run --mount type=bind,source=/srv/c,target=/data k --data-path /data"),
            "/srv/c",
        ),
        (_unit("", "/usr/bin/podman run -v kino:/data k"), None),
        (_unit("", "/usr/bin/podman start kino"), None),
    ],
)
def test_the_data_path_of_an_installed_unit(shown: str, data_path: str | None) -> None:
    """The command line beats the environment, quotes are taken off, and saying nothing is allowed."""
    unit = parse_unit(shown)
    assert unit is not None
    assert unit.data_path == data_path


@pytest.mark.parametrize("shown", ["", "LoadState=not-found\nEnvironment=\n", "LoadState=masked\n"])
def test_a_unit_that_is_not_loaded_is_none(shown: str) -> None:
    """systemctl answers for units that do not exist, too."""
    assert parse_unit(shown) is None


def test_words_may_be_quoted_in_the_middle() -> None:
    """Quotes group, backslashes take the next character as it is."""
    assert list(split_quoted(r'a "b c" d="e f"g \"h')) == ["a", "b c", "d=e fg", '"h']


def test_a_path_with_spaces_is_put_together_again(tmp_path: Path) -> None:
    """systemctl does not quote arguments; the longest folder that exists is meant."""
    folder = tmp_path / "my own kino"
    folder.mkdir()
    for option in (f"--data-path {folder}", f"--data-path={folder}"):
        command = f"{{ path=/k ; argv[]=/k {option} serve ; ignore_errors=no ; pid=0 }}"
        unit = parse_unit(f"LoadState=loaded\nExecStart={command}\n")
        assert unit is not None
        assert unit.data_path == str(folder)


def test_a_file_of_variables_beats_the_line(tmp_path: Path) -> None:
    """As for systemd itself; its last assignment counts, and a missing file is passed over."""
    variables = tmp_path / "kino.env"
    variables.write_text("# Kino\nKINO_DATA_PATH=/srv/one\nKINO_PORT=80\nKINO_DATA_PATH='/srv/two'\n")
    shown = (
        "LoadState=loaded\nEnvironment=KINO_DATA_PATH=/srv/zero\n"
        f"EnvironmentFiles={variables} (ignore_errors=no)\n"
        f"EnvironmentFiles={tmp_path}/missing (ignore_errors=yes)\n"
    )
    assert parse_unit(shown) == Unit("/srv/two", port=80)


@pytest.mark.parametrize(
    ("value", "port"), [("8081", 8081), ("", None), ("0", None), ("65536", None), ("http", None), ("²", None)]
)
def test_the_port_of_an_installed_unit(value: str, port: int | None) -> None:
    """Only one at which somebody can be asked."""
    assert parse_unit(_unit(f"KINO_PORT={value}", "/usr/bin/kino serve")) == Unit(None, port=port)


@pytest.mark.parametrize(
    ("command", "port"),
    [
        ("/usr/bin/kino serve --port 8081", 8081),
        ("/usr/bin/kino serve --port=8081", 8081),
        ("/usr/bin/kino serve --port 0", None),
        ("/usr/bin/kino serve --port", None),
        ("/usr/bin/docker run -p 9000:8081 k serve --port 8081", 8080),
    ],
)
def test_the_port_of_the_command_line_beats_that_of_the_environment(command: str, port: int | None) -> None:
    """As for Kino; what a container listens at says nothing of this host."""
    unit = parse_unit(_unit("KINO_PORT=8080", command))
    assert unit is not None
    assert unit.port == port


def test_name_and_main_process_are_read() -> None:
    """The name may be another than the one asked for; no process is not process 0."""
    shown = "LoadState=loaded\nId=media.service\nMainPID={}\n"
    assert parse_unit(shown.format(4711)) == Unit(None, "media.service", 4711)
    assert parse_unit(shown.format(0)) == Unit(None, "media.service", None)


def test_the_container_that_a_unit_names_is_known() -> None:
    """With either way to write an option."""
    for option in ("--name=kino", "--name kino"):
        unit = parse_unit(_unit("", f"/usr/bin/docker run --rm {option} -v /srv/kino:/data image"))
        assert unit is not None
        assert (unit.container, unit.data_path) == ("kino", "/srv/kino")
