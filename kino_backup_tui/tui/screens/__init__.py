"""One screen a file; each is loaded when it is first opened, so that the page appears at once."""
