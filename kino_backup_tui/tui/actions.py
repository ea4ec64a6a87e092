"""What can be done on the page: the one list behind keys, key bar, command palette and help."""

from __future__ import annotations

from typing import NamedTuple

from textual.binding import Binding


class Action(NamedTuple):
    """One thing to do."""

    id: str
    """Stable name, for keymaps."""
    keys: str
    """As Textual writes them, comma between alternatives; empty if only the palette offers it."""
    shown_key: str
    """The key as people read it."""
    action: str
    label: str
    """In the key bar; empty to leave it out."""
    command: str
    """In the palette and the help: verb first."""
    tooltip: str

    def binding(self) -> Binding:
        """The keys of this action, bound."""
        return Binding(
            self.keys,
            self.action,
            self.label or self.command,
            show=bool(self.label),
            key_display=self.shown_key,
            tooltip=self.tooltip,
            id=self.id,
        )


# fmt: off
PAGE_ACTIONS = (
    Action("backup.create", "b", "b", "back_up", "Back up", "Back up now",
           "Create a manual backup and verify it"),
    Action("backup.restore", "r", "r", "restore", "Restore", "Restore selected backup",
           "Shows what it does, then asks"),
    Action("restore.undo", "u", "u", "undo", "Undo", "Undo last restore",
           "Back to the state from before it"),
    Action("restore.file", "f", "f", "restore_file", "From file", "Restore from a file",
           "An archive from anywhere"),
    Action("backup.verify", "v", "v", "verify", "Verify", "Verify selected backup",
           "Read it to its end, prove every byte"),
    Action("schedule.edit", "s", "s", "schedule", "Schedule", "Edit schedule",
           "When, how many are kept, where"),
    Action("app.help", "question_mark,f1", "?", "help", "Help", "Show help",
           "Every key, what the words mean"),
    Action("backup.delete", "d,delete", "d", "delete", "Delete", "Delete selected backup",
           "Asks before it does"),
    Action("backup.export", "e", "e", "export", "Export", "Export selected backup",
           "Copy it to another place"),
    Action("backup.import", "i", "i", "import_file", "Import", "Import backup from a file",
           "Verify an archive and add it"),
    Action("list.filter", "slash", "/", "filter", "Filter", "Filter list",
           "By words, kind, date, version, state"),
    Action("list.sort", "o", "o", "sort", "Sort", "Sort list",
           "Newest, oldest, largest, by kind"),
    Action("app.quit", "q", "q", "app.leave", "Quit", "Quit",
           "A restore that runs goes on"),
    Action("backup.show", "enter", "Enter", "show_details", "Details", "Show selected backup",
           "Contents, digests, why it is kept"),
    Action("restore.settle", "", "", "settle_restore", "", "Finish or undo interrupted restore",
           "Says what it will do, then asks"),
    Action("job.watch", "w", "w", "watch", "Watch", "Watch running job",
           "What another process is doing"),
    Action("problem.show", "p", "p", "problem", "Problem", "Show problem",
           "In full, and what to do about it"),
    Action("schedule.timer", "t", "t", "install_timer", "Timer", "Install timer",
           "Has this host run the schedule"),
    Action("list.reload", "f5", "F5", "reload", "", "Reload list",
           "Look at the disk again"),
    Action("filter.clear", "escape", "Esc", "clear_filter", "", "Clear filter",
           "Show every backup again"),
    Action("app.theme", "", "", "app.change_theme", "", "Change theme",
           "Choose other colours"),
)
# fmt: on
"""Most important first: that is the order in which the key bar fills the width there is."""
