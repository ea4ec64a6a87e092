"""The table of backups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from kino_backup_tui.tui.rows import Order, Row

_COLUMNS = (("Kind", 11), ("Created", 16), ("Age", 9), ("Size", 9), ("Kino", 8), ("State", 14))
_WIDE_COLUMNS = (*_COLUMNS, ("Schema", 6))
_SORTED_COLUMN = {Order.NEWEST: "Created", Order.OLDEST: "Created", Order.LARGEST: "Size", Order.KIND: "Kind"}
_NUMBERS = {"Age", "Size", "Schema"}

Shown = tuple[tuple[Row, ...], Order, int]
"""What a drawing depends on: the rows, their order, the width."""


class BackupTable(DataTable[Text]):
    """Rows of backups, one of them selected; remembers which across refills."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"backup-table--good", "backup-table--bad"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor_down", "Down", show=False, id="list.down"),
        Binding("k", "cursor_up", "Up", show=False, id="list.up"),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, cursor_type="row")
        self._shown: Shown | None = None

    @property
    def selected_key(self) -> str | None:
        """Key of the row under the cursor."""
        if not self.is_valid_row_index(self.cursor_row):
            return None
        return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value

    def show(self, rows: Sequence[Row], order: Order, *, keep_ages: bool = False) -> None:
        """Draw these rows if they differ from those drawn; keep the selected one selected.

        `keep_ages` leaves the table alone if nothing but ages has changed.
        """
        wanted = (tuple(rows), order, self.size.width)
        if wanted == self._shown or (keep_ages and self._shown and _ageless(wanted) == _ageless(self._shown)):
            return
        self._shown = wanted
        selected, index = self.selected_key, self.cursor_row
        self.clear(columns=True)
        columns = self._columns()
        for name, width in columns:
            label = (
                f"{name} {'▲' if order is Order.OLDEST else '▼'}" if _SORTED_COLUMN[order] == name else name
            )
            self.add_column(
                Text(label, justify="right" if name in _NUMBERS else "left"), width=width, key=name
            )
        good, bad = self._style("backup-table--good"), self._style("backup-table--bad")
        for row in rows:
            style = bad if row.bad else good if row.good else ""
            cells = (row.kind, row.created, row.age, row.size, row.kino, row.state, row.schema, row.filename)
            self.add_row(
                *(
                    _cell(text, name, width, style if name == "State" else "")
                    for text, (name, width) in zip(cells, columns, strict=False)
                ),
                key=row.key,
            )
        keys = [row.key for row in rows]
        self.move_cursor(row=keys.index(selected) if selected in keys else min(index, len(keys) - 1))

    def _columns(self) -> tuple[tuple[str, int], ...]:
        used = sum(width + 2 for _, width in _WIDE_COLUMNS)
        rest = self.size.width - used - 3
        return (*_WIDE_COLUMNS, ("File", rest)) if rest >= 20 else _COLUMNS

    def _style(self, name: str) -> Style:
        # The colour alone: with its background a component style would paint over the selected row's.
        return Style(color=self.get_component_rich_style(name).color)


def _ageless(shown: Shown) -> Shown:
    rows, order, width = shown
    return tuple(replace(row, age="") for row in rows), order, width


def _cell(text: str, column: str, width: int, style: Style | str) -> Text:
    cell = Text(text, style=style, justify="right" if column in _NUMBERS else "left", no_wrap=True)
    cell.truncate(width, overflow="ellipsis")
    return cell
