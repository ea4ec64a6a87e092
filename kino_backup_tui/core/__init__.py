"""Everything the program does, without a word about how it is shown.

Nothing below this package prints, asks, exits or imports a UI library. Front ends call
`kino_backup_tui.core.operations`, one module a verb; everything else is reached through those.

Values are frozen dataclasses. Small records that every run loads are named tuples, which Python defines in a
third of the time: with the modules imported only where they are used, that keeps a listing quick.
"""
