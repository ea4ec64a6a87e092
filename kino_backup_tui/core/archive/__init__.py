"""The backup archive: its name, its manifest, how it is written, read and proven."""
