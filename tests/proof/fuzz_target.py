"""The process that atheris takes over: it never comes back, see https://github.com/google/atheris."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["kino_backup_tui.core.archive"]):
    from tests.proof.fuzz import read_one

atheris.Setup(sys.argv, read_one)
atheris.Fuzz()
