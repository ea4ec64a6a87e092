"""A short cut of the fuzzer; `python -m tests.proof fuzz` goes on for a million runs."""

from __future__ import annotations

import importlib.util

import pytest

from tests.proof.figures import Options
from tests.proof.fuzz import run


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="needs the extra `proof`")
def test_the_reader_refuses_whatever_the_fuzzer_finds() -> None:
    """Two thousand archives of its making: each is refused with an error of ours, or holds what it lists."""
    figures = run(Options(stride=500))

    assert figures.broken == []
    assert figures.rows[0]["runs"] == 2000
