"""Mutation testing: each line of what decides is altered, and a test has to notice; it needs mutmut.

What no test notices is a survivor. The known ones are in `judged/GROUP.tsv`, each with a judgement of why it
may live: one line a mutant, with the module, the function, the code before and after, and the judgement, set
apart by tabs. A survivor that is not there counts as broken, one that is there and is noticed now is a note.

The work is done in a copy of the checkout, by the tests that a group names; so they are to be fast ones.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import tomli_w

from tests.proof.figures import Figures, Options
from tests.proof.places import folder_in_memory

_CHECKOUT = Path(__file__).parents[2]
_COPIED = ("kino_backup_tui", "tests", "screenshots", "pyproject.toml", "README.md", "LICENSE")
_MUTMUT = (sys.executable, "-c", "from mutmut.__main__ import cli; cli()")
_PATIENCE = 4.0
_NOTICED = frozenset({"killed", "timeout", "segfault", "caught by type check"})


class Group(NamedTuple):
    """Modules that belong together, and the tests that have to notice."""

    modules: tuple[str, ...]
    """Below `kino_backup_tui/`."""
    tests: tuple[str, ...]
    """Below `tests/`."""
    too_slow: tuple[str, ...] = ()
    """Those of them that are left out: each mutant that lives has to pass all others."""


JUDGED = Path(__file__).parent / "judged"
"""Folder of the judgements."""
GROUPS: Mapping[str, Group] = {
    "schedule": Group(
        ("core/schedule.py",),
        ("core/test_schedule.py", "core/test_due_slot.py"),
        (
            "core/test_due_slot.py::test_ten_years_in_every_zone",
            "core/test_due_slot.py::test_each_change_of_each_zone_at_each_time_of_night[odd years]",
        ),
    ),
    "shipped": Group(
        ("core/shipped_schedule.py", "core/shipped_timetable.py", "core/timetable.py"),
        ("core/test_shipped_schedule.py", "core/test_timetable.py"),
    ),
    "retention": Group(
        ("core/catalog/retention.py", "core/catalog/dates.py"),
        ("core/catalog/test_retention.py", "core/catalog/test_dates.py"),
    ),
    "prune": Group(
        ("core/operations/prune.py",),
        ("core/operations/test_delete_and_prune.py", "core/operations/test_pruning.py"),
    ),
    "restore-files": Group(
        ("core/restore/journal.py", "core/restore/swap.py", "core/restore/folders.py"),
        ("core/restore/test_journal.py", "core/restore/test_swap.py", "core/restore/test_folders.py"),
    ),
    "restore-stage": Group(("core/restore/stage.py",), ("core/restore/test_stage.py",)),
    "restore-compare": Group(("core/restore/compare.py",), ("core/restore/test_compare.py",)),
    "restore-looking": Group(("core/restore/looking.py",), ("core/restore/test_looking.py",)),
    "restore-first-boot": Group(
        ("core/restore/first_boot.py",),
        ("core/restore/test_first_boot.py", "core/restore/test_first_boot_rows.py"),
    ),
    "restore-health": Group(
        ("core/restore/health.py",),
        ("core/restore/test_health.py",),
        ("core/restore/test_health.py::test_new_lines_in_the_log_do_not_give_more_time_for_ever",),
    ),
}
"""Names of groups, for `--only`."""


class Mutant(NamedTuple):
    """An alteration, told by what it alters: the numbers that mutmut gives change with each edit."""

    module: str
    function: str
    before: str
    after: str


def run(options: Options) -> Figures:
    """Alter the groups, one after the other."""
    figures = Figures()
    for name, group in GROUPS.items():
        if options.wants(name):
            alter(name, group, figures)
    return figures


def alter(name: str, group: Group, figures: Figures) -> None:
    """Alter one group; what becomes of it is added to the figures."""
    started = time.monotonic()
    with folder_in_memory() as folder:
        _copy(folder, group)
        done = _mutmut(folder, "run")
        if "No module named 'mutmut'" in done.stdout:
            figures.broken.append("mutmut is not installed: pip install -e '.[dev,proof]'")
            return
        if done.returncode:
            figures.broken.append(f"{name}: mutmut ended with {done.returncode}: {done.stdout[-3000:]}")
            return
        found = _results(_mutmut(folder, "results", "--all", "true").stdout)
        living = Counter(
            _mutant(mutmuts_name, _mutmut(folder, "show", mutmuts_name).stdout)
            for mutmuts_name, state in found.items()
            if state not in _NOTICED
        )
    judged = Counter(mutant for mutant, _ in judgements(name))
    figures.broken += [f"{name}: nobody notices {_told(mutant)}" for mutant in (living - judged).elements()]
    figures.notes += [
        f"{name}: judged, and noticed now: {_told(one)}" for one in (judged - living).elements()
    ]
    figures.add(
        group=name,
        mutants=len(found),
        noticed=len(found) - living.total(),
        judged=(living & judged).total(),
        minutes=round((time.monotonic() - started) / 60, 1),
    )


def judgements(name: str) -> Iterator[tuple[Mutant, str]]:
    """The survivors of a group that are known, and why each may live."""
    file = JUDGED / f"{name}.tsv"
    if file.exists():
        for line in file.read_text().splitlines():
            *mutant, judgement = line.split("\t")
            yield Mutant(*mutant), judgement


def _copy(folder: Path, group: Group) -> None:
    """The checkout without its history and its caches, with the settings of mutmut."""
    for name in _COPIED:
        source = _CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, folder / name)
    settings = {
        "source_paths": ["kino_backup_tui"],
        "only_mutate": [f"kino_backup_tui/{module}" for module in group.modules],
        "also_copy": list(_COPIED),
        # What hypothesis tries is the same each time, so that a survivor is.
        "pytest_add_cli_args": [
            "--hypothesis-seed=0",
            *(f"--deselect=tests/{test}" for test in group.too_slow),
        ],
        "pytest_add_cli_args_test_selection": [f"tests/{test}" for test in group.tests],
        # So many times as long as without an alteration; some alterations never come to an end.
        "timeout_multiplier": _PATIENCE,
    }
    with (folder / "pyproject.toml").open("a") as file:
        file.write("\n" + tomli_w.dumps({"tool": {"mutmut": settings}}))


def _mutmut(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*_MUTMUT, *arguments], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def _results(told: str) -> dict[str, str]:
    """What has become of each mutant, by the name that mutmut gives it."""
    return dict(re.findall(r"^    (\S+): (.+)$", told, re.MULTILINE))


def _mutant(name: str, told: str) -> Mutant:
    """From mutmut's name of it, and the difference that mutmut shows."""
    module, _, mangled = name.rpartition(".")
    function = re.sub(r"__mutmut_\d+$", "", mangled).removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
    lines = told.splitlines()
    return Mutant(module.removeprefix("kino_backup_tui."), function, _side(lines, "-"), _side(lines, "+"))


def _side(lines: Iterable[str], sign: str) -> str:
    """The lines of one side of a difference, in one."""
    kept = (line for line in lines if line.startswith(sign) and not line.startswith(sign * 3))
    return " ".join(line[1:].strip() for line in kept)


def _told(mutant: Sequence[str]) -> str:
    return "\t".join(mutant)
