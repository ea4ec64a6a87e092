"""A believable sample Kino: a household library, a small server, a few weeks of backups."""
