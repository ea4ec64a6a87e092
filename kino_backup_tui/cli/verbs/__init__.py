"""One module a verb, each with a click `command`; what only one verb needs is imported inside it."""
