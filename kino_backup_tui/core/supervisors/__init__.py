"""Who starts and stops Kino: one file for each kind of supervisor."""
