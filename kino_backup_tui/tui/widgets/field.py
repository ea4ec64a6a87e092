"""A line of a form: its name, beside it what is to be filled in, and room for a remark on that."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from textual.containers import Horizontal
from textual.content import Content
from textual.dom import DOMNode
from textual.widgets import Input, Static

from kino_backup_tui.core.errors import InvalidSettingsError
from kino_backup_tui.presentation.text import printable

_T = TypeVar("_T")


def labelled(label: str, classes: str = "field") -> Horizontal:
    """The container of a line, for a `with` statement."""
    row = Horizontal(classes=classes)
    row.compose_add_child(Static(label, classes="label"))
    return row


def read_field(
    form: DOMNode, name: str, parse: Callable[[str], _T], remark_of: Callable[[_T], str]
) -> _T | None:
    """What is typed in the field of that id, or None; says in `NAME-remark` what is not allowed.

    `parse` raises `InvalidSettingsError` for that. `remark_of` is what there is to say otherwise; if it is
    empty, the remark that is there stays.
    """
    field = form.query_one(f"#{name}", Input)
    remark = ""
    try:
        value, problem = parse(field.value), ""
        remark = remark_of(value)
    except InvalidSettingsError as error:
        value, problem = None, f"✗ {printable(error.message)}"
    field.set_class(bool(problem), "-refused")
    beside = form.query_one(f"#{name}-remark", Static)
    beside.set_class(bool(problem), "-invalid")
    if problem or remark:
        beside.update(Content(problem or remark))
    return value
