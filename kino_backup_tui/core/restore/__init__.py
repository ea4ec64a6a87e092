"""Replacing Kino's state by a backup: wholly, or not at all."""
