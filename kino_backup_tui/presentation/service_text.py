"""The timer as plain text: what installing it means. Text from outside is made printable here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kino_backup_tui.presentation.text import printable

if TYPE_CHECKING:
    from kino_backup_tui.core.operations.service_plan import ServicePlan


def timer_question(plan: ServicePlan, run_due: str) -> str:
    """What a timer would do; `run_due` is the command that it runs."""
    return (
        f"Every {plan.minutes} minutes this host will run `{printable(run_due)}`, as "
        f"{printable(plan.account)}. It makes the backup of the schedule once that is due, and makes up for "
        "one that was missed."
    )


def timer_details(plan: ServicePlan, removal: str) -> str:
    """What installing it writes, and the command that removes it again."""
    files = "\n".join(f"  {printable(str(file))}" for file in plan.files)
    return f"Written and enabled:\n{files}\n\n`{printable(removal)}` removes all of it."
