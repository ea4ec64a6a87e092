"""What doctor prints, and what it exits with."""

from __future__ import annotations

import json
import os
import shutil

import pytest

from tests.cli.harness import Cli, run

STATES = {"ok", "warn", "fail", "skipped"}


def test_the_table_has_a_line_for_each_check_and_below_it_what_to_do(cli: Cli) -> None:
    """With a sign and a word for how it went."""
    cli.create()
    result = cli.run("doctor")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert any(line.startswith("✓ ok        database       ") for line in lines)
    index = next(number for number, line in enumerate(lines) if line.startswith("! warn      disk "))
    assert lines[index + 1].startswith("                           Choose a folder on another disk: ")


def test_json_is_one_array(cli: Cli) -> None:
    """A code goes only with a failure."""
    result = cli.run("doctor", "--json")
    assert result.code == 0
    checks = json.loads(result.out)
    assert {"name", "status", "text", "hint"} == set(checks[0])
    assert {check["status"] for check in checks} <= STATES
    assert all("code" not in check for check in checks)


def test_the_first_failure_gives_the_exit_code(cli: Cli) -> None:
    """Here that of settings that are not valid, before that of a location that is gone."""
    config = cli.data_path / "config.toml"
    config.write_text('[backup]\nlocation = "/nowhere"\n')
    gone = cli.run("doctor", "--json")
    assert gone.code == 11
    assert next(check for check in gone.json if check["status"] == "fail")["code"] == "location_unavailable"
    config.write_text("[backup]\nkeep = 0\n")
    assert cli.run("doctor").code == 12


@pytest.mark.skipif(shutil.which("setpriv") is None or os.geteuid() != 0, reason="needs root's capabilities")
def test_root_that_may_not_see_all_processes_is_not_told_to_be_root(cli: Cli) -> None:
    """As in a container, which has less than all capabilities (capabilities(7), CAP_SYS_PTRACE)."""
    lesser = ["setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace"]
    result = run([*lesser, *cli.arguments("doctor", "--json")])
    kino = next(check for check in result.json if check["name"] == "kino")
    assert "root may not look into every process" in kino["text"]
    assert kino["hint"] == (
        "Even root may not look into every process here, as in a container: run it on the host itself."
    )
