"""One module a verb: the only doors through which a front end reaches the core."""
