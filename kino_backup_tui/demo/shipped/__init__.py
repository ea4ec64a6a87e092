"""A sample of Kino 0.3 as it is shipped: one database that holds everything, and archives of it."""
