"""The judgements of mutants that may live: a short cut of `python -m tests.proof mutation`."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.proof.figures import Figures
from tests.proof.mutation import GROUPS, JUDGED, Group, alter, judgements

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("group", GROUPS.values(), ids=GROUPS)
def test_a_group_is_of_files_that_are_there(group: Group) -> None:
    """A module that has moved would be altered no more, and nobody would notice."""
    files = [f"kino_backup_tui/{module}" for module in group.modules]
    files += [f"tests/{test.partition('::')[0]}" for test in (*group.tests, *group.too_slow)]

    assert [file for file in files if not (ROOT / file).exists()] == []


@pytest.mark.parametrize("name", GROUPS)
def test_what_is_judged_is_code_that_is_there(name: str) -> None:
    """A judgement is of code as it stands, in a module of its group, and says why."""
    for mutant, judgement in judgements(name):
        module = f"{mutant.module.replace('.', '/')}.py"
        code = (ROOT / "kino_backup_tui" / module).read_text()

        assert module in GROUPS[name].modules
        assert mutant.before in " ".join(code.split())
        assert mutant.before != mutant.after
        assert judgement.strip()


def test_each_file_of_judgements_is_of_a_group() -> None:
    """A group that is renamed takes its judgements along."""
    assert {file.stem for file in JUDGED.iterdir()} <= set(GROUPS)


@pytest.mark.skipif(importlib.util.find_spec("mutmut") is None, reason="needs the extra `proof`")
def test_what_no_test_notices_and_nobody_has_judged_is_broken() -> None:
    """A proof that cannot fail proves nothing: without its tests, what is believed may change."""
    figures = Figures()

    alter("dates", Group(("core/catalog/dates.py",), ("core/catalog/test_dates.py",)), figures)

    assert any(
        line.startswith("dates: nobody notices core.catalog.dates\tDates.believes\t")
        for line in figures.broken
    )
    assert not any("\tknown_dates\t" in line for line in figures.broken)
