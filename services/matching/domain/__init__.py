"""Workplaces, learners' searches, and what makes a match. Plain Python: no I/O, no clock, no chance."""
