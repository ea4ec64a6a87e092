"""Backups of the Kino media server, from a terminal."""

__version__ = "0.1.0"
