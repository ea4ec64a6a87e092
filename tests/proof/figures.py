"""What a proof is asked for, and what it answers with: rows of figures, and what it found broken."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Row = Mapping[str, str | int | float]
_MOST_SHOWN = 40


@dataclass(frozen=True)
class Options:
    """How much of a proof to run."""

    only: tuple[str, ...] = ()
    """Names of the cases, as they stand in the first column; all of them if empty."""
    stride: int = 1
    """Every so many points."""
    seed: int = 0
    """Of what is chosen at random."""

    def wants(self, case: str) -> bool:
        """Whether a case was asked for."""
        return not self.only or case in self.only


@dataclass
class Figures:
    """The table of one proof; what is broken is told in full beside it."""

    rows: list[Row] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, **row: str | int | float) -> None:
        """Add a row, and tell it at once: the table comes when all are done."""
        self.rows.append(row)
        sys.stderr.write(f"{row}\n")

    def blame(self, case: str, broken: Mapping[str, int], of: str) -> None:
        """Add what was wrong in one case, with how often; `of` is the plural of what it was counted in."""
        self.broken += [f"{case}: {wrong} ({count} {of})" for wrong, count in broken.items()]

    def skip(self, why: str) -> None:
        """Note that this cannot be run here."""
        self.notes.append(f"SKIPPED: {why}")


def table(rows: Sequence[Row]) -> str:
    """Rows as a Markdown table, columns in the order in which they first occur."""
    if not rows:
        return ""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, ["---"] * len(names), *([str(row.get(name, "")) for name in names] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def show(name: str, figures: Figures, *, as_json: bool) -> None:
    """Print the figures of a proof."""
    if as_json:
        document = {
            "proof": name,
            "rows": figures.rows,
            "broken": figures.broken,
            "notes": figures.notes,
        }
        sys.stdout.write(json.dumps(document, separators=(",", ":")) + "\n")
        return
    sys.stdout.write(f"{name}\n\n{table(figures.rows)}")
    for title, lines in (("Broken", figures.broken), ("Notes", figures.notes)):
        if lines:
            sys.stdout.write(f"\n{title}: {len(lines)}\n")
            sys.stdout.write("".join(f"- {line}\n" for line in lines[:_MOST_SHOWN]))
    sys.stdout.flush()
