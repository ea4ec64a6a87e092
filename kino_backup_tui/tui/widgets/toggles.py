"""Check boxes and radio buttons whose state is a sign. Textual's own tell it by colour alone."""

from __future__ import annotations

from textual.widgets import Checkbox, RadioButton


class SignedCheckbox(Checkbox):
    """`[x]` or `[ ]`."""

    BUTTON_LEFT = ""
    BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802
        """The sign for the present value."""
        return "[x]" if self.value else "[ ]"


class SignedRadioButton(RadioButton):
    """`(●)` or `( )`."""

    BUTTON_LEFT = ""
    BUTTON_RIGHT = ""

    @property
    def BUTTON_INNER(self) -> str:  # type: ignore[override]  # noqa: N802
        """The sign for the present value."""
        return "(●)" if self.value else "( )"
