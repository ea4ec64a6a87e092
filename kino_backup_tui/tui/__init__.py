"""The screens. Only `tui.terminal` may be imported where Textual must not be loaded."""
