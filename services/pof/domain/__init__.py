"""The life of a dossier, its deadline and its place. Plain Python: no I/O, no clock, no chance."""
