"""The timer as plain text: what installing it means. Text from outside is made printable here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kino_backup_tui.presentation.text import printable

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.service_plan import ServicePlan


def timer_question(plan: ServicePlan) -> str:
    """What a timer would do."""
    return (
        f"Every {plan.minutes} minutes this host will run `kino-backup-tui run-due`, as "
        f"{printable(plan.account)}. It makes the backup of the schedule once that is due, and makes up for "
        "one that was missed."
    )


def timer_details(plan: ServicePlan) -> str:
    """What installing it writes, and how it is removed again."""
    files = "\n".join(f"  {printable(str(file))}" for file in plan.files)
    scope = " --user" if plan.user else ""
    return f"Written and enabled:\n{files}\n\n`kino-backup-tui uninstall-service{scope}` removes all of it."
