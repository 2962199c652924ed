"""Which event makes which letter, and the life of a message. Plain Python: no I/O, no clock, no chance."""
