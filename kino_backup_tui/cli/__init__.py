"""The command line: verbs, what they print, and the codes they exit with."""
