"""A restore under a Kino that runs and has somebody who stops and starts it: the sample's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kino_backup_tui.core.clock import SystemClock
from kino_backup_tui.demo.session import DemoKino, demo_session
from tests.cli.harness import Cli, Result


class Sample:
    """The command on a running sample."""

    def __init__(self, demo: DemoKino) -> None:
        self._cli = Cli(demo.data_path)
        self._config = str(demo.config)
        self.settings = demo.data_path / "config.toml"

    def run(self, *verb: str) -> Result:
        """Run a verb to its end."""
        return self._cli.run(*verb, KINO_BACKUP_TUI_CONFIG=self._config)


@pytest.fixture(scope="module")
def sample() -> Iterator[Sample]:
    """A running sample Kino."""
    with demo_session(SystemClock()) as demo:
        yield Sample(demo)


def test_kino_runs_again_on_the_backup(sample: Sample) -> None:
    """Exit code 0 with Kino's own version, proven rows and the way back; another process than before."""
    sample.settings.write_text(sample.settings.read_text() + "# later\n")
    pid = sample.run("status", "--json").json["kino"]["pid"]
    plan = sample.run("restore", "latest", "--dry-run", "--json").json
    assert (plan["kino"]["controls"], plan["kino"]["running"], plan["blockers"]) == (True, True, [])
    result = sample.run("restore", "latest", "--yes", "--json")
    assert result.code == 0, result
    assert (result.json["outcome"], result.json["running"]) == ("ok", True)
    assert result.json["kino_version"]
    assert result.json["tables"] == plan["backup"]["tables"]
    assert "# later" not in sample.settings.read_text()
    after = sample.run("status", "--json").json
    assert after["kino"]["running"] is True
    assert after["kino"]["pid"] not in (None, pid)
    assert after["way_back"] == result.json["way_back"]


def test_a_kino_that_refuses_its_config_runs_on_the_old_one_again(sample: Sample) -> None:
    """Exit code 9: the stage, Kino's last words, and that it runs on the state from before."""
    good = sample.settings.read_text()
    sample.settings.write_text("[server]\nport = 0\n")
    name = sample.run("create", "--json").json["filename"]
    sample.settings.write_text(good)
    result = sample.run("restore", name, "--yes")
    assert result.code == 9, result
    assert "Checking health" in result.err
    assert "port must be a number" in result.err
    assert "is back and Kino runs on it" in result.err
    assert sample.settings.read_text() == good
    status = sample.run("status", "--json").json
    assert (status["kino"]["running"], status["interrupted"]) == (True, None)


def test_a_rollback_brings_the_state_from_before(sample: Sample) -> None:
    """With Kino stopped and started by its supervisor, too."""
    name = sample.run("create", "--json").json["filename"]
    sample.settings.write_text(sample.settings.read_text() + "# once more\n")
    assert sample.run("restore", name, "--yes").code == 0
    assert "# once more" not in sample.settings.read_text()
    result = sample.run("rollback", "--yes", "--json")
    assert (result.code, result.json["running"]) == (0, True)
    assert "# once more" in sample.settings.read_text()
