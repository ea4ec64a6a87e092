"""The examples of README, as printed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.process import server
from tests.cli.harness import clean_environ, write_kino
from tests.test_docs import section


@pytest.mark.skipif(not all(map(shutil.which, ("curl", "jq"))), reason="curl and jq are not installed")
def test_the_examples_with_curl_do_what_they_say(tmp_path: Path) -> None:
    """In their order, in one shell, each without a failure."""
    kino = write_kino(tmp_path / "kino")
    assert kino.run("schedule", "set", "--frequency", "off").code == 0
    blocks = [
        block for block in re.findall(r"```sh\n(.*?)```", section("HTTP API"), re.DOTALL) if "curl" in block
    ]
    assert len(blocks) == 2
    command = tmp_path / "bin" / "kino-backup-tui"
    command.parent.mkdir()
    command.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m kino_backup_tui --data-path "{kino.data_path}" "$@"\n'
    )
    command.chmod(0o755)
    shutil.copy(kino.create(), tmp_path / "file.tar.gz")
    with server(kino) as running:
        script = "set -e -o pipefail\n" + "".join(blocks).replace(":8722/", f":{running.port}/")
        # The last one may begin when the one before has ended, and its own end is to be seen.
        script += "kino-backup-tui watch > /dev/null\n"
        path = f"{command.parent}:{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=clean_environ(PATH=path),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    (downloaded,) = tmp_path.glob("kino-backup-*.tar.gz")
    assert downloaded.name in done.stdout
    assert "\nevent: end\n" in done.stdout
    jobs = kino.run("jobs", "--json").json
    assert [(job["operation"], job["outcome"]) for job in jobs if job["operation"] == "restore"] == [
        ("restore", "ok")
    ] * 2
