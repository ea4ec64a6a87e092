"""What the plan of a restore says of the time after it: settings that differ, and Kino's first start."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from kino_backup_tui.core.files import open_regular
from kino_backup_tui.core.kino.home import Kino
from kino_backup_tui.core.kino.rows import Rows
from kino_backup_tui.core.kino.toml_file import LARGEST
from kino_backup_tui.core.operations.examine import Examined
from kino_backup_tui.core.operations.present import Present
from kino_backup_tui.core.restore.compare import access_changes, row_changes
from kino_backup_tui.core.restore.first_boot import FirstBoot, library_problem
from kino_backup_tui.core.restore.plan import Change, RestorePlan


def with_first_boot(plan: RestorePlan, boot: FirstBoot | None, *, start_anyway: bool) -> RestorePlan:
    """The plan with what Kino will do; a library that is not there forbids it, unless the admin says not."""
    plan = replace(plan, first_boot=boot)
    problem = library_problem(boot)
    if problem is None:
        return plan
    if start_anyway:
        return replace(plan, warnings=(*plan.warnings, f"{problem.message} It is started all the same."))
    return replace(plan, blockers=(*plan.blockers, problem))


def setting_changes(kino: Kino, present: Present, examined: Examined) -> tuple[Change, ...]:
    """Settings that decide how Kino is reached, or where it finds its files, and differ."""
    in_file = access_changes(_live_config(kino), examined.config)
    return (*in_file, *row_changes(present.rows, examined.rows))


def path_remarks(rows: Rows, present: Present, kino: Kino) -> Iterator[str]:
    """What to say of a database whose paths were written for another host, container or data path.

    They are taken over as they are: which of them hold here is for the admin to say.
    """
    config = (rows.get("config") or [{}])[0]
    noted = config.get("data_path")
    if not isinstance(noted, str) or not noted or present.host.path(noted) == kino.data_path:
        return
    places = [
        str(config[name])
        for name in ("media_library_path", "download_path", "backup_location_path")
        if config.get(name)
    ]
    kept = (
        f" Kino will go on with {', '.join(places)} as they are: correct them in its settings."
        if places
        else ""
    )
    yield f"The database is of a Kino whose data path was {noted}, which is not the one here.{kept}"


def _live_config(kino: Kino) -> bytes | None:
    if kino.layout.config is None:
        return None
    try:
        with open_regular(kino.config_file, follow=True) as stream:
            return stream.read(LARGEST + 1)
    except OSError:
        return None
