"""When two plans of a restore are the same: what was confirmed is what is done."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kino_backup_tui.core.errors import LocationError, NotPermittedError
from kino_backup_tui.core.restore.plan import Change, RestorePlan, Safety, SpaceNeed, State

PLAN = RestorePlan(
    operation="restore",
    source=Path("/backups/a.tar.gz"),
    data_path=Path("/kino"),
    replaced=("db.sqlite", "config.toml"),
    arriving=("db.sqlite", "secrets"),
    backup=State(schema_version=1),
    now=State(schema_version=2),
    supervisor="kino.service",
    controls=True,
    running=True,
    safety=Safety.BACKUP,
    safety_location=Path("/backups"),
    archive_sha256="aa",
    after="ffffffffffffffff",
)


@pytest.mark.parametrize(
    "changes",
    [
        {"operation": "rollback"},
        {"data_path": Path("/other")},
        {"layout": "kino-0.3"},
        {"archive_sha256": "bb"},
        {"archive_sha256": ""},
        {"after": ""},
        {"replaced": ("db.sqlite",)},
        {"replaced": ("db.sqlite", "config.toml", "db.sqlite-journal")},
        {"arriving": ("db.sqlite",)},
        {"backup": State(schema_version=3)},
        {"now": State(schema_version=None)},
        {"supervisor": "container kino"},
        {"controls": False},
        {"safety": Safety.NONE},
        {"blockers": (LocationError("It is gone."),)},
    ],
    ids=str,
)
def test_a_plan_that_does_something_else_is_another(changes: dict[str, Any]) -> None:
    """Whoever has confirmed the first has not confirmed the second."""
    assert replace(PLAN, **changes).fingerprint != PLAN.fingerprint


def test_a_set_of_kept_files_is_told_by_its_folder() -> None:
    """It has no digest."""
    kept = replace(PLAN, archive_sha256="")
    assert replace(kept, source=Path("/elsewhere")).fingerprint != kept.fingerprint


@pytest.mark.parametrize(
    "changes",
    [
        {"source": Path("/copies/a.tar.gz")},
        {"running": False},
        {"replaced": ("config.toml", "db.sqlite-shm", "db.sqlite", "db.sqlite-wal")},
        {"arriving": ("secrets", "db.sqlite")},
        {"backup": State(datetime(2026, 4, 26, tzinfo=UTC), schema_version=1, tables={"film": 1})},
        {"now": State(schema_version=2, tables={"film": 21}, host="nas01")},
        {"space": (SpaceNeed("Staging", Path("/kino"), 1, 2),)},
        {"changes": (Change("server.port", "80", "81"),)},
        {"warnings": ("It is late.",)},
        {"safety_location": None},
    ],
    ids=str,
)
def test_what_changes_while_kino_runs_makes_no_other_plan(changes: dict[str, Any]) -> None:
    """Its log, its rows, the room on its disk; nor does a copy of the very same archive."""
    assert replace(PLAN, **changes).fingerprint == PLAN.fingerprint


def test_reasons_against_it_have_no_order() -> None:
    """Found in another one, they are the same."""
    reasons = (LocationError("It is gone."), NotPermittedError("It is not yours."))
    there, back = (replace(PLAN, blockers=each) for each in (reasons, reasons[::-1]))
    assert there.fingerprint == back.fingerprint
