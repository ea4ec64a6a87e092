"""The list of backups: the files are the index."""
