"""One operation at a time, each with a journal that a second terminal can follow."""
