"""The HTTP API: Kino's own endpoints for backups, and those for restores and jobs."""
