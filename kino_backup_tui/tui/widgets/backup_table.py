"""The table of backups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable

from kino_backup_tui.tui.rows import Order, Row

Columns = tuple[tuple[str, int], ...]
"""Names and widths, from left to right."""

_COLUMNS: Columns = (("Kind", 11), ("Created", 16), ("Age", 9), ("Size", 9), ("Kino", 8), ("State", 14))
_WIDE_COLUMNS: Columns = (*_COLUMNS, ("Schema", 6))
_NAMES = (*(name for name, _ in _WIDE_COLUMNS), "File")
_FIRST_TO_GO = ("Kino", "Age")
"""Columns that a narrow terminal does without; the age is told by the date as well."""
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
        # Textual's own move to the first and the last column, which a selected row does not show.
        Binding("home,ctrl+home", "scroll_top", "First", show=False, id="list.first"),
        Binding("end,ctrl+end", "scroll_bottom", "Last", show=False, id="list.last"),
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
        wanted = (tuple(rows), order, self._width)
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
            by_name = dict(zip(_NAMES, cells, strict=True))
            self.add_row(
                *(
                    _cell(by_name[name], name, width, style if name == "State" else "")
                    for name, width in columns
                ),
                key=row.key,
            )
        keys = [row.key for row in rows]
        self.move_cursor(row=keys.index(selected) if selected in keys else min(index, len(keys) - 1))

    @property
    def _width(self) -> int:
        # As wide as the screen, also before the first layout, which gives it its size.
        return self.size.width or self.app.size.width

    def _columns(self) -> Columns:
        rest = self._width - _used(_WIDE_COLUMNS) - 3
        if rest >= 20:
            return (*_WIDE_COLUMNS, ("File", rest))
        columns = _COLUMNS
        for name in _FIRST_TO_GO:
            if _used(columns) > self._width:
                columns = tuple(column for column in columns if column[0] != name)
        return columns

    def _style(self, name: str) -> Style:
        # The colour alone: with its background a component style would paint over the selected row's.
        return Style(color=self.get_component_rich_style(name).color)


def _used(columns: Columns) -> int:
    return sum(width + 2 for _, width in columns)


def _ageless(shown: Shown) -> Shown:
    rows, order, width = shown
    return tuple(row._replace(age="") for row in rows), order, width


def _cell(text: str, column: str, width: int, style: Style | str) -> Text:
    cell = Text(text, style=style, justify="right" if column in _NUMBERS else "left", no_wrap=True)
    cell.truncate(width, overflow="ellipsis")
    return cell
