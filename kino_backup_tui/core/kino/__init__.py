"""Kino itself: where it keeps its data, its settings and schema, and whether it is running."""
